"""What 8 bit costs in answers: the paired difference, and what is refused."""

from pathlib import Path

import pytest

from benchmarks import eight_bit, result_pages
from benchmarks.recipe_scores import Scores, scores_of
from benchmarks.result import Result
from training import settings
from training.evaluation import done_file, run_file
from training.recipe import Place
from training.settings import TrainingError
from validation.runs.records import read_run
from validation.tests.run_files import RunFile


def run(path: Path, right: str) -> Scores:
    """Score a run of a problem for each sign: `+` right by both candidates, `-` by none."""
    made = RunFile()
    for number, sign in enumerate(right):
        answer = 5 if sign == "+" else 6
        made.votes(f"p{number}", 5, [answer, answer], answer)
    return scores_of("tir", "known", read_run(made.save(path)))


def test_the_difference_is_of_the_same_problems(tmp_path: Path) -> None:
    before = run(tmp_path / "a.jsonl", "+" * 10 + "-" * 10)
    after = run(tmp_path / "b.jsonl", "+" * 8 + "-" * 11 + "+")
    found, rows = eight_bit.compared(before, after, Place(tmp_path))
    assert (found["problems"], found["lost"], found["won"]) == (20, 2, 1)
    assert (found["right_before"], found["right_after"]) == (10, 9)
    assert found["difference"] == found["candidates_gained"] == -0.05
    assert found["difference_low"] < -0.05 < 0.05 < found["difference_high"]
    page = result_pages.PAGES["eight_bit"](Result("here", "2026-01-01", found, rows))
    assert "2 wrong that the original has right, and 1 right that it has wrong: -5.0" in page


def test_other_problems_are_no_comparison(tmp_path: Path) -> None:
    before = run(tmp_path / "a.jsonl", "+")
    made = RunFile()
    made.votes("other", 5, [5], 5)
    after = scores_of("8bit", "known", read_run(made.save(tmp_path / "b.jsonl")))
    with pytest.raises(TrainingError, match="no problem in common"):
        eight_bit.compared(before, after, Place(tmp_path))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="run `make quantize` first"):
        eight_bit.asked(tmp_path, Place(tmp_path), settings.load("embedded"))


def test_a_finished_run_is_not_asked_again_but_another_models_is(tmp_path: Path) -> None:
    place, made = Place(tmp_path / "place"), settings.load("embedded")
    model = tmp_path / "model"
    model.mkdir()
    (model / "manifest.json").write_text("{}", "utf-8")
    place.evaluations.mkdir(parents=True)
    name = eight_bit.named(model)
    run(run_file(name, place.evaluations), "++-")
    done_file(name, place.evaluations).write_text("{}", "utf-8")
    assert sum(eight_bit.asked(model, place, made).right.values()) == 2
    (model / "manifest.json").write_text('{"other": 1}', "utf-8")
    assert eight_bit.named(model) != name
