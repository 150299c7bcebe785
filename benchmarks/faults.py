"""Breaks runs of fifty problems in every known way, and counts the answers that come out.

    python -m benchmarks.faults [NAME ...]

With names, only the faults whose names begin like that are injected; the file's other rows stay.

Each row is one fault, injected for real into a process of the submission kernel: signals to its
processes, full and read-only disks, errors raised inside its modules, a jumping clock, problems
that break naive code. The mock of AIMO-1 asks (where named, AIMO-2's or AIMO-3's). vLLM, torch and
the tokenizer are fakes, since the real ones do not break on command; kernel, sandbox, processes and
files are real.

Covers: whether fifty valid answers go out before the limit. Does not cover: whether they are right
("by vote" says how many come from boxed answers and not from a fallback; where the supervisor is
broken the candidates only write code, and their answers are the numbers it prints).
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from benchmarks.fault_list import FAULTS, Fault
from benchmarks.result import FOLDER, Row, read_result, write_result
from common.console import console
from kernel.tests.fault_runs import FaultRun

COLUMNS = (
    *("fault", "injected", "answers of 50", "by vote", "seconds late", "answers lost"),
    "measured",
)
TINY_DISK = ("unshare", "-rm", "sh", "-c")


class Damage(NamedTuple):
    """What one run with a fault came to."""

    injected: int
    answers: int
    """Valid ones, of fifty."""
    by_vote: int
    seconds_late: float


def inject(fault: Fault, folder: Path) -> Damage:
    """Make one run with the fault."""
    on_disk = tiny_disk(fault.mount, folder) if fault.mount else {}
    run = FaultRun(folder, **{**fault.values, **on_disk})
    if fault.spoil:
        fault.spoil(run)
    run.start()
    first = run.begun
    limit: float = run.settings.get("limit_seconds", 120)
    try:
        if fault.disturb:
            fault.disturb(run)
        run.wait(limit + 30)
    finally:
        run.stop()
    # What is injected into the engine's process is in its log.
    output = run.output() + run.engine_log()
    # An error while writing a solution down makes the kernel report it once more.
    votes = set(re.findall(r"^Problem (\d+)/.* vote\) after", output, re.MULTILINE))
    injected = fault.injected or planned(run) + output.count("INJECTED")
    late = max(0.0, run.begun + run.seconds - first - limit)
    return Damage(injected, run.valid(), len(votes), late)


def tiny_disk(options: str, folder: Path) -> dict[str, Any]:
    """Return values for a run whose working folder is a disk of its own."""
    disk = folder.with_name(f"{folder.name}-disk")
    disk.mkdir()
    script = f'mount -t tmpfs -o {options} none "{disk}" && exec "$0" "$@"'
    return {"wrap": (*TINY_DISK, script), "settings": {"work": str(disk)}}


def planned(run: FaultRun) -> int:
    """Return how many of the faults that its plan has for the engine were reached."""
    left = (run.folder / "plan").read_text().split()
    return sum(word != "ok" for word in run.plan[: len(run.plan) - len(left)])


def measure(fault: Fault, folder: Path) -> Row:
    """Return the row of a fault: sums over its runs, the fewest answers of any."""
    runs = [inject(fault, folder / f"{fault.name} {n}") for n in range(fault.runs)]
    return {
        "fault": fault.name,
        "injected": sum(run.injected for run in runs),
        "answers": min(run.answers for run in runs),
        "by_vote": min(run.by_vote for run in runs),
        "seconds_late": round(max(run.seconds_late for run in runs), 1),
        "answers_lost": sum(50 - run.answers for run in runs),
        "date": datetime.now(UTC).date().isoformat(),
    }


def chosen(beginnings: Sequence[str]) -> list[Fault]:
    """Return the faults whose names begin so, all where nothing is named.

    Raises:
        SystemExit: a beginning fits none.
    """
    names = [fault.name for fault in FAULTS]
    for beginning in beginnings:
        if not any(name.startswith(beginning) for name in names):
            print(f"no fault's name begins with {beginning!r}: there are {names}.", file=sys.stderr)
            sys.exit(2)
    return [f for f in FAULTS if not beginnings or f.name.startswith(tuple(beginnings))]


def kept(measured: Sequence[Row], path: Path) -> list[Row]:
    """Return the rows just measured and, of faults that were not, the file's, in order."""
    rows: dict[str, Row] = {}
    if path.is_file():
        before = read_result(path)
        rows = {row["fault"]: {**row, "date": row.get("date", before.date)} for row in before.rows}
    rows |= {row["fault"]: row for row in measured}
    return [rows[fault.name] for fault in FAULTS if fault.name in rows]


def main() -> None:
    """Inject faults, print the table, write the file; exit 1 if an answer was lost."""
    shown = console(width=max(110, console().width))
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    faults = chosen(sys.argv[1:])
    path = FOLDER / "faults.json"
    rows = kept([], path)
    figures = summed(rows)
    for number, fault in enumerate(faults, 1):
        print(f"{number} of {len(faults)}: {fault.name}", file=sys.stderr, flush=True)
        rows = kept([measure(fault, folder)], path)
        figures = summed(rows)
        write_result("faults", figures, rows)  # a run that is cut off keeps what it has
    shutil.rmtree(folder, ignore_errors=True)
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*map(str, row.values()))
    shown.print(table)
    shown.print(f"{figures}\nwritten to {path}", soft_wrap=True)
    sys.exit(1 if figures["answers_lost"] or figures["seconds_late"] else 0)


def summed(rows: Sequence[Row]) -> dict[str, float]:
    """Return the file's figures."""
    return {
        "answers_lost": sum(row["answers_lost"] for row in rows),
        "seconds_late": max((row["seconds_late"] for row in rows), default=0.0),
        "faults_injected": sum(row["injected"] for row in rows),
    }


if __name__ == "__main__":
    main()
