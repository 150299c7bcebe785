"""Scoring: the kernel's rule gives the kernel's answers, and each other rule differs as it says."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel import voting
from kernel.config import Config
from kernel.records import Candidate
from validation.runs.ballots import SCHEMA
from validation.scoring import Rule, Source, decided_after, rules, score

CONFIG = Config(default_answer=77)
NONE = (None, None)


def ballots(*solves, truth=5, executions=0):
    """Each solve is a list of boxed answers, or of (boxed, printed, negative, executions)."""
    rows = []
    for seed, solve in enumerate(solves):
        for n, one in enumerate(solve):
            given = one if isinstance(one, tuple) else (one,)
            boxed, printed, negative, ran = (*given, *(None, None, False, executions)[len(given) :])
            rows.append((seed, "p", truth, n, n, boxed, printed, negative, ran, 10))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def answers(frame, rule):
    return score(frame, rule, CONFIG).sort("seed")["answer"].to_list()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 0, 1, 2, 999]), st.sampled_from([None, 1, 4]), st.just(False)
        ),
        min_size=1,
        max_size=9,
    )
)
def test_the_kernel_rule_gives_the_kernels_solution(votes):
    candidates = [Candidate(n, (), answer=b, printed=p) for n, (b, p, _) in enumerate(votes)]
    solution = voting.conclude("p", candidates, CONFIG, None, 0.0)
    row = score(ballots(votes), Rule("kernel"), CONFIG).row(0, named=True)
    assert row["answer"] == solution.answer
    assert row["votes"] == (max(solution.tally.values()) if solution.tally else 0)
    assert (row["candidates"], row["voters"]) == (len(votes), sum(solution.tally.values()))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=1, max_size=12))
def test_decided_as_the_kernel_decides_and_without_changing_the_answer(votes):
    after = decided_after(pl.Series(votes, dtype=pl.Int64), pl.Series([1] * len(votes)))
    stops = [
        k
        for k in range(1, len(votes) + 1)
        if voting.decided(voting.tally(votes[:k]), len(votes) - k)
    ]
    assert after == (stops[0] if stops else len(votes))
    whole = answers(ballots(votes), Rule("all"))
    assert answers(ballots(votes), Rule("decided", when_decided=True)) == whole


@pytest.mark.parametrize(
    ("rule", "solve", "answer", "heard"),
    [
        (Rule("largest"), [3, 5, 3, 5], 5, 4),
        (Rule("smallest", smallest_wins=True), [3, 5, 3, 5], 3, 4),
        (Rule("n", candidates=1), [3, 5, 5], 3, 1),
        (Rule("n beyond", candidates=9), [3, 5, 5], 5, 3),
        (Rule("first", first_to=2), [3, None, 3, 5, 5, 5], 3, 3),
        (Rule("never", first_to=4), [3, None, None, None, None, 5], 5, 6),
        (Rule("decided", when_decided=True), [3, 3, None, 5], 3, 3),
        (Rule("negative", drop_negative=True), [(999, None, True), (999, None, True), 3], 3, 3),
        (Rule("kept"), [(999, None, True), (999, None, True), 3], 999, 3),
        (Rule("code", code_only=True), [3, 3, (5, None, False, 1)], 5, 3),
        (Rule("double", code_weight=2), [3, (5, None, False, 2), 4], 5, 3),
        (Rule("printed", Source.BOXED_ELSE_PRINTED), [(None, 4), (None, 4), (3, 4)], 4, 3),
        (Rule("boxed"), [(None, 4), (None, 4), (3, 4)], 3, 3),
        (Rule("printed first", Source.PRINTED_ELSE_BOXED), [(3, 4), 3, (3, 4)], 4, 3),
        (Rule("ladder"), [(None, 4), NONE], 4, 2),
        (Rule("default"), [NONE, NONE], 77, 2),
    ],
)
def test_rules(rule, solve, answer, heard):
    row = score(ballots(solve), rule, CONFIG).row(0, named=True)
    assert (row["answer"], row["candidates"]) == (answer, heard)
    assert row["tokens"] == 10 * heard
    assert row["correct"] == (answer == 5)


def test_solves_do_not_mix():
    frame = ballots([3, 3, 3], [5, 5, 4], [4])
    assert answers(frame, Rule("kernel")) == [3, 5, 4]
    assert answers(frame, Rule("first", first_to=2)) == [3, 5, 4]
    assert answers(frame, Rule("decided", when_decided=True)) == [3, 5, 4]


def test_an_unknown_truth_is_neither_right_nor_wrong():
    assert score(ballots([3], truth=None), Rule("kernel"), CONFIG)["correct"].to_list() == [None]


def test_ten_rules_with_names_of_their_own():
    assert len({rule.name for rule in rules(48)}) == len(set(rules(48))) == 10
    assert all(rule.first_to != 0 and rule.candidates != 0 for rule in rules(1))


def test_a_solve_of_whose_candidates_a_rule_takes_none_is_answered_by_default():
    frame = ballots([3, 5], [4, 4]).filter((pl.col("seed") == 0) | (pl.col("candidate") > 0))
    scored = score(frame, Rule("first", candidates=1), CONFIG).sort("seed")
    assert scored["answer"].to_list() == [3, 77]
    assert scored["candidates"].to_list() == [1, 0] and scored["tokens"].to_list() == [10, 0]
