"""Majority voting over the candidates' answers, and when the vote is decided.

Covers: counting, the tie-break, the stop rule with its proof and the one with a stated risk, when a
lead is clear, the ladder of answers when nobody votes, and the alarm when candidates wrote nothing
or all the same. Does not cover: where answers come from (`extraction`), or what happens to
candidates that are stopped (`sc_tir`).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from kernel.config import Config
from kernel.records import AnswerSource, Candidate, Solution, StopReason

CLEAR_DEVIATIONS = 1.0
"""In `make bench-hours` 2 takes 26 to 30% more tokens for no gain; 0.5 loses 12 to 20% of it."""


def tally(answers: Iterable[int | None]) -> dict[int, int]:
    """Count votes by answer, most votes first; None is no vote."""
    return dict(Counter(answer for answer in answers if answer is not None).most_common())


def majority(votes: Mapping[int, int]) -> int | None:
    """Return the answer with most votes, None where there is none.

    Of tied answers the largest wins: a rule on the values alone, so that the answer does not depend
    on which candidate finished first. Wrong answers crowd at small numbers.
    """
    return max(votes, key=lambda answer: (votes[answer], answer), default=None)


def decided(votes: Mapping[int, int], outstanding: int) -> bool:
    """Tell whether no way of casting `outstanding` further votes can change the majority.

    The leader's lead over any other answer, one not seen yet included, shrinks by at most one a
    vote. So a lead above `outstanding` stays above zero, whatever comes; and a lead of at most
    `outstanding` can be closed by giving every vote to the runner-up. Ties never count as decided.
    """
    first, second = [*sorted(votes.values(), reverse=True), 0, 0][:2]
    return first - second > outstanding


def clear(votes: Mapping[int, int], deviations: float = CLEAR_DEVIATIONS) -> bool:
    """Tell whether the leader's lead is large against its own noise.

    If the two leading answers were equally likely, each of their n = first + second votes would add
    or subtract one with equal chance, so the lead would have mean 0 and standard deviation sqrt(n).
    A lead above one of these goes by luck to the answer that loses in the end in one such tie in
    six. Further candidates are as likely as the first ones to vote for what the model finds most
    likely, right or wrong.

    Args:
        votes: by answer; none at all are not clear.
        deviations: how many standard deviations the lead must exceed.
    """
    first, second = [*sorted(votes.values(), reverse=True), 0, 0][:2]
    return first - second > deviations * math.sqrt(first + second)


def overturn_chance(votes: Mapping[int, int], outstanding: int) -> float:
    """Return a bound on the chance that `outstanding` further votes change the majority.

    The model: each further vote repeats one cast so far, drawn at random, or, with the weight of
    one vote, goes to an answer not seen yet; it then counts in later draws (Polya's urn; Blackwell
    and MacQueen, 1973). The bound sums over the rivals the chance that one of them draws level, a
    tie included, and so holds whichever way the tie-break goes. Without a vote it is 1.
    """
    first, *rivals = sorted(votes.values(), reverse=True) or [0]
    if not first:
        return 1.0
    total = sum(votes.values()) + 1
    chances = [_level_chance(first, rival, total, outstanding) for rival in (*rivals, 0)]
    return min(1.0, sum(chances))


@cache
def _level_chance(first: int, rival: int, total: int, outstanding: int) -> float:
    """Return the chance that a rival draws level; one of 0 votes is the answer not seen yet.

    Of the outstanding votes some go to either of the two (a beta-binomial number), and of these
    some to the rival (beta-binomial again).

    Args:
        first: votes of the leader.
        rival: votes of the rival.
        total: weights of all answers, the one not seen yet included.
        outstanding: votes to come.
    """
    lead, weight = first - rival, max(rival, 1)
    both = first + weight
    chance = 0.0
    for theirs in range(lead, outstanding + 1):
        least = (theirs + lead + 1) // 2
        taken = sum(_beta_binomial(theirs, k, weight, first) for k in range(least, theirs + 1))
        chance += taken * _beta_binomial(outstanding, theirs, both, total - both)
    return chance


def _beta_binomial(draws: int, hits: int, weight: int, others: int) -> float:
    """Return the chance of so many hits among draws from an urn with these weights."""
    if not others:
        return float(hits == draws)
    return math.comb(draws, hits) * math.exp(
        _log_beta(weight + hits, others + draws - hits) - _log_beta(weight, others)
    )


def _log_beta(a: int, b: int) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def alarm(texts: Sequence[str]) -> str | None:
    """Say what is wrong where at least half of the texts are empty or the same as another.

    A model that is loaded wrongly (a broken adapter, a speculative decoder that does not fit) fails
    like this and raises no error. A vote of such candidates is worth one, or nothing.
    """
    copies = Counter(text for text in texts if text.strip())
    empty = len(texts) - copies.total()
    repeated = sum(count for count in copies.values() if count > 1)
    if not texts or 2 * (empty + repeated) < len(texts):
        return None
    parts = [(empty, "wrote nothing"), (repeated, "wrote the same as another")]
    said = " and ".join(f"{count} {what}" for count, what in parts if count)
    return f"of {len(texts)} candidates {said}"


def heard(candidates: Iterable[Candidate]) -> list[str]:
    """Return the texts of the candidates that the engine has written for at least once."""
    failed = StopReason.ENGINE_FAILED
    return [c.text for c in candidates if c.round and c.stop is not failed]


def conclude(
    problem_id: str,
    candidates: Sequence[Candidate],
    config: Config,
    ended: StopReason | None,
    seconds: float,
) -> Solution:
    """Return the solution: the vote, else the integers printed last, else the default."""
    votes = tally(candidate.answer for candidate in candidates)
    ladder = (
        (AnswerSource.VOTE, majority(votes)),
        (AnswerSource.PRINTED, majority(tally(candidate.printed for candidate in candidates))),
        (AnswerSource.DEFAULT, config.default_answer),
    )
    source, answer = next((s, answer) for s, answer in ladder if answer is not None)
    return Solution(problem_id, answer, source, ended, votes, tuple(candidates), seconds)
