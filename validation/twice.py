"""The score of two runs of one submission, as AIMO-3 scores its private set.

Covers: a point for each problem that both runs answer right, half a point where one does; what was
never finished counts as wrong, as it would there. Does not cover: how such scores vary
(`variance.leaderboard`), and whether one run is better than the other (`compare`).

Two runs with the same seed draw the same samples: `"seed": "clock"` draws a different one for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from common.console import console
from validation.runs.records import Recording, RunError
from validation.runs.verdicts import Verdict, judged

HALF = 0.5
"""A run's share of a problem's point."""
NOT_COMPARED = ("seed", "work")
"""Settings in which two runs of one submission may differ."""


@dataclass(frozen=True, slots=True)
class Twice:
    """What two runs came to together."""

    points: Mapping[str, float]
    """Of each problem: 1, 0.5 or 0."""
    seeds: tuple[int, int]
    missing: int
    """Problems that only one run has finished."""
    alike: int
    """Problems that both gave the same answer to."""

    @property
    def score(self) -> float:
        """The points of all problems."""
        return sum(self.points.values())

    def figures(self) -> dict[str, Any]:
        """Return the figures by name, as JSON values."""
        counts = {name: list(self.points.values()).count(n) for name, n in NAMES.items()}
        return {
            "score": self.score,
            "problems": len(self.points),
            **counts,
            "same_answer": self.alike,
            "missing": self.missing,
            "seeds": list(self.seeds),
            "points": dict(self.points),
        }


NAMES = {"both_right": 1.0, "one_right": 0.5, "none_right": 0.0}


def twice(first: Recording, second: Recording) -> Twice:
    """Return the score of two runs.

    Raises:
        RunError: they are not two runs of one submission, each problem answered once.
    """
    solves = [_once(run) for run in (first, second)]
    _check_one_submission(first, second)
    a, b = solves
    if not a.keys() & b.keys():
        raise RunError(f"{first.path} and {second.path} have no problem in common.")
    points = {
        problem: sum(HALF * (s[problem].right if problem in s else False) for s in solves)
        for problem in sorted(a.keys() | b.keys())
    }
    both = a.keys() & b.keys()
    alike = sum(a[problem].solved.answer == b[problem].solved.answer for problem in both)
    seeds = _seed(a), _seed(b)
    return Twice(points, seeds, len(points) - len(both), alike)


def _once(run: Recording) -> dict[str, Verdict]:
    """Return the solve of each problem; refuse a run that solved one several times."""
    found: dict[str, Verdict] = {}
    for solve in judged(run):
        if solve.solved.problem in found:
            raise RunError(
                f"{run.path} solved problem {solve.solved.problem} with several seeds: give two "
                "runs of one seed each."
            )
        found[solve.solved.problem] = solve
    if not found:
        raise RunError(
            f"{run.path} holds no finished problem with a truth: finish one, or name the SET."
        )
    return found


def _seed(solves: Mapping[str, Verdict]) -> int:
    return next(iter(solves.values())).solved.seed


def _check_one_submission(first: Recording, second: Recording) -> None:
    """Refuse runs of different models or settings."""
    given = [{**run.settings, "model": run.about.get("model")} for run in (first, second)]
    for name in sorted({*given[0], *given[1]} - {*NOT_COMPARED}):
        ours, theirs = (values.get(name) for values in given)
        if ours != theirs:
            raise RunError(
                f"{first.path} and {second.path} are not runs of one submission: {name} is {ours} "
                f"and {theirs}."
            )


def print_twice(found: Twice, names: Sequence[str]) -> None:
    """Print the score and what it rests on."""
    figures, shown = found.figures(), console()
    table = Table("two runs of one submission", "value", title=" and ".join(names))
    rows = {
        "score: 1, 0.5 or 0 a problem": f"{found.score:g} of {figures['problems']}",
        "both right": figures["both_right"],
        "one right": figures["one_right"],
        "none right": figures["none_right"],
        "the same answer in both": figures["same_answer"],
        "seeds": f"{found.seeds[0]}, {found.seeds[1]}",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    shown.print(table)
    if found.seeds[0] == found.seeds[1]:
        shown.print(
            "Both runs have the same seed, so they drew the same samples: set seed to "
            '"clock" to make them differ.'
        )
    if found.missing:
        shown.print(f"{found.missing} problems were finished by only one run: the other's count 0.")
