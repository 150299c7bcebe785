"""Shapes: how long a candidate's texts were and what it boxed, without the texts.

Covers: reading a file of shapes (JSONL, also gzipped, one transcript per line: `problem_id`,
`gold`, `answer`, `generated_tokens` between outputs, `output_tokens`), and drawing the candidates
of a run's problems from it. Does not cover: shapes where none are recorded (`generated_shapes`),
and what such candidates cost (`engine`).
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.runs.transcripts import rows


class ShapesError(ValueError):
    """A file of shapes that cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One transcript: tokens of each generation, of each output between them, and the answer."""

    generated: tuple[int, ...]
    outputs: tuple[int, ...]
    answer: str
    """What it boxed, as text; "" for nothing."""


@dataclass(frozen=True, slots=True)
class ShapedProblem:
    """One problem of a simulated run with the candidates that it will get."""

    id: str
    truth: int | None
    shapes: tuple[Shape, ...]


def load_shapes(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a file of shapes by problem.

    Raises:
        ShapesError: there is no such file, or it holds other rows.
    """
    if not path.is_file():
        raise ShapesError(
            f"{path} is not there: name a file of trace shapes (JSONL with problem_id, gold, "
            "answer, generated_tokens, output_tokens)."
        )
    by_problem: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(path):
        if missing := {"answer", "generated_tokens", "output_tokens"} - set(row):
            raise ShapesError(f"{path} has rows without {min(missing)}.")
        by_problem[row["problem_id"]].append(row)
    return dict(by_problem)


def draw(
    recorded: Mapping[str, Sequence[Mapping[str, Any]]], problems: int, candidates: int, seed: int
) -> list[ShapedProblem]:
    """Return a run's problems: each a recorded one, with its own sample of that one's transcripts.

    The recorded problems take turns; within one problem no transcript is drawn twice.
    """
    choose = random.Random(seed)
    names = sorted(recorded)
    drawn: list[ShapedProblem] = []
    for number in range(problems):
        found = recorded[names[number % len(names)]]
        if len(found) < candidates:
            raise ShapesError(
                f"{len(found)} transcripts of a problem do not make {candidates} candidates."
            )
        members = choose.sample(list(found), candidates)
        shapes = tuple(
            Shape(tuple(m["generated_tokens"]), tuple(m["output_tokens"]), m["answer"])
            for m in members
        )
        drawn.append(ShapedProblem(f"{number}", members[0]["gold"], shapes))
    return drawn
