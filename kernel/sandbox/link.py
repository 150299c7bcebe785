"""One supervisor process: an environment without secrets, and whether it hangs, is busy or gone.

Covers: what `kernel/child` does not know about a supervisor. Does not cover: what to do when one is
lost (`forked_sandbox`).
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernel.child import Child, Message, python_path

SUPERVISOR = "kernel.sandbox.supervisor"
_PING_SECONDS = 1.0
_HANG_SECONDS = 10.0
"""A supervisor that leaves a ping unanswered for this long counts as hung."""
_START_FACTOR = 5.0
_LEAST_START_SECONDS = 20.0
"""Twice the slowest start seen on a crowded machine, and some: see `Config`."""
_THREAD_SETTINGS = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")
_LOG_CHARS = 600


class StartLimit:
    """How long a supervisor may take to start before it is taken for hung.

    The first may take what is set; those after it five times the slowest so far, since only the
    first reads the maths stack from a cold disk.

    Args:
        most: Seconds, at any start.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._slowest: float | None = None

    @property
    def seconds(self) -> float:
        """What the next start may take."""
        if self._slowest is None:
            return self._most
        return min(self._most, max(_LEAST_START_SECONDS, _START_FACTOR * self._slowest))

    def took(self, seconds: float) -> None:
        """Take note of a start."""
        self._slowest = max(seconds, self._slowest or 0.0)


class Link:
    """One supervisor, from its start to its end.

    Args:
        settings: what the supervisor's `main` takes.
        log: where its output goes.
        limit: of its start; learns how long this one took.
    """

    def __init__(self, settings: Mapping[str, Any], log: Path, limit: StartLimit) -> None:
        self._limit = limit
        self._log = log
        self._begun = self._heard = time.monotonic()
        self._pinged: float | None = None
        self.ready = False
        self._child = Child(SUPERVISOR, log, _environment(), log.parent)
        self.send, self.pid, self.is_gone = self._child.send, self._child.pid, self._child.is_gone
        self.send("start", settings)

    def receive(self, timeout: float, expected: bool) -> list[Message]:
        """Return the messages that have arrived, waiting at most `timeout` seconds for the first.

        Args:
            timeout: seconds.
            expected: whether work is unfinished, so that silence is worth a question.
        """
        messages = self._child.receive(timeout)
        if messages:
            self._heard, self._pinged = time.monotonic(), None
        elif expected and self.ready:
            self._ping()
        if any(kind == "ready" for kind, _ in messages):
            self.ready = True
            self._limit.took(time.monotonic() - self._begun)
        return [message for message in messages if message[0] != "pong"]

    def lost(self) -> str:
        """Return why this supervisor is no longer of use, or nothing while it is."""
        now = time.monotonic()
        if self._child.ended:
            return f"the supervisor ended: {self._last_words()}"
        if not self.ready and now - self._begun > self._limit.seconds:
            return f"the supervisor did not start within {self._limit.seconds:.0f} seconds"
        if self._pinged is not None and now - self._pinged > _HANG_SECONDS:
            return f"the supervisor did not answer for {_HANG_SECONDS:g} seconds"
        return ""

    def kill(self) -> None:
        """Kill the supervisor, and with it its sessions: they die with their parent."""
        self._child.kill(0.0)

    def end(self, seconds: float) -> None:
        """Let the supervisor clean up and end; kill it where that takes longer."""
        if not self.ready:
            self.kill()  # busy with imports, and without sessions
        self._child.end(seconds)

    def _ping(self) -> None:
        now = time.monotonic()
        if self._pinged is None and now - self._heard > _PING_SECONDS:
            self._pinged = now
            self.send("ping")

    def _last_words(self) -> str:
        try:
            text = self._log.read_text(errors="replace").strip()
        except OSError:
            text = ""
        return text[-_LOG_CHARS:] or "no message"


def _environment() -> dict[str, str]:
    """Return what the supervisor needs of the environment; sessions could read the rest of it."""
    path = [entry for entry in sys.path if entry and Path(entry).exists()]
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    threads = {f"{name}_NUM_THREADS": "1" for name in _THREAD_SETTINGS}
    python = {"PYTHONUTF8": "1", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # One heap for all threads, since each one's own would reserve 64 MiB of the session's limit.
    fixed = {"MALLOC_ARENA_MAX": "1", "LANG": "C.UTF-8", "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}
    return {**kept, **threads, **python, **fixed, "PYTHONPATH": python_path(*path)}
