"""Settles the engine's settings: tries out what cannot be looked up, before the model is loaded.

Covers: which attention runs and decodes fastest, and the settings that follow from that, the GPUs
and the model. Does not cover: reading those (`gpu`, `model`), what a trial does (`trial`), loading
the model (`process`).

The trials run in processes of their own, on two GPUs side by side: FlashInfer, which may have to
compile for minutes, on the second. Meanwhile the weights are being read into memory, as the
notebook's first cell began. A crash, a hang, wrong numbers or a missing compiler cost that
attention, not the run.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.child import end_session
from kernel.engine.gpu import usable_gpus
from kernel.engine.model import read_model
from kernel.engine.profile import (
    AMPERE,
    LADDER,
    OWN,
    PROVEN,
    Choice,
    attention_arguments,
    choose,
    lowered,
)
from kernel.engine.trial import REASON, SECONDS

TRIED = (PROVEN, OWN, "FLASHINFER")
"""Attention that may run before Ampere; an earlier one stays where a later one gains nothing."""
GAIN = 1.05
"""A newcomer must be this much faster: less lies within what two trials differ by."""
TRIAL_SECONDS = {PROVEN: 90.0, OWN: 90.0, "FLASHINFER": 300.0}
"""A trial is stopped after this long; FlashInfer compiles eight files where no cache came along."""

StartTrial = Callable[[Mapping[str, Any], int], "Trial"]
"""Starts a trial with arguments on the GPU of that number."""


@dataclass
class Trial:
    """A running trial, the leader of its own session, and the pipe whose end ends it."""

    process: "subprocess.Popen[str]"
    lifeline: int | None = None

    @classmethod
    def start(cls, arguments: Mapping[str, Any], gpu: int) -> "Trial":
        """Start one that sees only that GPU."""
        command = [sys.executable, "-m", "kernel.engine.trial", json.dumps(dict(arguments))]
        # An engine beside others sees one GPU only, which has another number for the driver.
        visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
        number = visible[gpu] if gpu < len(visible) else str(gpu)
        watched, lifeline = os.pipe()
        process = subprocess.Popen(
            command,
            stdin=watched,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": number},
        )
        os.close(watched)
        return cls(process, lifeline)

    def outcome(self, seconds: float) -> float | str:
        """Wait; return the seconds a step, or why there are none. Nothing of it is left then."""
        try:
            printed, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"stopped after {seconds:.0f} s"
        finally:
            # Compilers that it started may outlive it.
            end_session(self.process.pid)
            self.process.communicate()
            if self.lifeline is not None:
                os.close(self.lifeline)
        lines = [line for line in printed.splitlines() if line.startswith((SECONDS, REASON))]
        if self.process.returncode or not lines:
            return f"ended with {self.process.returncode}"
        if lines[-1].startswith(REASON):
            return lines[-1].removeprefix(REASON)
        return float(lines[-1].removeprefix(SECONDS))


def settled(arguments: Mapping[str, Any], restart: int = 0, longest: int = 0) -> Choice:
    """Return the arguments for this machine, those given on top.

    Args:
        arguments: of vLLM's EngineArgs, as the run sets them.
        restart: how far down the ladder.
        longest: tokens of the longest text that waits to be continued.
    """
    step = LADDER[restart]
    given = lowered(arguments, step, longest) if restart else dict(arguments)
    gpus, model = usable_gpus(), read_model(Path(given["model"]))
    attention, notes = None, ()
    old = any(gpu.capability < AMPERE for gpu in gpus)
    if old and step.probed and "attention_backend" not in given:
        attention, notes = fastest_attention(given, len(gpus))
    wanted = given["max_num_seqs"], given["max_model_len"]
    choice = choose(gpus, model, *wanted, step=step, attention=attention)
    merged = {**choice.arguments, **given}
    if given.get("attention_backend") == OWN:
        merged |= attention_arguments(OWN if step.probed else PROVEN)
    # Of two limits the lower holds, and graphs are off if either side has reason to.
    merged["max_num_seqs"] = min(choice.arguments.get("max_num_seqs", wanted[0]), wanted[0])
    eager = choice.arguments.get("enforce_eager"), given.get("enforce_eager")
    merged["enforce_eager"] = any(eager)
    return Choice(merged, (*notes, *choice.notes))


def fastest_attention(
    arguments: Mapping[str, Any], gpus: int, start: StartTrial = Trial.start
) -> tuple[str | None, tuple[str, ...]]:
    """Return the attention whose trial decoded fastest, None if none ran, and what was seen."""
    begun = time.monotonic()
    queues = [TRIED[:-1], TRIED[-1:]] if gpus > 1 else [TRIED]

    def tried(number: int) -> list[tuple[str, float | str]]:
        return [
            (name, start({**arguments, **attention_arguments(name)}, number).outcome(limit))
            for name, limit in ((name, TRIAL_SECONDS[name]) for name in queues[number])
        ]

    with ThreadPoolExecutor(len(queues)) as pool:
        found = dict(pair for pairs in pool.map(tried, range(len(queues))) for pair in pairs)
    took = time.monotonic() - begun
    seen = ", ".join(map(_seen, found.items()))
    note = f"Attention tried for {took:.0f} s on two layers: {seen}."
    return _fastest({n: s for n, s in found.items() if isinstance(s, float)}), (note,)


def _seen(tried: tuple[str, float | str]) -> str:
    """Return a trial's outcome, for people."""
    name, outcome = tried
    if isinstance(outcome, float):
        return f"{name} {1000 * outcome:.1f} ms a step"
    return f"{name} does not run ({outcome})"


def _fastest(seconds: Mapping[str, float]) -> str | None:
    """Return the first of `TRIED` unless another gains by more than the trials' noise."""
    best: str | None = None
    for backend in TRIED:
        if backend in seconds and (best is None or seconds[backend] * GAIN < seconds[best]):
            best = backend
    return best
