"""What the recipe's figures count: one block against four, and what becomes of failed blocks."""

from pathlib import Path

import pytest

from benchmarks import recipe
from benchmarks.recipe import figures_of, recoveries
from benchmarks.recipe_scores import FOUR, ONE_BLOCK, failing, paired, right, scores_of
from training.evaluation import done_file, run_file
from training.recipe import Place
from validation.runs.records import Recording, read_run
from validation.tests.run_files import CODE, RunFile

FAILED = (CODE.format("x"), "NameError: name 'x' is not defined", "raised")


@pytest.fixture
def run(tmp_path: Path) -> Recording:
    """Three problems: mended in a second block; given up after an error; right at once."""
    made = RunFile()
    made.problem("mended", 1005)  # as the problem's answer; the competition's is 5
    made.candidate(0, FAILED, (CODE.format(5), "5"), "So \\boxed{5}.", answer=5)
    made.solution(5)
    made.problem("given-up", 6)
    made.candidate(0, FAILED, "I cannot.", reason="no_answer")
    made.solution(0)
    made.problem("at-once", 7)
    made.candidate(0, (CODE.format(7), "7"), "So \\boxed{7}.", answer=7)
    made.solution(7)
    return read_run(made.save(tmp_path / "tir-known.jsonl"))


def test_one_block_counts_what_it_printed(run: Recording) -> None:
    assert right(run, ONE_BLOCK, 1) == {"at-once": True, "given-up": False, "mended": False}
    assert right(run, FOUR) == {"at-once": True, "given-up": False, "mended": True}


def test_recoveries_are_counted(run: Recording) -> None:
    assert recoveries(run) == {"saw_an_error": 2, "wrote_another_block": 1, "mended": 1}


def test_rounds_are_compared_where_a_first_block_failed(run: Recording) -> None:
    one, four = scores_of("tir", "known", run, ONE_BLOCK, 1), scores_of("tir", "known", run)
    found = paired(one, four, {}, failing(run))
    assert (found["problems"], found["right_before"], found["right_after"]) == (2, 0, 1)
    assert (found["lost"], found["won"]) == (0, 1)
    assert (found["candidates_gained"], found["families"]) == (0.5, 2)


def test_figures_of_runs_that_are_not_there_are_left_out(run: Recording, tmp_path: Path) -> None:
    place = Place(tmp_path)
    four = scores_of("tir", "known", run)
    figures = figures_of([four], place)
    assert figures["right_tir_m4"] == pytest.approx(2 / 3, abs=1e-4)
    assert "right_base" not in figures
    assert set(figures) == {"right_tir_m4", "minutes", "rows_decontaminated"}


def test_a_recipes_finished_runs_are_found_by_name(
    run: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path / "place")
    place.evaluations.mkdir(parents=True)
    run_file("tir-known", place.evaluations).write_bytes(run.path.read_bytes())
    assert not recipe.scores(place)
    assert "tir-known.jsonl is not finished" in capsys.readouterr().out
    done_file("tir-known", place.evaluations).write_text("{}", "utf-8")
    found = recipe.scores(place)
    assert [(s.model, s.set, s.rounds) for s in found] == [("tir", "known", 4), ("tir", "known", 1)]
    row = recipe.row(found[0], None, {})
    assert (row["right"], row["problems"], row["code_blocks_failed"]) == (2, 3, 2)
    assert row["candidates_right"] == pytest.approx(2 / 3, abs=1e-4)
