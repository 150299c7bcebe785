"""Extra candidates: started where the vote is open and there is time, and never otherwise."""

import itertools
import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import voting
from kernel.config import Config, ConfigError
from kernel.deadline import Deadline
from kernel.records import StopReason
from kernel.tests.solving import CONFIG, FakeEngine, FakeSandbox, deadline, solve


@pytest.mark.parametrize(
    ("votes", "is_clear"),
    [
        ({}, False),
        ({5: 1}, False),  # a lead of 1 is just the square root of 1
        ({5: 2}, True),
        ({5: 24, 7: 24}, False),
        ({5: 27, 7: 21}, False),
        ({5: 28, 7: 20}, True),
        ({5: 6, 7: 3}, False),  # a lead of 3 is just the square root of 9
        ({5: 7, 7: 3}, True),
        ({5: 7, 7: 3, 8: 3, 9: 3}, True),  # the third and further answers are nothing to it
        ({5: 48}, True),
    ],
)
def test_a_lead_is_clear_above_one_standard_deviation(votes, is_clear):
    assert voting.clear(votes) is is_clear


@pytest.mark.parametrize(("deviations", "least"), [(0.5, 26), (1.0, 28), (2.0, 31)])
def test_more_deviations_ask_for_a_larger_lead(deviations, least):
    split = [
        first for first in range(24, 49) if voting.clear({5: first, 7: 48 - first}, deviations)
    ]
    assert min(split) == least


def test_a_tie_looks_clear_by_luck_as_often_as_its_derivation_says():
    """Of 48 fair coins; a normal distribution's tails say 0.317 and 0.046."""
    for deviations, chance in ((1.0, 0.317), (2.0, 0.046)):
        clear = (n for n in range(49) if voting.clear({5: n, 7: 48 - n}, deviations))
        assert sum(math.comb(48, n) for n in clear) / 2**48 == pytest.approx(chance, abs=0.04)


def urn(votes, outstanding, draws, rng):
    """Return the share of urns in which the majority is lost or tied, by drawing them."""
    lost = 0
    for _ in range(draws):
        balls = [answer for answer, count in votes.items() for _ in range(count)]
        first = max(votes, key=lambda answer: votes[answer])
        for step in range(outstanding):
            drawn = rng.randrange(len(balls) + 1)
            balls.append(balls[drawn] if drawn < len(balls) else ("new", step))
        counts = Counter(balls)
        lost += any(n >= counts[first] for answer, n in counts.items() if answer != first)
    return lost / draws


@pytest.mark.parametrize(
    ("votes", "outstanding"),
    [({5: 12, 7: 6}, 8), ({5: 10, 7: 6, 8: 2}, 10), ({5: 5}, 12), ({5: 20, 7: 9, 9: 3}, 16)],
)
def test_the_chance_bounds_what_drawn_urns_show(votes, outstanding):
    drawn = urn(votes, outstanding, 4000, random.Random(1))
    bound = voting.overturn_chance(votes, outstanding)
    noise = 3 * math.sqrt(drawn * (1 - drawn) / 4000) + 1e-3
    assert drawn - noise <= bound <= 1.6 * drawn + noise + 0.01


@pytest.mark.parametrize(
    ("votes", "outstanding", "chance"),
    [
        ({}, 3, 1.0),
        ({5: 1, 7: 1, 8: 1}, 2, 1.0),  # two rivals that are level already
        ({5: 1}, 1, 1 / 2),  # one vote and the weight of an answer not seen yet
        ({5: 2}, 2, 1 / 3 * 2 / 4),
        ({5: 2, 7: 1}, 1, 1 / 4),
        ({5: 2, 7: 1, 8: 1}, 1, 2 / 5),
        ({5: 3, 7: 2, 8: 1}, 1, 2 / 7),
        # The rival twice, or once with an answer not seen yet, in either order.
        ({5: 3, 7: 2}, 2, 2 / 6 * 3 / 7 + 2 * (2 / 6 * 1 / 7)),
    ],
)
def test_the_chance_is_that_of_the_urn(votes, outstanding, chance):
    voting._level_chance.cache_clear()
    assert voting.overturn_chance(votes, outstanding) == pytest.approx(chance)


def test_with_two_answers_the_chance_is_exact():
    # One rival of weight 1 beside a leader of 2, and nothing else drawn: by hand.
    total = 2 + 1
    chance = voting._level_chance(2, 1, total, 1)
    assert chance == pytest.approx(1 / 3)


