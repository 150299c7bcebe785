"""The result file of a benchmark, in the form that the README and the model card read.

Covers: where and when it was measured, writing the file whole or not at all, reading it back, and
printing what goes into it. Does not cover: what the figures mean; each benchmark says so itself.
"""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from common.files import write_json
from kernel.engine.cpu import read_cpu
from kernel.engine.gpu import read_gpus

FOLDER = Path(__file__).resolve().parent / "results"

Row = Mapping[str, Any]


class Measurement(NamedTuple):
    """What a benchmark has measured."""

    figures: Mapping[str, float]
    """What others read, by name."""
    rows: Sequence[Row]
    """Everything else."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result file."""

    machine: str
    date: str
    figures: Mapping[str, float]
    rows: Sequence[Row]

    @property
    def where(self) -> str:
        """Where and when it was measured."""
        return f"{self.machine}, {self.date}"


def read_result(path: Path) -> Result:
    """Return what a result file holds."""
    return Result(**json.loads(path.read_text("utf-8")))


def write_result(
    name: str,
    figures: Mapping[str, float],
    rows: Sequence[Row],
    folder: Path = FOLDER,
) -> Path:
    """Write `NAME.json` and return its path.

    Args:
        name: the benchmark's.
        figures: what others read, by name.
        rows: everything else that was measured.
        folder: where it goes; the one whose files the docs show if not given.
    """
    cards = "".join(f"{gpu.name}, " for gpu in read_gpus())
    machine = f"{cards}{read_cpu()}, load {os.getloadavg()[0]:.1f}"
    result = {
        "machine": f"{machine}, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
        "figures": dict(figures),
        "rows": list(rows),
    }
    path = folder / f"{name}.json"
    write_json(path, result, indent=2)
    return path


def print_figures(figures: Mapping[str, float]) -> None:
    """Print a line for each figure."""
    width = max(map(len, figures)) + 2
    for name, value in figures.items():
        print(f"{name:<{width}}{value:>12.8g}")


def print_rows(rows: Sequence[Row]) -> None:
    """Print a line for each row."""
    for row in rows:
        print("  " + ", ".join(f"{name} {value}" for name, value in row.items()))
