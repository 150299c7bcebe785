"""The run's time, on a clock that the test turns."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.deadline import Deadline


class Clock:
    """A clock that stands still until told."""

    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


def test_the_first_share_is_an_equal_part_of_the_usable_time(clock):
    assert Deadline(1100, 100, 50, now=clock).share() == pytest.approx(20)


def test_time_gone_before_the_start_is_not_shared(clock):
    deadline = Deadline(1100, 100, 50, elapsed=500, now=clock)
    assert deadline.remaining() == pytest.approx(600)
    assert deadline.share() == pytest.approx(10)


def test_elapsed_counts_from_the_runs_start_not_from_the_deadlines(clock):
    deadline = Deadline(1100, 100, 50, elapsed=500, now=clock)
    assert deadline.elapsed() == 500
    clock.time += 7
    assert deadline.elapsed() == 507


def test_unused_time_is_carried_over(clock):
    deadline = Deadline(1100, 100, 10, now=clock)
    assert deadline.begin() == pytest.approx(100)
    clock.time += 10
    assert deadline.begin() == pytest.approx(990 / 9)


def test_each_share_is_of_the_problems_still_to_come(clock):
    deadline = Deadline(1100, 100, 10, now=clock)
    for begun in range(9):
        assert deadline.begin() == pytest.approx((1000 - 5 * begun) / (10 - begun))
        clock.time += 5


def test_before_the_first_problem_nothing_is_spent_or_left(clock):
    deadline = Deadline(1100, 100, 10, now=clock)
    assert (deadline.spent(), deadline.left(), deadline.reached) == (0, 0, True)


def test_left_and_reached_follow_the_problem_begun_last(clock):
    deadline = Deadline(1100, 100, 10, now=clock)
    deadline.begin()
    clock.time += 40
    assert deadline.spent() == pytest.approx(40)
    assert deadline.left() == pytest.approx(60)
    assert not deadline.reached
    clock.time += 60
    assert deadline.left() == 0
    assert deadline.reached


def test_nothing_is_shared_out_of_the_reserve(clock):
    deadline = Deadline(1100, 100, 10, now=clock)
    clock.time += 1001
    assert deadline.begin() == 0
    assert deadline.reached
    assert deadline.remaining() == pytest.approx(99)


def test_a_problem_beyond_the_expected_ones_leaves_time_for_another(clock):
    deadline = Deadline(1100, 100, 1, now=clock)
    deadline.begin()
    clock.time += 200
    assert deadline.begin() == pytest.approx(400)
    clock.time += 400
    assert deadline.begin() == pytest.approx(200)


def test_an_expired_deadline_ends_the_problem_and_gives_no_further_share(clock):
    deadline = Deadline(1100, 100, 10, now=clock)
    deadline.begin()
    deadline.expire()
    assert deadline.reached
    assert deadline.begin() == 0


@given(
    seed=st.integers(0, 10**6),
    problems=st.integers(1, 60),
    limit=st.floats(10, 40_000),
    reserve_part=st.floats(0, 0.9),
)
def test_every_problem_gets_its_minimum_and_the_reserve_is_kept(
    seed, problems, limit, reserve_part
):
    draw, clock = random.Random(seed), Clock()
    reserve = limit * reserve_part
    deadline = Deadline(limit, reserve, problems, now=clock)
    minimum = (limit - reserve) / problems
    for _ in range(problems):
        share = deadline.begin()
        assert share >= minimum * (1 - 1e-6)
        # From the first second to the last: some problems are easy, some take all they get.
        clock.time += share * draw.choice([0, 0.01, draw.random(), 1])
    assert deadline.remaining() >= reserve * (1 - 1e-6) - 1e-6
