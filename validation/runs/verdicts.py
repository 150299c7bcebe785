"""What a reader first wants to know about a solve: right or wrong, how sure, what went wrong.

Covers: the solves of a run with their tallies, also of transcripts, whose votes are counted here by
the kernel's rules; shares by problem. A candidate that wrote nothing casts no vote, whatever its
record says. Does not cover: how it is shown (`viewer/render`, `viewer/terminal`, `report`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kernel import voting
from kernel.answers import extraction
from kernel.config import Config
from kernel.records import ExecutionStatus, StopReason
from validation.runs.ballots import ENDLESS, read_again
from validation.runs.records import CandidateRecord, Recording, SolveRecord


@dataclass(frozen=True, slots=True)
class Bar:
    """An answer's votes."""

    answer: int
    votes: int
    true: bool
    """Whether it is the truth."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A solve and what became of it; all answers in the competition's convention."""

    solved: SolveRecord
    truth: int | None
    """None where it is not known, or where the competition has no such answer."""
    bars: tuple[Bar, ...]
    """Most votes first; of equal ones the larger answer, as the vote breaks ties."""

    @property
    def right(self) -> bool:
        """Whether the answer is the truth."""
        return self.solved.truth is not None and self.solved.answer == self.truth

    @property
    def wrong(self) -> bool:
        """Whether the answer is not the truth; False where that is not known."""
        return self.solved.truth is not None and not self.right

    @property
    def tally(self) -> dict[int, int]:
        """Votes by answer."""
        return {bar.answer: bar.votes for bar in self.bars}

    @property
    def true_votes(self) -> int:
        """Votes for the truth."""
        return sum(bar.votes for bar in self.bars if bar.true)

    @property
    def lost(self) -> bool:
        """Whether the truth had votes, but the vote went to another answer."""
        return self.wrong and self.true_votes > 0

    @property
    def alarm(self) -> str | None:
        """What is wrong where most candidates are empty or alike; None where they are not."""
        heard = [c for c in self.solved.candidates if c.rounds]
        return voting.alarm([written(c) for c in heard if c.stop is not StopReason.ENGINE_FAILED])

    @property
    def voters(self) -> int:
        """Candidates with a vote."""
        return sum(bar.votes for bar in self.bars)

    @property
    def silent(self) -> int:
        """Candidates without a vote."""
        return len(self.solved.candidates) - self.voters

    @property
    def votes(self) -> int:
        """Votes for the answer given; 0 where nobody voted and it is a fallback."""
        return next((bar.votes for bar in self.bars if bar.answer == self.solved.answer), 0)

    @property
    def undecided(self) -> bool:
        """Whether votes that were not cast could have changed the answer, or it was a tie.

        Not cast are those of the candidates that the deadline stopped.
        """
        cut = sum(
            c.stop is StopReason.DEADLINE and c.answer is None for c in self.solved.candidates
        )
        return not voting.decided(self.tally, cut)

    @property
    def failed_blocks(self) -> int:
        """Code blocks that did not run to their end."""
        return sum(map(failed_blocks, self.solved.candidates))


def written(candidate: CandidateRecord) -> str:
    """Return all that a candidate wrote."""
    return "".join(made.text for made in candidate.rounds)


def failed_blocks(candidate: CandidateRecord) -> int:
    """Return how many of a candidate's code blocks did not run to their end."""
    ran = [made.ran for made in candidate.rounds if made.ran]
    return sum(block.status is not ExecutionStatus.OK for block in ran)


def verdicts(run: Recording) -> list[Verdict]:
    """Return the solves of a run, in its order."""
    config = run.config
    voted = run.about.get("event") != "transcripts"
    return [_verdict(s if voted else _with_votes(s, config), config) for s in run.solved]


def judged(run: Recording) -> list[Verdict]:
    """Return the solves of a run whose truth is known."""
    return [verdict for verdict in verdicts(run) if verdict.solved.truth is not None]


def by_problem(found: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Return the solves of each problem, problems in the run's order."""
    grouped: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in found:
        grouped[verdict.solved.problem].append(verdict)
    return dict(grouped)


def _verdict(solved: SolveRecord, config: Config) -> Verdict:
    truth = None if solved.truth is None else extraction.to_answer(solved.truth, config)
    votes = voting.tally(_vote(candidate) for candidate in solved.candidates)
    ordered: Sequence[int] = sorted(votes, key=lambda answer: (-votes[answer], -answer))
    return Verdict(solved, truth, tuple(Bar(a, votes[a], a == truth) for a in ordered))


def _vote(candidate: CandidateRecord) -> int | None:
    """Return a candidate's vote: empty texts that are recorded with an answer voted for nothing."""
    empty = candidate.rounds and not written(candidate).strip()
    return None if empty else candidate.answer


def _with_votes(solved: SolveRecord, config: Config) -> SolveRecord:
    """Return the solve with the votes and stop reasons that the kernel's steps give."""
    read = [read_again(c, replace(config, max_context=ENDLESS)) for c in solved.candidates]
    candidates = tuple(
        replace(recorded, stop=candidate.stop, answer=candidate.answer)
        for recorded, candidate in zip(solved.candidates, read, strict=True)
    )
    answer = voting.conclude(solved.problem, read, config, None, 0.0).answer
    return replace(solved, answer=answer, candidates=candidates)
