"""SC-TIR: the stop rules as tables, and the solve loop on a small fake engine and sandbox."""

import random
from dataclasses import replace

import pytest

from kernel import sc_tir
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import (
    AnswerSource,
    Candidate,
    Completion,
    Execution,
    ExecutionStatus,
    Finish,
    Problem,
    StopReason,
)
from kernel.trace import Trace

CODE = "```python\nprint(6*7)\n```\n```output"
PROBLEM = Problem("p", "What is 6 times 7?")
CONFIG = Config(candidates=4, rounds=2, max_context=400, max_new_tokens=100)


def ids(text):
    return [ord(c) for c in text]


def completion(text, finish=Finish.END, request_id="p/0/0"):
    return Completion(request_id, text, tuple(ids(text)), finish, len(text))


def execution(output, session="p/0", status=ExecutionStatus.OK):
    return Execution(session, status, output, 0.01)


FRESH = Candidate(0, (1, 2, 3))


@pytest.mark.parametrize(
    ("before", "done", "stop", "answer", "code"),
    [
        ({}, completion("", Finish.FAILED), StopReason.ENGINE_FAILED, None, None),
        ({"text": r"\boxed{5} "}, completion("", Finish.FAILED), StopReason.ENGINE_FAILED, 5, None),
        ({}, completion(CODE, Finish.STOP), None, None, "print(6*7)"),
        ({}, completion("```python\nprint(6*7)\n```"), None, None, "print(6*7)"),
        ({}, completion(r"\boxed{1} " + CODE, Finish.STOP), None, None, "print(6*7)"),
        ({"round": 1}, completion(CODE, Finish.STOP), None, None, "print(6*7)"),
        (
            {"round": 1},
            completion(r"\boxed{1} " + CODE, Finish.STOP),
            StopReason.ROUNDS_USED,
            1,
            None,
        ),
        ({}, completion(r"It is $\boxed{42}$."), StopReason.ANSWERED, 42, None),
        ({}, completion(r"\boxed{1} or \boxed{2}", Finish.LENGTH), StopReason.ANSWERED, 2, None),
        ({}, completion(r"It is $\boxed{1042}$."), StopReason.ANSWERED, 42, None),
        ({}, completion(r"It is $\boxed{-1}$."), StopReason.ANSWERED, 999, None),
        ({}, completion(r"$\boxed{\sqrt{2}}$."), StopReason.NOT_AN_INTEGER, None, None),
        ({}, completion("so we go on", Finish.LENGTH), StopReason.TRUNCATED, None, None),
        ({}, completion("x" * 380, Finish.LENGTH), StopReason.CONTEXT_FULL, None, None),
        ({}, completion("I do not know."), StopReason.NO_ANSWER, None, None),
        ({}, completion(""), StopReason.NO_ANSWER, None, None),
    ],
)
def test_after_generation(before, done, stop, answer, code):
    candidate = sc_tir.after_generation(replace(FRESH, **before), done, CONFIG)
    assert (candidate.stop, candidate.answer, candidate.code) == (stop, answer, code)
    assert candidate.text == before.get("text", "") + done.text
    assert candidate.token_ids == (1, 2, 3, *ids(done.text))
    assert candidate.round == before.get("round", 0) + 1


@pytest.mark.parametrize(
    ("before", "output", "stop", "answer", "printed"),
    [
        ({"round": 1}, "42", None, None, 42),
        ({"round": 1}, "-1", None, None, 999),
        ({"round": 1, "printed": 7}, "no number", None, None, 7),
        ({"round": 1}, "x" * 380, StopReason.CONTEXT_FULL, None, None),
        ({"round": 2}, "42", StopReason.ROUNDS_USED, None, 42),
        ({"round": 2}, r"\boxed{42}", StopReason.ROUNDS_USED, 42, 42),
    ],
)
def test_after_execution(before, output, stop, answer, printed):
    candidate = replace(FRESH, text=CODE, code="print(6*7)", **before)
    candidate = sc_tir.after_execution(candidate, execution(output), ids, CONFIG)
    assert (candidate.stop, candidate.answer, candidate.printed) == (stop, answer, printed)
    assert candidate.text == f"{CODE}\n{output}\n```\n"
    assert candidate.token_ids == (1, 2, 3, *ids(f"\n{output}\n```\n"))
    assert (candidate.executions, candidate.code) == (1, None)


