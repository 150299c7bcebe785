"""Occupancy: what the engine's slots did, span by span, and the resulting shares.

Covers: idle and half-empty time, and sequences that waited although slots were free. Does not
cover: whose sequences they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which nothing changed."""

    start: float
    """Seconds of virtual time."""
    seconds: float
    decoding: int
    """Sequences in the batch."""
    waiting: int
    """Live sequences outside of it: their code runs, or others of their round are not done."""


@dataclass
class Occupancy:
    """The spans of a run on an engine with this many slots."""

    slots: int
    waiting: Callable[[], int] = lambda: 0
    """Tells how many live sequences are outside the engine at this moment."""
    spans: list[Span] = field(default_factory=list[Span])

    def note(self, start: float, seconds: float, decoding: int) -> None:
        """Note a stretch of time."""
        if seconds > 0:
            self.spans.append(Span(start, seconds, decoding, self.waiting()))

    def share(self, holds: Callable[[Span], bool]) -> float:
        """Return the share of the time in which something held."""
        total = sum(span.seconds for span in self.spans)
        return sum(span.seconds for span in self.spans if holds(span)) / total if total else 0.0

    @property
    def empty_share(self) -> float:
        """Share of the time in which the engine had nothing to do."""
        return self.share(lambda span: span.decoding == 0)

    @property
    def half_empty_share(self) -> float:
        """Share of the time in which less than half of the slots decoded, the above included."""
        return self.share(lambda span: 2 * span.decoding < self.slots)

    @property
    def idle_share(self) -> float:
        """Share of the live sequences' time that they waited while slots were free for them.

        A candidate that has ended needs no slot: its slot is free, but nobody waits for it.
        """
        lived = sum(s.seconds * (s.decoding + s.waiting) for s in self.spans)
        lost = sum(s.seconds * min(s.waiting, max(0, self.slots - s.decoding)) for s in self.spans)
        return lost / lived if lived else 0.0
