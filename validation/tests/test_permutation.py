"""Permutation tests against the count of all permutations, and against McNemar's test."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation import permutation, statistics
from validation.permutation import Seeds, corrected, within_problems

SEEDS = st.integers(1, 3).flatmap(
    lambda solves: st.builds(Seeds, st.integers(0, solves), st.just(solves))
)
PAIRS = st.lists(st.tuples(SEEDS, SEEDS), min_size=1, max_size=3)


def every_exchange(x, y):
    """The differences of one problem, however its solves are dealt out again."""
    pool = [1] * (x.right + y.right) + [0] * (x.solves + y.solves - x.right - y.right)
    for chosen in itertools.combinations(range(len(pool)), y.solves):
        theirs = sum(pool[place] for place in chosen)
        yield theirs / y.solves - (sum(pool) - theirs) / x.solves


def brute(pairs):
    seen = abs(sum(y.right / y.solves - x.right / x.solves for x, y in pairs))
    dealt = itertools.product(*(list(every_exchange(x, y)) for x, y in pairs))
    return np.mean([abs(sum(values)) >= seen - 1e-9 for values in dealt])


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_p_is_the_share_of_all_exchanges(pairs):
    a, b = zip(*pairs, strict=True)
    test = within_problems(a, b)
    assert test.exact and test.p == pytest.approx(brute(pairs))
    assert within_problems(b, a).p == pytest.approx(test.p)
    assert within_problems(b, a).mean == pytest.approx(-test.mean)


def test_one_seed_each_is_mcnemars_test():
    generator = np.random.default_rng(3)
    a, b = generator.integers(0, 2, (2, 150)).tolist()
    test = within_problems([Seeds(x, 1) for x in a], [Seeds(y, 1) for y in b])
    expected = statistics.mcnemar([x == 1 for x in a], [y == 1 for y in b])
    assert test.p == pytest.approx(expected.p)
    assert test.mean == pytest.approx((expected.only_b - expected.only_a) / 150)


def test_too_many_sums_to_count_are_drawn(monkeypatch):
    generator = np.random.default_rng(4)
    pairs = [
        tuple(Seeds(int(generator.integers(0, n + 1)), int(n)) for n in generator.integers(3, 6, 2))
        for _ in range(40)
    ]
    a, b = zip(*pairs, strict=True)
    exact = within_problems(a, b)
    monkeypatch.setattr(permutation, "EXACT_LENGTH", 10)
    drawn = within_problems(a, b)
    assert exact.exact and not drawn.exact
    # Four standard errors of the draws.
    assert abs(exact.p - drawn.p) < 4 * math.sqrt(exact.p * (1 - exact.p) / permutation.DRAWS)
    assert within_problems(b, a).p == within_problems(a[::-1], b[::-1]).p == drawn.p


@pytest.mark.parametrize("right", [0, 1])
def test_solves_that_all_agree_show_nothing(right):
    seeds = [Seeds(right * n, n) for n in (1, 2, 5)]
    test = within_problems(seeds, [Seeds(right * 3, 3)] * 3)
    assert (test.mean, test.p) == (0, pytest.approx(1))


@pytest.mark.parametrize("pairs", [[], [(Seeds(0, 0), Seeds(1, 1))]])
def test_nothing_in_common_is_refused(pairs):
    with pytest.raises(ValueError, match="on problems that both have solved"):
        within_problems([x for x, _ in pairs], [y for _, y in pairs])


def test_the_correction_counts_all_signs():
    differences = np.array([[1, 1, 0.5, 0], [0, -1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    scale = [math.sqrt(2.25), math.sqrt(2), 1, 1]
    seen = [abs(sum(row)) / by for row, by in zip(differences, scale, strict=True)]
    largest = [
        max(abs(np.dot(row, signs)) / by for row, by in zip(differences, scale, strict=True))
        for signs in itertools.product((-1, 1), repeat=4)
    ]
    expected = [np.mean([value >= one - 1e-9 for value in largest]) for one in seen]
    assert corrected(differences) == pytest.approx(expected)
    assert corrected(differences)[2] == 1


def test_drawn_signs_agree_with_all(monkeypatch):
    differences = np.random.default_rng(5).choice([-1, 0, 0, 1.0], (9, 12))
    exact = corrected(differences)
    monkeypatch.setattr(permutation, "EXACT_SIGNS", 0)
    assert corrected(differences) == pytest.approx(exact, abs=0.015)


def test_one_rule_needs_no_correction():
    differences = np.array([[1.0] * 5 + [-1.0]])
    assert corrected(differences) == pytest.approx([14 / 64])  # McNemar's test of 5 against 1


def test_no_rule_that_changes_nothing_is_different():
    assert corrected(np.zeros((9, 20))) == [1] * 9
