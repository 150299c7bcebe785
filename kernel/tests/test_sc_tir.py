"""The solve loop on a small fake engine and sandbox."""

import random
from dataclasses import replace

import pytest

from kernel.records import (
    AnswerSource,
    Finish,
    StopReason,
)
from kernel.tests.solving import (
    CODE,
    CONFIG,
    PROBLEM,
    FakeEngine,
    FakeSandbox,
    completion,
    deadline,
    ids,
    solve,
    tool_user,
)


def test_code_is_run_its_output_appended_and_the_answer_voted_for():
    engine, sandbox = FakeEngine(tool_user), FakeSandbox()
    solution = solve(engine, sandbox, replace(CONFIG, stop_when_decided=False))
    assert (solution.answer, solution.votes, solution.source) == (42, 4, AnswerSource.VOTE)
    assert solution.ended is None
    assert sorted(sandbox.blocks) == [(f"p/{i}", "print(6*7)") for i in range(4)]
    second = next(r for r in engine.requests if r.id == "p/0/1")
    assert second.token_ids == tuple(ids(PROBLEM.text + CODE + "\n42\n```\n"))


def test_requests_carry_the_settings():
    engine = FakeEngine(tool_user)
    solve(engine, FakeSandbox(), replace(CONFIG, temperature=0.3, top_p=0.9))
    request = engine.requests[0]
    assert (request.temperature, request.top_p, request.stop) == (0.3, 0.9, CONFIG.stop)
    assert request.max_tokens == 100
    assert len({r.seed for r in engine.requests}) == len(engine.requests)


def test_requests_carry_what_another_model_needs():
    given = {"top_k": 20, "min_p": 0.05, "repetition_penalty": 1.05, "stop_token_ids": (7, 9)}
    engine = FakeEngine(tool_user)
    solve(engine, FakeSandbox(), replace(CONFIG, **given, max_total_tokens=120))
    assert {name: getattr(engine.requests[0], name) for name in given} == given
    used = len(CODE)
    assert [r.max_tokens for r in engine.requests if r.id.startswith("p/0/")] == [100, 120 - used]


def test_new_tokens_never_exceed_the_room_in_the_context():
    engine = FakeEngine(lambda index, number: "x" * 250 + CODE if number == 0 else "x")
    solve(engine, FakeSandbox())
    for request in engine.requests:
        assert len(request.token_ids) + request.max_tokens <= CONFIG.max_context


def test_a_candidate_goes_back_to_the_engine_while_others_still_decode():
    engine = FakeEngine(tool_user)  # finishes one request a poll, oldest first
    solve(engine, FakeSandbox(), replace(CONFIG, stop_when_decided=False))
    order = [request.id for request in engine.requests]
    assert order.index("p/0/1") == 4
    assert engine.requests[4].id == "p/0/1"


def test_a_finished_candidate_never_decodes_again():
    engine = FakeEngine(
        lambda index, number: r"\boxed{7}" if index == 0 else tool_user(index, number)
    )
    solve(engine, FakeSandbox(), replace(CONFIG, stop_when_decided=False))
    assert [r.id for r in engine.requests if r.id.startswith("p/0/")] == ["p/0/0"]


def test_a_decided_vote_aborts_the_rest():
    engine, sandbox = FakeEngine(lambda index, number: r"\boxed{7}"), FakeSandbox()
    solution = solve(engine, sandbox)
    assert (solution.answer, solution.votes, solution.ended) == (7, 3, StopReason.DECIDED)
    assert engine.aborted == ["p/3/0"]
    assert solution.candidates[3].stop is StopReason.DECIDED


def test_the_full_vote_waits_for_all():
    engine = FakeEngine(lambda index, number: r"\boxed{7}")
    solution = solve(engine, FakeSandbox(), replace(CONFIG, stop_when_decided=False))
    assert solution.tally == {7: 4}
    assert engine.aborted == []


