"""The rows of a training set, as `make dataset` writes them.

Covers: reading and checking `train.jsonl` and `heldout.jsonl`, each fault with its line; the set's
fingerprint. Does not cover: how rows come about (`training.dataset`), and tokens (`tokens`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    try:
        text = path.read_text("utf-8")
    except OSError:
        raise TrainingError(f"{path} is no file: make it with `make dataset`.") from None
    except UnicodeDecodeError:
        raise TrainingError(f"{path} is not UTF-8 text.") from None
    rows: list[Row] = []
    # Not splitlines: a problem may hold U+2028 and its like, which JSON does not escape.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and (most is None or len(rows) < most):
            rows.append(_row(line, f"{path}, line {number}"))
    if not rows:
        raise TrainingError(f"{path} holds no rows: see the counts in {path.parent / CARD}.")
    return rows


def _row(line: str, place: str) -> Row:
    try:
        cells: Any = json.loads(line)
    except ValueError:
        raise TrainingError(f"{place}: this is not JSON.") from None
    if not isinstance(cells, Mapping):
        raise TrainingError(f"{place}: this is no JSON object.")
    values: Mapping[str, Any] = cells  # pyright: ignore[reportUnknownVariableType]
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
