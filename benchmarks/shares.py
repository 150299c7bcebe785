"""What a loop's time goes to, seen from where it waits: generating, executing, both, or neither.

Covers: an engine and a sandbox that count what is outstanding; the share of time with anything
outstanding at either; CPU that others used meanwhile. Does not cover: what the engine does in it.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kernel.protocols import Engine, Sandbox
from kernel.records import Completion, Execution, Request

TICKS = os.sysconf("SC_CLK_TCK")


class Shares:
    """Adds up time by what is outstanding.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since = now()
        self._seconds = {"generating": 0.0, "executing": 0.0, "both": 0.0, "neither": 0.0}
        self.requests: set[str] = set()
        self.sessions: set[str] = set()

    def note(self) -> None:
        """Add the time since the last call; to be called before anything changes."""
        kind = {
            (True, True): "both",
            (True, False): "generating",
            (False, True): "executing",
            (False, False): "neither",
        }[bool(self.requests), bool(self.sessions)]
        now = self._now()
        self._seconds[kind] += now - self._since
        self._since = now

    def shares(self) -> dict[str, float]:
        """Return the share of each kind of time so far."""
        self.note()
        whole = sum(self._seconds.values()) or 1.0
        return {kind: round(seconds / whole, 4) for kind, seconds in self._seconds.items()}


class WatchedEngine:
    """An engine whose outstanding requests are counted."""

    def __init__(self, engine: Engine, shares: Shares) -> None:
        self._engine, self._shares = engine, shares

    def __getattr__(self, name: str) -> Any:
        """Give what is not counted: encoding, and how the engine does."""
        return getattr(self._engine, name)

    def submit(self, request: Request) -> None:
        """See Engine."""
        self._shares.note()
        self._shares.requests.add(request.id)
        self._engine.submit(request)

    def poll(self) -> list[Completion]:
        """See Engine."""
        done = self._engine.poll()
        if done:
            self._shares.note()
            self._shares.requests -= {completion.request_id for completion in done}
        return done

    def abort(self, request_ids: Iterable[str]) -> None:
        """See Engine."""
        gone = list(request_ids)
        self._shares.note()
        self._shares.requests -= set(gone)
        self._engine.abort(gone)


class WatchedSandbox:
    """A sandbox whose outstanding blocks are counted."""

    def __init__(self, sandbox: Sandbox, shares: Shares) -> None:
        self._sandbox, self._shares = sandbox, shares

    def __getattr__(self, name: str) -> Any:
        """Give what is not counted."""
        return getattr(self._sandbox, name)

    def submit(self, session: str, code: str) -> None:
        """See Sandbox."""
        self._shares.note()
        self._shares.sessions.add(session)
        self._sandbox.submit(session, code)

    def poll(self, timeout: float = 0.0) -> list[Execution]:
        """See Sandbox."""
        done = self._sandbox.poll(timeout)
        if done:
            self._shares.note()
            self._shares.sessions -= {execution.session for execution in done}
        return done

    def close_session(self, session: str) -> None:
        """See Sandbox."""
        self._shares.note()
        self._shares.sessions.discard(session)
        self._sandbox.close_session(session)


class OthersCpu:
    """CPUs that are busy with something else than this process and what it started."""

    def __init__(self) -> None:
        self._begun, self._busy, self._own = time.monotonic(), _busy_seconds(), _own_seconds()

    def cpus(self) -> float:
        """Return their mean number since the start."""
        wall = time.monotonic() - self._begun
        others = (_busy_seconds() - self._busy) - (_own_seconds() - self._own)
        return max(0.0, others / wall) if wall > 0 else 0.0


def _busy_seconds() -> float:
    """Return the CPU seconds that the machine has worked since it was started."""
    fields = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICKS


def _own_seconds() -> float:
    """Return the CPU seconds of this process and its descendants, ended ones included."""
    parents: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        pid = int(path.parent.name)
        parents.setdefault(int(fields[1]), []).append(pid)
        used[pid] = sum(int(n) for n in fields[11:15])
    total, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        total += used.get(pid, 0)
        waiting += parents.get(pid, [])
    return total / TICKS
