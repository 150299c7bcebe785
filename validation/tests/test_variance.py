"""Where variance comes from: by hand, by simulation, and where nothing can be told."""

import math

import numpy as np
import pytest
from scipy import stats

from validation.variance import Components, components, effective_votes, leaderboard


def test_components_by_hand():
    # Shares 1/4, 3/4 of 4: sampling 3/16 * 4/3 = 1/4 in each; shares vary by 1/8, less 1/16.
    assert components([1, 3], [4, 4]) == Components(pytest.approx(1 / 16), pytest.approx(1 / 4))
    # The intraclass correlation of the analysis of variance: (0.5 - 0.25) / (0.5 + 3 * 0.25).
    assert components([1, 3], [4, 4]).correlation == pytest.approx(0.2)


def test_components_with_unequal_seeds_by_hand():
    # Sampling: 1/2 of (1 of 2), 0 of (3 of 3), unknown of (1 of 1), which gets the mean, 1/4.
    found = components([1, 3, 1], [2, 3, 1])
    assert found.sampling == pytest.approx(1 / 4)
    expected = np.var([0.5, 1, 1], ddof=1) - (1 / 4 + 0 + 1 / 4) / 3
    assert found.between == pytest.approx(max(0, expected))


def test_components_are_unbiased():
    generator = np.random.default_rng(0)
    chances = generator.beta(2, 1, (4000, 30))
    found = [components(generator.binomial(4, p), [4] * 30) for p in chances]
    between, sampling = (np.mean([[f.between, f.sampling] for f in found], axis=0)).tolist()
    assert between == pytest.approx(1 / 18, rel=0.02)  # of Beta(2, 1)
    assert sampling == pytest.approx(2 / 3 - 1 / 2, rel=0.02)


@pytest.mark.parametrize(
    ("right", "trials", "expected"),
    [
        ([1, 0], [1, 1], Components(None, None)),  # one seed each
        ([2], [4], Components(None, 1 / 3)),  # one problem
        ([4, 2], [4, 2], Components(0, 0)),  # all right
        ([0, 0], [3, 3], Components(0, 0)),  # all wrong
    ],
)
def test_what_cannot_be_told(right, trials, expected):
    found = components(right, trials)
    assert found.between == expected.between
    assert found.sampling == (
        None if expected.sampling is None else pytest.approx(expected.sampling)
    )
    assert found.correlation is None


def test_effective_votes():
    assert effective_votes(48, 0) == 48
    assert effective_votes(48, 1) == 1
    assert effective_votes(48, 0.5) == pytest.approx(48 / 24.5)


def test_a_leaderboard_as_it_is_drawn():
    """New problems drawn from those seen, a seed of each: the mean, both spreads."""
    generator = np.random.default_rng(1)
    solves = generator.random((60, 5)) < generator.beta(1, 1, (60, 1))
    shares = solves.mean(axis=1)
    sampling = components(solves.sum(axis=1), [5] * 60).sampling
    problems = generator.integers(0, 60, (20_000, 50))
    two = np.argsort(generator.random((20_000, 50, 5)), axis=2)[:, :, :2]
    drawn = np.take_along_axis(solves[problems], two, axis=2)
    one_run, both = drawn[:, :, 0].sum(axis=1), drawn.mean(axis=2).sum(axis=1)
    first, second = (leaderboard(shares, sampling, runs) for runs in (1, 2))
    assert first.mean == second.mean == pytest.approx(50 * shares.mean())
    assert first.sd == pytest.approx(one_run.std(), rel=0.02)
    assert second.sd == pytest.approx(both.std(), rel=0.02)
    assert first.sd_same_problems == pytest.approx(math.sqrt(50 * sampling))
    assert second.sd_same_problems == pytest.approx(math.sqrt(25 * sampling))
    # The ends hold what is not known of the accuracy too: they are outside of 1.96 sd.
    assert first.low < np.quantile(one_run, 0.025) and first.high > np.quantile(one_run, 0.975)
    assert (first.low * 1, second.low * 2) == (round(first.low), round(second.low * 2))


def test_a_leaderboard_of_which_little_is_known():
    one_seed = leaderboard([1, 0, 1, 1], None)
    assert one_seed.sd == pytest.approx(math.sqrt(50 * 3 / 16)) and one_seed.low == 0
    assert leaderboard([1, 0, 1, 1], None, runs=2).sd is None
    assert leaderboard([0.5], 0.25).low is None


@pytest.mark.parametrize("right", [0, 1])
def test_a_perfect_run_promises_no_perfect_score(right):
    found = leaderboard([right] * 20, 0.0)
    prior = stats.betabinom(50, 20 * right + 0.5, 20 * (1 - right) + 0.5)
    assert (found.low, found.high) == (prior.ppf(0.025), prior.ppf(0.975))
    assert found.sd == 0 and found.high - found.low > 2


def test_a_range_is_never_inside_out():
    found = leaderboard([1.0] * 999 + [0.6], 0.0)
    assert found.low <= found.high == 50
    found = leaderboard([0.4] * 50 + [0.41] * 50, 0.24, runs=2)
    assert found.low <= found.high
