"""The real engine for benchmarks: vLLM with a small model, 48 candidates, 4 rounds.

Covers: opening it with the settings that the model's profile gives, problems of the dry run's
file, and waiting until it is ready. Does not cover: what is measured on it.
"""

import contextlib
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from common import embedded_model
from common.problems import load_problems
from kernel.checks.preflight import model_settings
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import Problem
from kernel.sandbox.forked_sandbox import ForkedSandbox
from validation.engine import wait_until_loaded

PROBLEMS = Path(__file__).resolve().parent.parent / "common/problems.csv"


@dataclass(frozen=True, slots=True)
class Bench:
    """What a benchmark on the real engine works with."""

    config: Config
    engine: VllmEngine
    sandbox: ForkedSandbox
    problems: tuple[Problem, ...]
    load_seconds: float

    def deadline(self) -> Deadline:
        """Return a deadline that no problem reaches, begun for one."""
        deadline = Deadline(24 * 3600.0, 0.0, 1)
        deadline.begin()
        return deadline


def settings() -> Config:
    """Return the kernel's settings with those of the embedded model on top."""
    return model_settings(embedded_model.ensure())


def until_ready(engine: VllmEngine, log: Path) -> None:
    """Wait for the model.

    Raises:
        RuntimeError: the engine did not start; with the end of its log.
    """
    if not wait_until_loaded(engine):
        raise RuntimeError(f"The engine did not start:\n{log.read_text('utf-8')[-2000:]}")


@contextlib.contextmanager
def opened(model: Path | None = None, every: int = 1) -> Generator[Bench]:
    """Give the engine once it is ready, and a sandbox; end both.

    Args:
        model: its folder; the embedded model if not given.
        every: takes one out of this many of the dry run's problems.

    Raises:
        ConfigError: the folder is not a model.
    """
    model = model or embedded_model.ensure()
    config = model_settings(model)
    rows = load_problems(PROBLEMS)[::every]
    problems = tuple(Problem(row.id, row.problem) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "engine.log"
        begun = time.monotonic()
        engine = VllmEngine(model, config, log, lambda text: print(text, flush=True))
        with contextlib.closing(engine), ForkedSandbox(config) as sandbox:
            until_ready(engine, log)
            load = time.monotonic() - begun
            yield Bench(config, engine, sandbox, problems, load)
