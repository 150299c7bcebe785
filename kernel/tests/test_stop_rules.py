"""The stop rules as tables: a candidate after a generation, and after an execution."""

from dataclasses import replace

import pytest

from kernel import sc_tir
from kernel.config import Config
from kernel.records import (
    Candidate,
    Finish,
    Problem,
    StopReason,
)
from kernel.tests.solving import (
    CODE,
    CONFIG,
    PROBLEM,
    completion,
    execution,
    ids,
)

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


def limited(most):
    return replace(CONFIG, max_total_tokens=most)


@pytest.mark.parametrize(
    ("most", "before", "done", "stop"),
    [
        (100, 0, completion("x" * 100, Finish.LENGTH), StopReason.TOKENS_USED),
        (200, 100, completion("x" * 80, Finish.LENGTH), StopReason.TOKENS_USED),
        (300, 100, completion("x" * 80, Finish.LENGTH), StopReason.TRUNCATED),
        (100, 0, completion("x" * 380, Finish.LENGTH), StopReason.CONTEXT_FULL),
        (100, 90, completion(r"\boxed{5}", Finish.LENGTH), StopReason.ANSWERED),
        (100, 90, completion(CODE, Finish.STOP), None),
    ],
)
def test_a_candidates_tokens_over_all_rounds_are_a_limit_of_their_own(most, before, done, stop):
    candidate = replace(FRESH, generated_tokens=before)
    assert sc_tir.after_generation(candidate, done, limited(most)).stop is stop


@pytest.mark.parametrize(
    ("most", "stop"), [(None, None), (132, None), (131, StopReason.TOKENS_USED), (1, "tokens_used")]
)
def test_code_is_run_but_no_round_begun_that_the_tokens_do_not_last_for(most, stop):
    candidate = replace(FRESH, text=CODE, code="print(6*7)", round=1, generated_tokens=100)
    candidate = sc_tir.after_execution(candidate, execution("42"), ids, limited(most))
    assert (candidate.stop, candidate.printed) == (stop, 42)


@pytest.mark.parametrize(("free", "stop"), [(33, None), (32, None), (31, "context_full")])
def test_a_round_needs_the_least_room_in_the_context(free, stop):
    candidate = replace(FRESH, token_ids=tuple(range(CONFIG.max_context - free)))
    assert sc_tir.spent(candidate, CONFIG) == stop


def test_a_round_that_is_short_by_itself_is_not_taken_for_too_short():
    config = replace(CONFIG, max_new_tokens=8, max_total_tokens=20)
    candidate = replace(FRESH, text=CODE, code="print(6*7)", round=1, generated_tokens=8)
    assert sc_tir.after_execution(candidate, execution("42"), ids, config).stop is None


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
    assert 2**31 < max(seeds) < 2**32  # random states take no longer ones
    again = Candidate(5, (9, 9), text="other", round=2)
    first = sc_tir.request_seed(Config(), PROBLEM, Candidate(5, (), round=2))
    assert sc_tir.request_seed(Config(), PROBLEM, again) == first
