"""Measures how often intervals contain the truth and tests find a difference, on synthetic runs.

    python -m benchmarks.statistics

Each run is drawn from a kind of problems whose truth is known: a problem's chance of being solved
is drawn from a beta distribution, and its seeds and candidates are coin flips with that chance.
Every interval and test of `make report`, `make compare`, `make replay` and `make power` is tried
thousands of times.

Covers: what `benchmarks/results/statistics.json` holds: coverage beside the nominal 95%, false
alarms beside at most 5%, power beside what was promised. Does not cover: real runs, whose truth
nobody knows. Above 300 lines because intervals and tests are asked about the same kinds of
problems, and their design is read side by side.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table
from scipy import stats

from benchmarks.result import Measurement, Row, print_figures, write_result
from common.console import console
from validation import compare, permutation, power, statistics, variance
from validation.permutation import Difference, Seeds
from validation.statistics import Floats, Interval

REPEATS = 4000
"""Of each interval: 95% is then known to 0.34 points (one standard error)."""
TESTS = 4000
"""Of each test: 80% is then known to 0.6 points, 5% to 0.3."""
SMALL = 30
"""Sets of fewer problems are shown, but not counted among those that keep what they promise."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problems: a beta distribution of the chance to be solved."""

    name: str
    a: float
    b: float

    @property
    def mean(self) -> float:
        """The true accuracy."""
        return self.a / (self.a + self.b)

    @property
    def sampling(self) -> float:
        """The true mean of p (1 - p)."""
        return self.a * self.b / ((self.a + self.b) * (self.a + self.b + 1))

    def chances(self, generator: np.random.Generator, problems: int) -> Floats:
        """Return new problems' chances to be solved."""
        return generator.beta(self.a, self.b, problems)


HARD, EVEN, EASY = Kind("hard", 0.4, 1.2), Kind("even", 1.0, 1.0), Kind("easy", 1.5, 0.5)
DESIGNS = [
    *((kind, 83, 5) for kind in (HARD, EVEN, EASY)),
    (EVEN, 30, 4),
    (EVEN, 10, 5),
    (HARD, 10, 5),
]


def drawn(generator: np.random.Generator, chances: Floats, seeds: int) -> NDArray[np.int64]:
    """Return the right solves of each problem."""
    return generator.binomial(seeds, chances)


# --- Intervals ---


def coverage(
    name: str, problems: int, ask: Callable[[], tuple[Interval, float]], nominal: float = 0.95
) -> Row:
    """Return how often an interval holds the truth, in percent, and its mean width."""
    asked = [ask() for _ in range(REPEATS)]
    held = sum(interval.low <= truth <= interval.high for interval, truth in asked)
    width = float(np.mean([interval.high - interval.low for interval, _ in asked]))
    found = {"percent": 100 * held / REPEATS, "nominal": 100 * nominal, "width": round(width, 4)}
    return {"kind": "interval", "name": name, "problems": problems, **found}


def accuracy_intervals(kind: Kind, problems: int, seeds: int) -> Iterator[Row]:
    """Yield the row of the accuracy's interval, and for several seeds of what it replaced."""
    generator = np.random.default_rng(problems * seeds)
    place = f"{problems} problems x {seeds}, {kind.name}"

    def shares() -> list[float]:
        chances = kind.chances(generator, problems)
        return (drawn(generator, chances, seeds) / seeds).tolist()

    counts = [seeds] * problems
    yield coverage(
        f"accuracy, {place}",
        problems,
        lambda: (statistics.over_problems(shares(), counts), kind.mean),
    )
    if seeds > 1 and kind is EVEN:
        before: dict[str, Callable[[list[float]], Interval]] = {
            "Wilson over shares": lambda found: statistics.wilson(sum(found), problems),
            "bootstrap": bootstrap,
        }
        for name, interval in before.items():
            row = coverage(f"  not used: {name}", problems, lambda i=interval: (i(shares()), 0.5))
            yield {**row, "kind": "not used"}


