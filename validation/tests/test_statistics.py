"""Every statistic against hand-computed values, scipy, or the count of all cases."""

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kernel import voting
from validation import statistics as s


def test_wilson_by_hand():
    # 8 of 10: centre (0.8 + 1.92073/10) / 1.384146, half-width by the formula on paper.
    interval = s.wilson(8, 10)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.4902, 0.9433)


@pytest.mark.parametrize(("right", "count"), [(0, 7), (7, 7), (1, 3), (29, 50), (400, 754)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_as_scipy(right, count, confidence):
    ours = s.wilson(right, count, confidence)
    theirs = stats.binomtest(right, count).proportion_ci(confidence, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)
    assert 0 <= ours.low <= right / count <= ours.high <= 1


def test_no_cases_say_nothing():
    assert s.wilson(0, 0) == s.Interval(0, 1)
    assert math.isnan(s.spread([]).mean)


def test_spread_by_hand():
    assert s.spread([27, 29, 31]) == s.Spread(29, 2, 3)
    assert s.spread([29]) == s.Spread(29, None, 1)


def test_pass_at_k_by_hand():
    # Two right of five: C(3,2)/C(5,2) = 3/10 of the pairs have none.
    assert s.pass_at_k(5, 2, 1) == pytest.approx(0.4)
    assert s.pass_at_k(5, 2, 2) == pytest.approx(0.7)
    assert s.pass_at_k(5, 2, 4) == s.pass_at_k(5, 1, 5) == 1
    assert s.pass_at_k(48, 0, 48) == 0
    assert s.pass_at_k(48, 5, 7) == pytest.approx(float(stats.hypergeom(48, 5, 7).sf(0)))


@pytest.mark.parametrize("k", [0, 6])
def test_pass_at_k_refuses_what_cannot_be_drawn(k):
    with pytest.raises(ValueError, match="between 1 and the 5"):
        s.pass_at_k(5, 2, k)


def test_majority_at_k_by_hand():
    # Votes 7, 7, 3 and one silent; truth 7. k=1: 2/4. k=2, six pairs: 77, 73 (7 is larger), twice,
    # 7- twice win; 3- loses: 5/6. k=3: 77x wins twice, 73- twice: all four. k=4: wins.
    assert s.majority_at_k({7: 2, 3: 1}, 1, 7) == pytest.approx([1 / 2, 5 / 6, 1, 1])
    # The same with the tie lost: 73 loses, so 77 and 7- (twice): 3/6; k=3: 77x twice.
    assert s.majority_at_k({7: 2, 8: 1}, 1, 7) == pytest.approx([1 / 2, 1 / 2, 1 / 2, 1])
    assert s.majority_at_k({7: 2}, 3, 5) == pytest.approx([0] * 5)
    assert len(s.majority_at_k({}, 0, 5)) == 0


def all_draws(answers, truth):
    """Return maj@k by the kernel's own vote on every draw."""
    for k in range(1, len(answers) + 1):
        draws = list(itertools.combinations(answers, k))
        wins = sum(voting.majority(voting.tally(draw)) == truth for draw in draws)
        yield Fraction(wins, len(draws))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=1, max_size=9), st.sampled_from(range(4))
)
def test_majority_at_k_counts_every_draw_as_the_kernel_votes(answers, truth):
    silent = answers.count(None)
    ours = s.majority_at_k(voting.tally(answers), silent, truth)
    assert ours == pytest.approx([float(x) for x in all_draws(answers, truth)])


@settings(max_examples=5, deadline=None)
@given(st.lists(st.sampled_from([None, 5, 6, 7, 100]), min_size=30, max_size=48))
def test_majority_of_all_is_the_vote(answers):
    votes = voting.tally(answers)
    for truth in votes:
        last = s.majority_at_k(votes, answers.count(None), truth)[-1]
        assert last == float(voting.majority(votes) == truth)


def test_sampling_agrees_with_the_exact_count(monkeypatch):
    votes, silent, truth = {52: 9, 10: 7, 98: 7, 3: 2}, 5, 52
    exact = s.majority_at_k(votes, silent, truth)
    monkeypatch.setattr(s, "EXACT_MOST", 0)
    sampled = s.majority_at_k(votes, silent, truth)
    # Five standard errors of 10,000 draws.
    assert np.abs(exact - sampled).max() < 5 * 0.5 / 100
    assert np.abs(exact - sampled).max() > 0  # it was sampled


def test_a_prefix_is_won_as_the_kernel_votes():
    order = np.random.default_rng(0).integers(0, 4, 40)  # 3 is silent
    wins = s._prefix_wins(order, truth=2, answers=3)
    voted = [None if x == 3 else int(x) for x in order]
    assert wins.tolist() == [
        voting.majority(voting.tally(voted[: k + 1])) == 2 for k in range(len(voted))
    ]
    assert 0 < wins.sum() < 40


def test_mcnemar_by_hand():
    # 1 against 5 discordant: 2 * (C(6,0) + C(6,1)) / 2^6 = 14/64.
    a = [True] * 4 + [True] + [False] * 5 + [False] * 2
    b = [True] * 4 + [False] + [True] * 5 + [False] * 2
    paired = s.mcnemar(a, b)
    assert (paired.only_a, paired.only_b, paired.cases) == (1, 5, 12)
    assert paired.p == pytest.approx(14 / 64)
    assert s.mcnemar(b, a).p == paired.p
    assert s.mcnemar(a, a).p == 1


