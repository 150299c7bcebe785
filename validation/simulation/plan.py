"""`make plan`: what a model and a GPU kind come to, before anything is uploaded.

Covers: weights, room for keys and values, candidates that fit and tokens a second, for GPUs that
share layers and for one replica a GPU, at 8 and 16 bits; and how many hours the problems take for
16 to 96 candidates and 1 to 8 rounds. Does not cover: what is right or wrong; code execution and
the start are flat allowances. `make simulate` plays a run through instead of multiplying it out;
with extra candidates this command does that too, on a few problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.table import Table

from common.console import Progress, console, user_errors
from common.files import check_folder, write_json
from kernel.config import Config
from validation.simulation import comparison
from validation.simulation.costs import (
    GIB,
    GPUS,
    Costs,
    GpuKind,
    Layout,
    calibrated,
    most_shared,
    with_attention,
)
from validation.simulation.engine import PROMPT_TOKENS
from validation.simulation.model_shape import NUMINA, ModelError, ModelShape, model_shape
from validation.simulation.votes import own_problems

ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = (16, 32, 48, 64, 80, 96)
ROUNDS = (1, 2, 3, 4, 6, 8)
CONTEXT = 700
"""Tokens of a candidate in the middle of a problem: recorded ones end at about 1,000."""
Grid = Mapping[int, Mapping[int, Sequence[float]]]
"""Hours by candidates and rounds: typical, and all rounds used."""
STRAGGLERS = 1.35
"""A problem's time over that of equally long candidates: the last ones decode in a small batch.
From simulated runs with recorded lengths."""
START_HOURS = 300 / 3600
"""Wheels and loading the model."""


@dataclass
class PlanOptions:
    """Plan nine hours for a model and a GPU kind."""

    model: Path | None = None
    """A model's folder, or its config.json alone; NuminaMath-7B if not given."""
    gpu: Literal["T4", "L4", "H100"] = "T4"
    """The machine: T4 x2, L4 x4 or one H100."""
    attention: Literal["triton", "own", "flashinfer"] | None = None
    """The T4's: vLLM's Triton backend, the package's (predicted), or FlashInfer."""
    problems: int = 50
    """Problems asked."""
    first: int = 760
    """New tokens of a candidate's first round; the means of recorded 7B candidates."""
    later: int = 280
    """New tokens of each further round."""
    goes_on: float = 0.33
    """Share of a round's candidates that go on to another round."""
    hours: float = 9.0
    """The platform's limit."""
    extra: int = 0
    """At most this many extra candidates where the vote is open; above 0, numbers of candidates are
    compared."""
    extra_group: int = 24
    """Extra candidates that start together."""
    calibration: Path | None = None
    """The JSON that the probe notebook printed."""
    out: Path = ROOT / "runs/plan"
    """Folder for the figures."""


@dataclass(frozen=True, slots=True)
class LayoutRow:
    """One way to lay a model on the machine."""

    name: str
    weight_gib: float
    kv_tokens: int
    """Of the whole machine; below 0 where the weights do not fit."""
    kv_tokens_a_replica: int
    tokens_a_candidate: int
    """At the configured number of candidates."""
    candidates_that_fit: int
    """Whole contexts that fit together."""
    tokens_per_second: float | None
    """With as many candidates of `CONTEXT` tokens as fit, at most those configured; None: none."""


