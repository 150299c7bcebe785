"""Scores ballots under a rule: which answers count, how much, from which candidates, until when.

Covers: the rule as a record, the vote with the kernel's ladder (vote, printed, default), stopping
early, extra candidates where a vote is open, all with polars, thousands of solves at once. Does not
cover: reading runs (`ballots`), or intervals (`statistics`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from kernel import voting
from kernel.config import Config

SOLVE = ["seed", "problem"]
"""What one vote belongs to."""


class Source(StrEnum):
    """Where a candidate's vote comes from."""

    BOXED = "boxed"
    BOXED_ELSE_PRINTED = "boxed else printed"
    PRINTED_ELSE_BOXED = "printed else boxed"


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to make an answer of the candidates. The defaults are the kernel's."""

    name: str
    source: Source = Source.BOXED
    code_only: bool = False
    """Whether only candidates vote that have run code."""
    code_weight: int = 1
    """Votes of a candidate that has run code."""
    drop_negative: bool = False
    """Whether negative integers are not votes, instead of being taken modulo."""
    smallest_wins: bool = False
    """Whether of tied answers the smallest wins, instead of the largest."""
    candidates: int | None = None
    """N: only this many of the first candidates."""
    extra: int = 0
    """Most candidates beyond N, heard in groups where the vote of those before is not clear."""
    group: int = 24
    """Of extra candidates."""
    when_decided: bool = False
    """Whether to stop once the rest cannot change the vote."""
    first_to: int | None = None
    """Stop once an answer has this many votes."""