def brute_power(pairs, discordance, lead):
    """The power of McNemar's exact test by all counts of discordant pairs and their splits."""
    found = 0.0
    for discordant in range(pairs + 1):
        chance = stats.binom.pmf(discordant, pairs, discordance)
        for better in range(discordant + 1):
            if discordant and stats.binomtest(better, discordant).pvalue < 0.05:
                found += chance * stats.binom.pmf(better, discordant, (1 + lead) / 2)
    return found


@pytest.mark.parametrize(("pairs", "discordance", "lead"), [(30, 0.4, 0.5), (5, 1, 1), (6, 1, 1)])
def test_power_as_counted(pairs, discordance, lead):
    ours = s.mcnemar_power(pairs, discordance, lead)
    assert ours == pytest.approx(brute_power(pairs, discordance, lead), abs=1e-6)


@pytest.mark.parametrize(
    ("only_a", "only_b", "cases"), [(10, 25, 100), (0, 3, 40), (5, 0, 5), (9, 11, 50), (1, 0, 1)]
)
def test_pairs_needed_are_the_fewest_that_reach_the_power(only_a, only_b, cases):
    needed = s.pairs_needed(s.PairedCounts(only_a, only_b, cases, 0.1))
    discordant = only_a + only_b
    rates = discordant / cases, abs(only_a - only_b) / discordant
    assert s.mcnemar_power(needed, *rates) >= 0.8 > s.mcnemar_power(needed - 1, *rates)
    assert s.pairs_needed(s.PairedCounts(only_b, only_a, cases, 0.1)) == needed


def test_no_difference_needs_no_pairs():
    assert s.pairs_needed(s.PairedCounts(7, 7, 100, 1.0)) is None
    assert s.pairs_needed(s.PairedCounts(0, 0, 100, 1.0)) is None


def test_pairs_needed_gives_the_power_it_promises():
    """With so many pairs, 80% of repetitions are told from noise."""
    needed = s.pairs_needed(s.PairedCounts(10, 25, 100, 0.1))
    assert needed is not None
    draws = np.random.default_rng(1).multinomial(needed, [0.10, 0.25, 0.65], 2000)
    split = Counter((int(only_a), int(only_b)) for only_a, only_b, _ in draws)
    found = sum(times for (x, y), times in split.items() if stats.binomtest(x, x + y).pvalue < 0.05)
    # Three standard errors of 2,000 repetitions.
    assert abs(found / 2000 - 0.8) < 0.027


# --- Problems as clusters ---


def test_clustered_as_scipy():
    shares = [0.2, 0.4, 1.0, 0.6, 0.0, 0.8, 1.0]
    theirs = stats.ttest_1samp(shares, 0).confidence_interval(0.95)
    ours = s.clustered(shares)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_clustered_by_hand():
    # Mean 0.5, variance 0.125 / 4, and t of four degrees of freedom, 2.776445.
    ours = s.clustered([0.5, 0.5, 0.5, 0.25, 0.75])
    error = math.sqrt(0.03125 / 5)
    assert (ours.low, ours.high) == pytest.approx((0.5 - 2.776445 * error, 0.5 + 2.776445 * error))


@pytest.mark.parametrize("shares", [[], [0.3], [1.0]])
def test_one_problem_says_nothing_of_others(shares):
    assert s.clustered(shares) == s.Interval(0, 1)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_shares_that_do_not_differ_are_as_sure_as_so_many_cases(share):
    assert s.clustered([share] * 10) == s.wilson(10 * share, 10)


def test_an_interval_of_shares_stays_within_them():
    ours = s.clustered([1.0] * 9 + [0.4])
    assert ours.high == 1 and 0 < ours.low < 0.94


def test_one_seed_is_wilsons_and_several_are_clustered():
    shares = [1.0, 0.0, 1.0, 1.0]
    assert s.over_problems(shares, [1] * 4) == s.wilson(3, 4)
    assert s.over_problems(shares, [5] * 4) == s.clustered(shares)
    # maj@k of one seed is no share of whole answers.
    assert s.over_problems([0.5, 0.25, 1.0], [1] * 3) == s.clustered([0.5, 0.25, 1.0])


def test_a_difference_as_scipy_and_where_nothing_differs():
    a, b = [0.2, 0.4, 0.6, 0.8], [0.4, 0.4, 0.8, 1.0]
    theirs = stats.ttest_rel(b, a).confidence_interval(0.95)
    ours = s.difference([y - x for x, y in zip(a, b, strict=True)])
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert s.difference([0.1]) == s.Interval(-1, 1)
    half = s.wilson(0, 20).high
    assert s.difference([0.0] * 20) == s.Interval(-half, half)
    assert s.difference([1.0] * 20) == s.Interval(1 - half, 1)


def test_pass_hat_k_by_hand():
    # Three right of five: 3 of 10 pairs are both right, 1 of 10 triples is.
    assert [s.pass_hat_k(5, 3, k) for k in range(1, 6)] == pytest.approx([0.6, 0.3, 0.1, 0, 0])
    assert s.pass_hat_k(48, 40, 7) == pytest.approx(float(stats.hypergeom(48, 40, 7).pmf(7)))
    with pytest.raises(ValueError, match="between 1 and the 5"):
        s.pass_hat_k(5, 3, 6)
