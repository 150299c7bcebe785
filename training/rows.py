"""The rows of a training set, as `make dataset` writes them.

Covers: reading and checking `train.jsonl` and `heldout.jsonl`, each fault with its line; the set's
fingerprint. Does not cover: how rows are made (`training.dataset`), and tokens (`tokens`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files
from training.settings import TrainingError

TRAIN = "train.jsonl"
HELDOUT = "heldout.jsonl"
CARD = "dataset.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation: a problem and its solution."""

    problem: str
    solution: str
    """The assistant's whole turn, output blocks included."""
    outputs: tuple[tuple[int, int], ...] = ()
    """Spans of characters in `solution` that the kernel wrote, in order."""


def read_rows(path: Path, most: int | None = None) -> list[Row]:
    """Return the rows of a file, the first `most` of them.

    Raises:
        TrainingError: there is no such file, it is empty, or a row is bad, named by its line.
    """
    if not path.is_file():
        raise TrainingError(f"{path} is not a file: make it with `make dataset`.")
    rows: list[Row] = []
    try:
        for line in files.read_json_lines(path):
            if most is None or len(rows) < most:
                rows.append(_row(line.value, line.place))
    except files.FileError as error:
        raise TrainingError(str(error)) from None
    if not rows:
        raise TrainingError(f"{path} holds no rows: see the counts in {path.parent / CARD}.")
    return rows


def _row(values: Mapping[str, Any], place: str) -> Row:
    for name in ("problem", "solution"):
        if not isinstance(values.get(name), str) or not values[name].strip():
            raise TrainingError(f"{place}: the {name} is missing.")
    spans = _spans(values.get("outputs", []), len(values["solution"]), place)
    return Row(values["problem"], values["solution"], spans)


def _spans(value: Any, length: int, place: str) -> tuple[tuple[int, int], ...]:
    """Return the spans; they must lie in the solution, in order and apart."""
    try:
        spans = tuple((int(start), int(end)) for start, end in value)
    except (TypeError, ValueError):
        raise TrainingError(f"{place}: outputs must be pairs of a start and an end.") from None
    ends = [place for span in spans for place in span]
    if ends != sorted(ends) or any(end < 0 or end > length for end in ends):
        raise TrainingError(f"{place}: the outputs are out of order or outside the solution.")
    return spans


def card(folder: Path) -> dict[str, Any]:
    """Return the data card, {} where there is none."""
    try:
        value: Any = json.loads((folder / CARD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def digest(path: Path) -> str:
    """Return the fingerprint of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
