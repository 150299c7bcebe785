"""The statistics of validation: how sure a score is, and what more candidates would give.

Covers: intervals of a mean over problems (Wilson's, Student's t on problems as clusters),
mean and spread over seeds, pass@k, pass^k and maj@k from one run of N candidates,
McNemar's exact test and how many pairs it needs. Does not cover: what is right or wrong
(`scoring`), where variance comes from (`variance`), tests on several seeds (`permutation`), or any
file.

The cases of an interval are problems. Where nothing is known, as with no problem or a mean over a
single one, an interval is the whole possible range.

maj@k is the probability that the vote of k of the N candidates, drawn without replacement, gives
the truth. Up to `EXACT_MOST` candidates it is computed exactly; beyond that, from `RESAMPLES`
draws.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

RESAMPLES = 10_000
EXACT_MOST = 128
"""Most candidates for which maj@k is exact; the work grows with the cube of their number."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation (n - 1); the latter None for fewer than two values."""

    mean: float
    sd: float | None
    count: int


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Two systems on the same cases."""

    only_a: int
    """Cases that A alone has right."""
    only_b: int
    cases: int
    p: float
    """Two-sided probability of a split at least as uneven, were the two equally good."""


def wilson(right: float, count: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion (E. B. Wilson, 1927); 0 to 1 for no cases.

    The cases must be independent: several seeds of a problem are one case, `right` by its share.
    """
    if count == 0:
        return Interval(0.0, 1.0)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    p = right / count
    scale = 1 + z * z / count
    centre = (p + z * z / (2 * count)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    # With none or all right an end is exactly 0 or 1; rounding may miss it by a hair.
    return Interval(centre - half if right else 0.0, centre + half if right < count else 1.0)


def clustered(shares: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return Student's t interval of a mean over problems, within 0 and 1.

    Each problem is a cluster: its share of right answers over its seeds is one value, and the
    standard error is that of P values, with P - 1 degrees of freedom. One problem leaves no degree
    of freedom, so 0 to 1. Where all shares are the same nothing shows how they spread, and
    Wilson's interval of as many cases holds instead.
    """
    data = np.asarray(shares, dtype=np.float64)
    if len(data) < 2:
        return Interval(0.0, 1.0)
    if np.ptp(data) == 0:
        return wilson(float(data[0]) * len(data), len(data), confidence)
    ends = stats.t.interval(confidence, len(data) - 1, data.mean(), stats.sem(data))
    low, high = np.clip(ends, 0.0, 1.0)
    return Interval(float(low), float(high))


def over_problems(
    shares: Sequence[float], solves: Sequence[int], confidence: float = 0.95
) -> Interval:
    """Return the interval of a mean over problems: Wilson's for one seed, else `clustered`.

    Args:
        shares: of right answers, one a problem. What is no share of whole answers, such as maj@k
            of one seed, is `clustered` too.
        solves: how many solves each share comes from.
        confidence: of the interval.
    """
    if all(count == 1 for count in solves) and all(share in (0, 1) for share in shares):
        return wilson(sum(shares), len(shares), confidence)
    return clustered(shares, confidence)


def difference(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return Student's t interval of a mean of differences between shares, within -1 and 1.

    One problem says nothing. Where all differences are the same, the interval reaches as far to
    both sides as Wilson's does from none of as many cases.
    """
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2:
        return Interval(-1.0, 1.0)
    centre = float(data.mean())
    if np.ptp(data) == 0:
        half = wilson(0, len(data), confidence).high
    else:
        half = float(stats.sem(data) * stats.t.ppf((1 + confidence) / 2, len(data) - 1))
    return Interval(max(-1.0, centre - half), min(1.0, centre + half))


def spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation over seeds."""
    data = np.asarray(values, dtype=np.float64)
    sd = float(data.std(ddof=1)) if len(data) > 1 else None
    return Spread(float(data.mean()) if len(data) else math.nan, sd, len(data))


def pass_at_k(count: int, right: int, k: int) -> float:
    """Return the probability that at least one of k of `count` candidates is right (unbiased).

    Source: M. Chen et al., Evaluating Large Language Models Trained on Code (2021).
    """
    _check_k(count, k)
    return 1 - math.comb(count - right, k) / math.comb(count, k)


def pass_hat_k(count: int, right: int, k: int) -> float:
    """Return the probability that k of `count` trials are all right (unbiased): pass^k.

    Source: S. Yao et al., tau-bench: A Benchmark for Tool-Agent-User Interaction (2024).
    """
    _check_k(count, k)
    return math.comb(right, k) / math.comb(count, k)


def _check_k(count: int, k: int) -> None:
    if not 1 <= k <= count:
        raise ValueError(f"k is {k}: it must lie between 1 and the {count} candidates.")


def majority_at_k(votes: Mapping[int, int], silent: int, truth: int, seed: int = 0) -> Floats:
    """Return maj@k for k = 1 to N as an array, tied votes broken as the kernel does.

    Args:
        votes: votes by answer.
        silent: candidates without a vote; N is `silent` and all votes. A draw of these alone has
            no vote and counts as wrong.
        truth: the right answer.
        seed: of the resampling, where it is needed.
    """
    count = silent + sum(votes.values())
    if not votes.get(truth):
        return np.zeros(count)
    if count <= EXACT_MOST:
        return _majority_exact(votes, silent, truth, count)
    return _majority_sampled(votes, silent, truth, count, seed)


def _majority_exact(votes: Mapping[int, int], silent: int, truth: int, count: int) -> Floats:
    """Count the draws in which the truth wins, by products of generating functions.

    The coefficient of x^d in the product is the number of ways to draw d other candidates such that
    no other answer beats the t votes of the truth: at most t of a smaller answer, which loses a
    tie, at most t - 1 of a larger one.
    """
    winning = np.zeros(count + 1)
    for drawn in range(1, votes[truth] + 1):
        ways = _choices(silent, silent)
        for answer, available in votes.items():
            if answer != truth:
                most = drawn - 1 if answer > truth else drawn
                ways = np.convolve(ways, _choices(available, most))
        winning[drawn : drawn + len(ways)] += math.comb(votes[truth], drawn) * ways
    total = np.array([math.comb(count, k) for k in range(count + 1)], dtype=np.float64)
    # All terms are positive, so the rounding of floats stays relative; 1 may be missed by a hair.
    return np.minimum(winning / total, 1.0)[1:]


def _choices(available: int, most: int) -> Floats:
    return np.array([math.comb(available, n) for n in range(min(available, most) + 1)], np.float64)


def _majority_sampled(
    votes: Mapping[int, int], silent: int, truth: int, count: int, seed: int
) -> Floats:
    """Estimate maj@k from prefixes of shuffled candidates: each prefix is a draw of k."""
    answers = sorted(votes)
    index = np.repeat(np.arange(len(answers) + 1), [*(votes[a] for a in answers), silent])
    generator = np.random.default_rng(seed)
    wins = np.zeros(count)
    for _ in range(RESAMPLES):
        wins += _prefix_wins(generator.permutation(index), answers.index(truth), len(answers))
    return wins / RESAMPLES


def _prefix_wins(order: NDArray[np.int64], truth: int, answers: int) -> NDArray[np.bool_]:
    """Return for each prefix of `order` whether the truth leads; ties go to the larger index."""
    counts = [0] * answers
    best = -1
    wins = np.zeros(len(order), dtype=np.bool_)
    for place, answer in enumerate(order.tolist()):
        if answer < answers:
            counts[answer] += 1
            if best < 0 or (counts[answer], answer) > (counts[best], best):
                best = answer
        wins[place] = best == truth
    return wins


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> PairedCounts:
    """Return McNemar's exact test on paired cases.

    With several seeds a problem the pairs may be pooled: were the two equally good on every
    problem, each discordant pair would still be a fair coin.
    """
    only_a = sum(x and not y for x, y in zip(a, b, strict=True))
    only_b = sum(y and not x for x, y in zip(a, b, strict=True))
    discordant = only_a + only_b
    p = float(stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0
    return PairedCounts(only_a, only_b, len(a), p)


def pairs_needed(
    paired: PairedCounts, significance: float = 0.05, power: float = 0.8
) -> int | None:
    """Return how many pairs would show this difference; None where there is none to be shown.

    The observed rates are taken for the true ones. McNemar's exact test has the power wanted with
    so many pairs, and not with a few less.
    """
    if paired.only_a == paired.only_b:
        return None
    discordant = paired.only_a + paired.only_b
    return pairs_for(
        discordant / paired.cases,
        abs(paired.only_a - paired.only_b) / discordant,
        significance,
        power,
    )


def pairs_for(
    discordance: float, lead: float, significance: float = 0.05, power: float = 0.8
) -> int:
    """Return how many pairs McNemar's exact test needs.

    Args:
        discordance: share of pairs of which one is right and one is wrong.
        lead: of the discordant pairs, the share for the better one less that for the other; above
            0, at most 1.
        significance: of the two-sided test.
        power: probability of telling the two apart.
    """
    # The normal approximation (R. J. Connor, Biometrics 43, 1987) is below what is needed: the
    # exact test is conservative. From there on the power is counted out.
    z_alpha, z_beta = (float(stats.norm.ppf(q)) for q in (1 - significance / 2, power))
    root = z_alpha + z_beta * math.sqrt(1 - lead**2 * discordance)
    low = math.floor(root**2 / (lead**2 * discordance) * 0.9)
    high = max(1, low)
    while mcnemar_power(high, discordance, lead, significance) < power:
        low, high = high, math.ceil(high * 1.1) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if mcnemar_power(middle, discordance, lead, significance) < power:
            low = middle
        else:
            high = middle
    return high


def mcnemar_power(pairs: int, discordance: float, lead: float, significance: float = 0.05) -> float:
    """Return the probability that McNemar's exact test tells two systems apart; see `pairs_for`."""
    spread_out: Any = stats.binom(pairs, discordance)
    # Beyond these counts of discordant pairs lies less than a millionth.
    counts = np.arange(int(spread_out.ppf(5e-7)), int(spread_out.ppf(1 - 5e-7)) + 1)
    # The largest split's smaller side that is still significant; -1 where none is.
    most = stats.binom.ppf(significance / 2, counts, 0.5)
    most -= stats.binom.cdf(most, counts, 0.5) * 2 >= significance
    better, worse = (1 + lead) / 2, (1 - lead) / 2
    found = stats.binom.cdf(most, counts, worse) + stats.binom.cdf(most, counts, better)
    return float(spread_out.pmf(counts) @ found)
