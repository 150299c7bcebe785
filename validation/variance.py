"""Where the variance of scores comes from, and what it does to votes and to a leaderboard.

Covers: the variance between problems and that of sampling, the correlation of candidates' errors
and how many independent votes they are worth, the range of a leaderboard's score. Does not cover:
intervals of a mean (`statistics`), tests (`permutation`), planning (`power`).

A trial is a solve of a problem (for scores) or a candidate (for votes), right or wrong. Problem i
has an unknown chance p_i of being answered right. Over problems of a kind, the variance of p_i is
`between` and the mean of p_i (1 - p_i) is `sampling`; together they are the variance of a single
trial.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEADERBOARD = 50
"""Number of problems behind a leaderboard's score, in each of the three competitions."""


@dataclass(frozen=True, slots=True)
class Components:
    """The two parts of a trial's variance; None where the trials cannot tell."""

    between: float | None
    """Of the problems' chances; needs two problems and `sampling`."""
    sampling: float | None
    """Of repeating a problem; needs a problem with two trials."""

    @property
    def correlation(self) -> float | None:
        """How alike two trials of one problem err: 0 as of any two problems, 1 always together.

        The intraclass correlation; None where it cannot be told, or where no trial differs.
        """
        if self.between is None or self.sampling is None or not self.between + self.sampling:
            return None
        return self.between / (self.between + self.sampling)


@dataclass(frozen=True, slots=True)
class Score:
    """What a leaderboard may show: problems right, a mean where it scores several runs."""

    problems: int
    runs: int
    mean: float
    sd: float | None
    """Over sets of new problems, were the accuracy known exactly."""
    sd_same_problems: float | None
    """Over repetitions on the same problems: what sampling alone does."""
    low: float | None
    """Ends of the range of 95%; they also hold how little is known of the accuracy."""
    high: float | None


def components(right: Sequence[int], trials: Sequence[int]) -> Components:
    """Return unbiased estimates of both variances from each problem's trials; `between` at least 0.

    Args:
        right: right trials, one number a problem.
        trials: all trials, at least one a problem; they may differ.
    """
    counts = np.asarray(trials, dtype=np.float64)
    shares = np.asarray(right, dtype=np.float64) / counts
    several = counts > 1
    if not several.any():
        return Components(None, None)
    within = np.full(len(counts), math.nan)
    within[several] = (shares * (1 - shares) * counts)[several] / (counts[several] - 1)
    sampling = float(within[several].mean())
    if len(counts) < 2:
        return Components(None, sampling)
    # A problem with one trial says nothing of its own sampling: it gets the others' mean.
    within[~several] = sampling
    between = float(shares.var(ddof=1) - (within / counts).mean())
    return Components(max(0.0, between), sampling)


def effective_votes(count: int, correlation: float) -> float:
    """Return how many independent votes `count` correlated ones are worth.

    Source: L. Kish, Survey Sampling (1965), the design effect of clusters.
    """
    return count / (1 + (count - 1) * correlation)


def leaderboard(
    shares: Sequence[float], sampling: float | None, runs: int = 1, problems: int = LEADERBOARD
) -> Score:
    """Return the score to be expected on new problems of this kind.

    Args:
        shares: each problem's share of right solves, at least one.
        sampling: variance of repeating a solve; None where not known.
        runs: over whose scores the leaderboard takes the mean, as AIMO-3 does over two.
        problems: of the leaderboard.
    """
    accuracy = float(np.mean(shares))
    same = None if sampling is None else math.sqrt(problems * sampling / runs)
    # A trial's variance is a (1 - a); repeating a problem takes away a part of what is sampling.
    saved = 0.0 if runs == 1 else None if sampling is None else sampling * (1 - 1 / runs)
    if saved is None:
        return Score(problems, runs, problems * accuracy, None, same, None, None)
    sd = math.sqrt(problems * max(0.0, accuracy * (1 - accuracy) - saved))
    low, high = _range(shares, sd, runs, problems)
    return Score(problems, runs, problems * accuracy, sd, same, low, high)


def _range(
    shares: Sequence[float], sd: float, runs: int, problems: int
) -> tuple[float | None, float | None]:
    """Return the scores between which 95% lie, from how a new score differs from the mean seen."""
    count, accuracy = len(shares), float(np.mean(shares))
    if count < 2:
        return None, None
    if np.ptp(shares) == 0:
        # No spread was seen: the range is that of a share with Jeffreys' prior.
        right = accuracy * count
        posterior = stats.betabinom(problems, right + 0.5, count - right + 0.5)
        return float(posterior.ppf(0.025)), float(posterior.ppf(0.975))
    error = problems * float(stats.sem(shares))
    half = float(stats.t.ppf(0.975, count - 1)) * math.hypot(sd, error)
    mean = problems * accuracy
    # Scores go in steps of 1 / runs; the range names those within, and the one nearest the mean.
    nearest = round(mean * runs) / runs
    low = min(nearest, math.ceil((mean - half) * runs) / runs)
    high = max(nearest, math.floor((mean + half) * runs) / runs)
    return max(0.0, low), min(float(problems), high)
