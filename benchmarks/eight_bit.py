"""Measures what 8 bit costs in answers: the recipe's model and its 8-bit version on one set.

    make recipe
    make quantize MODEL=<the model of stage 2> RECIPE=w8a8 CALIBRATION=<its training set>
    make bench-eight_bit

The 8-bit model in `dist/model/` is asked the problems of known families that stage 2's model was
asked, with the same settings and seeds. A run that was cut off resumes.

Covers: what `benchmarks/results/eight_bit.json` holds: right answers of both, their difference with
its interval, and the same for right candidates. Does not cover: quantizing, and what else is
measured of it (`benchmarks.quantize`).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import tyro

from benchmarks import recipe
from benchmarks.recipe import families_of, row, scores
from benchmarks.recipe_scores import Scores, paired, scores_of
from benchmarks.result import Measurement, print_figures, write_result
from common import manifest
from common.console import user_errors
from training import evaluation, settings
from training.evaluation import Scoring
from training.recipe import Place, place_of
from training.settings import TrainingError
from validation import statistics
from validation.runs.records import read_run

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class EightBitOptions:
    """Ask an 8-bit model what the recipe's model was asked, and compare."""

    model: Path = ROOT / "dist/model"
    """The 8-bit model's folder."""


def asked(model: Path, place: Place, made: settings.Recipe) -> Scores:
    """Ask a model the problems of known families, and return its scores.

    Args:
        model: the 8-bit model's folder.
        place: of the recipe, whose evaluations hold the run.
        made: the recipe, whose settings count.

    Raises:
        TrainingError: there is no such model, or asking ended early.
    """
    name = named(model)
    problems = place.data(made.stages[1]) / "problems-known.jsonl"
    how = made.evaluation
    scored = Scoring(name, model, problems, how.known, {})
    path = evaluation.evaluate(scored, how, place.evaluations)
    return scores_of("8bit", "known", read_run(path))


def named(model: Path) -> str:
    """Return the name of a model's run: another model gets another.

    Raises:
        TrainingError: there is no such model.
    """
    listed = model / manifest.NAME
    if not listed.is_file():
        raise TrainingError(f"There is no 8-bit model in {model}: run `make quantize` first.")
    return f"8bit-{hashlib.sha256(listed.read_bytes()).hexdigest()[:8]}-known"


def compared(before: Scores, after: Scores, place: Place) -> Measurement:
    """Return the result file's figures and rows.

    Args:
        before: of the original.
        after: of the 8-bit model.
        place: the recipe's, whose sets name each problem's family.

    Raises:
        TrainingError: they were asked different problems.
    """
    families = families_of(place)
    test = dict(paired(before, after, families))
    if not test["problems"]:
        raise TrainingError("The two models have no problem in common: run `make recipe`.")
    problems = before.right.keys() & after.right.keys()
    apart = [float(after.right[each]) - float(before.right[each]) for each in problems]
    interval = statistics.difference(apart)
    found = {
        **test,
        "difference": fmean(apart),
        "difference_low": interval.low,
        "difference_high": interval.high,
    }
    figures = {name: round(value, 4) for name, value in found.items() if value is not None}
    rows = [row(each, None, families) for each in (before, after)]
    return Measurement(figures, rows)


def main() -> None:
    """Ask, compare, print, write the file; exit 2 on a user's error."""
    options = tyro.cli(EightBitOptions)
    with user_errors(TrainingError):
        made = settings.load("embedded")
        place = place_of(made)
        known = [s for s in scores(place) if (s.model, s.set, s.rounds) == ("tir", "known", 4)]
        if not known:
            raise TrainingError("Stage 2's model was not asked yet: run `make recipe` first.")
        after = asked(options.model.resolve(), place, made)
        found, rows = compared(known[0], after, place)
    recipe.show(rows)
    print_figures(found)
    print(f"written to {write_result('eight_bit', found, rows)}")


if __name__ == "__main__":
    main()
