"""Voting: the majority, its tie-break, and the stop rule against brute force."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.config import Config
from kernel.records import AnswerSource, Candidate, StopReason
from kernel.voting import alarm, conclude, decided, heard, majority, tally

TALLIES = st.dictionaries(st.integers(0, 5), st.integers(1, 6), max_size=4)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], {}),
        ([None, None], {}),
        ([7, None, 7, 3], {7: 2, 3: 1}),
        ([0, 0, 0], {0: 3}),
    ],
)
def test_tally_counts_answers_and_skips_none(answers, expected):
    assert tally(answers) == expected


def test_tally_lists_most_votes_first():
    assert list(tally([1, 2, 2, 3, 3, 3])) == [3, 2, 1]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ({}, None),
        ({5: 1}, 5),
        ({5: 2, 900: 1}, 5),
        ({5: 2, 900: 2, 7: 1}, 900),
        ({0: 3}, 0),
    ],
)
def test_majority(votes, expected):
    assert majority(votes) == expected


@given(TALLIES)
def test_majority_does_not_depend_on_order(votes):
    backwards = dict(reversed(list(votes.items())))
    assert majority(votes) == majority(backwards)


@pytest.mark.parametrize(
    ("votes", "outstanding", "expected"),
    [
        ({}, 0, False),
        ({}, 48, False),
        ({5: 1}, 0, True),
        ({5: 1}, 1, False),
        ({5: 25}, 23, True),
        ({5: 24}, 24, False),
        ({5: 13, 6: 10}, 3, False),
        ({5: 14, 6: 10}, 3, True),
        ({5: 2, 6: 2}, 0, False),
    ],
)
def test_decided(votes, outstanding, expected):
    assert decided(votes, outstanding) is expected


def outcomes(votes, outstanding):
    """All final tallies: each outstanding candidate votes for a known answer, a new one, or not."""
    unseen = [99 + i for i in range(outstanding)]
    for cast in product([*votes, *unseen, None], repeat=outstanding):
        final = dict(votes)
        for answer in cast:
            if answer is not None:
                final[answer] = final.get(answer, 0) + 1
        yield final


def leads_alone(answer, final):
    return all(final[answer] > count for other, count in final.items() if other != answer)


@given(TALLIES, st.integers(0, 3))
def test_decided_agrees_with_brute_force_over_all_outcomes(votes, outstanding):
    leader = majority(votes)
    always = leader is not None and all(
        leads_alone(leader, final) for final in outcomes(votes, outstanding)
    )
    assert decided(votes, outstanding) == always


@given(TALLIES, st.integers(0, 3))
def test_a_decided_vote_keeps_its_majority_in_every_outcome(votes, outstanding):
    if decided(votes, outstanding):
        results = {majority(final) for final in outcomes(votes, outstanding)}
        assert results == {majority(votes)}


def candidate(index, answer=None, printed=None):
    return Candidate(index, (1,), answer=answer, printed=printed)


@pytest.mark.parametrize(
    ("candidates", "answer", "source"),
    [
        ([candidate(0, 3), candidate(1, 3), candidate(2, 4, 4)], 3, AnswerSource.VOTE),
        ([candidate(0, None, 8), candidate(1, None, 8), candidate(2)], 8, AnswerSource.PRINTED),
        ([candidate(0, None, 8), candidate(1, 0)], 0, AnswerSource.VOTE),
        ([candidate(0), candidate(1)], 17, AnswerSource.DEFAULT),
        ([], 17, AnswerSource.DEFAULT),
    ],
)
def test_the_ladder_of_answers(candidates, answer, source):
    solution = conclude("p", candidates, Config(default_answer=17), None, 1.5)
    assert (solution.answer, solution.source, solution.seconds) == (answer, source, 1.5)
    assert (solution.problem_id, solution.candidates) == ("p", tuple(candidates))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], None),
        (["a"], None),
        (["a", "b", "c"], None),
        (["a", "a", "b", "c", "d"], None),
        (["", "a", "b"], None),
        ([""], "of 1 candidates 1 wrote nothing"),
        (["", " \n"], "of 2 candidates 2 wrote nothing"),
        (["a", "a"], "of 2 candidates 2 wrote the same as another"),
        (["a", "a", "b", "c"], "of 4 candidates 2 wrote the same as another"),
        (
            ["", "a", "b", "b", "c"],
            "of 5 candidates 1 wrote nothing and 2 wrote the same as another",
        ),
        ([""] * 48, "of 48 candidates 48 wrote nothing"),
    ],
)
def test_an_alarm_where_half_are_empty_or_alike(texts, said):
    assert alarm(texts) == said


def test_only_what_the_engine_wrote_is_heard():
    candidates = [
        Candidate(0, (), text="x", round=1, stop=StopReason.ANSWERED),
        Candidate(1, (), text="", round=1, stop=StopReason.NO_ANSWER),
        Candidate(2, (), text="", round=1, stop=StopReason.ENGINE_FAILED),
        Candidate(3, (), text="", round=0, stop=StopReason.DECIDED),
        Candidate(4, (), text="y", round=2, stop=StopReason.DEADLINE),
    ]
    assert heard(candidates) == ["x", "", "y"]