@given(
    votes=st.dictionaries(st.integers(0, 9), st.integers(1, 20), max_size=6),
    outstanding=st.integers(0, 40),
)
def test_nothing_can_happen_to_what_is_decided(votes, outstanding):
    chance = voting.overturn_chance(votes, outstanding)
    assert (chance == 0) == voting.decided(votes, outstanding)
    assert 0 <= chance <= 1


def boxing(answers):
    """Return a script in which each candidate boxes its answer at once."""
    return lambda index, number: f"\\boxed{{{answers[index]}}}"


OPEN = list(itertools.islice(itertools.cycle((5, 7)), 40))


@pytest.mark.parametrize(
    ("answers", "more"),
    [
        (OPEN, 0),  # the default: N and no more
        (OPEN, 6),  # open to the end
        ([5, 7, 5, 7, *[5] * 30], 30),  # open at first, clear later
        ([5] * 40, 12),
    ],
)
def test_groups_start_until_the_lead_is_clear(answers, more):
    engine = FakeEngine(boxing(answers))
    config = Config(**{**vars(CONFIG), "candidates": 4, "extra_candidates": more, "extra_group": 4})
    events = []
    solution = solve(engine, FakeSandbox(), config, events)
    extra = [event for event in events if event["event"] == "extra"]
    assert len(solution.candidates) == min(4 + more, 4 + sum(e["candidates"] for e in extra))
    if more:
        assert voting.clear(solution.tally) or len(solution.candidates) == 4 + more
    else:
        assert not extra


def test_an_extra_candidate_is_the_one_it_would_be_among_the_first():
    config = Config(**{**vars(CONFIG), "candidates": 2, "extra_candidates": 6, "extra_group": 3})
    many = Config(**{**vars(CONFIG), "candidates": 8})
    extra, first = FakeEngine(boxing(OPEN)), FakeEngine(boxing(OPEN))
    solve(extra, FakeSandbox(), config)
    solve(first, FakeSandbox(), many)
    assert {r.id: r.seed for r in extra.requests} == {r.id: r.seed for r in first.requests}


def test_no_extra_candidate_starts_that_could_not_finish_a_round():
    clock = iter(float(t) for t in range(10_000))
    until = deadline(seconds=60.0, now=lambda: next(clock))
    config = Config(**{**vars(CONFIG), "candidates": 4, "extra_candidates": 400, "extra_group": 4})
    events = []
    solution = solve(FakeEngine(boxing(OPEN * 20)), FakeSandbox(), config, events, until)
    assert 4 < len(solution.candidates) < 404
    assert solution.ended is None, "every extra candidate has finished"


def test_an_engine_that_fails_gets_no_extra_work():
    class Failing(FakeEngine):
        def complete(self, request):
            from kernel.records import Completion, Finish

            return Completion(request.id, "", (), Finish.FAILED, 0)

    config = Config(**{**vars(CONFIG), "candidates": 4, "extra_candidates": 40})
    solution = solve(Failing(boxing(OPEN)), FakeSandbox(), config)
    assert len(solution.candidates) == 4


def test_a_stated_risk_stops_earlier_and_none_stops_as_before():
    answers = [5, 5, 5, 5, 5, 5, 7, 5, 7, 7, 7, 7]
    config = Config(**{**vars(CONFIG), "candidates": 12})
    exact = solve(FakeEngine(boxing(answers)), FakeSandbox(), config)
    risky = solve(
        FakeEngine(boxing(answers)), FakeSandbox(), Config(**{**vars(config), "stop_risk": 0.2})
    )
    voted = [sum(c.stop is not StopReason.DECIDED for c in s.candidates) for s in (exact, risky)]
    assert voted[1] < voted[0] and risky.ended is StopReason.DECIDED


@pytest.mark.parametrize(
    "values",
    [
        {"extra_candidates": -1},
        {"extra_group": 0},
        {"slots": 0},
        {"stop_risk": -0.1},
        {"stop_risk": 0.5},
        {"stop_risk": float("nan")},
        {"extra_candidates": 1.5},
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        Config().updated(values)


@given(seed=st.integers(0, 10**6), problems=st.integers(1, 60), limit=st.floats(100, 40_000))
def test_what_a_problem_spends_is_never_the_minimum_of_others(seed, problems, limit):
    draw, now = random.Random(seed), [0.0]
    until = Deadline(limit, limit / 10, problems, now=lambda: now[0])
    minimum = 0.9 * limit / problems
    for number in range(problems):
        share = until.begin()
        to_come = problems - number - 1
        usable = until.remaining() - limit / 10
        assert share <= usable - to_come * minimum * (1 - 1e-6) + 1e-6
        now[0] += share * draw.choice([0, 0.1, 1])