def test_stopping_early_gives_the_answer_of_the_full_vote_in_any_order():
    draw = random.Random(0)
    for _ in range(300):
        answers = [draw.choice([1, 2, 3, None]) for _ in range(6)]
        script = {i: "no idea" if a is None else rf"\boxed{{{a}}}" for i, a in enumerate(answers)}
        shuffled = lambda waiting: draw.sample(waiting, min(1, len(waiting)))  # noqa: E731
        results = [
            solve(
                FakeEngine(lambda index, number: script[index], shuffled),  # noqa: B023
                FakeSandbox(),
                replace(CONFIG, candidates=6, stop_when_decided=early),
            ).answer
            for early in (True, False)
        ]
        assert results[0] == results[1], answers


def test_at_the_deadline_everything_is_aborted_and_what_is_there_is_voted_on():
    clock = iter(float(t) for t in range(10_000))
    engine = FakeEngine(
        lambda index, number: r"\boxed{7}", lambda waiting: [r for r in waiting if r.id == "p/0/0"]
    )
    sandbox = FakeSandbox()
    solution = solve(engine, sandbox, until=deadline(40, lambda: next(clock)))
    assert (solution.answer, solution.votes, solution.ended) == (7, 1, StopReason.DEADLINE)
    assert sorted(engine.aborted) == ["p/1/0", "p/2/0", "p/3/0"]
    assert [c.stop for c in solution.candidates[1:]] == [StopReason.DEADLINE] * 3


def test_a_share_that_is_used_up_at_once_still_answers():
    solution = solve(FakeEngine(tool_user), FakeSandbox(), until=deadline(0))
    assert (solution.answer, solution.source) == (0, AnswerSource.DEFAULT)


def test_code_of_the_last_round_runs_and_its_number_is_the_answer_of_last_resort():
    solution = solve(FakeEngine(lambda index, number: CODE), FakeSandbox())
    assert (solution.answer, solution.source) == (42, AnswerSource.PRINTED)
    assert {c.stop for c in solution.candidates} == {StopReason.ROUNDS_USED}
    assert all(c.executions == 2 for c in solution.candidates)


def test_every_session_is_closed():
    sandbox = FakeSandbox(delay=3)
    solve(FakeEngine(tool_user), sandbox)
    assert sorted(sandbox.closed) == [f"p/{i}" for i in range(4)]
    assert not sandbox.waiting


def test_an_error_leaves_the_candidates_and_stops_the_work():
    def fail_at_the_third(index, number):
        if index == 2:
            raise OSError("the engine broke")
        return r"\boxed{7}"

    board, engine, sandbox = [], FakeEngine(fail_at_the_third), FakeSandbox()
    with pytest.raises(OSError, match="broke"):
        solve(engine, sandbox, replace(CONFIG, candidates=6), board=board)
    assert [c.answer for c in board][:2] == [7, 7]
    assert not any(c.running for c in board)
    assert sorted(sandbox.closed) == [f"p/{i}" for i in range(6)]


def test_a_lost_engine_ends_the_candidates_not_the_problem():
    engine = FakeEngine(tool_user)
    engine.complete = lambda request: completion("", Finish.FAILED, request.id)
    solution = solve(engine, FakeSandbox())
    assert solution.source is AnswerSource.DEFAULT
    assert {c.stop for c in solution.candidates} == {StopReason.ENGINE_FAILED}


def test_the_trace_tells_every_completion_execution_and_stop():
    events = []
    solve(FakeEngine(tool_user), FakeSandbox(), replace(CONFIG, stop_when_decided=False), events)
    kinds = [event["event"] for event in events]
    assert (kinds.count("completion"), kinds.count("execution"), kinds.count("stopped")) == (
        8,
        4,
        4,
    )
    run = next(event for event in events if event["event"] == "execution")
    assert (run["code"], run["status"], run["output"]) == ("print(6*7)", "ok", "42")