def layouts(gpu: GpuKind, model: ModelShape = NUMINA) -> list[Layout]:
    """Return the layouts of a machine: as many GPUs as can share layers, or a replica on each."""
    most = {bits: most_shared(gpu, model, bits) for bits in (8, 16)}
    shared = [Layout(ranks, gpu.count // ranks, bits) for bits, ranks in most.items()]
    alone = [Layout(1, gpu.count, bits) for bits in most]
    return list(dict.fromkeys([*shared, *alone]))


def layout_row(gpu: GpuKind, model: ModelShape, layout: Layout, config: Config) -> LayoutRow:
    """Return what a layout comes to."""
    costs = Costs(gpu, model, layout)
    each = costs.kv_tokens
    whole = each * layout.replicas
    together = min(config.candidates, max(0, each // CONTEXT) * layout.replicas)
    rate = costs.tokens_per_second(together, CONTEXT) if together else None
    return LayoutRow(
        layout.name,
        round(model.weight_bytes(layout.bits) / GIB, 2),
        whole,
        each,
        max(0, whole // config.candidates),
        max(0, each // config.max_context) * layout.replicas,
        None if rate is None else round(rate, 1),
    )


@dataclass(frozen=True, slots=True)
class Lengths:
    """New tokens of a candidate."""

    first: int
    later: int
    goes_on: float

    def typical(self, rounds: int) -> float:
        """Return the mean over candidates, of which a share continues after each round."""
        return self.first + self.later * sum(self.goes_on**n for n in range(1, rounds))

    def longest(self, rounds: int) -> float:
        """Return the tokens of a candidate that uses all its rounds."""
        return self.first + self.later * (rounds - 1)


def hours(costs: Costs, candidates: int, length: float, problems: int) -> float:
    """Return the hours that the problems take with candidates of that many tokens, start included.

    All candidates decode together as far as their contexts fit; what does not fit waits its turn.
    """
    # On average a candidate is half written; all share the prompt's blocks, but each reads them.
    own = length / 2
    fitting = int((costs.kv_tokens - PROMPT_TOKENS) / own) * costs.layout.replicas
    together = max(1, min(candidates, fitting))
    rate = costs.tokens_per_second(together, round(PROMPT_TOKENS + own))
    return START_HOURS + problems * candidates * length / rate * STRAGGLERS / 3600


def best(gpu: GpuKind, model: ModelShape) -> Costs:
    """Return the layout for the hours: what the engine does, at 8 bits if not 16 are faster."""
    layouts = (Layout(most_shared(gpu, model, bits), 1, bits) for bits in (8, 16))
    found = [Costs(gpu, model, layout) for layout in layouts]
    fitting = [costs for costs in found if costs.kv_tokens > CONTEXT]
    if not fitting:
        raise ModelError(
            f"{model.name} does not fit on {gpu.count} {gpu.name}, not even at 8 bits."
        )
    return max(fitting, key=lambda costs: costs.tokens_per_second(48, CONTEXT))


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(PlanOptions)
    with user_errors(ValueError):
        config = Config(
            problems=options.problems,
            limit_seconds=options.hours * 3600,
            extra_candidates=options.extra,
            extra_group=options.extra_group,
        )
        check_folder(options.out)
        gpu = GPUS[options.gpu]
        model = NUMINA if options.model is None else model_shape(options.model)
        if options.attention is not None:
            gpu = with_attention(gpu, options.attention, model)
        if options.calibration is not None:
            gpu = calibrated(gpu, options.calibration)
        if min(options.first, options.later, options.problems) < 1 or not 0 <= options.goes_on <= 1:
            raise ModelError("Tokens and problems must be at least 1, GOES-ON from 0 to 1.")
        rows = [layout_row(gpu, model, layout, config) for layout in layouts(gpu, model)]
        costs = best(gpu, model)
        numbers = _compared(config, costs) if options.extra else []
    lengths = Lengths(options.first, options.later, options.goes_on)
    grid = {
        n: {
            m: [
                hours(costs, n, length, options.problems)
                for length in (lengths.typical(m), lengths.longest(m))
            ]
            for m in ROUNDS
        }
        for n in CANDIDATES
    }
    _print_machine(gpu, model)
    _print_layouts(rows, config)
    _print_hours(grid, costs, options)
    path = options.out / "plan.json"
    layout_values = [{f.name: getattr(row, f.name) for f in fields(row)} for row in rows]
    figures = {"constants": _constants(gpu), "layouts": layout_values, "hours": grid}
    if numbers:
        figures["numbers"] = numbers
        print(f"\nExtra candidates, with {costs.layout.name} and the decided stop:")
        comparison.print_rows(numbers, options.problems)
    with user_errors():
        write_json(path, figures)
        print(f"figures  {path}")


def _compared(config: Config, costs: Costs) -> list[comparison.Row]:
    """Return fixed numbers of candidates and the one asked for, played through."""
    with Progress(console(stderr=True)) as show:
        return comparison.compare(own_problems(comparison.POOL), config, costs, report=show)


def _constants(gpu: GpuKind) -> dict[str, Any]:
    return {field.name: getattr(gpu, field.name) for field in fields(gpu)}


def _print_machine(gpu: GpuKind, model: ModelShape) -> None:
    """Print what everything else is computed from."""
    print(
        f"{model.name}: {model.parameters / 1e9:.2f} B parameters ({model.linear / 1e9:.2f} B in "
        f"layers), {model.kv_bytes} bytes of keys and values a token"
    )
    shown = ", ".join(
        f"{name} {value:g}" for name, value in _constants(gpu).items() if name != "name"
    )
    print(f"{gpu.name}: {shown}\n")


def _print_layouts(rows: Sequence[LayoutRow], config: Config) -> None:
    table = Table(
        "layout",
        "weights, GiB",
        "KV tokens",
        "a replica",
        f"a candidate of {config.candidates}",
        f"whole contexts of {config.max_context}",
        f"tokens/s, up to {config.candidates} x {CONTEXT}",
    )
    for row in rows:
        rate = "does not fit" if row.tokens_per_second is None else f"{row.tokens_per_second:g}"
        numbers = (row.kv_tokens, row.kv_tokens_a_replica, row.tokens_a_candidate)
        shown = [f"{max(0, number):,}" for number in numbers]
        table.add_row(row.name, f"{row.weight_gib}", *shown, str(row.candidates_that_fit), rate)
    console(width=max(100, console().width)).print(table)


def _print_hours(grid: Grid, costs: Costs, options: PlanOptions) -> None:
    limit = options.hours - Config().reserve_seconds / 3600
    print(
        f"Hours for {options.problems} problems with {costs.layout.name} and the full vote: as "
        "recorded candidates go on, and if all used all their rounds (* more than the "
        f"{limit:g} that can be planned with)"
    )
    table = Table("candidates", *(f"M = {rounds}" for rounds in ROUNDS))
    for candidates, row in grid.items():
        cells = [
            " / ".join(f"{h:.1f}{'*' if h > limit else ''}" for h in pair) for pair in row.values()
        ]
        table.add_row(f"N = {candidates}", *cells)
    console(width=max(100, console().width)).print(table)


if __name__ == "__main__":
    main()
