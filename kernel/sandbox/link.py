"""The kernel's hold on one supervisor process: starting it, talking to it, noticing its end.

Covers: a start that does not wait for imports, an environment without secrets, telling a supervisor
that hangs or is gone from one that is busy. Does not cover: what to do then (`sandbox`).
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernel.sandbox.wire import Channel

_PING_SECONDS = 1.0
_HANG_SECONDS = 10.0
"""A supervisor that has left a ping unanswered for this long is taken for hung."""
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
        settings: JSON values for the supervisor's `main`; the socket is added here.
        folder: Where its log goes.
        limit: Of its start; learns how long this one took.
    """

    def __init__(self, settings: Mapping[str, Any], folder: Path, limit: StartLimit) -> None:
        ours, theirs = socket.socketpair()
        self._limit = limit
        self._begun = time.monotonic()
        self._log = folder / "supervisor.log"
        self.ready = False
        self._pinged: float | None = None
        self._heard = time.monotonic()
        with theirs, self._log.open("wb") as log:
            # Not through preexec_fn, which is unsafe beside threads; and in a session of its own,
            # so that Ctrl-C in the terminal is the kernel's alone to handle.
            self._process = subprocess.Popen(
                _command({**settings, "socket": theirs.fileno()}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                cwd=folder,
                start_new_session=True,
            )
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message; it leaves as the supervisor takes it."""
        self._channel.send(message)

    def receive(self, timeout: float, expected: bool) -> list[dict[str, Any]]:
        """Return the messages that have arrived, waiting at most `timeout` seconds for the first.

        Args:
            timeout: Seconds.
            expected: Whether work is unfinished, so that silence is worth a question.
        """
        self._channel.flush()
        messages = self._channel.receive()
        if not messages and timeout > 0 and not self._channel.closed:
            poller = select.poll()
            events = select.POLLIN | (select.POLLOUT if self._channel.unsent else 0)
            poller.register(self._channel, events)
            poller.poll(timeout * 1000)
            self._channel.flush()
            messages = self._channel.receive()
        if messages:
            self._heard, self._pinged = time.monotonic(), None
        elif expected and self.ready:
            self._ping()
        return [message for message in messages if not self._own(message)]

    def lost(self) -> str:
        """Return why this supervisor is of no more use, or nothing while it is."""
        now = time.monotonic()
        if self._channel.closed:
            return f"the supervisor ended: {self._last_words()}"
        if not self.ready and now - self._begun > self._limit.seconds:
            return f"the supervisor did not start within {self._limit.seconds:.0f} seconds"
        if self._pinged is not None and now - self._pinged > _HANG_SECONDS:
            return f"the supervisor did not answer for {_HANG_SECONDS:g} seconds"
        return ""

    def kill(self) -> None:
        """Kill the supervisor, and with it its sessions (they die with their parent)."""
        # In this order: a living supervisor takes a closed channel for the kernel's end.
        self._process.kill()
        self._channel.close()

    def end(self, timeout: float) -> bool:
        """Let the supervisor clean up and end; False if it has not within `timeout` seconds."""
        if not self.ready:
            self._process.kill()  # busy with imports, and without sessions
        self._channel.send({"do": "end"})
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self.reaped()

    def reaped(self) -> bool:
        """Whether the process is gone for good."""
        return self._process.poll() is not None

    def _own(self, message: Mapping[str, Any]) -> bool:
        if message["is"] == "ready":
            self.ready = True
            self._limit.took(time.monotonic() - self._begun)
            return False
        return message["is"] == "pong"

    def _ping(self) -> None:
        now = time.monotonic()
        if self._pinged is None and now - self._heard > _PING_SECONDS:
            self._pinged = now
            self._channel.send({"do": "ping"})

    def _last_words(self) -> str:
        try:
            text = self._log.read_text(errors="replace").strip()
        except OSError:
            text = ""
        return text[-_LOG_CHARS:] or "no message"


def _command(settings: Mapping[str, Any]) -> list[str]:
    module = "kernel.sandbox.supervisor"
    return [sys.executable, "-B", "-P", "-X", "utf8", "-m", module, json.dumps(settings)]


def _environment() -> dict[str, str]:
    """Return what the supervisor needs of the environment; sessions could read the rest of it."""
    root = str(Path(__file__).resolve().parents[2])
    path = [entry for entry in sys.path if entry and Path(entry).exists()]
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    threads = {f"{name}_NUM_THREADS": "1" for name in _THREAD_SETTINGS}
    # One heap for all threads, since each one's own would reserve 64 MiB of the session's limit.
    fixed = {"MALLOC_ARENA_MAX": "1", "LANG": "C.UTF-8", "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0"}
    return {**kept, **threads, **fixed, "PYTHONPATH": os.pathsep.join([*path, root])}
