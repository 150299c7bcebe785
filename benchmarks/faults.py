"""Breaks runs of fifty problems in every way that is known, and counts the answers that come out.

    python -m benchmarks.faults

Each row is one fault, injected for real into a process of the submission kernel: signals to its
processes, full and read-only disks, errors raised inside its modules, a jumping clock, problems
that break naive code. The mock of AIMO-1 asks (where named, AIMO-3's). vLLM, torch and the
tokenizer are fakes, since the real ones do not break on command; kernel, sandbox, processes and
files are the real ones.

Covers: whether fifty valid answers go out before the limit. Does not cover: whether they are right
("by vote" says how many rest on boxed answers and not on a fallback; where the supervisor is broken
the candidates only write code, and their answers are the numbers it prints).
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result import write_result
from kernel.tests.fault_runs import CODED, FaultRun

ENGINE, SUPERVISOR = "kernel.engine_process", "sandbox_supervisor"
TINY_DISK = ("unshare", "-rm", "sh", "-c")
BROKEN = """
import itertools
from kernel import {module}
whole, calls = {module}.{name}, itertools.count(1)
def broken(*args, **kwargs):
    if next(calls) % {every} == 0:
        print("INJECTED", flush=True)
        raise {error}
    return whole(*args, **kwargs)
{module}.{name} = broken
"""
JUMPS = """
import itertools, time
real, jumps = time.time, itertools.cycle([0, 7200, -36000, 86400])
time.time = lambda: real() + next(jumps)
"""
HARD = [
    "",
    " ",
    "x" * 100_000,
    "∑ₙ \x01\x1b[31m \u202e",
    "```output\n5\n```",
    r"\boxed{3}",
    "<|end|>",
    "```python\nexit()\n```",
    "long " * 20_000,
    "0" * 5000,
]


@dataclass
class Fault:
    """One way to break a run."""

    name: str
    runs: int = 2
    injected: int = 1
    """Injections a run, where they are not counted in its output."""
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    """For the FaultRun."""
    disturb: Callable[[FaultRun], None] | None = None
    """Called once it has started."""
    mount: str = ""
    """Options of the disk that the working folder is put on."""


def plan(*words: str) -> dict[str, Any]:
    """Return values for a run whose engine starts as told."""
    return {"plan": words}


def broken(module: str, name: str, error: str = "ValueError('bug')", every: int = 7) -> Fault:
    """Return a fault that raises inside a module now and then."""
    code = BROKEN.format(module=module, name=name, error=error, every=every)
    return Fault(f"{error.partition('(')[0]} in {module}.{name}", 1, 0, {"prelude": code})


def signalled(module: str, number: int, times: int) -> Callable[[FaultRun], None]:
    """Return what sends a signal to one of the kernel's processes after some problems each."""

    def disturb(run: FaultRun) -> None:
        for turn in range(times):
            kind = "execution" if module == SUPERVISOR else "solution"
            seen = len(run.events(kind))
            run.until(seen + 5 + turn, kind)
            os.kill(run.child(module), number)
            run.until(len(run.events("solution")) + 1)

    return disturb


def killed(run: FaultRun) -> None:
    """Kill the kernel at problem 30 and start it again in the same folder."""
    run.until(30)
    run.stop()
    run.start()


