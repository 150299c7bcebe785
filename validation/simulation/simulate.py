"""`make simulate`: a whole run on two T4s in virtual time, with token counts like real ones.

Covers: the kernel's own `sc_tir.solve`, `deadline` and `voting` on a simulated engine and sandbox;
hours used, problems reached, tokens, idle time, and whether stopping at a decided vote changed an
answer (each run is made twice, with and without it); with extra candidates also fixed numbers of
candidates for comparison. Does not cover: what would be written at other settings; the costs are
estimates (`costs`) until a probe's file is given.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.table import Table

from common.console import Progress, console, user_errors
from common.files import check_folder, write_json
from kernel.competition import COMPETITIONS
from kernel.config import Config
from validation.runs.sets import CompetitionName
from validation.simulation import comparison
from validation.simulation.costs import (
    GPUS,
    Costs,
    GpuKind,
    Layout,
    calibrated,
    most_shared,
    with_attention,
)
from validation.simulation.generated_shapes import generate
from validation.simulation.model_shape import NUMINA, ModelError, model_shape
from validation.simulation.plot import Timeline, plot
from validation.simulation.run import SimulatedRun, answers_changed, simulate
from validation.simulation.shapes import ShapedProblem, draw, load_shapes
from validation.simulation.votes import own_problems, recorded_problems

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class SimulateOptions:
    """Simulate a run of nine hours."""

    shapes: Path | None = None
    """Recorded token counts and answers (JSONL, may be gzipped); generated ones if not given."""
    problems: int = 50
    """Problems asked."""
    candidates: int = 48
    """N."""
    extra: int = 0
    """At most this many extra candidates where the vote is open; above 0, numbers of candidates are
    compared."""
    extra_group: int = 24
    """Extra candidates that start together."""
    rounds: int = 4
    """M."""
    gpu: Literal["T4", "L4", "H100"] = "T4"
    """The machine: T4 x2, L4 x4 or one H100."""
    attention: Literal["triton", "own", "flashinfer"] | None = None
    """The T4's: vLLM's Triton backend, the package's (predicted), or FlashInfer."""
    ranks: int | None = None
    """GPUs that share each layer; as many as can if not given."""
    bits: Literal[8, 16] = 8
    """Bits per weight."""
    model: Path | None = None
    """A model's folder or config.json; NuminaMath-7B if not given."""
    hours: float | None = None
    """The platform's limit; the competition's if not given."""
    competition: CompetitionName = "AIMO-1"
    """Whose answers count, and whose limit holds: nine hours, or five from AIMO-2 on."""
    calibration: Path | None = None
    """The JSON that the probe notebook printed."""
    seed: int = 0
    """A different seed draws different transcripts."""
    out: Path = ROOT / "runs/simulate"
    """Folder for figures and plot."""


def costs_of(options: SimulateOptions) -> Costs:
    """Return the costs that the options ask for.

    Raises:
        ModelError, CalibrationError: a file cannot be used.
    """
    gpu: GpuKind = GPUS[options.gpu]
    model = NUMINA if options.model is None else model_shape(options.model)
    if options.attention is not None:
        gpu = with_attention(gpu, options.attention, model)
    if options.calibration is not None:
        gpu = calibrated(gpu, options.calibration)
    most = most_shared(gpu, model, options.bits)
    ranks = most if options.ranks is None else options.ranks
    if not 1 <= ranks <= gpu.count:
        raise ModelError(f"RANKS is {ranks}: the {gpu.name} machine has {gpu.count} GPUs.")
    if most_shared(replace(gpu, count=ranks), model, options.bits) != ranks:
        raise ModelError(
            f"RANKS is {ranks}: that many GPUs cannot share the layers of {model.name} at "
            f"{options.bits} bits; {most} can."
        )
    return Costs(gpu, model, Layout(ranks, 1, options.bits))


def config_of(options: SimulateOptions) -> Config:
    """Return the kernel's settings that the options ask for."""
    rules = next(each.convention for each in COMPETITIONS if each.name == options.competition)
    hours = rules.limit_seconds / 3600 if options.hours is None else options.hours
    return Config(
        candidates=options.candidates,
        extra_candidates=options.extra,
        extra_group=options.extra_group,
        rounds=options.rounds,
        problems=options.problems,
        limit_seconds=hours * 3600,
        modulus=rules.modulus,
        max_answer=rules.max_answer,
    )


def shaped_problems(options: SimulateOptions) -> list[ShapedProblem]:
    """Return the problems that the options ask for.

    Raises:
        ShapesError: the file of shapes cannot be used.
    """
    size = options.problems, options.candidates + options.extra, options.seed
    return generate(*size) if options.shapes is None else draw(load_shapes(options.shapes), *size)


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(SimulateOptions)
    begun = time.monotonic()
    with user_errors(ValueError):
        config = config_of(options)
        check_folder(options.out)
        costs = costs_of(options)
        problems = shaped_problems(options)
        ours = simulate(problems, config, costs, _progress("decided stop"))
        full = simulate(
            problems, replace(config, stop_when_decided=False), costs, _progress("full vote")
        )
        rows = _compared(options, config, costs) if options.extra else []
    changed = answers_changed(ours, full)
    _print_table(costs, ours, full, changed, time.monotonic() - begun)
    if rows:
        comparison.print_rows(rows, options.problems)
    runs = {"decided stop": ours.figures(), "full vote": full.figures()}
    shapes = "generated" if options.shapes is None else str(options.shapes)
    gpu = asdict(costs.gpu)
    figures: dict[str, Any] = {
        "runs": runs,
        "answers_changed": changed,
        "shapes": shapes,
        "gpu": gpu,
    }
    if rows:
        figures["numbers"] = rows
    image = options.out / "simulation.png"
    drawn = {"decided stop": ours, "full vote": full}
    with user_errors():
        write_json(options.out / "simulation.json", figures)
        plot({name: Timeline(run.occupancy, run.solutions) for name, run in drawn.items()}, image)
        print(f"figures  {options.out / 'simulation.json'}\nplot     {image}")


def _compared(options: SimulateOptions, config: Config, costs: Costs) -> list[comparison.Row]:
    """Return fixed numbers of candidates and the one asked for."""
    if options.shapes is None:
        pool = own_problems(comparison.POOL, options.seed)
    else:
        pool = recorded_problems(options.shapes)
    with Progress(console(stderr=True)) as show:
        return comparison.compare(pool, config, costs, report=show)


def _progress(name: str) -> Callable[[str], None]:
    def report(text: str) -> None:
        print(f"\r{name}, problem {text}   ", end="", file=sys.stderr, flush=True)

    return report


def _print_table(
    costs: Costs, ours: SimulatedRun, full: SimulatedRun, changed: int, seconds: float
) -> None:
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
