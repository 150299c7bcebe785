"""Run files: what is put together, and that torn lines cost no more than themselves."""

from pathlib import Path

import pytest

from kernel.records import ExecutionStatus, Finish, StopReason
from validation.runs.records import BlockRecord, Round, RunError, read_run
from validation.tests.run_files import CODE, RunFile


def example():
    run = RunFile(modulus=1000, max_answer=999, examples=4, model="/m")
    run.problem("a", -1)
    run.candidate(1, (CODE.format(6), "6"), r"\boxed{6}", answer=6)
    run.candidate(0, "no", reason="no_answer")
    run.solution(6, ended="deadline")
    run.votes("b", 7, [7, 7], 7, seed=5)
    return run


def test_a_run_is_put_together(tmp_path):
    run = read_run(example().save(tmp_path / "r.jsonl"))
    a, b = run.solved
    assert (a.problem, a.seed, a.truth, a.answer, a.text) == ("a", 0, -1, 6, "What is a?")
    assert (a.ended, a.seconds) == (StopReason.DEADLINE, 5.0)
    assert [c.index for c in a.candidates] == [0, 1]
    first = a.candidates[1]
    ran = BlockRecord("print()", ExecutionStatus.OK, "6", 0.1)
    assert first.rounds[0] == Round(CODE.format(6), Finish.STOP, 10, 1.0, ran)
    assert first.rounds[1] == Round(r"\boxed{6}", Finish.END, 10, 3.0)
    assert (first.stop, first.answer, first.time, first.tokens) == (
        StopReason.ANSWERED,
        6,
        4.0,
        20,
    )
    assert (b.seed, b.truth, len(b.candidates)) == (5, 7, 2)
    assert (run.torn, run.unfinished, run.config.modulus) == (0, 0, 1000)


def test_any_torn_line_costs_at_most_its_problem(tmp_path):
    run = example()
    whole = read_run(run.save(tmp_path / "whole.jsonl"))
    for number in range(1, len(run.lines)):
        lines = list(run.lines)
        lines[number] = lines[number][: len(lines[number]) // 2]
        path = tmp_path / "torn.jsonl"
        path.write_text("\n".join(lines) + "\n")
        torn = read_run(path)
        assert torn.torn >= 1
        kept = {s.problem: s for s in torn.solved}
        other = "b" if number <= 8 else "a"
        assert kept[other] == next(s for s in whole.solved if s.problem == other)


def test_a_half_written_last_line_is_counted(tmp_path):
    path = example().save(tmp_path / "r.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    run = read_run(path)
    assert (run.torn, run.unfinished, [s.problem for s in run.solved]) == (1, 1, ["a"])


def test_an_attempt_that_was_cut_off_and_begun_again_counts_once(tmp_path):
    run = RunFile()
    run.problem("a", 3)
    run.candidate(0, r"\boxed{9}", answer=9)
    run.votes("a", 3, [3, 3], 3)
    read = read_run(run.save(tmp_path / "r.jsonl"))
    assert [[c.answer for c in s.candidates] for s in read.solved] == [[3, 3]]
    assert read.unfinished == 1


def test_truths_from_elsewhere_fill_gaps_only(tmp_path):
    run = RunFile()
    run.votes("a", None, [3], 3)
    run.votes("b", 4, [3], 3)
    read = read_run(run.save(tmp_path / "r.jsonl")).with_truths({"a": 1, "b": 2})
    assert [s.truth for s in read.solved] == [1, 4]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a file"):
        read_run(tmp_path / "none")
    with pytest.raises(RunError, match="Which run"):
        read_run(Path())
    path = tmp_path / "r.jsonl"
    path.write_text('{"id": 3}\n\n[1]\n')
    with pytest.raises(RunError, match="holds no run"):
        read_run(path)
