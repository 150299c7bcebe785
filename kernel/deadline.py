"""The run's time: how much is left, and how much of it each problem may take.

Covers: the share of a problem, carry-over of what earlier problems left, the reserve. Does not
cover: acting on it (`sc_tir` aborts, `submission` falls back). The clock is monotonic, so changes
of the wall clock have no effect, and injected, so tests need not wait.

The guarantee: a problem's share is the usable time left over the problems left. If no problem
overruns its share, no share is below (limit - reserve - elapsed at start) / problems, and whatever
a problem leaves raises the shares of all that follow. So what a problem may spend beyond its
minimum was carried over from earlier ones, with the minimum of all still to come set aside.
"""

import time
from collections.abc import Callable


class Deadline:
    """The time of one run.

    Args:
        limit_seconds: the platform's limit.
        reserve_seconds: kept back at the end; nothing is planned into it.
        problems: how many are expected.
        elapsed: seconds of the limit that were gone before this was made.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self,
        limit_seconds: float,
        reserve_seconds: float,
        problems: int,
        *,
        elapsed: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._zero = now() - elapsed
        self._limit = self._zero + limit_seconds
        self._reserve = reserve_seconds
        self._problems = problems
        self._begun = 0
        self._start = self._end = now()

    def remaining(self) -> float:
        """Seconds until the platform's limit; negative once it has passed."""
        return self._limit - self._now()

    def elapsed(self) -> float:
        """Seconds since the run's clock began, before this was made."""
        return self._now() - self._zero

    def share(self) -> float:
        """Seconds the next problem may take, 0 once the reserve is reached."""
        usable = max(0.0, self.remaining() - self._reserve)
        # A problem beyond the expected ones never gets all that is left: another may follow.
        return usable / max(self._problems - self._begun, 1 if self._begun < self._problems else 2)

    def begin(self) -> float:
        """Begin the next problem and return its share in seconds."""
        share = self.share()
        self._start = self._now()
        self._end = self._start + share
        self._begun += 1
        return share

    def spent(self) -> float:
        """Seconds since the current problem was begun."""
        return self._now() - self._start

    def left(self) -> float:
        """Seconds left of the current problem's share, at least 0."""
        return max(0.0, self._end - self._now())

    def expire(self) -> None:
        """End all shares at once: the user wants no more answers."""
        self._limit = self._end = self._now()

    @property
    def reached(self) -> bool:
        """Whether the current problem's share is used up."""
        return self._now() >= self._end