def bootstrap(shares: list[float]) -> Interval:
    """Return the percentile bootstrap interval of a mean, by problems."""
    found = stats.bootstrap(
        (shares,), np.mean, method="percentile", n_resamples=1000, rng=np.random.default_rng(0)
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def wilsons_interval(problems: int) -> Row:
    """Return the row of the accuracy's interval from one seed, over accuracies of 10% to 90%.

    Whole numbers of right problems make its coverage jump by a point or two from one accuracy to
    the next; it is the mean over accuracies that is nominal.
    """
    generator = np.random.default_rng(problems)

    def ask() -> tuple[Interval, float]:
        accuracy = generator.uniform(0.1, 0.9)
        right = generator.random(problems) < accuracy
        return statistics.over_problems(right.astype(float).tolist(), [1] * problems), accuracy

    return coverage(f"accuracy, {problems} problems x 1, 10% to 90%", problems, ask)


def difference_interval(kind: Kind, problems: int, seeds: int) -> Row:
    """Return the row of the difference of two systems that are related, one 5 points better."""
    generator = np.random.default_rng(problems + seeds)

    def ask() -> tuple[Interval, float]:
        a, b = related(generator, kind, problems)
        first, second = (drawn(generator, p, seeds) / seeds for p in (a, b))
        return statistics.difference((second - first).tolist()), 0.05

    return coverage(f"difference, {problems} problems x {seeds}, {kind.name}", problems, ask)


def related(
    generator: np.random.Generator, kind: Kind, problems: int, better: float = 0.05
) -> tuple[Floats, Floats]:
    """Return two systems' chances: B is `better` on the mean, up to twice that or not at all."""
    a = (1 - 2 * better) * kind.chances(generator, problems)
    return a, a + generator.uniform(0, 2 * better, problems)


def leaderboard_ranges(runs: int) -> list[Row]:
    """Return the rows of the range of a score of 50 new problems, hard and even ones."""
    return [leaderboard_range(kind, runs) for kind in (HARD, EVEN)]


def leaderboard_range(kind: Kind, runs: int) -> Row:
    """Return the row of the range of a score of 50 new problems."""
    generator = np.random.default_rng(runs)

    def ask() -> tuple[Interval, float]:
        right = drawn(generator, kind.chances(generator, 83), 5)
        sampling = variance.components(right.tolist(), [5] * 83).sampling
        score = variance.leaderboard((right / 5).tolist(), sampling, runs)
        new = drawn(generator, kind.chances(generator, 50), runs).sum() / runs
        assert score.low is not None and score.high is not None
        return Interval(score.low, score.high), float(new)

    name = "score of 50" if runs == 1 else f"mean score of {runs} runs"
    return coverage(f"{name}, from 83 problems x 5, {kind.name}", 83, ask)


def majority_interval(k: int = 8, count: int = 16) -> Row:
    """Return the row of maj@k from one seed of 16 candidates: right, wrong alike, or silent."""
    generator = np.random.default_rng(k)

    @cache
    def curve(right: int, wrong: int) -> float:
        votes = {1: right, 2: wrong}
        return float(statistics.majority_at_k(votes, count - right - wrong, 1)[k - 1])

    def shares(problems: int) -> list[float]:
        right = drawn(generator, EVEN.chances(generator, problems), count)
        wrong = generator.binomial(count - right, 0.6)
        return [curve(int(r), int(w)) for r, w in zip(right, wrong, strict=True)]

    truth = float(np.mean(shares(200_000)))
    ones = [1] * 83
    return coverage(
        f"maj@{k} of {count}, 83 problems x 1, even",
        83,
        lambda: (statistics.over_problems(shares(83), ones), truth),
    )


# --- Tests ---


def found_by(
    name: str, promised: float, test: Callable[[], bool], alarm: bool = False, part: int = 1
) -> Row:
    """Return how often a test says that two differ, in percent, and what was promised."""
    tests = TESTS // part
    percent = 100 * sum(test() for _ in range(tests)) / tests
    kind = "false alarm" if alarm else "power"
    return {"kind": kind, "name": name, "percent": percent, "nominal": 100 * promised}


def exchanged(generator: np.random.Generator, a: Floats, b: Floats, seeds: int) -> bool:
    """Run two systems once and tell whether the permutation test finds them different."""
    runs = ([Seeds(int(r), seeds) for r in drawn(generator, p, seeds)] for p in (a, b))
    return permutation.within_problems(*runs).p < compare.SIGNIFICANCE


def permutation_tests(problems: int, seeds: int) -> Iterator[Row]:
    """Yield false alarms and power of the permutation test."""
    generator = np.random.default_rng(seeds)
    place = f"{problems} problems x {seeds}"
    equal = EVEN.chances(generator, problems)
    test = f"permutation test, {place}"
    yield found_by(test, 0.05, lambda: exchanged(generator, equal, equal, seeds), True)
    a, b = related(generator, EVEN, problems, 0.06)
    between = float((a * (1 - a) + b * (1 - b)).mean() / 2)
    known = power.Variances(between, float((b - a).std(ddof=1)))
    promised = power.on_these(float((b - a).mean()), known, power.Design(problems, seeds))
    yield found_by(test, promised, lambda: exchanged(generator, a, b, seeds))


def students_t(problems: int, seeds: int) -> Row:
    """Return the power of the interval over problems, as `make power` promises it."""
    generator = np.random.default_rng(problems)
    better = 0.08
    spread = 2 * better / np.sqrt(12)
    # The chances of `related`, whose means over problems are known.
    a, b = related(np.random.default_rng(0), EVEN, 200_000, better)
    known = power.Variances(float((a * (1 - a) + b * (1 - b)).mean() / 2), float(spread))
    promised = power.on_others(better, known, power.Design(problems, seeds))

    def test() -> bool:
        chances = related(generator, EVEN, problems, better)
        first, second = (drawn(generator, p, seeds) / seeds for p in chances)
        return statistics.difference((second - first).tolist()).low > 0

    return found_by(f"Student's t, {problems} problems x {seeds}", promised, test)


def mcnemars_test(discordance: float, lead: float) -> Row:
    """Return the power with as many pairs as `pairs_needed` asks for."""
    generator = np.random.default_rng(2)
    pairs = statistics.pairs_for(discordance, lead)

    @cache
    def significant(first: int, both: int) -> bool:
        return bool(stats.binomtest(first, both).pvalue < compare.SIGNIFICANCE)

    def test() -> bool:
        both = generator.binomial(pairs, discordance)
        return both > 0 and significant(int(generator.binomial(both, (1 + lead) / 2)), int(both))

    return found_by(f"McNemar's test, {pairs} pairs asked for", 0.8, test)


def more_seeds(problems: int = 200) -> Row:
    """Return the power after as many more seeds as `make compare` asks for."""
    generator = np.random.default_rng(9)
    a, b = related(generator, EVEN, problems, 0.04)
    runs = [[Seeds(int(r), 3) for r in drawn(generator, p, 3)] for p in (a, b)]
    # What it is asked is how to show this very difference: the true one.
    first, second = runs
    more = compare.more_seeds(first, second, Difference(float((b - a).mean()), 1.0, True)) or 0
    name = f"permutation test, {problems} problems x 3 and {more} more asked for"
    return found_by(name, 0.8, lambda: exchanged(generator, a, b, 3 + more))


def ten_rules(problems: int = 83) -> Row:
    """Return how often any of nine rules is said to differ from the kernel's, though none does."""
    generator = np.random.default_rng(10)

    def test() -> bool:
        # Rules of a family change the same answers: half of each rule's changes are shared.
        shared = generator.choice([-1.0, 0.0, 1.0], problems, p=[0.05, 0.9, 0.05])
        own = generator.choice([-1.0, 0.0, 1.0], (9, problems), p=[0.05, 0.9, 0.05])
        rules = np.where(generator.random((9, problems)) < 0.5, shared, own)
        return min(permutation.corrected(rules)) < compare.SIGNIFICANCE

    # Each draws 20,000 signs for every problem: fewer repetitions, 0.05 known to 0.007.
    name = f"nine rules against one, {problems} problems"
    return found_by(name, 0.05, test, True, part=4)


# --- The file ---


def measures() -> list[Callable[[], Iterable[Row]]]:
    """Return everything that is measured."""
    return [
        *(partial(accuracy_intervals, *design) for design in DESIGNS),
        lambda: map(wilsons_interval, (50, 83)),
        lambda: [difference_interval(EVEN, 83, 5)],
        lambda: [difference_interval(HARD, 50, 2)],
        lambda: [majority_interval()],
        *(partial(leaderboard_ranges, runs) for runs in (1, 2)),
        *(partial(permutation_tests, 83, seeds) for seeds in (1, 5)),
        lambda: permutation_tests(250, 4),
        lambda: [students_t(83, 5)],
        lambda: [mcnemars_test(0.35, 0.4)],
        lambda: [more_seeds()],
        lambda: [ten_rules()],
    ]


def measure() -> Measurement:
    """Return the result file's figures and rows."""
    start = time.perf_counter()
    rows: list[Row] = []
    for ask in track(measures(), "Drawing runs", console=console(stderr=True), transient=True):
        rows += ask()
    intervals = [row for row in _of(rows, "interval") if row["problems"] >= SMALL]
    off = [abs(row["percent"] - row["nominal"]) for row in intervals]
    short = [r["nominal"] - r["percent"] for r in _of(rows, "power")]
    alarms = [r["percent"] for r in _of(rows, "false alarm")]
    figures = {
        "coverage_off_points": round(max(off), 2),
        "power_short_points": round(max(short), 2),
        "false_alarms_percent": round(max(alarms), 2),
        "repeats": REPEATS,
        "tests": TESTS,
        "seconds": round(time.perf_counter() - start),
    }
    return Measurement(figures, rows)


def _of(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def main() -> None:
    """Measure, print the table, write the file."""
    figures, rows = measure()
    table = Table("kind", "", "found", "nominal", "width")
    for row in rows:
        width = f"{row['width']:.3f}" if "width" in row else ""
        percents = (f"{row[key]:.1f}%" for key in ("percent", "nominal"))
        table.add_row(row["kind"], row["name"], *percents, width)
    console().print(table)
    print_figures(figures)
    print(f"written to  {write_result('statistics', figures, rows)}")


if __name__ == "__main__":
    main()
