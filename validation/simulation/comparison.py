"""Compares numbers of candidates: hours at several attention speeds, and right answers.

Covers: N = 48, 96, 144 and 192 and a number with extra candidates (`kernel.voting.clear`), for
`make simulate EXTRA=` and `make plan EXTRA=`. Hours come from the simulator on a few problems,
right answers from resampled votes (`votes`). Does not cover: what the deadline costs in right
answers; rows that reach it are marked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.table import Table

from common.console import console
from kernel.config import Config
from validation.simulation.costs import T4, T4_ATTENTION, Costs, GpuKind, with_attention
from validation.simulation.model_shape import ModelShape
from validation.simulation.run import START_SECONDS, SimulatedRun, simulate
from validation.simulation.shapes import ShapedProblem, ShapesError
from validation.simulation.votes import FIXED, Number, as_recorded, ballot, outcomes

SIMULATED = 10
"""Problems of a simulated run that stand for all: two of each family."""
RUNS = 30
"""Of the votes: enough to tell half a problem of fifty."""
POOL = 1500
"""Candidates of each family of the package's own, from which runs are drawn."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hours:
    """What a simulated run comes to, for all the problems asked."""

    hours: float
    cut_off: float
    """Share of the problems whose vote the deadline cut off."""


def compared(config: Config) -> list[Number]:
    """Return the fixed numbers, and the one that the settings ask for."""
    own = Number(config.candidates, config.extra_candidates, config.extra_group, config.stop_risk)
    return [*(Number(count) for count in FIXED), own]


def speeds(gpu: GpuKind, model: ModelShape) -> dict[str, GpuKind]:
    """Return the GPU with each attention that is known of it, by name, for a model's heads."""
    if gpu.name != T4.name:
        return {f"{gpu.attention_gb_s:g} GB/s": gpu}
    named = {name: with_attention(gpu, name, model) for name in T4_ATTENTION}
    shown = {f"{name}, {each.attention_gb_s:g} GB/s": each for name, each in named.items()}
    if gpu.attention_gb_s not in (each.attention_gb_s for each in named.values()):
        return {f"given, {gpu.attention_gb_s:g} GB/s": gpu, **shown}
    return shown


def hours(
    pool: Sequence[ShapedProblem], number: Number, config: Config, costs: Costs, simulated: int
) -> Hours:
    """Return the hours of a run, from a shorter one with the same share of time a problem."""
    asked = config.problems
    count = min(simulated, asked)
    problems = [_cut(pool[n % len(pool)], n // len(pool), number.most, n) for n in range(count)]
    gone = START_SECONDS + config.reserve_seconds
    limit = gone + max(1.0, (config.limit_seconds - gone) * count / asked)
    mine = replace(
        config,
        candidates=number.candidates,
        extra_candidates=number.extra_candidates,
        extra_group=number.extra_group,
        problems=count,
        limit_seconds=limit,
    )
    outcome: SimulatedRun = simulate(problems, mine, costs)
    start = START_SECONDS / 3600
    return Hours(start + (outcome.hours - start) * asked / count, outcome.cut_off() / count)


def _cut(problem: ShapedProblem, turn: int, count: int, number: int) -> ShapedProblem:
    """Return the problem with the candidates of its given turn; the turns go round."""
    first = turn * count % (len(problem.shapes) - count + 1)
    return ShapedProblem(str(number), problem.truth, problem.shapes[first : first + count])


def compare(
    pool: Sequence[ShapedProblem],
    config: Config,
    costs: Costs,
    simulated: int | None = None,
    runs: int | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Return a row for each number of candidates.

    Args:
        pool: problems with many candidates each; the run's take them in turn.
        config: `problems`, times, slots, and the number that is compared with the fixed ones.
        costs: of the machine; its attention is exchanged where others are known.
        simulated: problems of the runs that give the hours; `SIMULATED` if not given.
        runs: resampled runs that give the right answers; `RUNS` if not given.
        report: is told what is done.

    Raises:
        ShapesError: the pool has too few candidates.
    """
    numbers = compared(config)
    most = max(number.most for number in numbers)
    if (fewest := min(len(problem.shapes) for problem in pool)) < most:
        raise ShapesError(f"{fewest} transcripts of a problem do not make {most} candidates.")
    population = as_recorded([ballot(problem, config) for problem in pool], config.problems)
    votes = outcomes(
        population,
        numbers,
        runs or RUNS,
        slots=config.slots,
        report=lambda run: report(f"votes: run {run}"),
    )
    base = votes[numbers[0]]
    rows: list[Row] = []
    for number in numbers:
        row: Row = {"number": number.name, **votes[number].figures(base), "hours": {}}
        for name, gpu in speeds(costs.gpu, costs.model).items():
            report(f"hours: {number.name}, {name}")
            found = hours(pool, number, config, replace(costs, gpu=gpu), simulated or SIMULATED)
            row["hours"][name] = [round(found.hours, 2), round(found.cut_off, 3)]
        rows.append(row)
    return rows


def print_rows(rows: Sequence[Row], problems: int) -> None:
    """Print the numbers side by side."""
    names = list(rows[0]["hours"])
    table = Table(
        "candidates",
        f"right of {problems}",
        "95% of runs",
        f"over {rows[0]['number']}",
        "candidates a problem",
        *(f"hours: {name}" for name in names),
    )
    for row in rows:
        table.add_row(
            row["number"],
            f"{row['right']:.1f}",
            f"{row['right_low']} to {row['right_high']}",
            f"{row['gain']:+.1f} ({row['gain_low']:+.1f} to {row['gain_high']:+.1f})",
            f"{row['candidates']:.0f}",
            *(_shown(row["hours"][name]) for name in names),
        )
    console(width=max(120, console().width)).print(table)
    print(
        "Right answers are those of votes that nothing cuts off, on problems like the recorded "
        "ones; * marks hours in which the deadline cuts votes off, with the share of problems."
    )


def _shown(hours_and_cut: Sequence[float]) -> str:
    found, cut_off = hours_and_cut
    return f"{found:.1f}*  {cut_off:.0%}" if cut_off else f"{found:.1f}"