@pytest.mark.parametrize(("allowed", "answer"), [(True, 42), (False, None)])
def test_an_answer_without_code_votes_unless_switched_off(allowed, answer):
    config = replace(CONFIG, vote_without_code=allowed)
    assert sc_tir.after_generation(FRESH, completion(r"\boxed{42}"), config).answer == answer


def test_an_answer_behind_code_votes_either_way():
    config = replace(CONFIG, vote_without_code=False)
    candidate = replace(FRESH, executions=1)
    assert sc_tir.after_generation(candidate, completion(r"\boxed{42}"), config).answer == 42


def test_a_candidate_that_the_decided_vote_stopped_does_not_vote():
    boxed = replace(FRESH, text=r"\boxed{3}")
    assert sc_tir.stopped(boxed, StopReason.DECIDED, CONFIG).answer is None
    assert sc_tir.stopped(boxed, StopReason.DEADLINE, CONFIG).answer == 3


def test_seeds_depend_on_run_problem_candidate_and_round_alone():
    seeds = {
        sc_tir.request_seed(Config(seed=s), Problem(p, ""), Candidate(i, (), round=r))
        for s in (0, 1)
        for p in ("a", "b")
        for i in range(48)
        for r in range(4)
    }
    assert len(seeds) == 2 * 2 * 48 * 4
    again = Candidate(5, (9, 9), text="other", round=2)
    first = sc_tir.request_seed(Config(), PROBLEM, Candidate(5, (), round=2))
    assert sc_tir.request_seed(Config(), PROBLEM, again) == first


class FakeEngine:
    """Answers each request from a script by candidate and round; `order` picks what finishes."""

    def __init__(self, script, order=lambda requests: requests[:1]):
        self.script, self.order = script, order
        self.waiting, self.requests, self.aborted = [], [], []

    def encode(self, text):
        return ids(text)

    def encode_chat(self, messages):
        return ids(messages[-1]["content"])

    def submit(self, request):
        self.waiting.append(request)
        self.requests.append(request)

    def abort(self, request_ids):
        self.aborted += list(request_ids)
        self.waiting = [r for r in self.waiting if r.id not in self.aborted]

    def poll(self):
        done = self.order(self.waiting)
        self.waiting = [r for r in self.waiting if r not in done]
        return [self.complete(request) for request in done]

    def complete(self, request):
        _, index, number = request.id.split("/")
        text = self.script(int(index), int(number))
        finish = Finish.STOP if text.endswith("```output") else Finish.END
        return completion(text, finish, request.id)


class FakeSandbox:
    """Prints 42 for every block, `delay` polls after it came."""

    def __init__(self, delay=0):
        self.delay, self.waiting, self.blocks, self.closed = delay, {}, [], []

    def submit(self, session, code):
        self.waiting[session] = self.delay
        self.blocks.append((session, code))

    def close_session(self, session):
        self.waiting.pop(session, None)
        self.closed.append(session)

    def poll(self, timeout=0.0):
        ready = [session for session, polls in self.waiting.items() if polls <= 0]
        self.waiting = {s: n - 1 for s, n in self.waiting.items() if s not in ready}
        return [execution("42", session) for session in ready]


def deadline(seconds=60.0, now=None):
    result = Deadline(seconds, 0, 1, **({} if now is None else {"now": now}))
    result.begin()
    return result


def solve(engine, sandbox, config=CONFIG, events=None, until=None, board=None):
    trace = Trace(None, echo=(lambda event: None) if events is None else events.append)
    return sc_tir.solve(PROBLEM, config, engine, sandbox, until or deadline(), trace, board)


def tool_user(index, number):
    return CODE if number == 0 else r"It is $\boxed{42}$."


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
