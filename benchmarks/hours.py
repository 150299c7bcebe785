"""Measures what more candidates buy: right answers against tokens, fixed numbers against extras.

    make bench-hours                                    # on the package's own answers
    python -m benchmarks.hours --shapes recorded.jsonl.gz --out folder

Runs of fifty problems are voted on again and again, each with a sample of the problems' candidates
(`validation.simulation.votes`). The answers are generated like recorded ones, as many as were
recorded; `--shapes` names recorded ones instead. There are two populations: the five recorded
problems in turn, all of them hard; and one in which every other problem is easier, about the level
at which competitions are won. Hours come from the simulator.

Covers: what `benchmarks/results/hours.json` holds, and its picture. Does not cover: other models'
answers: the intervals are over samples of these problems' candidates, not over problems.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from rich.progress import Progress, track
from rich.table import Table
from scipy import stats

from benchmarks import hours_page, result
from benchmarks.result import Measurement, Row
from common.console import console, user_errors
from common.files import check_writable
from kernel.config import Config
from validation.simulation import comparison
from validation.simulation.costs import T4, Costs, Layout
from validation.simulation.model_shape import NUMINA
from validation.simulation.shapes import ShapedProblem
from validation.simulation.votes import (
    FIXED,
    Ballot,
    Number,
    Outcomes,
    Population,
    Vote,
    as_recorded,
    ballot,
    half_easier,
    mean_interval,
    outcomes,
    own_problems,
    recorded_problems,
    vote,
)

ROOT = Path(__file__).resolve().parent.parent
IMAGE = ROOT / "docs/images/hours.png"
PROBLEMS, RUNS = 50, 100
SIMULATED = 20
"""Problems of the runs that give the hours: four of each family."""
BASE = Number(48)
RIVAL = Number(144)
CHOSEN = Number(48, 96)
COMPARED = (*(Number(count) for count in FIXED), CHOSEN)
CURVE = (16, 24, 32, 48, 64, 96, 120, 144, 192)
EXTRAS = (24, 48, 96, 144)
DEVIATIONS = (0.5, 1.5, 2.0)
"""Of a clear lead, besides the kernel's own."""
RISKS = (0.01, 0.05, 0.1, 0.2)
POPULATIONS: Mapping[str, Callable[[Sequence[Ballot], int], Population]] = {
    "recorded": as_recorded,
    "half easier": half_easier,
}


@dataclass
class HoursOptions:
    """Measure what more candidates buy."""

    shapes: Path | None = None
    """Recorded token counts and answers (JSONL, may be gzipped); generated ones if not given."""
    out: Path | None = None
    """Folder for figures and picture; the package's own places if not given."""
    runs: int = RUNS
    """Resampled runs of fifty problems."""


def numbers() -> list[Number]:
    """Return all numbers of candidates that are voted with, none twice."""
    extras = [Number(48, extra) for extra in EXTRAS]
    clear = [replace(CHOSEN, deviations=deviations) for deviations in DEVIATIONS]
    fixed = [Number(count) for count in (*CURVE, *FIXED)]
    return list(dict.fromkeys([*fixed, *extras, *clear]))


def name_of(number: Number) -> str:
    """Return the number for people, with how large a lead is clear where that is not the rule."""
    if number.deviations == CHOSEN.deviations:
        return number.name
    return f"{number.name}, clear at {number.deviations:g}"


def voted(pool: Sequence[Ballot], population: str, runs: int) -> Mapping[Number, Outcomes]:
    """Return what each number came to on a population."""
    drawn = POPULATIONS[population](pool, PROBLEMS)
    with Progress(console=console(stderr=True)) as bar:
        task = bar.add_task(f"Runs of {PROBLEMS} problems, {population}", total=runs)
        return outcomes(drawn, numbers(), runs, report=lambda run: bar.update(task, completed=run))


def number_rows(found: Mapping[Number, Outcomes], population: str) -> list[Row]:
    """Return a row for each number of candidates."""
    return [
        {
            "kind": "number",
            "population": population,
            "number": name_of(number),
            "extra": number.extra_candidates,
            "deviations": number.deviations,
            **outcome.figures(found[BASE]),
        }
        for number, outcome in found.items()
    ]


def problem_rows(found: Mapping[Number, Outcomes], pool: Sequence[Ballot]) -> list[Row]:
    """Return for each recorded problem how often each number has it right."""
    rows: list[Row] = []
    for index, each in enumerate(pool):
        columns = slice(index, None, len(pool))
        voters = [heard.answer for heard in each.heard if heard.answer is not None]
        shares = {
            number.name: round(float(found[number].right[:, columns].mean()), 3)
            for number in COMPARED
        }
        started = float(found[CHOSEN].started[:, columns].mean())
        rows.append(
            {
                "kind": "problem",
                "problem": index + 1,
                "truth_share": round(voters.count(each.truth or 0) / len(voters), 3),
                "leading_wrong_share": _leading_wrong(each, voters),
                **shares,
                "gain": round(shares[CHOSEN.name] - shares[BASE.name], 3),
                "candidates": round(started, 1),
            }
        )
    return rows


def _leading_wrong(each: Ballot, voters: Sequence[int]) -> float:
    """Return the share of votes of the most frequent wrong answer."""
    wrong = [answer for answer in voters if answer != each.truth]
    return round(max(map(wrong.count, set(wrong))) / len(voters), 3)


