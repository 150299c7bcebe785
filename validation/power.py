"""`make power`: before a run, how many problems and seeds it takes to tell two systems apart.

Above 300 lines because each of two tests is asked for its power, its sizes and its smallest
difference.

Covers: the power of both of `compare`'s answers (the permutation test on these problems, Student's
t on others of their kind), the problems or seeds that reach 80%, the smallest difference that can
be shown; from stated variances or those of recorded runs. Does not cover: how long that takes
(`plan`, `simulate`).

Two quantities decide. `sampling` is the variance of repeating a solve: the mean over problems of p
(1 - p), at most 0.25. More seeds average it out. `spread` is the standard deviation over problems
of the true difference between the two systems; only more problems average that out.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.table import Table
from scipy import optimize, stats

from common.console import console, user_errors
from common.files import check_folder, write_json
from validation import plots
from validation.report import right_solves, with_set
from validation.runs.records import RunError, read_run
from validation.runs.verdicts import by_problem, judged
from validation.variance import components

ROOT = Path(__file__).resolve().parent.parent
POWER = 0.8
SIGNIFICANCE = 0.05
SIZES = (50, 83, 90, 754)
"""Problems of a leaderboard, of AMC, of AIME, of MATH level 4."""
SEEDS = (1, 2, 4, 8, 16, 32)
MOST = 10_000_000
"""Problems or seeds beyond which nobody looks."""


@dataclass
class PowerOptions:
    """Say how many problems and seeds tell two systems apart."""

    points: float = 2.0
    """The difference to be shown, in percentage points."""
    sampling: float | None = None
    """Variance of repeating a solve; 0.1 if neither this nor a run is given."""
    spread: float | None = None
    """Standard deviation over problems of the true difference; 0.1 if neither this nor two runs
    are given."""
    problems: int | None = None
    """Problems of the set that is to be run."""
    seeds: int | None = None
    """Seeds of each system that are to be run."""
    a: str = ""
    """A recorded run with several seeds, for `sampling`."""
    b: str = ""
    """A recorded run of another system on the same problems, for `spread`."""
    set: str = ""
    """A set's name or file, for the truths of runs that do not know them."""
    out: Path = ROOT / "runs/power"
    """Folder for the plot and the JSON."""


@dataclass(frozen=True, slots=True)
class Variances:
    """What decides how much a comparison can tell."""

    sampling: float
    spread: float


@dataclass(frozen=True, slots=True)
class Design:
    """A comparison that could be run."""

    problems: int
    seeds: int
    """Of each system."""


Power = Callable[[float, Variances, Design], float]


def on_these(difference: float, variances: Variances, design: Design) -> float:
    """Return the power of the permutation test within problems.

    Args:
        difference: mean over these problems of the true one, as a share.
        variances: of both systems' solves.
        design: problems and seeds.
    """
    solves = design.problems * design.seeds
    # Exchanged solves vary by the two systems' difference too: by half of it to both sides.
    both = (variances.spread**2 + difference**2) / 4
    both *= 2 * design.seeds / (2 * design.seeds - 1)
    # Sums of whole solves go in steps, of which an exact test loses half a one.
    least = _z() * math.sqrt(2 * (variances.sampling + both) / solves) + 1 / solves
    error = math.sqrt(2 * variances.sampling / solves)
    return float(stats.norm.sf((least - difference) / error))


def on_others(difference: float, variances: Variances, design: Design) -> float:
    """Return the power of Student's t over problems; see `on_these`."""
    if design.problems < 2:
        return 0.0
    variance = variances.spread**2 + 2 * variances.sampling / design.seeds
    shift = difference / math.sqrt(variance / design.problems)
    freedom = design.problems - 1
    least = stats.t.ppf(1 - SIGNIFICANCE / 2, freedom)
    found = float(stats.nct.sf(least, freedom, shift))
    # Far from 0 scipy's series runs out of digits: the power is 1 there.
    return found if math.isfinite(found) else 1.0


def _z() -> float:
    return float(stats.norm.ppf(1 - SIGNIFICANCE / 2))


def problems_needed(
    power: Power, difference: float, variances: Variances, seeds: int
) -> int | None:
    """Return the fewest problems that show the difference with `POWER`."""
    return _fewest(lambda count: power(difference, variances, Design(count, seeds)))


def seeds_needed(
    power: Power, difference: float, variances: Variances, problems: int
) -> int | None:
    """Return the fewest seeds that show it; None where no number does: too few problems."""
    return _fewest(lambda count: power(difference, variances, Design(problems, count)))


def _fewest(reached: Callable[[int], float]) -> int | None:
    high = 1
    while reached(high) < POWER:
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= POWER else (middle, high)
    return high


def detectable(power: Power, variances: Variances, design: Design) -> float | None:
    """Return the smallest difference that is shown with `POWER`, as a share; None beyond 1."""
    least, most = 1e-6, 1.0
    if power(most, variances, design) < POWER:
        return None
    if power(least, variances, design) >= POWER:
        return least
    found: Any = optimize.brentq(lambda share: power(share, variances, design) - POWER, least, most)
    return float(found)