def rules(candidates: int) -> list[Rule]:
    """Return ten rules worth comparing on a run of so many candidates."""
    quarter, half = max(1, candidates // 4), max(1, candidates // 2)
    return [
        Rule("kernel"),
        Rule("stop when decided", when_decided=True),
        Rule(f"first to {quarter} votes", first_to=quarter),
        Rule(f"N = {half}", candidates=half),
        Rule("smallest of tied", smallest_wins=True),
        Rule("only with code", code_only=True),
        Rule("code counts double", code_weight=2),
        Rule("no negatives", drop_negative=True),
        Rule("boxed else printed", source=Source.BOXED_ELSE_PRINTED),
        Rule("printed else boxed", source=Source.PRINTED_ELSE_BOXED),
    ]


def score(ballots: pl.DataFrame, rule: Rule, config: Config) -> pl.DataFrame:
    """Return a row for each solve: truth, answer, votes, voters, candidates, tokens, correct.

    `candidates` and `tokens` are those heard before the rule stopped; `correct` is null where the
    truth is not known.
    """
    heard = _stopped(votes(ballots, rule), rule)
    counts = heard.group_by(SOLVE).agg(
        candidates=pl.len(), voters=pl.col("vote").count(), tokens=pl.col("tokens").sum()
    )
    # A solve of whose candidates the rule takes none gets the default answer.
    every = ballots.group_by(SOLVE, maintain_order=True).agg(pl.col("truth").first())
    solves = every.join(counts, SOLVE, "left", maintain_order="left").with_columns(
        pl.col("candidates", "voters", "tokens").fill_null(0)
    )
    answer = pl.coalesce("answer", "fallback", pl.lit(config.default_answer))
    return (
        solves.join(_winners(heard, "vote", "weight", rule, "answer", "votes"), SOLVE, "left")
        .join(_winners(heard, "printed", "one", rule, "fallback", "ignored"), SOLVE, "left")
        .with_columns(answer=answer, votes=pl.col("votes").fill_null(0))
        .with_columns(correct=pl.col("answer") == pl.col("truth"))
        .drop("fallback", "ignored")
    )


def votes(ballots: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return the candidates of the rule with what each votes for and how much."""
    boxed, printed = pl.col("boxed"), pl.col("printed")
    if rule.drop_negative:
        boxed = pl.when(~pl.col("negative")).then(boxed)
    vote = {
        Source.BOXED: boxed,
        Source.BOXED_ELSE_PRINTED: pl.coalesce(boxed, printed),
        Source.PRINTED_ELSE_BOXED: pl.coalesce(printed, boxed),
    }[rule.source]
    with_code = pl.col("executions") > 0
    if rule.code_only:
        vote = pl.when(with_code).then(vote)
    weight = pl.when(with_code).then(rule.code_weight).otherwise(1)
    ballots = ballots.with_columns(vote=vote, weight=weight, one=pl.lit(1))
    if rule.candidates is not None:
        ballots = _first(ballots, rule, rule.candidates)
    return ballots.sort(*SOLVE, "order")


def _first(ballots: pl.DataFrame, rule: Rule, candidates: int) -> pl.DataFrame:
    """Return the ballots of the first candidates, and of the extra ones that the rule starts."""
    if not rule.extra:
        return ballots.filter(pl.col("candidate") < candidates)
    solves = ballots.group_by(SOLVE, maintain_order=True).agg("candidate", "vote")
    numbers = [
        started(dict(zip(indices, votes, strict=True)), candidates, rule.extra, rule.group)
        for indices, votes in zip(solves["candidate"], solves["vote"], strict=True)
    ]
    asked = solves.select(SOLVE).with_columns(asked=pl.Series(numbers, dtype=pl.Int64))
    return (
        ballots.join(asked, SOLVE, "left")
        .filter(pl.col("candidate") < pl.col("asked"))
        .drop("asked")
    )


def started(votes: Mapping[int, int | None], candidates: int, extra: int, group: int) -> int:
    """Return how many candidates the kernel would have started, had there been time for all.

    Args:
        votes: of all candidates that there are, by their number.
        candidates: N.
        extra: most candidates beyond these.
        group: extra candidates that start together.
    """
    asked = candidates
    while asked < candidates + extra:
        heard = voting.tally(vote for index, vote in votes.items() if index < asked)
        if voting.clear(heard):
            break
        asked = min(asked + group, candidates + extra)
    return asked


def _stopped(heard: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Drop the candidates that the rule would not have waited for; they come in stop order."""
    place = pl.int_range(pl.len()).over(SOLVE)
    if rule.first_to is not None:
        enough = pl.col("weight").cum_sum().over([*SOLVE, "vote"]) >= rule.first_to
        reached = pl.when(enough & pl.col("vote").is_not_null()).then(place).min().over(SOLVE)
        heard = heard.filter(place <= reached.fill_null(len(heard)))
    if rule.when_decided:
        ends = heard.group_by(SOLVE, maintain_order=True).agg("vote", "weight")
        ends = ends.with_columns(
            end=pl.Series(
                [
                    decided_after(votes, weights)
                    for votes, weights in zip(ends["vote"], ends["weight"], strict=True)
                ],
                dtype=pl.Int64,
            )
        ).select(*SOLVE, "end")
        heard = heard.join(ends, SOLVE, "left").filter(place < pl.col("end")).drop("end")
    return heard


def decided_after(votes: pl.Series, weights: pl.Series) -> int:
    """Return after how many candidates, in stop order, the rest cannot change the vote.

    As `kernel.voting.decided`, kept up to date vote by vote.
    """
    counts: dict[int, int] = {}
    outstanding: int = sum(weights)
    leader, first, second = None, 0, 0
    for place, (vote, weight) in enumerate(zip(votes, weights, strict=True), 1):
        outstanding -= weight
        if vote is not None:
            counts[vote] = count = counts.get(vote, 0) + weight
            if vote == leader:
                first = count
            elif count > first:
                leader, first, second = vote, count, first
            else:
                second = max(second, count)
        if first - second > outstanding:
            return place
    return len(votes)


def _winners(
    heard: pl.DataFrame, vote: str, weight: str, rule: Rule, answer: str, votes: str
) -> pl.DataFrame:
    """Return the answer with most votes of each solve that has any."""
    counted = heard.drop_nulls(vote).group_by(*SOLVE, vote).agg(pl.col(weight).sum().alias(votes))
    ordered = counted.sort(votes, vote, descending=[True, not rule.smallest_wins])
    return ordered.rename({vote: answer}).unique(SOLVE, keep="first", maintain_order=True)
