"""What the machine does over minutes, and what the start costs: used by `probe_checks`.

Covers: clocks and power while a full batch decodes for ten minutes, how long FlashInfer compiles,
where its compilers are, the trials at the start, one whole problem from prompt to vote. Does not
cover: single steps (`probe_checks`).
"""

import contextlib
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernel import sc_tir
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.engine.gpu import usable_gpus
from kernel.engine.probe import TRIAL_SECONDS, Trial, fastest_attention
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import Problem
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Trace

LASTING_SECONDS = 600.0
QUERY = "clocks.sm,power.draw,temperature.gpu,clocks_throttle_reasons.active"
PROBLEM = "What is the remainder when the sum of the first 2024 odd squares is divided by 1000?"


def card() -> list[list[str]]:
    """Return what the driver says about each GPU now, [] where there is no such tool."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines()]


def lasting(step: Callable[[], float], seconds: float = LASTING_SECONDS) -> dict[str, Any]:
    """Return how a step's time and the GPUs' clocks and power change while it is repeated.

    Args:
        step: does some work, and returns the seconds that one step of it took.
        seconds: how long.
    """
    begun = time.monotonic()
    rows: list[dict[str, Any]] = []
    while not rows or time.monotonic() - begun < seconds:
        taken = step()
        rows.append({"at": time.monotonic() - begun, "step_seconds": taken, "gpus": card()})
    part = max(1, len(rows) // 10)
    times = [row["step_seconds"] for row in rows]
    first, last = statistics.median(times[:part]), statistics.median(times[-part:])
    return {"gpu_columns": QUERY, "slower": last / first, "rows": rows[:: max(1, len(rows) // 40)]}


def start_trials(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the start's trials choose, and how long FlashInfer compiles."""
    config = Config()
    sizes = {"max_num_seqs": config.candidates, "max_model_len": config.max_context}
    given = {"model": str(model), **sizes, **more}
    found: dict[str, Any] = {name: shutil.which(name) for name in ("nvcc", "ninja", "gcc")}
    if not (gpus := usable_gpus()):
        return found
    outcomes: list[tuple[float, float | str]] = []
    for _ in range(2):  # the second finds what the first has compiled
        begun = time.monotonic()
        trial = Trial.start({**given, "attention_backend": "FLASHINFER"}, 0)
        outcomes.append((0.0, trial.outcome(3 * TRIAL_SECONDS["FLASHINFER"])))
        outcomes[-1] = (time.monotonic() - begun, outcomes[-1][1])
    (first, _), (second, outcome) = outcomes
    attention, notes = fastest_attention(given, len(gpus))
    found |= {"flashinfer": outcome, "compile_seconds": first - second}
    return {**found, "attention": attention, "notes": notes}


def whole_problem(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return one problem's way from prompt to vote, with the settings of a submission."""
    config = Config().updated({"problems": 1, **more})
    log = Path("whole-problem.log")
    begun = time.monotonic()
    with contextlib.closing(VllmEngine(model, config, log, print)) as engine:
        with ForkedSandbox(config) as sandbox:
            while not engine.ready and not engine.lost:
                engine.poll()
            loaded = time.monotonic() - begun
            deadline = Deadline(24 * 3600.0, 0.0, 1)
            deadline.begin()
            problem = Problem("probe", PROBLEM)
            solved = sc_tir.solve(problem, config, engine, sandbox, deadline, Trace(None))
        return {
            "load_seconds": loaded,
            "seconds": time.monotonic() - begun - loaded,
            "tokens": solved.generated_tokens,
            "answer": solved.answer,
            "tally": {str(answer): votes for answer, votes in solved.tally.items()},
            "notes": engine.facts.get("profile", ()),
        }
