"""Two runs of one submission: a point a problem, half where one run is right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from validation.runs.records import RunError, read_run
from validation.tests.run_files import RunFile
from validation.twice import twice

ROOT = Path(__file__).resolve().parents[2]
TRUTHS = {"a": 7, "b": 50_000, "c": 0, "d": 99_999}
FIRST = {"a": 7, "b": 50_000, "c": 1, "d": 5}
SECOND = {"a": 7, "b": 1, "c": 0, "d": 5}


def run(path, answers, seed=0, **settings):
    file = RunFile(modulus=None, max_answer=99_999, **{"seed": seed, **settings})
    for name, answer in answers.items():
        file.votes(name, TRUTHS[name], [answer], answer, seed)
    return read_run(file.save(path))


def test_a_point_for_both_half_for_one(tmp_path):
    found = twice(run(tmp_path / "a", FIRST, 3), run(tmp_path / "b", SECOND, 4))
    assert found.points == {"a": 1.0, "b": 0.5, "c": 0.5, "d": 0.0}
    assert (found.score, found.seeds, found.alike, found.missing) == (2.0, (3, 4), 2, 0)
    figures = found.figures()
    assert (figures["both_right"], figures["one_right"], figures["none_right"]) == (1, 2, 1)


def test_the_score_does_not_depend_on_the_order(tmp_path):
    a, b = run(tmp_path / "a", FIRST), run(tmp_path / "b", SECOND)
    assert twice(a, b).points == twice(b, a).points


def test_a_problem_that_one_run_never_finished_counts_as_wrong_there(tmp_path):
    found = twice(run(tmp_path / "a", FIRST), run(tmp_path / "b", {"b": 50_000}))
    assert found.points == {"a": 0.5, "b": 1.0, "c": 0.0, "d": 0.0} and found.missing == 3


def test_what_is_no_pair_of_runs_is_one_sentence(tmp_path):
    first = run(tmp_path / "a", FIRST)
    other = run(tmp_path / "b", {"a": 7}, temperature=0.5)
    with pytest.raises(RunError, match=r"not runs of one submission: temperature is None and 0\.5"):
        twice(first, other)
    with pytest.raises(RunError, match="no problem in common"):
        twice(run(tmp_path / "c", {"a": 7}), run(tmp_path / "d", {"b": 1}))
    several = RunFile()
    for seed in (0, 1):
        several.votes("a", 7, [7], 7, seed)
    with pytest.raises(RunError, match="problem a with several seeds: give two"):
        twice(first, read_run(several.save(tmp_path / "e")))


def report(*arguments):
    command = [sys.executable, "-m", "validation.report", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_report_shows_the_score_of_two_runs(tmp_path):
    a, b = run(tmp_path / "a.jsonl", FIRST, 3), run(tmp_path / "b.jsonl", SECOND, 3)
    done = report(a.path, b.path)
    assert done.returncode == 0, done.stderr
    assert "2 of 4" in done.stdout and "the same seed" in done.stdout
    for name in ("a", "b"):
        figures = json.loads((tmp_path / f"{name}.report.json").read_text())
        assert figures["twice"]["score"] == 2.0
    alone = report(a.path)
    assert alone.returncode == 0 and "two runs of one submission" not in alone.stdout
    three = report(a.path, b.path, b.path)
    assert three.returncode == 2 and three.stderr.strip().endswith("two of a submission.")
