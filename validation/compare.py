"""`make compare`: whether one run is better than another, or just luckier.

Covers: a permutation test of the solves within each problem (McNemar's exact test where each run
has one seed), Student's t interval over problems, one sentence with the verdict, and how many more
seeds the difference would need. Does not cover: runs without truths (`report` says how to name
them).

The two answer different questions. The test: on these problems, is it just the seeds? The interval:
would it hold for other problems of this kind? More seeds help only with the first. Every problem
that both runs have finished counts the same, and all its seeds are used: how they are numbered and
how many each run has does not matter. Other problems are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.table import Table

from common.console import console, user_errors
from common.files import check_writable, write_json
from validation import permutation, statistics
from validation.permutation import Difference, Seeds
from validation.report import with_set
from validation.runs.records import RunError, read_run
from validation.runs.verdicts import Verdict, by_problem, judged

SIGNIFICANCE = 0.05
MOST_SEEDS = 1000
"""More are not worth naming: the difference is too small to be shown."""


@dataclass
class CompareOptions:
    """Compare two runs on the same problems."""

    a: str = ""
    """A run's JSONL."""
    b: str = ""
    """The other run's JSONL."""
    set: str = ""
    """A set's name or file, for the truths of runs that did not record them."""


def compare(a: Sequence[Verdict], b: Sequence[Verdict]) -> dict[str, Any]:
    """Return the figures and the verdict.

    Raises:
        RunError: the runs have no problem in common.
    """
    ours, theirs = by_problem(a), by_problem(b)
    common = [problem for problem in ours if problem in theirs]
    if not common:
        raise RunError("The two runs have no finished problem in common.")
    first, second = ([_seeds(run[p]) for p in common] for run in (ours, theirs))
    test = permutation.within_problems(first, second)
    shares = [[s.right / s.solves for s in run] for run in (first, second)]
    differences = [y - x for x, y in zip(*shares, strict=True)]
    figures = {
        "problems": len(common),
        "problems_left_out": len(ours) + len(theirs) - 2 * len(common),
        "solves_a": sum(seeds.solves for seeds in first),
        "solves_b": sum(seeds.solves for seeds in second),
        "accuracy_a": sum(shares[0]) / len(common),
        "accuracy_b": sum(shares[1]) / len(common),
        "better_a": sum(value < 0 for value in differences),
        "better_b": sum(value > 0 for value in differences),
        "permutation": asdict(test),
        "difference_95": asdict(statistics.difference(differences)),
        "more_seeds": more_seeds(first, second, test),
    }
    return {**figures, "verdict": verdict(figures)}


def _seeds(solves: Sequence[Verdict]) -> Seeds:
    return Seeds(sum(solve.right for solve in solves), len(solves))


def more_seeds(a: Sequence[Seeds], b: Sequence[Seeds], test: Difference) -> int | None:
    """Return how many more seeds each run needs to show this difference with 80% power.

    A further seed of both runs is as a pair a problem: such pairs differ as often as two solves of
    a problem do that are drawn from both runs' solves. None where there is no difference.
    """
    if not test.mean:
        return None
    pooled = [Seeds(x.right + y.right, x.solves + y.solves) for x, y in zip(a, b, strict=True)]
    differ = [2 * s.right * (s.solves - s.right) / (s.solves * (s.solves - 1)) for s in pooled]
    # Rounding aside, a difference cannot be larger than how often solves differ.
    discordance = min(1.0, max(sum(differ) / len(differ), abs(test.mean)))
    pairs = statistics.pairs_for(discordance, min(1.0, abs(test.mean) / discordance))
    # Of unequal numbers of seeds as many equal ones count as make the same error.
    inverse = sum(1 / x.solves + 1 / y.solves for x, y in zip(a, b, strict=True))
    seeds = int(2 * len(pooled) / inverse + permutation.HAIR)
    return max(0, -(-pairs // len(pooled)) - seeds)


def verdict(figures: Mapping[str, Any]) -> str:
    """Say in one sentence whether the difference can be told from noise."""
    difference = 100 * figures["permutation"]["mean"]
    low, high = (100 * figures["difference_95"][end] for end in ("low", "high"))
    p = figures["permutation"]["p"]
    if abs(difference) < permutation.HAIR:
        return f"A and B are equally good on these {figures['problems']} problems (p = {p:.2g})."
    better, worse = ("B", "A") if difference > 0 else ("A", "B")
    lead = (
        f"{better} is {abs(difference):.1f} points above {worse} (B - A: 95% interval {low:.1f} to "
        f"{high:.1f}, permutation p = {p:.2g})"
    )
    if p >= SIGNIFICANCE:
        return f"{lead}: this cannot be told from noise, and {_ask(figures['more_seeds'])}."
    if low <= 0 <= high:
        return (
            f"{lead}: on these problems this is more than noise, but to learn whether it holds for "
            "others of this kind takes more problems, not more seeds."
        )
    return f"{lead}: this is more than noise, on these problems and on others of this kind."


def _ask(more: int) -> str:
    """Say what would show the difference."""
    if more > MOST_SEEDS:
        return f"more than {MOST_SEEDS} seeds of each would be needed to show so small a difference"
    ask = f"about {more} more seeds of each" if more > 1 else "a further seed of each"
    return f"{ask} would be needed to show a difference of this size on these problems (80% power)"


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(CompareOptions)
    with user_errors():
        if not (options.a and options.b):
            raise RunError("Which runs? Set A and B to the JSONL files of two runs.")
        runs = [with_set(read_run(Path(path)), options.set) for path in (options.a, options.b)]
        path = Path(options.b).with_suffix(".compare.json")
        check_writable(path)
        figures = compare(*(judged(run) for run in runs))
        print_comparison(options, figures)
        write_json(path, {"a": options.a, "b": options.b, **figures})
        print(f"figures  {path}")


def print_comparison(options: CompareOptions, figures: Mapping[str, Any]) -> None:
    """Print the figures as a table, and the verdict."""
    table = Table("", "A", "B")
    table.add_row("run", options.a, options.b)
    table.add_row("accuracy", f"{figures['accuracy_a']:.1%}", f"{figures['accuracy_b']:.1%}")
    table.add_row("problems better", str(figures["better_a"]), str(figures["better_b"]))
    table.add_row("solves", str(figures["solves_a"]), str(figures["solves_b"]))
    left_out = figures["problems_left_out"]
    rest = f"{left_out} in one run only" if left_out else ""
    table.add_row("problems in common", str(figures["problems"]), rest)
    console().print(table)
    console().print(figures["verdict"])


if __name__ == "__main__":
    main()
