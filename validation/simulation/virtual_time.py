"""Virtual time: a clock that only its users move, so that nine hours pass in seconds.

Covers: the time, and who is due when. Does not cover: what happens in that time (`engine`
and `sandbox` do it).
"""

import heapq
import math


class VirtualClock:
    """A clock in seconds from 0; `clock()` reads it, as `time.monotonic()` would."""

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{seconds} s cannot pass: time goes forward, by finite steps.")
        self._now += seconds

    def announce(self, time: float) -> None:
        """Tell that something will be due at `time`, so that nobody sleeps through it."""
        heapq.heappush(self._due, time)

    def until_due(self) -> float:
        """Return the seconds until the next thing announced is due; infinity if there is none."""
        while self._due and self._due[0] <= self._now:
            heapq.heappop(self._due)
        return self._due[0] - self._now if self._due else math.inf
