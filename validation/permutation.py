"""Permutation tests: whether a difference between systems is more than luck.

Covers: two systems with any number of seeds per problem, by exchanging their solves within each
problem, which for one seed each is McNemar's exact test; several rules against one on the same
solves, corrected for having tried several. Does not cover: how large a difference is, or whether it
holds for other problems (`statistics.difference`).

No test depends on how seeds are numbered or problems are ordered.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import stats

from validation.statistics import Floats

DRAWS = 20_000
"""Permutations drawn where there are too many to count: p = 0.05 is known to 0.003."""
EXACT_LENGTH = 200_000
"""Most different sums for which every permutation is counted."""
EXACT_SIGNS = 14
"""Most problems that differ for which every choice of signs is tried."""
HAIR = 1e-9
"""Sums that differ by less are equal but for the rounding of floats."""


class Seeds(NamedTuple):
    """A problem's solves by one system."""

    right: int
    solves: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two systems on the same problems, each of which counts the same."""

    mean: float
    """B's accuracy less A's."""
    p: float
    """Two-sided probability of a difference at least as large, were the two equally good on each
    problem."""
    exact: bool
    """Whether all permutations were counted, or `DRAWS` drawn."""


def within_problems(a: Sequence[Seeds], b: Sequence[Seeds]) -> Difference:
    """Return the permutation test of two systems whose solves are exchanged within each problem.

    Args:
        a: A's seeds, one value a problem, each with at least one solve.
        b: B's seeds on the same problems in the same order.

    Raises:
        ValueError: there is no problem, or one without a solve.
    """
    pairs = list(zip(a, b, strict=True))
    if not pairs or any(min(x.solves, y.solves) < 1 for x, y in pairs):
        raise ValueError("Two systems can be compared on problems that both have solved.")
    mean = sum(y.right / y.solves - x.right / x.solves for x, y in pairs) / len(pairs)
    unit = math.lcm(*{seeds.solves for pair in pairs for seeds in pair})
    steps = {unit // x.solves + unit // y.solves for x, y in pairs}
    longest = sum(min(x.solves, y.solves) * (unit // x.solves + unit // y.solves) for x, y in pairs)
    if longest // math.gcd(*steps) > EXACT_LENGTH:
        return Difference(mean, _drawn(pairs), False)
    return Difference(mean, _counted(pairs, unit), True)


def _counted(pairs: Sequence[tuple[Seeds, Seeds]], unit: int) -> float:
    """Return p from the distribution of the sum of differences, in whole parts of 1 / `unit`.

    Exchanging solves moves a problem's difference in steps that depend on its numbers of solves
    alone: problems with the same step are added up first, then the steps.
    """
    lowest = 0
    by_step: defaultdict[int, Floats] = defaultdict(lambda: np.ones(1))
    for x, y in pairs:
        fewest, chances = _exchanged(x, y)
        right = x.right + y.right
        lowest += fewest * (unit // y.solves) - (right - fewest) * (unit // x.solves)
        step = unit // x.solves + unit // y.solves
        by_step[step] = np.convolve(by_step[step], chances).astype(np.float64)
    least = math.gcd(*by_step)
    sums = np.ones(1)
    for step, chances in by_step.items():
        stretched = np.zeros((len(chances) - 1) * (step // least) + 1)
        stretched[:: step // least] = chances
        sums = _added(sums, stretched)
    seen = abs(sum(y.right * (unit // y.solves) - x.right * (unit // x.solves) for x, y in pairs))
    values = lowest + least * np.arange(len(sums))
    return min(1.0, float(sums[np.abs(values) >= seen].sum()))


@cache
def _exchanged(x: Seeds, y: Seeds) -> tuple[int, Floats]:
    """Return the fewest right solves that B can get by exchange, and the chances from there on.

    Many problems have the same counts, and scipy takes long for each.
    """
    right, solves = x.right + y.right, x.solves + y.solves
    fewest, most = max(0, right - x.solves), min(right, y.solves)
    return fewest, stats.hypergeom.pmf(np.arange(fewest, most + 1), solves, right, y.solves)


def _added(first: Floats, second: Floats) -> Floats:
    """Return the convolution; the second has many zeros."""
    total = np.zeros(len(first) + len(second) - 1)
    for place in np.flatnonzero(second):
        total[place : place + len(first)] += second[place] * first
    return total


def _drawn(pairs: Iterable[tuple[Seeds, Seeds]]) -> float:
    """Return p from drawn permutations, the same whichever system is called A."""
    ordered = sorted(pairs)
    seen = sum(y.right / y.solves - x.right / x.solves for x, y in ordered)
    if seen < 0:
        return _drawn((y, x) for x, y in ordered)
    generator = np.random.default_rng(0)
    sums = np.zeros(DRAWS)
    for x, y in ordered:
        right = x.right + y.right
        wrong = x.solves + y.solves - right
        drawn = generator.hypergeometric(right, wrong, y.solves, DRAWS)
        sums += drawn / y.solves - (right - drawn) / x.solves
    return _share(np.abs(sums) >= seen - HAIR)


def _share(as_far: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Return p of drawn permutations: what was seen is one of them, so it is never 0."""
    return (1 + int(as_far.sum())) / (1 + len(as_far))


def corrected(differences: Floats) -> list[float]:
    """Return for each rule how often any of all rules would look as good or bad by luck.

    The single-step maximum of studentized sums over random signs: were a rule no better or worse
    than the one it is held against, each problem's difference could as well have the other sign.
    One choice of signs for all rules keeps how alike they are. The probability that any rule at all
    is called different, though none is, stays below the level at which p is called significant.

    Source: P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing (1993).

    Args:
        differences: rules x problems, each problem's share of right solves less that of the rule
            held against.
    """
    differing = differences[:, np.any(differences != 0, axis=0)]
    scale = np.sqrt((differing**2).sum(axis=1))
    moved = scale > 0
    if not moved.any():
        return [1.0] * len(differences)
    scaled = differing[moved] / scale[moved, None]
    seen = np.abs(scaled.sum(axis=1))
    largest = np.concatenate(
        [np.abs(signs @ scaled.T).max(axis=1) for signs in _signs(scaled.shape[1])]
    )
    exact = scaled.shape[1] <= EXACT_SIGNS
    found = [1.0] * len(differences)
    for rule, statistic in zip(np.flatnonzero(moved), seen, strict=True):
        as_far = largest >= statistic - HAIR
        found[rule] = float(as_far.mean()) if exact else _share(as_far)
    return found


def _signs(problems: int) -> Iterable[Floats]:
    """Yield blocks of signs, draws x problems: all there are, or `DRAWS` random ones."""
    if problems <= EXACT_SIGNS:
        numbers = np.arange(1 << problems)[:, None]
        yield np.where(numbers >> np.arange(problems) & 1, 1.0, -1.0)
        return
    generator = np.random.default_rng(0)
    for _ in range(20):  # blocks, so that a thousand problems fit into memory
        yield generator.choice((-1.0, 1.0), (DRAWS // 20, problems))
