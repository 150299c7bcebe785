"""The report and the comparison on runs small enough to count by hand."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from validation import statistics
from validation.compare import compare
from validation.report import report
from validation.report_table import print_report
from validation.runs.records import RunError, read_run
from validation.runs.verdicts import judged
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
    assert (figures["problems"], figures["solves"]) == (2, 5)
    # Two problems with shares 2/3 and 1/2, however many solves they come from.
    assert figures["accuracy"] == pytest.approx(7 / 12)
    interval = statistics.clustered([2 / 3, 1 / 2])
    expected = pytest.approx({"low": interval.low, "high": interval.high})
    assert figures["accuracy_95"] == expected
    # Sampling: 2/3 * 1/3 * 3/2 = 1/3 and 1/2 * 1/2 * 2 = 1/2; the shares vary by less.
    assert figures["variance"] == {"between_problems": 0, "sampling": pytest.approx(5 / 12)}
    assert figures["vote_pass_hat_k"] == pytest.approx([7 / 12, (1 / 3 + 0) / 2])
    assert [score["mean"] for score in figures["leaderboard"]] == pytest.approx([50 * 7 / 12] * 2)
    assert figures["right_by_seed"] == {"0": 1, "1": 1}
    assert figures["over_seeds"] == {"mean": 1, "sd": 0, "count": 2}
    assert figures["truth_among_votes_but_lost"] == 1
    # Votes for the truth: of a 2, 0, 4 of 4, of b 1, 4 of 4.
    a, b = (2 + 0 + 4) / 12, (1 + 4) / 8
    assert figures["pass_at_1"] == figures["pass_hat_k"][0] == pytest.approx((a + b) / 2)
    assert figures["pass_at_n"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["maj_at_k"][0] == pytest.approx((a + b) / 2, abs=1e-6)
    assert figures["maj_at_k"][-1] == pytest.approx(7 / 12, abs=1e-6)
    # k = 2: a of seed 0 loses only {3, none}: 5/6. b loses its ties to 8: 0. Then 0, 1, 1.
    a, b = (5 / 6 + 0 + 1) / 3, (0 + 1) / 2
    assert figures["maj_at_k"][1] == pytest.approx((a + b) / 2, abs=1e-6)
    interval = statistics.clustered([a, b])
    assert figures["maj_at_k_95"][1] == pytest.approx([interval.low, interval.high], abs=1e-6)
    # All of 2 right: of a 1/6, 0, 1, of b 0, 1.
    assert figures["pass_hat_k"][1] == pytest.approx((7 / 18 + 1 / 2) / 2, abs=1e-6)
    # Of two wrong votes: a only in seed 1, all the same; b's three 8s of seed 0 too.
    assert figures["wrong_votes_agree"] == 1
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


def solves(path):
    return judged(read_run(path))


def test_a_small_lead_is_noise_and_says_how_many_seeds_it_needs(tmp_path):
    figures = compare(solves(rated(tmp_path, "a", 20)), solves(rated(tmp_path, "b", 23)))
    assert figures["permutation"]["p"] == pytest.approx(0.25)  # 2 / 2^3
    # 104 pairs make 6 discordant ones likely enough, all on one side: 3 seeds of 40 problems.
    assert figures["more_seeds"] == 2
    assert figures["verdict"].startswith("B is 7.5 points above A")
    assert "cannot be told from noise, and about 2 more seeds" in figures["verdict"]


def test_a_large_lead_is_no_noise(tmp_path):
    figures = compare(solves(rated(tmp_path, "a", 30)), solves(rated(tmp_path, "b", 10)))
    assert figures["permutation"]["p"] == pytest.approx(2 / 2**20)
    assert figures["difference_95"]["high"] < 0
    assert figures["verdict"].startswith("A is 50.0 points above B")
    assert "more than noise, on these problems and on others" in figures["verdict"]


def test_a_lead_on_two_problems_by_many_seeds_is_not_said_to_hold_elsewhere(tmp_path):
    a, b = rated(tmp_path, "a", 20, seeds=5), rated(tmp_path, "b", 22, seeds=5)
    figures = compare(solves(a), solves(b))
    # Of two problems all 5 seeds against all 5: each can be dealt so in 1 of C(10,5) ways.
    assert figures["permutation"]["p"] == pytest.approx(2 / 252**2)
    assert figures["difference_95"]["low"] < 0
    assert "takes more problems, not more seeds" in figures["verdict"]


def test_equal_runs_are_equal(tmp_path):
    figures = compare(solves(rated(tmp_path, "a", 5)), solves(rated(tmp_path, "b", 5, seeds=2)))
    assert "equally good on these 40" in figures["verdict"]
    assert (figures["solves_a"], figures["solves_b"], figures["problems_left_out"]) == (40, 80, 0)


def test_seeds_may_be_numbered_anyhow(tmp_path):
    """Which of A's seeds stands beside which of B's must not matter."""
    rights = {"a": [[1, 0, 0], [1, 1, 0], [0, 0, 0]], "b": [[1, 1, 1], [0, 1, 1], [1, 0, 1]]}
    found = set()
    for order in itertools.permutations(range(3)):
        paths = []
        for name, problems in rights.items():
            file = RunFile()
            for seed, place in enumerate(order if name == "b" else range(3)):
                for number, problem in enumerate(problems):
                    answer = 5 if problem[place] else 6
                    file.votes(f"p{number}", 5, [answer], answer, seed=7 * seed)
            paths.append(file.save(tmp_path / f"{name}.jsonl"))
        found.add(json.dumps(compare(*map(solves, paths))))
    assert len(found) == 1


def test_problems_of_one_run_only_are_left_out(tmp_path):
    a, b = rated(tmp_path, "a", 5, problems=10), rated(tmp_path, "b", 5, problems=8)
    figures = compare(solves(a), solves(b))
    assert (figures["problems"], figures["problems_left_out"]) == (8, 2)
    assert figures["accuracy_a"] == 5 / 8
    with pytest.raises(RunError, match="no finished problem in common"):
        compare(solves(a), [])


def test_empty_and_identical_candidates_raise_an_alarm(tmp_path, capsys):
    file = RunFile()
    file.problem("a", 0)
    for index in range(4):
        # A record of a program that takes nothing for 0.
        file.candidate(index, "", answer=0)
    file.solution(0)
    file.votes("b", 5, [5, 5, 5, 4], 5)
    file.problem("c", 7)
    for index in range(4):
        file.candidate(index, f"It is {index}: \\boxed{{7}}", answer=7)
    file.solution(7)
    figures = report(read_run(file.save(tmp_path / "r.jsonl")))
    assert [alarm["problem"] for alarm in figures["alarms"]] == ["a", "b"]
    assert figures["alarms"][0]["alarm"] == "of 4 candidates 4 wrote nothing"
    assert figures["alarms"][1]["alarm"] == "of 4 candidates 3 wrote the same as another"
    assert (figures["without_a_vote"], figures["right_without_a_vote"]) == (1, 1)
    assert figures["pass_at_1"] == pytest.approx((0 + 3 / 4 + 1) / 3)
    print_report(figures)
    assert "ALARM: candidates are empty or identical in 2 of 3 solves" in capsys.readouterr().out


def test_one_seed_says_what_it_cannot_tell(tmp_path, capsys):
    file = RunFile()
    for name, answer in (("a", 5), ("b", 6), ("c", 5)):
        file.votes(name, 5, [answer, 5], answer)
    figures = report(read_run(file.save(tmp_path / "r.jsonl")))
    interval = statistics.wilson(2, 3)
    assert figures["accuracy_95"] == {"low": interval.low, "high": interval.high}
    assert figures["accuracy_95_by"] == "Wilson"
    print_report(figures)
    assert "needs two seeds" in capsys.readouterr().out


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("problems", [1, 4])
def test_the_odd_runs_have_figures_too(tmp_path, capsys, right, seeds, problems):
    count = problems if right else 0
    figures = report(read_run(rated(tmp_path, "r", count, seeds=seeds, problems=problems)))
    assert figures["accuracy"] == float(right)
    low, high = figures["accuracy_95"].values()
    assert low <= figures["accuracy"] <= high and high - low > 0.4
    assert figures["correlation"] is None
    print_report(figures)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def command(module, *arguments):
    line = [sys.executable, "-m", f"validation.{module}", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_the_commands_print_and_write(run, tmp_path):
    done = command("report", run)
    assert done.returncode == 0, done.stderr
    assert "58.3%" in done.stdout
    written = json.loads((tmp_path / "run.report.json").read_text())
    assert written["accuracy"] == pytest.approx(7 / 12)
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
    assert done.stderr == "none is not a file: give the path of a run's JSONL.\n"


@pytest.mark.parametrize("arguments", [(), ("--a", "x"), ("--a", "", "--b", "")])
def test_compare_without_runs_asks_for_them(arguments):
    done = command("compare", *arguments)
    assert done.returncode == 2
    assert done.stderr == "Which runs? Set A and B to the JSONL files of two runs.\n"


@pytest.mark.parametrize("module", ["results", "power", "replay", "export"])
def test_a_folder_that_cannot_be_written_is_one_sentence(run, module):
    arguments = {"results": ("--runs", run), "power": ("--a", run)}.get(module, ("--run", run))
    done = command(module, *arguments, "--out", "/proc/none/x")
    assert done.returncode == 2
    assert done.stderr.startswith("/proc/none/x") and done.stderr.count("\n") == 1
    assert "figures" not in done.stdout
