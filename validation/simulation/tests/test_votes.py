"""Votes without an engine: the kernel's own rules, on candidates whose end is known."""

import random
from dataclasses import replace

import pytest

from kernel.config import Config
from validation.simulation import votes
from validation.simulation.costs import T4, Costs, Layout
from validation.simulation.model_shape import NUMINA
from validation.simulation.run import simulate
from validation.simulation.shapes import Shape, ShapedProblem, ShapesError
from validation.simulation.tests.shaped import shaped_problem, shapes_file
from validation.simulation.votes import Ballot, Heard, Number, vote


def ballot(*answers, tokens=10, truth=5):
    """Return candidates of equal length that vote so."""
    return Ballot(truth, tuple(Heard(tokens, answer) for answer in answers))


def lengths(*tokens, answer=5):
    return Ballot(5, tuple(Heard(count, answer) for count in tokens))


@pytest.mark.parametrize(
    ("heard", "number", "started"),
    [
        (ballot(*[5] * 4), Number(4), 4),
        (ballot(*[5, 7] * 10), Number(4), 4),  # no extras unless they are asked for
        (ballot(*[5, 7] * 10), Number(4, 8, 3), 12),  # open to the end, the last group is of 2
        (ballot(*[5] * 20), Number(4, 16, 4), 4),
        (ballot(*[5, 7] * 2, *[5] * 16), Number(4, 16, 4), 8),
        (ballot(*[None] * 20), Number(4, 16, 4), 20),
        (ballot(5, 7, *[5] * 18), Number(4, 16, 4), 8),  # a lead of 2 is not above 2
        (ballot(5, 7, *[5] * 18), Number(4, 16, 4, deviations=0.5), 4),
    ],
)
def test_extras_start_in_groups_while_the_vote_is_open(heard, number, started):
    assert vote(heard, number).started == started


def test_a_decided_vote_stops_the_rest_where_they_are():
    held = vote(lengths(3, 5, 100, 1000), Number(4))
    # After 3 of 4 votes the last cannot change it: it has written as much as the third.
    assert (held.answer, held.steps, held.tokens) == (5, 100, 3 + 5 + 100 + 100)


def test_candidates_wait_for_a_slot():
    held = vote(ballot(5, 7, 5, 7), Number(4), slots=1)
    assert (held.steps, held.tokens) == (40, 40)
    assert vote(ballot(5, 7, 5, 7), Number(4), slots=2).steps == 20


def test_a_risk_stops_earlier_and_tells_the_bound():
    heard = Ballot(5, tuple(Heard(n + 1, 7 if n in (6, 8) else 5) for n in range(12)))
    exact, risky = (vote(heard, Number(12, stop_risk=risk)) for risk in (0.0, 0.2))
    assert risky.steps < exact.steps
    assert (exact.chance, risky.answer) == (0.0, exact.answer)
    assert 0 < risky.chance < 0.2


def test_nobody_who_boxes_means_no_answer():
    held = vote(ballot(None, None), Number(2))
    assert (held.answer, held.right) == (None, False)


def test_what_a_candidate_boxes_after_the_last_round_is_not_heard():
    shapes = (Shape((5, 6), (1,), "7"), Shape((5, 6, 7), (1, 1), "7"), Shape((4,), (), "-1"))
    made = votes.ballot(ShapedProblem("p", 1007, shapes), Config(rounds=2))
    assert made == Ballot(7, (Heard(11, 7), Heard(11, None), Heard(4, 999)))


@pytest.mark.parametrize("extra", [0, 24])
def test_the_kernel_on_the_simulated_engine_votes_alike(extra):
    """With one round each, where no code shifts who ends first."""
    choose = random.Random(3)
    number = Number(24, extra, 12)
    config = Config(candidates=24, extra_candidates=extra, extra_group=12, problems=6)
    problems = [
        ShapedProblem(
            str(n),
            7,
            tuple(
                Shape((choose.randrange(40, 400),), (), choose.choice(("7", "8", "9", "")))
                for _ in range(number.most)
            ),
        )
        for n in range(6)
    ]
    run = simulate(problems, config, Costs(T4, NUMINA, Layout(2, 1, 8)))
    held = [vote(votes.ballot(problem, config), number) for problem in problems]
    assert [v.answer for v in held] == [s.answer for s in run.solutions]
    assert [v.started for v in held] == [len(s.candidates) for s in run.solutions]
    # The engine spends a few more steps where a group's prompts are read.
    assert sum(v.tokens for v in held) == pytest.approx(run.tokens, rel=0.02)


def test_every_number_gets_the_same_candidates_and_gains_are_paired():
    pool = [votes.ballot(shaped_problem(n, 80, right=0.4), Config()) for n in range(3)]
    numbers = [Number(8), Number(32), Number(8, 24, 8)]
    found = votes.outcomes(votes.as_recorded(pool, 6), numbers, runs=5, seed=1)
    again = votes.outcomes(votes.as_recorded(pool, 6), numbers[:2], runs=5, seed=1)
    # The most candidates decide what is drawn: 32 both times.
    assert (again[numbers[0]].right == found[numbers[0]].right).all()
    figures = found[numbers[2]].figures(found[numbers[0]])
    assert figures["gain_low"] <= figures["gain"] <= figures["gain_high"]
    assert figures["right_low"] <= figures["right"] <= figures["right_high"]
    assert 8 <= figures["candidates"] <= 32
    assert found[numbers[0]].figures(found[numbers[0]])["gain"] == 0


def test_every_other_problem_is_easier():
    heard = [*[Heard(10, 1)] * 20, *[Heard(10, 2)] * 60, *[Heard(10, None)] * 20]
    drawn = votes.half_easier([Ballot(1, tuple(heard))], 200)(random.Random(0), 50)
    shares = [sum(h.answer == 1 for h in each.heard) / 50 for each in drawn]
    assert sum(shares[::2]) / 100 == pytest.approx(0.2, abs=0.02)
    assert sum(shares[1::2]) / 100 == pytest.approx(0.6, abs=0.05)


def test_recorded_problems_come_whole(tmp_path):
    found = votes.recorded_problems(shapes_file(tmp_path, problems=2, transcripts=30))
    assert [(problem.truth, len(problem.shapes)) for problem in found] == [(7, 30), (7, 30)]
    with pytest.raises(ShapesError, match="not there"):
        votes.recorded_problems(tmp_path / "nowhere")


def test_own_problems_are_the_families():
    own = votes.own_problems(answers=10)
    assert len(own) == len(votes.families())
    assert {len(problem.shapes) for problem in own} == {10}
    assert replace(own[0], id="x") != own[0]
