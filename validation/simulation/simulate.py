"""`make simulate`: a whole run on two T4s in virtual time, with token counts like real ones.

Covers: the kernel's own `sc_tir.solve`, `deadline` and `voting` on a simulated engine and sandbox;
hours used, problems reached, tokens, idle time, and whether stopping at a decided vote changed an
answer (each run is made twice, with and without it). Does not cover: what would be written at other
settings; the costs are estimates (`costs`) until a probe's file is given.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.table import Table

from common.console import console, user_errors
from common.files import write_json
from kernel import sc_tir
from kernel.answers import extraction
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import Problem, Solution, StopReason
from kernel.trace import Trace
from validation.simulation.costs import (
    GPUS,
    Costs,
    Gpu,
    Layout,
    calibrated,
    with_attention,
)
from validation.simulation.engine import SimulatedEngine
from validation.simulation.generated_shapes import generate
from validation.simulation.model_shape import NUMINA, ModelError, model_shape
from validation.simulation.occupancy import Occupancy
from validation.simulation.plot import Drawn, plot
from validation.simulation.sandbox import SimulatedSandbox
from validation.simulation.shapes import ShapedProblem, draw, load_shapes
from validation.simulation.virtual_time import VirtualClock

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300.0
"""Gone of the limit before the first problem: wheels, and loading the model from Kaggle's disk."""


