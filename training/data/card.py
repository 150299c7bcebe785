"""Writes a training set to its folder, with the data card beside it.

Covers: rows and test problems as JSON lines, `dataset.json` with sources, licences, counts at each
filter, the rows that are also in validation sets, hashes and the seed; files written whole or not
at all. Does not cover: choosing rows. The same rows give the same bytes: there is no date in it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from common.files import write_json, write_json_lines, write_text
from training.data.families.family import FamilyProblem
from training.data.rows import Row

CARD = "dataset.json"
TRAIN, HELD_OUT = "train.jsonl", "heldout.jsonl"
KNOWN_PROBLEMS, HELD_OUT_PROBLEMS = "problems-known.jsonl", "problems-heldout.jsonl"


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines."""
    write_text(path, "".join(row.line() for row in rows))


def write_problems(path: Path, problems: Iterable[FamilyProblem]) -> None:
    """Write test problems as JSON lines, in the form that `make validate` reads."""
    cells = (
        {"id": p.id, "problem": p.problem, "answer": p.answer, "family": p.family} for p in problems
    )
    write_json_lines(path, cells)


def write_card(folder: Path, card: Mapping[str, Any]) -> Path:
    """Write the data card, with the hash of each file of the set, and return its path."""
    names = (TRAIN, HELD_OUT, KNOWN_PROBLEMS, HELD_OUT_PROBLEMS)
    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in names
        if (folder / name).is_file()
    }
    path = folder / CARD
    write_json(path, {**card, "files": files})
    return path


def recoveries(rows: Sequence[Row]) -> dict[str, Any]:
    """Return how many conversations fix a failed block, and in how many tries."""
    counts = Counter(row.recoveries for row in rows if row.recoveries)
    share = sum(counts.values()) / len(rows) if rows else 0.0
    return {
        "share": round(share, 3),
        "by_failed_blocks": {str(n): counts[n] for n in sorted(counts)},
    }


def print_counts(console: Console, read: int, taken: Mapping[str, int], kept: int) -> None:
    """Print what each filter took."""
    table = Table("filter", "rows", box=None)
    table.columns[1].justify = "right"
    table.add_row("read", f"{read}")
    for name, count in taken.items():
        table.add_row(name, f"-{count}" if count else "0")
    table.add_row("left", f"{kept}")
    console.print(table)
