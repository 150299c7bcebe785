"""Numbers of candidates side by side."""

from dataclasses import replace

import pytest

from kernel.config import Config
from validation.simulation import comparison
from validation.simulation.costs import L4, T4, Costs, Layout
from validation.simulation.model_shape import NUMINA
from validation.simulation.shapes import ShapesError
from validation.simulation.tests.shaped import shaped_problem
from validation.simulation.votes import Number

COSTS = Costs(T4, NUMINA, Layout(2, 1, 8))
POOL = [shaped_problem(n, 200, longest=60) for n in range(2)]


def test_a_t4_has_several_attention_speeds_and_what_was_measured():
    assert [gpu.attention_gb_s for gpu in comparison.speeds(T4, NUMINA).values()] == [45, 200, 150]
    measured = replace(T4, attention_gb_s=90.0)
    assert next(iter(comparison.speeds(measured, NUMINA))) == "given, 90 GB/s"
    assert [*comparison.speeds(L4, NUMINA)] == ["200 GB/s"]


def test_a_short_run_stands_for_a_long_one():
    config = Config(problems=8)
    short, long = (
        comparison.hours(POOL, Number(8), config, COSTS, simulated=count).hours for count in (4, 8)
    )
    assert short == pytest.approx(long, rel=0.2)
    start = comparison.START_SECONDS / 3600
    assert short > start


def test_the_deadline_cuts_the_same_share_of_a_problem():
    config = Config(problems=8, limit_seconds=400, reserve_seconds=0, slots=8)
    found = comparison.hours(POOL, Number(64), config, COSTS, simulated=4)
    assert found.cut_off > 0
    assert found.hours * 3600 <= 401


def test_the_rows_hold_fixed_numbers_and_the_one_asked_for():
    config = Config(candidates=48, extra_candidates=48, problems=2)
    said = []
    rows = comparison.compare(POOL, config, COSTS, simulated=1, runs=3, report=said.append)
    names = ["N = 48", "N = 96", "N = 144", "N = 192", "N = 48 to 96"]
    assert [row["number"] for row in rows] == names
    assert rows[0]["gain"] == 0
    assert all(0 <= row["right_low"] <= row["right"] <= row["right_high"] <= 2 for row in rows)
    assert all(len(row["hours"]) == 3 for row in rows)
    slow = [row["hours"]["triton, 45 GB/s"][0] for row in rows[:4]]
    assert slow == sorted(slow)
    assert {text.partition(":")[0] for text in said} == {"votes", "hours"}


def test_too_few_candidates_are_refused():
    with pytest.raises(ShapesError, match="200 transcripts of a problem do not make 248"):
        comparison.compare(POOL, Config(extra_candidates=200), COSTS)