def variances(options: PowerOptions) -> Variances:
    """Return the variances stated, else those of the recorded runs, else the defaults.

    Raises:
        RunError: a run cannot be read, or has no two seeds of a problem; a value cannot be.
    """
    known = [_recorded(path, options.set) for path in (options.a, options.b) if path]
    sampling = options.sampling
    if sampling is None:
        # An estimate from few problems may be more than any variance can be.
        sampling = min(0.25, float(np.mean([run.sampling for run in known]))) if known else 0.1
    spread = options.spread
    if spread is None:
        spread = _spread(*known) if len(known) == 2 else 0.1
    if not 0 < options.points < 100:
        raise RunError(f"POINTS is {options.points:g}: it must lie between 0 and 100.")
    if not 0 < sampling <= 0.25:
        raise RunError(f"SAMPLING is {sampling:g}: it must be above 0 and at most 0.25.")
    if not 0 <= spread <= 1:
        raise RunError(f"SPREAD is {spread:g}: it must be from 0 to 1.")
    if any(count is not None and count < 1 for count in (options.problems, options.seeds)):
        raise RunError("PROBLEMS and SEEDS must be at least 1.")
    return Variances(sampling, spread)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a recorded run shows."""

    sampling: float
    shares: Mapping[str, float]
    errors: Mapping[str, float]
    """Of each problem's share, the variance by sampling."""


def _recorded(path: str, set_name: str) -> _Recorded:
    problems = by_problem(judged(with_set(read_run(Path(path)), set_name)))
    right, counts = right_solves(problems)
    sampling = components(right, counts).sampling if problems else None
    if not sampling:
        raise RunError(
            f"{path} cannot tell how far repeated solves differ: record a run of several seeds "
            "whose answers vary, or state SAMPLING."
        )
    shares = [r / n for r, n in zip(right, counts, strict=True)]
    # A problem's own estimate where it has one; both are unbiased.
    errors = [
        s * (1 - s) / (n - 1) if n > 1 else sampling for s, n in zip(shares, counts, strict=True)
    ]
    return _Recorded(
        sampling, dict(zip(problems, shares, strict=True)), dict(zip(problems, errors, strict=True))
    )


def _spread(a: _Recorded, b: _Recorded) -> float:
    """Return how far the true difference varies: what is seen less what sampling makes of it."""
    common = [problem for problem in a.shares if problem in b.shares]
    if len(common) < 2:
        raise RunError("The two runs have no two problems in common: state SPREAD.")
    seen = float(np.var([b.shares[p] - a.shares[p] for p in common], ddof=1))
    return math.sqrt(max(0.0, seen - float(np.mean([a.errors[p] + b.errors[p] for p in common]))))


def plan(options: PowerOptions, known: Variances) -> dict[str, Any]:
    """Return the figures."""
    difference = options.points / 100
    sizes = sorted({*SIZES, *filter(None, [options.problems])})
    seeds = sorted({*SEEDS, *filter(None, [options.seeds])})
    return {
        "points": options.points,
        **asdict(known),
        "problems_needed": [
            {
                "seeds": count,
                "on_these": problems_needed(on_these, difference, known, count),
                "on_others": problems_needed(on_others, difference, known, count),
            }
            for count in seeds
        ],
        "seeds_needed": [
            {
                "problems": size,
                "on_these": seeds_needed(on_these, difference, known, size),
                "on_others": seeds_needed(on_others, difference, known, size),
            }
            for size in sizes
        ],
        "detectable": {
            size: {
                count: [
                    detectable(power, known, Design(size, count)) for power in (on_these, on_others)
                ]
                for count in seeds
            }
            for size in sizes
        },
    }


def sentence(options: PowerOptions, known: Variances) -> str:
    """Say what the design asked for tells, or how large it must be."""
    difference = options.points / 100
    size, seeds = options.problems or SIZES[1], options.seeds or 5
    needed = seeds_needed(on_these, difference, known, size)
    found = [detectable(power, known, Design(size, seeds)) for power in (on_these, on_others)]
    these, others = ("no difference" if x is None else f"{100 * x:.1f} points" for x in found)
    return (
        f"{size} problems with {seeds} seeds of each system show {these} on these problems and "
        f"{others} on others of their kind; {options.points:g} points on these take "
        f"{_count(needed)} seeds (80% power, p < {SIGNIFICANCE:g})."
    )


def _count(value: int | None) -> str:
    return "no number of" if value is None else f"{value:,}"


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(PowerOptions)
    with user_errors():
        check_folder(options.out)
        known = variances(options)
        figures = plan(options, known)
        print_plan(figures)
        print(sentence(options, known))
        picture = plots.save(plots.detectable(figures), options.out, "power")
        path = options.out / "power.json"
        write_json(path, figures)
        print(f"plot     {picture}\nfigures  {path}")


def print_plan(figures: Mapping[str, Any]) -> None:
    """Print what is needed as two tables."""
    shown = console()
    shown.print(
        f"Variance of sampling {figures['sampling']:.3f}, spread of the difference over problems "
        f"{figures['spread']:.3f}."
    )
    for name, of in (("problems", "seeds"), ("seeds", "problems")):
        title = f"{name} that show {figures['points']:g} points"
        table = Table(of, "on these problems", "on others of their kind", title=title)
        for row in figures[f"{name}_needed"]:
            cells = [row[of], row["on_these"], row["on_others"]]
            table.add_row(*("never" if cell is None else f"{cell:,}" for cell in cells))
        shown.print(table)


if __name__ == "__main__":
    main()
