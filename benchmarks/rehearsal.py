"""Keeps what the last rehearsal found, as a dated result: `make rehearse ...`, then

    make bench-rehearsal

Covers: `benchmarks/results/rehearsal.json`, a row for each run with its checks, votes and seconds,
and what stood in for what. Does not cover: rehearsing; it takes minutes to hours, by the wheels.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.result import Row, write_result
from common.console import console

FOLDER = Path(__file__).resolve().parent.parent / "runs/rehearsal"


def rows(report: Sequence[Row], folder: Path) -> list[Row]:
    """Return a row for each run of a rehearsal.

    Args:
        report: what the rehearsal wrote into report.json.
        folder: where it did, beside the runs' own folders.
    """
    found: list[Row] = []
    for run in report:
        sources = answer_sources(folder / run["run"].replace(" ", "-") / "working/summary.json")
        found.append(
            {
                "run": run["run"],
                "layout": run["layout"],
                "network": run["network"],
                "checks": len(run["checks"]),
                "failed": {c["name"]: c["fault"] for c in run["checks"] if c["fault"]},
                "answers": len(sources),
                "votes": sources.count("vote"),
                "seconds": round(run["seconds"], 1),
                "stand_ins": run["stand_ins"],
            }
        )
    return found


def answer_sources(summary: Path) -> list[str]:
    """Return where each answer of a run comes from, nothing for a run without a summary."""
    if not summary.is_file():
        return []
    return [row["source"] for row in json.loads(summary.read_text("utf-8"))["problems"]]


def figures(found: Sequence[Row]) -> dict[str, float]:
    """Return what others read."""
    return {
        "runs": len(found),
        "checks": sum(row["checks"] for row in found),
        "checks_failed": sum(len(row["failed"]) for row in found),
        "answers": sum(row["answers"] for row in found),
        "votes": sum(row["votes"] for row in found),
        "minutes": round(sum(row["seconds"] for row in found) / 60, 1),
    }


def main() -> None:
    """Print the table and write the file."""
    report = FOLDER / "report.json"
    if not report.is_file():
        sys.exit(f"There is no {report}: run `make rehearse` first.")
    found = rows(json.loads(report.read_text("utf-8")), FOLDER)
    table = Table("run", "votes", "failed checks", "seconds")
    for row in found:
        failed = ", ".join(row["failed"]) or "none"
        table.add_row(
            row["run"], f"{row['votes']} of {row['answers']}", failed, f"{row['seconds']:g}"
        )
    console().print(table)
    print(f"written to {write_result('rehearsal', figures(found), found)}")


if __name__ == "__main__":
    main()
