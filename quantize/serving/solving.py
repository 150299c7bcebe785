"""The proof of a build: the kernel's own engine loads the model and solves one problem.

Covers: whether this machine's vLLM runs such weights at all, loading, one problem with code and a
vote. Does not cover: how good the answers are (`validation`).
"""

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kernel import sc_tir
from kernel.checks import machine
from kernel.checks.preflight import model_settings
from kernel.checks.quantization import quantization_fault
from kernel.deadline import Deadline
from kernel.engine.gpu import read_gpus
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import Problem
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Trace
from quantize.comparison.load import quantization
from validation.engine import wait_until_loaded

PROBLEM = "What is the sum of all integers from $1$ to $40$?"
TRUTH = 820
CANDIDATES = 8
SECONDS = 240.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the model answered."""

    loaded: bool
    """Whether this machine's engine runs it."""
    reason: str
    """Why not, "" where it does."""
    problem: str = PROBLEM
    truth: int = TRUTH
    answer: int | None = None
    votes: int = 0
    candidates: int = 0
    executions: int = 0
    """Code blocks run."""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return what `json.dump` takes."""
        return asdict(self)

    def sentence(self) -> str:
        """Return what a build ends with."""
        if not self.loaded:
            return f"Not loaded back here: {self.reason}"
        return (
            f"Loaded back; asked {self.problem!r}, it answered {self.answer} (the truth is "
            f"{self.truth}) with {self.votes} of {self.candidates} votes, "
            f"{self.executions} code blocks, in {self.seconds:.0f} s."
        )


def solve(model: Path, log: Path, say: Say = print, seconds: float = SECONDS) -> ReadBack:
    """Load a model's folder with the kernel's engine and solve one problem with it.

    Args:
        model: the folder, complete.
        log: where vLLM's own output goes.
        say: receives the engine's sentences.
        seconds: for the problem, once the model is loaded.
    """
    if reason := cannot_load(model):
        return ReadBack(False, reason)
    config = replace(model_settings(model), candidates=CANDIDATES)
    problem = Problem("read-back", PROBLEM)
    with (
        ForkedSandbox(config) as sandbox,
        contextlib.closing(VllmEngine(model, config, log, say)) as engine,
    ):
        if not wait_until_loaded(engine):
            return ReadBack(False, f"vLLM could not load it, its log is {log}.")
        deadline = Deadline(seconds, 0.0, 1)
        deadline.begin()
        solution = sc_tir.solve(problem, config, engine, sandbox, deadline, Trace(None))
    return ReadBack(
        loaded=True,
        reason="",
        answer=solution.answer,
        votes=solution.votes,
        candidates=len(solution.candidates),
        executions=sum(candidate.executions for candidate in solution.candidates),
        seconds=round(solution.seconds, 1),
    )


def cannot_load(model: Path) -> str:
    """Return why this machine's vLLM does not run the model's weights, "" where it does."""
    settings = quantization(model)
    fault = quantization_fault(settings, read_gpus(), machine.vllm_version(), {})
    return fault.partition(":")[0] + "." if fault else ""
