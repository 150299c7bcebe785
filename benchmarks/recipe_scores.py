"""What is scored of a recipe's run, and the paired tests of two.

Covers: a model's right answers and right candidates on a set, of all rounds or of one block; two
models, or four rounds and one block, on the same problems. Does not cover: which runs there are,
and the result file (`recipe`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from benchmarks.candidate_shares import Gain, Shares, gain, shares
from benchmarks.result import Row
from kernel.records import ExecutionStatus
from validation import statistics
from validation.runs.ballots import ballots
from validation.runs.records import Recording
from validation.scoring import Rule, Source, score

ONE_BLOCK = Rule("one block", source=Source.BOXED_ELSE_PRINTED)
FOUR = Rule("kernel")

Right = dict[str, bool]
"""Whether each problem was right; one seed a problem."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One model on one set, in one way."""

    model: str
    set: str
    rounds: int
    run: Recording
    right: Right
    shares: Shares

    @property
    def share(self) -> float:
        """Of all problems."""
        return sum(self.right.values()) / len(self.right)


def scores_of(
    model: str, name: str, run: Recording, rule: Rule = FOUR, rounds: int | None = None
) -> Scores:
    """Score a model's run on a set; `rounds` is how many of the run's four count."""
    return Scores(
        model, name, rounds or 4, run, right(run, rule, rounds), shares(run, rule, rounds)
    )


def right(run: Recording, rule: Rule, rounds: int | None = None) -> Right:
    """Return which problems a run has right under a rule; of several seeds the first counts."""
    scored = score(ballots(run, rounds), rule, run.config).sort("seed", "problem")
    first = scored.unique("problem", keep="first", maintain_order=True)
    return dict(zip(first["problem"].to_list(), first["correct"].to_list(), strict=True))


def paired(
    before: Scores,
    after: Scores,
    families: Mapping[str, str],
    only: Collection[str] | None = None,
) -> Row:
    """Return the paired tests of two on the problems that both were asked.

    Args:
        before: what comes first.
        after: what is tested against it.
        families: by problem.
        only: problems that count; all if None.
    """
    problems = sorted(before.right.keys() & after.right.keys())
    if only is not None:
        problems = [problem for problem in problems if problem in only]
    first, second = ([side.right[p] for p in problems] for side in (before, after))
    test = statistics.mcnemar(first, second)
    shares_before, shares_after = (
        {p: side.shares[p] for p in problems} for side in (before, after)
    )
    return {
        "problems": len(problems),
        "right_before": sum(first),
        "right_after": sum(second),
        "lost": test.only_a,
        "won": test.only_b,
        "p": test.p,
        "needed": statistics.pairs_needed(test),
        **gained(gain(shares_before, shares_after, families)),
    }


def gained(found: Gain | None) -> Row:
    """Return the fields that tell what was gained in right candidates."""
    if found is None:
        return {}
    return {
        "candidates_gained": round(found.mean, 4),
        "candidates_gained_low": round(found.interval.low, 4),
        "candidates_gained_high": round(found.interval.high, 4),
        "families": found.families,
        "p_candidates": found.p,
    }


def failing(run: Recording) -> set[str]:
    """Return the problems on which some candidate's first block failed."""
    return {
        solved.problem
        for solved in run.solved
        for candidate in solved.candidates
        for first in candidate.rounds[:1]
        if first.ran and first.ran.status is not ExecutionStatus.OK
    }