# --- Stopping at a stated risk ---


def risk_rows(pool: Sequence[Ballot], candidates: int = 48) -> list[Row]:
    """Return for each risk what it saves and changes, on solves that use every answer once."""
    solves = [
        Ballot(each.truth, each.heard[first : first + candidates])
        for each in pool
        for first in range(0, len(each.heard) - candidates + 1, candidates)
    ]
    exact = [vote(solve, Number(candidates)) for solve in solves]
    rows: list[Row] = []
    for risk in RISKS:
        watched = track(solves, f"Stopping at a risk of {risk:g}", console=console(stderr=True))
        risky = [vote(solve, Number(candidates, stop_risk=risk)) for solve in watched]
        rows.append(_risk_row(risk, exact, risky))
    return rows


def _risk_row(risk: float, exact: Sequence[Vote], risky: Sequence[Vote]) -> Row:
    """Return what a risk saves, changes, and promised."""
    pairs = list(zip(exact, risky, strict=True))
    changed = sum(a.answer != b.answer for a, b in pairs)
    upper = stats.binomtest(changed, len(pairs)).proportion_ci(method="exact").high
    tokens = sum(b.tokens for b in risky) / sum(a.tokens for a in exact)
    steps = sum(b.steps for b in risky) / sum(a.steps for a in exact)
    return {
        "kind": "risk",
        "risk": risk,
        "solves": len(pairs),
        "changed": changed,
        "changed_at_most": round(float(upper), 5),
        "bound": round(float(np.mean([b.chance for b in risky])), 5),
        "right_before": sum(a.right for a in exact),
        "right_after": sum(b.right for b in risky),
        "tokens_saved": round(1 - tokens, 4),
        "steps_saved": round(1 - steps, 4),
    }


# --- Hours ---


def hour_rows(pool: Sequence[ShapedProblem]) -> list[Row]:
    """Return the hours of fifty problems for each number and attention speed."""
    costs = Costs(T4, NUMINA, Layout(2, 1, 8))
    config = Config(problems=PROBLEMS)
    rows: list[Row] = []
    asked = itertools.product(comparison.speeds(T4, NUMINA).items(), COMPARED)
    for (speed, gpu), number in track(list(asked), "Hours", console=console(stderr=True)):
        mine = replace(costs, gpu=gpu)
        found = comparison.hours(pool, number, config, mine, SIMULATED)
        row = {"number": number.name, "attention": speed, "hours": round(found.hours, 2)}
        rows.append({"kind": "hours", **row, "cut_off": found.cut_off})
    return rows


# --- The file ---


def figures_of(found: Mapping[str, Mapping[Number, Outcomes]]) -> dict[str, float]:
    """Return the figures by name; those of the second population end in `_half_easier`."""
    figures: dict[str, float] = {}
    for population, runs in found.items():
        end = "" if population == "recorded" else f"_{population.replace(' ', '_')}"
        fixed, extra = (runs[number].figures(runs[BASE]) for number in (RIVAL, CHOSEN))
        behind = mean_interval(runs[CHOSEN].a_run() - runs[RIVAL].a_run())
        figures |= {
            f"right_48{end}": runs[BASE].figures(runs[BASE])["right"],
            f"gain_144{end}": fixed["gain"],
            f"gain_extra{end}": extra["gain"],
            f"extra_over_144{end}": round(extra["right"] - fixed["right"], 2),
            f"extra_over_144_low{end}": round(behind.low, 2),
            f"extra_over_144_high{end}": round(behind.high, 2),
            f"tokens_over_144{end}": round(extra["tokens"] / fixed["tokens"], 3),
        }
    return figures


def measure(pool: Sequence[ShapedProblem], runs: int) -> Measurement:
    """Return the result file's figures and rows."""
    ballots = [ballot(problem, Config()) for problem in pool]
    found = {population: voted(ballots, population, runs) for population in POPULATIONS}
    rows = [row for name, outcome in found.items() for row in number_rows(outcome, name)]
    rows += problem_rows(found["recorded"], ballots)
    risks = risk_rows(ballots)
    figures = {**figures_of(found), "runs": runs, "solves_of_the_risk": risks[0]["solves"]}
    return Measurement(figures, [*rows, *risks, *hour_rows(pool)])


def print_tables(rows: Sequence[Row]) -> None:
    """Print the rows, a table a kind."""
    for kind in ("number", "problem", "risk", "hours"):
        chosen = [
            {k: v for k, v in row.items() if k != "kind"} for row in rows if row["kind"] == kind
        ]
        table = Table(*chosen[0], title=kind)
        for row in chosen:
            table.add_row(*(str(value) for value in row.values()))
        console(width=max(160, console().width)).print(table)


def main() -> None:
    """Measure, print the tables, write the file and the picture; exit 2 on a user's error."""
    options = tyro.cli(HoursOptions)
    folder = result.FOLDER if options.out is None else options.out
    image = IMAGE if options.out is None else options.out / "hours.png"
    with user_errors(ValueError):
        check_writable(folder / "hours.json")
        check_writable(image)
        pool = own_problems() if options.shapes is None else recorded_problems(options.shapes)
        figures, rows = measure(pool, options.runs)
        print_tables(rows)
        result.print_figures(figures)
        hours_page.draw(rows, image)
        print(f"picture     {image}")
        print(f"written to  {result.write_result('hours', figures, rows, folder)}")


if __name__ == "__main__":
    main()
