"""What a run writes down: rows, summary, and the lines that a post-mortem asks for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kernel import voting
from kernel.answers.tests.answering import events, make_run
from kernel.config import Config
from kernel.protocols import AbsentEngine
from kernel.records import AnswerSource, Candidate, Problem, Solution, StopReason
from kernel.report import answers_in
from kernel.trace import Console


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


def test_a_problem_is_answered_traced_and_summed_up(run, tmp_path):
    assert run.answer(Problem("p", "What is 3 + 4?")) == 7
    summary = json.loads((tmp_path / "summary.json").read_text())
    row = summary["problems"][0]
    assert (row["problem"], row["answer"], row["source"]) == ("p", 7, "vote")
    assert (summary["modulus"], summary["max_answer"]) == (1000, 999)
    assert [e["event"] for e in events(tmp_path)].count("solution") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "4 wrote nothing"), ("So \\boxed{7}.", "4 wrote the same as another")],
)
def test_empty_or_identical_candidates_are_told_everywhere(tmp_path, capsys, text, said):
    candidates = [
        Candidate(index, (), text=text, round=1, stop=StopReason.NO_ANSWER) for index in range(4)
    ]
    solution = voting.conclude("p", candidates, Config(), None, 1.0)
    assert (solution.tally, solution.source, solution.votes) == ({}, "default", 0)
    run = make_run(tmp_path)
    run.report.asked = 1
    run.report.solved(solution, "key")
    with run.report.summed_up():
        pass
    told = [e for e in events(tmp_path) if e["event"] == "solution"]
    (row,) = json.loads((tmp_path / "summary.json").read_text())["problems"]
    assert told[0]["alarm"] == row["alarm"] == f"of 4 candidates {said}"
    assert next(e for e in events(tmp_path) if e["event"] == "end")["alarms"] == 1
    Console()(told[0])
    assert f"ALARM: of 4 candidates {said}" in capsys.readouterr().out


def test_a_summary_that_cannot_be_written_is_no_error(run, capsys):
    run.report.config = replace(run.config, work=Path("/proc/nowhere"))
    assert run.answer(Problem("p", "What?")) == 7
    assert "Cannot write" in capsys.readouterr().out


def test_the_trace_opens_and_ends_with_what_a_post_mortem_asks(run, tmp_path):
    run.report.start = {"seed": 0, "versions": {"python": "3"}}
    with run.report.summed_up():
        for name in ("p", "q"):
            run.answer(Problem(name, "What is 3 + 4?"))
    ready, end = (next(e for e in events(tmp_path) if e["event"] == k) for k in ("ready", "end"))
    assert (ready["seed"], ready["versions"]) == (0, {"python": "3"})
    assert (ready["engine"], ready["sandbox"]["layers"]) == ({"vllm": "0"}, {})
    assert (end["problems"], end["sources"], end["restarts"]) == (2, {"vote": 2}, 0)
    assert (end["lost_lines"], end["tokens"]) == (
        0,
        sum(r["tokens"] for r in run.report.rows.values()),
    )
    assert end["seconds"] < 60


def test_the_totals_are_there_before_a_platform_that_never_returns_ends_the_run(run, tmp_path):
    for name in ("p", "q", "r"):
        run.answer(Problem(name, "What?"))
    assert [e["problems"] for e in events(tmp_path) if e["event"] == "end"] == [3]
    with run.report.summed_up():
        pass
    assert [e["problems"] for e in events(tmp_path) if e["event"] == "end"] == [3]


def test_what_the_sandbox_could_isolate_is_told_once_it_is_known(run, tmp_path):
    run.sandbox.report = {"supervisors": 1}
    run.answer(Problem("p", "What?"))
    assert not [e for e in events(tmp_path) if e["event"] == "ready"]
    run.sandbox.report["layers"] = {"landlock": "on"}
    run.answer(Problem("q", "What?"))
    run.answer(Problem("r", "What?"))
    (ready,) = [e for e in events(tmp_path) if e["event"] == "ready"]
    assert ready["sandbox"]["layers"] == {"landlock": "on"}


def test_a_repeated_answer_stands_in_the_summary_too(run, tmp_path):
    problem = Problem("p", "What?")
    run.answer(problem)
    again = make_run(tmp_path, answers_in(tmp_path / "trace.jsonl", run.config))
    again.answer(problem)
    (row,) = json.loads((tmp_path / "summary.json").read_text())["problems"]
    assert (row["answer"], row["source"]) == (7, "repeated")


def solution(source, answer=7):
    tally = {answer: 3} if source is AnswerSource.VOTE else {}
    return Solution("p", answer, source, None, tally)


SOURCES = {
    "a vote": ([AnswerSource.VOTE], ""),
    "one vote of two": ([AnswerSource.DEFAULT, AnswerSource.VOTE], ""),
    "defaults": ([AnswerSource.DEFAULT] * 2, "No problem was answered by vote"),
    "printed only": ([AnswerSource.PRINTED], "No problem was answered by vote"),
    "nothing asked": ([], "No problem was answered by vote"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_run_without_a_vote_says_so(name, run):
    sources, sentence = SOURCES[name]
    for number, source in enumerate(sources, 1):
        run.report.asked = number
        run.report.solved(solution(source), f"key{number}")
    fault = run.report.no_vote()
    assert fault.startswith(sentence) and bool(fault) == bool(sentence)


def test_a_run_without_a_vote_tells_an_engine_that_never_got_ready_apart(run):
    run.report.engine = AbsentEngine()
    assert "the engine never got ready" in run.report.no_vote()


def test_an_answer_of_an_earlier_run_is_worth_what_it_was(run):
    run.report.asked = 1
    run.report.repeated(Problem("p", "What?"), 7)
    assert run.report.no_vote() == ""
