"""Synthetic shapes for the simulator's tests: token counts and answers like recorded ones."""

import gzip
import json
import random

from validation.simulation.shapes import Shape, ShapedProblem


def shaped_problem(number, candidates=12, right=0.5, longest=300):
    """Return a problem of which a part of the candidates box its truth."""
    choose = random.Random(f"shaped {number}")
    shapes = []
    for _ in range(candidates):
        rounds = choose.choice((1, 1, 2, 3, 6))
        generated = tuple(choose.randrange(1, longest) for _ in range(rounds))
        outputs = tuple(choose.randrange(0, 20) for _ in range(rounds - 1))
        wrong = str(choose.randrange(5)) if choose.random() < 0.9 else ""
        shapes.append(Shape(generated, outputs, "7" if choose.random() < right else wrong))
    return ShapedProblem(str(number), 7, tuple(shapes))


def shapes_file(folder, problems=2, transcripts=60):
    """Write a file of shapes and return its path."""
    path = folder / "shapes.jsonl.gz"
    with gzip.open(path, "wt") as file:
        for number in range(problems):
            for shape in shaped_problem(number, transcripts).shapes:
                row = {"problem_id": f"p{number}", "gold": 7, "answer": shape.answer}
                counts = {"generated_tokens": shape.generated, "output_tokens": shape.outputs}
                file.write(json.dumps({**row, **counts}) + "\n")
    return path
