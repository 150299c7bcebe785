"""Compares shares of right candidates, which tell systems apart where votes rarely differ.

A vote is right or wrong; the share of its N candidates that are right moves earlier. Problems of
one family resemble each other, so a family is one case: its mean over problems. Two systems are
compared by exchanging them within families (a paired permutation test).

Covers: shares, and the paired test of two. Does not cover: votes (`validation.scoring`).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import polars as pl
from scipy import stats

from validation import statistics
from validation.runs.ballots import ballots
from validation.runs.records import Recording
from validation.scoring import Rule, votes
from validation.statistics import Interval

Shares = dict[str, float]
"""Of each problem's candidates, how many are right: 0 to 1."""

DRAWS = 20_000
"""Exchanges drawn where there are more than that; below, all are tried."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a system's shares have more than another's, on average over families."""

    families: int
    mean: float
    interval: Interval
    p: float
    """Two-sided."""


def shares(run: Recording, rule: Rule, rounds: int | None = None) -> Shares:
    """Return the share of right candidates of each problem.

    Args:
        run: of which every solve counts.
        rule: says which of a candidate's answers is its vote; a candidate without one is wrong.
        rounds: how many of them count; all that were run if None.

    Raises:
        RunError: see `ballots`.
    """
    right = (pl.col("vote") == pl.col("truth")).fill_null(False).mean()
    found = votes(ballots(run, rounds), rule).group_by("problem").agg(share=right)
    return dict(zip(found["problem"].to_list(), found["share"].to_list(), strict=True))


def gain(
    before: Mapping[str, float], after: Mapping[str, float], families: Mapping[str, str]
) -> Gain | None:
    """Return what the second has more, on problems that both have; None where there is no such.

    Args:
        before: shares by problem.
        after: the same of the other system.
        families: by problem; a problem that is not there is a family of its own.
    """
    problems = sorted(before.keys() & after.keys())
    if not problems:
        return None
    first = by_family({problem: before[problem] for problem in problems}, families)
    second = by_family({problem: after[problem] for problem in problems}, families)
    differences = np.array([second[family] - first[family] for family in first])
    p = 1.0
    moved = differences[differences != 0]  # exchanging equals changes nothing
    if len(moved) > 1:
        test = stats.permutation_test(
            (moved,),
            np.mean,
            permutation_type="samples",
            n_resamples=DRAWS,
            rng=np.random.default_rng(0),
        )
        p = float(test.pvalue)
    values = [float(value) for value in differences]
    return Gain(len(values), float(differences.mean()), statistics.difference(values), p)


def by_family(found: Mapping[str, float], families: Mapping[str, str]) -> dict[str, float]:
    """Return the mean share of each family, by its name; arguments as for `gain`."""
    each: dict[str, list[float]] = defaultdict(list)
    for problem, share in found.items():
        each[families.get(problem, problem)].append(share)
    return {family: fmean(each[family]) for family in sorted(each)}
