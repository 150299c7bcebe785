"""The result file of a benchmark: the form that the README and the model card read.

Covers: where and when it was measured, and writing the file whole or not at all. Does not cover:
what the figures mean; each benchmark says so itself.
"""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.files import write_json
from kernel.engine.cpu import read_cpu

FOLDER = Path(__file__).resolve().parent / "results"


def write_result(
    name: str,
    figures: Mapping[str, float],
    rows: Sequence[Mapping[str, Any]],
    folder: Path = FOLDER,
) -> Path:
    """Write `NAME.json` and return its path.

    Args:
        name: the benchmark's.
        figures: what others read, by name.
        rows: everything else that was measured.
        folder: where it goes; the one whose files the docs show if not given.
    """
    machine = f"{read_cpu()}, load {os.getloadavg()[0]:.1f}"
    result = {
        "machine": f"{machine}, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
        "figures": dict(figures),
        "rows": list(rows),
    }
    path = folder / f"{name}.json"
    write_json(path, result, indent=2)
    return path
