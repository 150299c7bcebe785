"""Majority voting over the candidates' answers, and when the vote is decided.

Covers: counting, the tie-break, the stop rule with its proof, the ladder of answers when nobody
votes, and the alarm when candidates wrote nothing or all the same. Does not cover: where answers
come from (`extraction`), nor what happens to candidates that are stopped (`sc_tir`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kernel.config import Config
from kernel.records import AnswerSource, Candidate, Solution, StopReason


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