SLOW_STEPS = {"env": {"FAKE_VLLM_PAUSE": "0.01"}}
CODING = {"text": CODED, "env": {"FAKE_VLLM_PAUSE": "0.002"}}
RERUN = {"KAGGLE_IS_COMPETITION_RERUN": "1"}
FAULTS = (
    Fault("engine raises at start", values=plan("fail-start", "ok")),
    Fault("engine killed at start", values=plan("kill-start", "ok")),
    Fault(
        "engine hangs at start",
        1,
        values={**plan("hang-start", "ok"), "settings": {"engine_start_seconds": 15}},
    ),
    Fault("engine out of memory at start", values=plan("memory-start", "ok")),
    Fault("engine raises in a step", values=plan("fail-step", "ok")),
    Fault("engine killed in a step", values=plan("kill-step", "ok")),
    Fault("engine hangs in a step", values=plan("hang-step", "ok")),
    Fault("engine out of memory in a step", values=plan("memory-step", "ok")),
    Fault("engine broken, then two restarts", 2, 2, plan("kill-step", "fail-step", "ok")),
    Fault("engine never comes back", 2, 3, plan("kill-step", "fail-start", "kill-start")),
    Fault("engine killed from outside", 1, 3, {**SLOW_STEPS}, signalled(ENGINE, signal.SIGKILL, 3)),
    Fault(
        "engine stopped from outside", 1, 2, {**SLOW_STEPS}, signalled(ENGINE, signal.SIGSTOP, 2)
    ),
    Fault("supervisor killed", 1, 2, {**CODING}, signalled(SUPERVISOR, signal.SIGKILL, 2)),
    Fault("supervisor stopped", 1, 1, {**CODING}, signalled(SUPERVISOR, signal.SIGSTOP, 1)),
    broken("prompt", "fitting_ids"),
    broken("extraction", "extract_answer"),
    broken("voting", "decided"),
    broken("voting", "conclude", "RuntimeError('bug')"),
    broken("prompt", "fitting_ids", "SystemExit(1)"),
    broken("sc_tir", "after_generation", "KeyboardInterrupt()", every=23),
    Fault(
        "disk full from problem 3 on", values={"problems": ["y" * 20_000] * 50}, mount="size=256k"
    ),
    Fault("working folder full", mount="size=16k"),
    Fault("working folder read-only", mount="ro"),
    Fault("clock jumps by hours", 2, 50, {"prelude": JUMPS}),
    Fault("kernel killed at problem 30", 2, 1, {**SLOW_STEPS}, killed),
    Fault("problems that break naive code", 1, 50, {"problems": HARD * 5}),
    Fault("the same, AIMO-3", 1, 50, {"problems": (HARD[2:] * 7)[:50], "api": "aimo3"}),
    Fault(
        "model loads slowly, AIMO-3",
        1,
        1,
        {"plan": ("slow-start",), "api": "aimo3", "env": {"FAKE_VLLM_SLOW": "20"}},
    ),
    Fault(
        "engine far too slow",
        1,
        50,
        {"env": {"FAKE_VLLM_PAUSE": "2"}, "settings": {"limit_seconds": 45, "reserve_seconds": 5}},
    ),
    Fault(
        "model never ready in time",
        1,
        1,
        {
            "plan": ("slow-start",),
            "env": {"FAKE_VLLM_SLOW": "500"},
            "settings": {"limit_seconds": 25, "reserve_seconds": 5},
        },
    ),
    Fault("tokenizer missing, scored", 1, 1, {"env": {**RERUN, "FAKE_TOKENIZER": "broken"}}),
    Fault("no model, scored", 1, 1, {"env": RERUN, "settings": {"model": "/nowhere"}}),
    Fault(
        "bad settings, scored",
        1,
        3,
        {"env": RERUN, "settings": {"candidates": 0, "tempature": 1, "reserve_seconds": 1000}},
    ),
)


def inject(fault: Fault, folder: Path) -> dict[str, Any]:
    """Make one run with the fault; return what came out."""
    values = dict(fault.values)
    if fault.mount:
        disk = folder.with_name(f"{folder.name}-disk")
        disk.mkdir()
        script = f'mount -t tmpfs -o {fault.mount} none "{disk}" && exec "$0" "$@"'
        values |= {"wrap": (*TINY_DISK, script), "settings": {"work": str(disk)}}
    run = FaultRun(folder, **values)
    first = run.begun
    run.start()
    try:
        if fault.disturb:
            fault.disturb(run)
        run.wait()
    finally:
        run.stop()
    limit = run.settings.get("limit_seconds", 120)
    output = run.output()
    votes = sum(" vote) after" in line for line in output.splitlines())
    return {
        "injected": fault.injected or output.count("INJECTED"),
        "answers": run.valid(),
        "by_vote": votes,
        "late": max(0.0, run.begun + run.seconds - first - limit),
    }


def measure(fault: Fault, folder: Path) -> dict[str, Any]:
    """Return the row of a fault: sums over its runs, the fewest answers of any."""
    outcomes = [inject(fault, folder / f"{fault.name} {n}") for n in range(fault.runs)]
    return {
        "fault": fault.name,
        "injected": sum(o["injected"] for o in outcomes),
        "answers": min(o["answers"] for o in outcomes),
        "by_vote": min(o["by_vote"] for o in outcomes),
        "seconds_late": round(max(o["late"] for o in outcomes), 1),
        "answers_lost": sum(50 - o["answers"] for o in outcomes),
    }


def main() -> None:
    """Inject every fault, print the table, write the file; exit 1 if an answer was lost."""
    console = Console(width=max(110, Console().width))
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    table = Table("fault", "injected", "answers of 50", "by vote", "seconds late", "answers lost")
    rows: list[dict[str, Any]] = []
    for number, fault in enumerate(FAULTS, 1):
        print(f"{number} of {len(FAULTS)}: {fault.name}", file=sys.stderr, flush=True)
        rows.append(measure(fault, folder))
        table.add_row(*map(str, rows[-1].values()))
    shutil.rmtree(folder, ignore_errors=True)
    figures = {
        "answers_lost": sum(row["answers_lost"] for row in rows),
        "seconds_late": max(row["seconds_late"] for row in rows),
        "faults_injected": sum(row["injected"] for row in rows),
    }
    console.print(table)
    console.print(f"{figures}\nwritten to {write_result('faults', figures, rows)}", soft_wrap=True)
    sys.exit(1 if figures["answers_lost"] or figures["seconds_late"] else 0)


if __name__ == "__main__":
    main()
