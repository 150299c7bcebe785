"""Transcripts of another program for the tests: generated shapes, made into texts."""

import json

from validation.simulation.generated_shapes import generate


def text_of(shape):
    """Return a text with the shape's blocks, outputs and answer."""
    blocks = (f"So.\n```python\nprint({n})\n```\n```output\n{n}\n```\n" for n in shape.outputs)
    end = f"It is \\boxed{{{shape.answer}}}." if shape.answer else "I give up."
    return "".join(blocks) + end


def write_transcripts(path, problems=5, candidates=48):
    """Write a transcript a candidate and return the path."""
    rows = [
        {"problem_id": problem.id, "gold": str(problem.truth), "text": text_of(shape)}
        for problem in generate(problems, candidates, seed=0)
        for shape in problem.shapes
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path
