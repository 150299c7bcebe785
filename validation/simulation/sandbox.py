"""A sandbox in virtual time: a block takes as long as measured blocks did, and prints words.

Covers: the Sandbox protocol with a number of workers, and the same for cold interpreters, as the
reference loop starts them. Does not cover: code; nothing is run.
"""

import heapq
import json
import random
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernel.records import Execution, ExecutionStatus
from validation.simulation.shapes import Shape, ShapedProblem
from validation.simulation.virtual_time import VirtualClock

MEASURED = Path(__file__).parent / "execution_times.json"
"""Written by `validation.simulation.execution_times`."""


class ExecutionTimes:
    """The measured distribution of a block's seconds, to be drawn from."""

    def __init__(self, path: Path = MEASURED) -> None:
        self.quantiles: list[float] = json.loads(path.read_text("utf-8"))["quantiles"]

    def draw(self, key: str, limit: float) -> float:
        """Return a time in seconds, the same for the same key; at most `limit`."""
        place = random.Random(key).random() * (len(self.quantiles) - 1)
        low = int(place)
        high = min(low + 1, len(self.quantiles) - 1)
        drawn = self.quantiles[low] + (place - low) * (self.quantiles[high] - self.quantiles[low])
        return min(drawn, limit)


class SimulatedSandbox:
    """Runs nothing, and takes its time.

    Args:
        clock: passes the time.
        workers: blocks at once.
        limit: wall-clock seconds of a block.
        cold: seconds that every block takes before its own: a fresh interpreter's start.
        times: of the blocks.
    """

    def __init__(
        self,
        clock: VirtualClock,
        workers: int,
        limit: float,
        cold: float = 0.0,
        times: ExecutionTimes | None = None,
    ) -> None:
        self.report: dict[str, Any] = {}
        self._clock, self._workers, self._limit, self._cold = clock, workers, limit, cold
        self._times = times or ExecutionTimes()
        self._shapes: tuple[Shape, ...] = ()
        self._queue: deque[str] = deque()
        self._running: list[tuple[float, str, float]] = []
        self._blocks: Counter[str] = Counter()
        self.idle: Callable[[float, float, int], None] = lambda start, seconds, decoding: None
        """Told of time that passes with nothing in the engine, see `Occupancy.note`."""

    @property
    def pending(self) -> int:
        """Blocks that run or wait."""
        return len(self._queue) + len(self._running)

    def begin(self, problem: ShapedProblem) -> None:
        """Give this problem's outputs from now on."""
        self._shapes = problem.shapes

    def submit(self, session: str, code: str) -> None:
        """See Sandbox; the session is PROBLEM/CANDIDATE."""
        self._queue.append(session)
        self._start(self._clock())

    def poll(self, timeout: float = 0.0) -> list[Execution]:
        """See Sandbox: lets time pass only where nothing is done yet."""
        if self._running and self._running[0][0] > self._clock() and timeout > 0:
            passed = min(timeout, self._running[0][0] - self._clock())
            self.idle(self._clock(), passed, 0)
            self._clock.advance(passed)
        done: list[Execution] = []
        while self._running and self._running[0][0] <= self._clock():
            ended, session, seconds = heapq.heappop(self._running)
            done.append(self._execution(session, seconds))
            self._start(ended)
        return done

    def close_session(self, session: str) -> None:
        """See Sandbox."""
        if self._blocks.pop(session, 0):
            self._queue = deque(name for name in self._queue if name != session)
            self._running = [entry for entry in self._running if entry[1] != session]
            heapq.heapify(self._running)
            self._start(self._clock())

    def close(self) -> None:
        """See Sandbox; there is nothing to end."""

    def _start(self, now: float) -> None:
        """Give free workers what waits."""
        while self._queue and len(self._running) < self._workers:
            session = self._queue.popleft()
            drawn = self._times.draw(f"{session}/{self._blocks[session]}", self._limit)
            self._blocks[session] += 1
            end = now + self._cold + drawn
            heapq.heappush(self._running, (end, session, self._cold + drawn))
            self._clock.announce(end)

    def _execution(self, session: str, seconds: float) -> Execution:
        shape = self._shapes[int(session.rpartition("/")[2])]
        block = self._blocks[session] - 1
        words = shape.outputs[block] if block < len(shape.outputs) else 1
        return Execution(session, ExecutionStatus.OK, "x " * words, seconds)
