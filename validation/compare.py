"""`make compare`: whether one run is better than another, or just luckier.

Covers: McNemar's exact test on the solves, the paired bootstrap over problems, one sentence with
the verdict, and how many more seeds the difference would need. Does not cover: runs without truths
(`report` says how to name them).

The two tests answer different questions. McNemar's: on these problems, is it the seeds? The
bootstrap's: would it hold for other problems of this kind? More seeds help with the first only.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

from kernel.report import write_json
from validation import statistics
from validation.report import Outcome, by_problem, outcomes, with_set
from validation.runs.records import RunError, read_run
from validation.runs.sets import SetError

SIGNIFICANCE = 0.05


@dataclass
class Options:
    """Compare two runs on the same problems."""

    a: str = ""
    """A run's JSONL."""
    b: str = ""
    """The other run's JSONL."""
    set: str = ""
    """A set's name or file, for the truths of runs that do not know them."""


def paired(a: list[Outcome], b: list[Outcome]) -> list[tuple[Outcome, Outcome]]:
    """Return the solves of each problem as pairs, in the order of their seeds.

    Seeds need not be the same ones; of a problem with more solves in one run the rest is left out.
    """
    pairs: list[tuple[Outcome, Outcome]] = []
    for problem in sorted({o.solved.problem for o in a} & {o.solved.problem for o in b}):
        ours, theirs = (
            sorted((o for o in run if o.solved.problem == problem), key=lambda o: o.solved.seed)
            for run in (a, b)
        )
        pairs += zip(ours, theirs, strict=False)
    return pairs


def compare(a: list[Outcome], b: list[Outcome]) -> dict[str, Any]:
    """Return the figures and the verdict.

    Raises:
        RunError: the runs have no problem in common.
    """
    pairs = paired(a, b)
    if not pairs:
        raise RunError("The two runs have no finished problem in common.")
    test = statistics.mcnemar([x.right for x, _ in pairs], [y.right for _, y in pairs])
    shares = [by_problem([pair[side] for pair in pairs]) for side in (0, 1)]
    first, second = ([run[p] for p in sorted(run)] for run in shares)
    interval = statistics.paired_bootstrap(first, second)
    needed = statistics.pairs_needed(test)
    seeds = len(pairs) / len(first)
    figures = {
        "problems": len(first),
        "pairs": len(pairs),
        "left_out": len(a) + len(b) - 2 * len(pairs),
        "accuracy_a": sum(x.right for x, _ in pairs) / len(pairs),
        "accuracy_b": sum(y.right for _, y in pairs) / len(pairs),
        "mcnemar": asdict(test),
        "difference_95": asdict(interval),
        "more_seeds": None if needed is None else max(0, -(-needed // len(first)) - int(seeds)),
    }
    return {**figures, "verdict": verdict(figures)}


def verdict(figures: dict[str, Any]) -> str:
    """Say in one sentence whether the difference can be told from noise."""
    difference = 100 * (figures["accuracy_b"] - figures["accuracy_a"])
    low, high = (100 * figures["difference_95"][end] for end in ("low", "high"))
    p = figures["mcnemar"]["p"]
    if difference == 0:
        return f"A and B are equally good on these {figures['problems']} problems (p = {p:.2g})."
    better, worse = ("B", "A") if difference > 0 else ("A", "B")
    lead = (
        f"{better} is {abs(difference):.1f} points above {worse} (B - A: 95% interval {low:.1f} to "
        f"{high:.1f}, McNemar p = {p:.2g})"
    )
    if p >= SIGNIFICANCE:
        more = figures["more_seeds"]
        ask = f"about {more} more seeds of each" if more and more > 1 else "a further seed of each"
        return (
            f"{lead}: this cannot be told from noise, and {ask} would be needed to show a "
            "difference of this size on these problems (80% power)."
        )
    if low <= 0 <= high:
        return (
            f"{lead}: on these problems this is more than noise, but whether it holds for others "
            "of this kind takes more problems, not more seeds."
        )
    return f"{lead}: this is more than noise, on these problems and on others of this kind."


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(Options)
    try:
        if not (options.a and options.b):
            raise RunError("Which runs? Set A and B to the JSONL files of two runs.")
        runs = [with_set(read_run(Path(path)), options.set) for path in (options.a, options.b)]
        figures = compare(*(outcomes(run, run.config) for run in runs))
    except (RunError, SetError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    table = Table("", "A", "B")
    table.add_row("run", options.a, options.b)
    table.add_row("accuracy", f"{figures['accuracy_a']:.1%}", f"{figures['accuracy_b']:.1%}")
    test = figures["mcnemar"]
    table.add_row("right alone", str(test["only_a"]), str(test["only_b"]))
    table.add_row("pairs", str(figures["pairs"]), f"on {figures['problems']} problems")
    console = Console()
    console.print(table)
    console.print(figures["verdict"])
    path = Path(options.b).with_suffix(".compare.json")
    write_json(path, {"a": options.a, "b": options.b, **figures})
    print(f"figures  {path}")


if __name__ == "__main__":
    main()
