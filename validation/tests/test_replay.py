"""Replay: candidates read again as the kernel reads them, transcripts, and the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import replay as bench
from kernel.config import Config
from kernel.records import StopReason
from validation import scoring
from validation.replay import ReplayOptions, extra_rules, load, replay, verdict
from validation.runs.ballots import ballots, read_again
from validation.runs.records import RunError, read_run
from validation.runs.transcripts import read_transcripts, split_rounds
from validation.simulation.generated_shapes import generate
from validation.tests.run_files import CODE, RunFile
from validation.tests.transcript_files import write_transcripts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    file = RunFile(candidates=3)
    file.problem("a", 5)
    file.candidate(2, (CODE.format(5), "5"), r"\boxed{5}", answer=5)
    file.candidate(0, (CODE.format(1), "4"), (CODE.format(2), "5"), r"\boxed{5}", answer=5)
    file.candidate(1, r"\boxed{-1}", answer=999)
    file.solution(5)
    return file.save(tmp_path / "r.jsonl")


def column(frame, name):
    return dict(zip(frame["candidate"], frame[name], strict=True))


def test_ballots_are_read_as_the_kernel_reads(run):
    frame = ballots(read_run(run))
    assert column(frame, "boxed") == {0: 5, 1: 999, 2: 5}
    assert column(frame, "printed") == {0: 5, 1: None, 2: 5}
    assert column(frame, "negative") == {0: False, 1: True, 2: False}
    assert column(frame, "executions") == {0: 2, 1: 0, 2: 1}
    assert column(frame, "order") == {2: 0, 0: 1, 1: 2}
    assert set(frame["truth"]) == {5}


def test_fewer_rounds_cut_candidates_where_they_would_have_ended(run):
    one, two = ballots(read_run(run), 1), ballots(read_run(run), 2)
    # With one round the code still runs, since nothing is boxed, but nothing can follow.
    assert column(one, "boxed") == {0: None, 1: 999, 2: None}
    assert column(one, "printed") == {0: 4, 1: None, 2: 5}
    assert column(two, "boxed") == {0: None, 1: 999, 2: 5}
    assert column(one, "tokens") == {0: 10, 1: 10, 2: 10}


@pytest.mark.parametrize("rounds", [0, 5])
def test_rounds_that_were_never_run_are_refused(run, rounds):
    with pytest.raises(RunError, match=rf"M is {rounds}, .* recorded with 4 rounds"):
        ballots(read_run(run), rounds)


def test_an_aborted_candidate_keeps_why_it_stopped(tmp_path):
    file = RunFile()
    file.problem("a", 5)
    for index, reason in enumerate(("decided", "deadline")):
        file.candidate(index, (r"\boxed{5} " + CODE.format(5), "5"), reason=reason)
    file.solution(5)
    run = read_run(file.save(tmp_path / "r.jsonl"))
    stops = [read_again(c, run.config).stop for c in run.solved[0].candidates]
    assert stops == [StopReason.DECIDED, StopReason.DEADLINE]
    # Whoever is aborted because the vote is decided has none; at the deadline the box counts.
    assert column(ballots(run), "boxed") == {0: None, 1: 5}


def test_a_recorded_run_gives_its_own_answers_again():
    path = ROOT / "runs/dry-run/trace.jsonl"
    if not path.is_file():
        pytest.skip("no dry run has been made here")
    run = read_run(path)
    assert run.solved
    config = Config(rounds=run.config.rounds, max_context=1 << 30)
    for solved in run.solved:
        for candidate in solved.candidates:
            assert read_again(candidate, config).answer == candidate.answer


def test_a_transcript_is_split_at_its_output_blocks():
    first = "A\n```python\nprint(1)\n```\n```output\n1\n```\n"
    text = first + "B ```python\nx\n```\n```output\nNameError: x\n```\nC"
    first, second, last = split_rounds(text)
    assert (first.text, first.ran.code, first.ran.output) == (
        "A\n```python\nprint(1)\n```\n```output",
        "print(1)",
        "1",
    )
    assert (first.ran.status, second.ran.status, last.ran) == ("ok", "raised", None)
    assert last.text == "C"


def test_transcripts_are_grouped_into_solves(tmp_path):
    rows = [
        {"problem_id": n % 2, "gold": "7", "text": rf"\boxed{{{n}}}", "problem": "p"}
        for n in range(10)
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = read_transcripts(path, 3)
    assert [(s.seed, s.problem, len(s.candidates)) for s in run.solved] == [
        (0, "0", 3),
        (0, "1", 3),
        (1, "0", 2),
        (1, "1", 2),
    ]
    frame, config = load(ReplayOptions(path, group=2))
    # Of 5 solves only that of 5 and 7, a tie, gives 7.
    assert replay(frame, config)[0]["right"] == 1


def test_ten_rules_on_answers_without_text(tmp_path):
    rows = [
        {"problem_id": "p", "gold": 5, "answer": a, "generated_tokens": [10] * n}
        for a, n in (("5", 2), ("5", 3), ("-995", 1), ("", 1), ("x", 1), ("5", 4))
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    frame, config = load(ReplayOptions(path, group=6))
    assert frame["boxed"].to_list() == [5, 5, 5, None, None, 5]
    assert len(replay(frame, config)) == 10
    fewer, _ = load(ReplayOptions(path, group=6, m=2, n=3))
    assert fewer["boxed"].to_list() == [5, None, 5]


def answers_file(tmp_path, answers, problems=20):
    """Problems with the truth 5 whose candidates give these answers, by the problem's number."""
    rows = [
        {"problem_id": n, "gold": 5, "answer": str(answer), "generated_tokens": [9, 9]}
        for n in range(problems)
        for answer in answers(n)
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_ten_rules_that_change_nothing_are_no_better(tmp_path):
    frame, config = load(ReplayOptions(answers_file(tmp_path, lambda n: [5 + n % 2] * 4), group=4))
    rows = replay(frame, config)
    assert [row["p"] for row in rows] == [None] + [1] * 9
    assert verdict(rows).startswith("No rule can be told from the kernel's own")


def test_a_rule_that_is_better_on_every_problem_is_found(tmp_path):
    # 5 and 6 tie, and the largest wins: only the rule that takes the smallest is right.
    frame, config = load(ReplayOptions(answers_file(tmp_path, lambda _: (6, 6, 5, 5)), group=4))
    rows = {row["rule"]: row for row in replay(frame, config)}
    assert rows["smallest of tied"]["accuracy"] == 1
    assert rows["smallest of tied"]["p"] < 0.001
    said = verdict(list(rows.values()))
    assert "smallest of tied (+100.0 points)" in said and "9 rules" in said


@pytest.mark.parametrize(
    ("votes", "asked"),
    [
        ([5, 5, 5, 5, 7, 7], 2),  # clear from the first
        ([5, 7, 5, 5, 5, 7, 7, 7], 5),  # open, and clear after a group of three
        ([5, 7, 5, 7, 5, 7, 5, 7], 8),
        ([None] * 8, 8),
        ([5, 7, 5], 8),  # fewer recorded than asked for
    ],
)
def test_extras_are_heard_until_the_vote_is_clear(votes, asked):
    assert scoring.started(dict(enumerate(votes)), 2, 6, 3) == asked


def test_extra_candidates_are_replayed_on_a_run_that_has_them(tmp_path):
    # By the problem's number: clear at two; open at two and right in the end; open all the way.
    given = ([5, 5, 6, 6, 6, 6], [6, 5, 5, 5, 5, 5], [5, 6, 5, 6, 5, 6])
    path = answers_file(tmp_path, lambda n: given[n % 3], problems=3)
    options = ReplayOptions(path, n=2, extra=4, extra_group=2)
    frame, config = load(options)
    rows = {row["rule"]: row for row in replay(frame, config, extra_rules(options))}
    assert len(rows) == 12
    fixed, extra, every = rows["N = 2"], rows["N = 2 to 6"], rows["kernel"]
    assert [row["right"] for row in (fixed, extra, every)] == [1, 2, 1]
    assert [row["tokens_heard"] for row in (fixed, extra)] == [6 / 18, 14 / 18]


def test_extras_of_answers_are_grouped_by_all_that_a_solve_has(tmp_path):
    path = answers_file(tmp_path, lambda n: [5] * 144, problems=2)
    frame, _ = load(ReplayOptions(path, extra=96))
    assert frame["seed"].unique().to_list() == [0]


def test_a_run_without_truths_has_no_accuracy(tmp_path):
    file = RunFile(candidates=1)
    file.votes("a", None, [5], 5)
    frame, config = load(ReplayOptions(file.save(tmp_path / "r.jsonl")))
    rows = replay(frame, config)
    assert [row["accuracy"] for row in rows] == [row["p"] for row in rows] == [None] * 10
    assert verdict(rows) == "No truth is known: name the set with SET=."


def command(*arguments):
    line = [sys.executable, "-m", "validation.replay", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_the_command_prints_the_rules_and_writes_the_figures(run, tmp_path):
    done = command("--run", run, "--out", tmp_path / "out", "--n", 3)
    assert done.returncode == 0, done.stderr
    assert "3 candidates in 1 solves of 1 problems" in done.stdout
    written = json.loads((tmp_path / "out" / "r.json").read_text())
    assert written["rules"][0] == written["rules"][0] | {"rule": "kernel", "right": 1, "solves": 1}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--n", 4), "N is 4, but"),
        (("--m", 9), "M is 9, but"),
        (("--extra", -1), "EXTRA is -1"),
        (("--extra", 1), "N is 48, but"),
        (("--n", 2, "--extra", 2), "N = 2 and EXTRA = 2 are 4 candidates a problem, but"),
        (("--n", 2, "--extra", 1, "--extra-group", 0), "EXTRA_GROUP is 0"),
        (("--set", "amd"), "amd is neither a set"),
    ],
)
def test_a_users_error_is_one_sentence(run, tmp_path, arguments, sentence):
    done = command("--run", run, "--out", tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_transcripts_are_read_as_the_kernel_would(tmp_path):
    frame, config = load(ReplayOptions(write_transcripts(tmp_path / "t.jsonl")))
    shapes = [shape for problem in generate(5, 48, seed=0) for shape in problem.shapes]
    given = [None if boxed is None else str(boxed) for boxed in frame["boxed"]]
    assert given == [shape.answer or None for shape in shapes]
    assert frame["executions"].to_list() == [len(shape.outputs) for shape in shapes]
    assert replay(frame, config)[0]["solves"] == 5


def test_the_benchmarks_answers_are_the_same_at_every_call():
    frame, _ = bench.load(Config(), 960)
    assert len(frame) == 960
    assert 0.15 < frame["boxed"].null_count() / 960 < 0.5
    rows = replay(frame, Config())
    assert len(rows) == 10 and rows[0]["accuracy"] is not None
    assert frame.equals(bench.load(Config(), 960)[0])