@dataclass
class Options:
    """Simulate a run of nine hours."""

    shapes: Path | None = None
    """Recorded token counts and answers (JSONL, may be gzipped); generated ones if not given."""
    problems: int = 50
    """Problems asked."""
    candidates: int = 48
    """N."""
    rounds: int = 4
    """M."""
    gpu: Literal["T4", "L4", "H100"] = "T4"
    """The machine: T4 x2, L4 x4 or one H100."""
    attention: Literal["triton", "own", "flashinfer"] | None = None
    """The T4's: vLLM's Triton backend, the package's (predicted), or FlashInfer."""
    ranks: int = 2
    """GPUs that share each layer."""
    bits: Literal[8, 16] = 8
    """Of the weights."""
    model: Path | None = None
    """A model's folder or config.json; NuminaMath-7B if not given."""
    hours: float = 9.0
    """The platform's limit."""
    calibration: Path | None = None
    """The JSON that the probe notebook printed."""
    seed: int = 0
    """Another seed draws other transcripts."""
    out: Path = ROOT / "runs/simulate"
    """Folder for figures and plot."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one simulated run came to."""

    hours: float
    solutions: tuple[Solution, ...]
    right: int
    tokens: int
    steps: int
    preempted: int
    occupancy: Occupancy

    def reached(self) -> int:
        """Return how many problems got to vote: none is left over once the time is up."""
        return sum(bool(s.tally) for s in self.solutions)

    def cut_off(self) -> int:
        """Return how many votes were cut off by the deadline of their problem."""
        return sum(s.ended is StopReason.DEADLINE for s in self.solutions)

    def figures(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {
            "hours": round(self.hours, 3),
            "problems": len(self.solutions),
            "problems_reached": self.reached(),
            "problems_cut_off": self.cut_off(),
            "right": self.right,
            "tokens": self.tokens,
            "tokens_per_second": round(self.tokens / (self.hours * 3600), 1),
            "idle_share": round(self.occupancy.idle_share, 5),
            "empty_share": round(self.occupancy.empty_share, 5),
            "half_empty_share": round(self.occupancy.half_empty_share, 5),
            "preempted": self.preempted,
        }


def simulate(
    problems: list[ShapedProblem],
    config: Config,
    costs: Costs,
    report: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """Solve the problems one after the other in virtual time."""
    clock = VirtualClock()
    engine = SimulatedEngine(costs, clock, min(config.slots, config.candidates))
    sandbox = SimulatedSandbox(clock, config.code_workers, config.code_seconds)
    engine.occupancy.waiting = lambda: sandbox.pending
    sandbox.idle = engine.occupancy.note
    times = config.limit_seconds, config.reserve_seconds, len(problems)
    deadline = Deadline(*times, elapsed=START_SECONDS, now=clock)
    solutions: list[Solution] = []
    right = 0
    for problem in problems:
        engine.begin(problem)
        sandbox.begin(problem)
        deadline.begin()
        asked = Problem(problem.id, "")
        solution = sc_tir.solve(asked, config, engine, sandbox, deadline, Trace(None, now=clock))
        solutions.append(solution)
        truth = None if problem.truth is None else extraction.to_answer(problem.truth, config)
        right += solution.answer == truth
        report(f"{len(solutions)} of {len(problems)}: {deadline.elapsed() / 3600:.2f} h")
    tokens = engine.generated_tokens
    done = tuple(solutions)
    hours = deadline.elapsed() / 3600
    return Outcome(hours, done, right, tokens, engine.steps, engine.preempted, engine.occupancy)


def answers_changed(ours: Outcome, full: Outcome) -> int:
    """Count the problems whose answer a full vote would have changed.

    Those that the deadline cut off in either run say nothing: there the votes differ, not the rule.
    """
    pairs = zip(ours.solutions, full.solutions, strict=True)
    return sum(
        a.answer != b.answer for a, b in pairs if StopReason.DEADLINE not in (a.ended, b.ended)
    )


def costs_of(options: Options) -> Costs:
    """Return the costs that the options ask for.

    Raises:
        ModelError, CalibrationError: a file cannot be used.
    """
    gpu: Gpu = GPUS[options.gpu]
    if options.attention is not None:
        gpu = with_attention(gpu, options.attention)
    if options.calibration is not None:
        gpu = calibrated(gpu, options.calibration)
    model = NUMINA if options.model is None else model_shape(options.model)
    if not 1 <= options.ranks <= gpu.count:
        raise ModelError(f"RANKS is {options.ranks}: the {gpu.name} machine has {gpu.count} GPUs.")
    return Costs(gpu, model, Layout(options.ranks, 1, options.bits))


def shaped_problems(options: Options) -> list[ShapedProblem]:
    """Return the problems that the options ask for.

    Raises:
        ShapesError: the file of shapes cannot be used.
    """
    size = options.problems, options.candidates, options.seed
    return generate(*size) if options.shapes is None else draw(load_shapes(options.shapes), *size)


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(Options)
    begun = time.monotonic()
    with user_errors(ValueError):
        config = Config(
            candidates=options.candidates,
            rounds=options.rounds,
            problems=options.problems,
            limit_seconds=options.hours * 3600,
        )
        costs = costs_of(options)
        problems = shaped_problems(options)
        ours = simulate(problems, config, costs, _progress("decided stop"))
        full = simulate(
            problems, replace(config, stop_when_decided=False), costs, _progress("full vote")
        )
    changed = answers_changed(ours, full)
    _print_table(costs, ours, full, changed, time.monotonic() - begun)
    runs = {"decided stop": ours.figures(), "full vote": full.figures()}
    shapes = "generated" if options.shapes is None else str(options.shapes)
    gpu = asdict(costs.gpu)
    figures = {"runs": runs, "answers_changed": changed, "shapes": shapes, "gpu": gpu}
    image = options.out / "simulation.png"
    drawn = {"decided stop": ours, "full vote": full}
    with user_errors():
        write_json(options.out / "simulation.json", figures)
        plot({name: Drawn(run.occupancy, run.solutions) for name, run in drawn.items()}, image)
        print(f"figures  {options.out / 'simulation.json'}\nplot     {image}")


def _progress(name: str) -> Callable[[str], None]:
    def report(text: str) -> None:
        print(f"\r{name}, problem {text}   ", end="", file=sys.stderr, flush=True)

    return report


def _print_table(costs: Costs, ours: Outcome, full: Outcome, changed: int, seconds: float) -> None:
    """Print both runs side by side."""
    print(file=sys.stderr)
    print(
        f"{costs.model.name} on {costs.layout.ranks} {costs.gpu.name}, {costs.layout.name}: "
        f"{costs.kv_tokens} KV tokens; simulated in {seconds:.0f} s"
    )
    table = Table("", "decided stop", "full vote")
    for name, value in ours.figures().items():
        shown = [
            f"{v:.1%}" if name.endswith("share") else f"{v:g}" if isinstance(v, float) else str(v)
            for v in (value, full.figures()[name])
        ]
        table.add_row(name.replace("_", " "), *shown)
    table.add_row("answers changed by stopping early", str(changed), "")
    console().print(table)


if __name__ == "__main__":
    main()
