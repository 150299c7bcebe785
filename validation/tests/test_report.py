"""The report and the comparison on runs small enough to count by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from validation import statistics
from validation.compare import compare
from validation.report import outcomes, report
from validation.runs.records import RunError, read_run
from validation.tests.run_files import CODE, RunFile

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    file = RunFile(candidates=4)
    file.votes("a", -1, [999, 999, 3, None], 999, seed=0, seconds=3.0)  # right, through the modulo
    file.votes("b", 7, [7, 8, 8, 8], 8, seed=0, seconds=9.0)  # lost with the truth among the votes
    file.votes("a", -1, [3, 3, 3, 3], 3, seed=1)  # wrong
    file.votes("b", 7, [7, 7, 7, 7], 7, seed=1)  # right
    file.votes("a", -1, [999] * 4, 999, seed=2)  # a seed that is not whole
    return file.save(tmp_path / "run.jsonl")


def test_the_report_by_hand(run):
    figures = report(read_run(run))
    assert (figures["problems"], figures["solves"], figures["accuracy"]) == (2, 5, 3 / 5)
    # Two problems with shares 2/3 and 1/2, however many solves they come from.
    interval = statistics.wilson(7 / 6, 2)
    expected = pytest.approx({"low": interval.low, "high": interval.high})
    assert figures["wilson_95"] == expected
    assert figures["right_by_seed"] == {"0": 1, "1": 1}
    assert figures["over_seeds"] == {"mean": 1, "sd": 0, "count": 2}
    assert figures["truth_among_votes_but_lost"] == 1
    # Votes for the truth: 2, 1, 0, 4, 4 of 4.
    assert figures["pass_at_1"] == pytest.approx(11 / 20)
    assert figures["pass_at_n"] == pytest.approx(4 / 5)
    assert figures["maj_at_k"][0] == pytest.approx(11 / 20)
    assert figures["maj_at_k"][-1] == pytest.approx(3 / 5)
    # k = 2: a of seed 0 loses only {3, none}: 5/6. b loses its ties to 8: 0. Then 0, 1, 1.
    assert figures["maj_at_k"][1] == pytest.approx((5 / 6 + 2) / 5, abs=1e-6)
    assert figures["stop_reasons"] == {"answered": 19, "no_answer": 1}
    assert figures["tokens_a_problem"] == 40
    assert figures["longest_seconds"] == 9


def test_failed_code_is_counted_by_kind(tmp_path):
    file = RunFile()
    file.problem("a", 5)
    file.candidate(0, (CODE, "x", "raised"), (CODE, "5"), r"\boxed{5}", answer=5)
    file.candidate(1, (CODE, "x", "timed_out"), "no", reason="no_answer")
    file.solution(5)
    figures = report(read_run(file.save(tmp_path / "r.jsonl")))
    assert figures["code_blocks"] == 3
    assert figures["code_blocks_failed"] == {"raised": 1, "timed_out": 1}


def test_aborted_candidates_leave_no_curves(tmp_path):
    file = RunFile()
    file.problem("a", 5)
    file.candidate(0, r"\boxed{5}", answer=5)
    file.stop(1, "decided")
    file.solution(5, ended="decided")
    figures = report(read_run(file.save(tmp_path / "r.jsonl")))
    assert "maj_at_k" not in figures and "aborted" in figures["curves_missing"]
    assert figures["accuracy"] == 1


def test_answers_that_nobody_voted_for_are_counted(tmp_path):
    file = RunFile()
    file.votes("a", 5, [None, None], 5)
    file.votes("b", 5, [5, None], 5)
    figures = report(read_run(file.save(tmp_path / "r.jsonl")))
    assert (figures["without_a_vote"], figures["accuracy"], figures["pass_at_1"]) == (1, 1, 1 / 4)


def test_a_run_without_truths_says_what_to_do(tmp_path):
    file = RunFile()
    file.votes("a", None, [1], 1)
    with pytest.raises(RunError, match="name the SET"):
        report(read_run(file.save(tmp_path / "r.jsonl")))


def rated(tmp_path, name, right, seeds=1, problems=40):
    """A run that has the first `right` of each seed's problems right."""
    file = RunFile()
    for seed in range(seeds):
        for n in range(problems):
            file.votes(f"p{n:03}", 5, [5 if n < right else 6], 5 if n < right else 6, seed=seed)
    return file.save(tmp_path / f"{name}.jsonl")


def judged(path):
    run = read_run(path)
    return outcomes(run, run.config)


def test_a_small_lead_is_noise_and_says_how_many_seeds_it_needs(tmp_path):
    figures = compare(judged(rated(tmp_path, "a", 20)), judged(rated(tmp_path, "b", 23)))
    assert figures["mcnemar"]["p"] == pytest.approx(0.25)  # 2 / 2^3
    # All discordant pairs on one side: (1.96*sqrt(d) + 0.84*sqrt(d - d^2))^2 / d^2, d = 3/40.
    assert figures["more_seeds"] == 2
    assert figures["verdict"].startswith("B is 7.5 points above A")
    assert "cannot be told from noise, and about 2 more seeds" in figures["verdict"]


def test_a_large_lead_is_no_noise(tmp_path):
    figures = compare(judged(rated(tmp_path, "a", 30)), judged(rated(tmp_path, "b", 10)))
    assert figures["mcnemar"]["p"] == pytest.approx(2 / 2**20)
    assert figures["difference_95"]["high"] < 0
    assert figures["verdict"].startswith("A is 50.0 points above B")
    assert "more than noise, on these problems and on others" in figures["verdict"]


def test_a_lead_on_two_problems_by_many_seeds_is_not_said_to_hold_elsewhere(tmp_path):
    a, b = rated(tmp_path, "a", 20, seeds=5), rated(tmp_path, "b", 22, seeds=5)
    figures = compare(judged(a), judged(b))
    assert figures["mcnemar"]["p"] == pytest.approx(2 / 2**10)
    assert figures["difference_95"]["low"] == 0
    assert "takes more problems, not more seeds" in figures["verdict"]


def test_equal_runs_are_equal(tmp_path):
    figures = compare(judged(rated(tmp_path, "a", 5)), judged(rated(tmp_path, "b", 5, seeds=2)))
    assert "equally good on these 40" in figures["verdict"]
    assert (figures["pairs"], figures["left_out"]) == (40, 40)


def command(module, *arguments):
    line = [sys.executable, "-m", f"validation.{module}", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_the_commands_print_and_write(run, tmp_path):
    done = command("report", run)
    assert done.returncode == 0, done.stderr
    assert "60.0%" in done.stdout
    assert json.loads((tmp_path / "run.report.json").read_text())["accuracy"] == 0.6
    done = command("compare", "--a", run, "--b", run)
    assert done.returncode == 0, done.stderr
    assert "equally good" in done.stdout
    assert (tmp_path / "run.compare.json").is_file()


@pytest.mark.parametrize(
    ("module", "arguments"), [("report", ["none"]), ("compare", ["--a", "none", "--b", "none"])]
)
def test_a_missing_run_is_one_sentence(module, arguments):
    done = command(module, *arguments)
    assert done.returncode == 2
    assert done.stderr == "none is no file: give the path of a run's JSONL.\n"


@pytest.mark.parametrize("arguments", [(), ("--a", "x"), ("--a", "", "--b", "")])
def test_compare_without_runs_asks_for_them(arguments):
    done = command("compare", *arguments)
    assert done.returncode == 2
    assert done.stderr == "Which runs? Set A and B to the JSONL files of two runs.\n"
