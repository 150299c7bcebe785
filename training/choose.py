"""`make choose`: which of several checkpoints is best, how sure that is, and what would settle it.

Covers: runs of `make validate`, grouped by the checkpoint they scored; accuracy on each set with
its interval, the mean over the sets that all checkpoints have in common, paired tests of the best
against each of the others. Does not cover: the runs themselves.

The winners chose on four sets of different difficulty after each stage: a set that is too easy or
too hard for a model says nothing about it, so each set counts the same.

    python -m training.choose runs/a-amc.jsonl runs/a-aime.jsonl runs/b-amc.jsonl ...
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from rich.table import Table
from rich.text import Text

from common.console import console, user_errors
from common.files import check_writable, write_json
from validation import statistics
from validation.compare import compare
from validation.report import report
from validation.runs.records import Recording, RunError, read_run
from validation.runs.verdicts import Verdict, judged

Runs = Mapping[str, Recording]
"""A checkpoint's runs by their set."""


@dataclass
class ChooseOptions:
    """Choose among checkpoints by their validation runs."""

    runs: tyro.conf.Positional[tuple[Path, ...]] = ()
    """JSONL files from `make validate`, of two or more checkpoints."""
    out: Path = Path("runs/choose.json")
    """Where to write all figures."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ChooseOptions)
    with user_errors():
        check_writable(options.out)
        figures = choose(grouped([read_run(path) for path in options.runs]))
        show(figures)
        write_json(options.out, figures)
        print(f"figures  {options.out}")


def checkpoint_of(run: Recording) -> str:
    """Return the folder of the model that a run scored; a view of a model is that model."""
    model = Path(str(run.about.get("model") or "unknown"))
    config = model / "config.json"
    return str(config.resolve().parent) if config.is_symlink() else str(model)


def grouped(runs: Sequence[Recording]) -> dict[str, dict[str, Recording]]:
    """Return the runs by checkpoint and set.

    Raises:
        RunError: fewer than two checkpoints, a set twice, or no set that all have.
    """
    found: dict[str, dict[str, Recording]] = defaultdict(dict)
    for run in runs:
        checkpoint, name = checkpoint_of(run), str(run.about.get("set"))
        if name in found[checkpoint]:
            raise RunError(f"{run.path} is a second run of {checkpoint} on {name}: name one.")
        found[checkpoint][name] = run
    if len(found) < 2:
        raise RunError("Which checkpoints? Set RUNS to validation runs of at least two models.")
    if not _common(found):
        raise RunError("The checkpoints have no set in common: validate all on the same sets.")
    return dict(found)


def choose(found: Mapping[str, Runs]) -> dict[str, Any]:
    """Return the checkpoints with their figures, best first, and how they differ."""
    sets = _common(found)
    means = {name: _mean(runs, sets) for name, runs in found.items()}
    best, *others = sorted(means, key=lambda name: -means[name])
    rows = [
        {"checkpoint": name, "mean": means[name], "sets": _figures(found[name])}
        for name in (best, *others)
    ]
    tests = [{"checkpoint": name, **_against(found[best], found[name], sets)} for name in others]
    return {"sets": sets, "best": best, "checkpoints": rows, "against_best": tests}


def _common(found: Mapping[str, Runs]) -> list[str]:
    """Return the sets that all checkpoints have."""
    return sorted(set[str].intersection(*(set(runs) for runs in found.values())))


def _mean(runs: Runs, sets: Sequence[str]) -> float:
    return sum(report(runs[name])["accuracy"] for name in sets) / len(sets)


def _figures(runs: Runs) -> dict[str, dict[str, Any]]:
    names = ("accuracy", "accuracy_95", "problems", "solves")
    reports = {name: report(run) for name, run in runs.items()}
    return {name: {key: figures[key] for key in names} for name, figures in reports.items()}


def _pooled(runs: Runs, sets: Sequence[str]) -> list[Verdict]:
    """Return the solves of several sets, each problem named by its set too."""
    return [
        replace(solve, solved=replace(solve.solved, problem=f"{name}/{solve.solved.problem}"))
        for name in sets
        for solve in judged(runs[name])
    ]


def _against(best: Runs, other: Runs, sets: Sequence[str]) -> dict[str, Any]:
    """Return the paired comparison of another checkpoint (A) with the best (B)."""
    figures = compare(_pooled(other, sets), _pooled(best, sets))
    return {**figures, "more_problems": more_problems(figures), "says": says(figures)}


def more_problems(figures: Mapping[str, Any]) -> int | None:
    """Return how many further problems would show this difference (80% power), None for none."""
    lead = abs(figures["accuracy_b"] - figures["accuracy_a"])
    if not lead:
        return None
    differing = (figures["better_a"] + figures["better_b"]) / figures["problems"]
    discordance = min(1.0, max(differing, lead))
    return max(0, statistics.pairs_for(discordance, lead / discordance) - figures["problems"])


def says(figures: Mapping[str, Any]) -> str:
    """Say in one sentence how sure it is that the best is better, and what would settle it."""
    p, lead = figures["permutation"]["p"], figures["accuracy_b"] - figures["accuracy_a"]
    points = f"{100 * lead:.1f} points better on {figures['problems']} problems (p = {p:.2g})"
    if p < 0.05:
        return f"{points}: more than noise"
    problems, seeds = more_problems(figures), figures["more_seeds"]
    if problems is None or seeds is None:
        return f"{points}: nothing tells them apart"
    return (
        f"{points}: may be noise; about {problems} more problems or {seeds} more seeds would tell"
    )


def show(figures: Mapping[str, Any]) -> None:
    """Print a table of the checkpoints, and the answer."""
    sets = sorted({name for row in figures["checkpoints"] for name in row["sets"]})
    table = Table("checkpoint", *sets, "mean of common sets")
    for row in figures["checkpoints"]:
        cells = [_cell(row["sets"].get(name)) for name in sets]
        table.add_row(Text(row["checkpoint"]), *cells, f"{row['mean']:.1%}")
    shown = console()
    shown.print(table)
    shown.print(Text(f"best: {figures['best']}"))
    for test in figures["against_best"]:
        shown.print(Text(f"  against {test['checkpoint']}: {test['says']}."))


def _cell(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return ""
    low, high = figures["accuracy_95"]["low"], figures["accuracy_95"]["high"]
    return f"{figures['accuracy']:.1%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
