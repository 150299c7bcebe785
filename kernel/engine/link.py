"""The kernel's hold on one engine process: starting it, talking to it, ending it.

Covers: a session of its own that ends with the kernel, messages that never block the sender,
an end that is not waited for longer than it is worth. Does not cover: when to start or end it
(`engine`), and what it does (`engine/process`).
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from kernel.engine.sessions import end_session

KILL_SECONDS = 10.0
"""How long a killed process is waited for: one that hangs in the GPU's driver never ends."""


class Outbox:
    """Sends messages from a thread, so that a hung process with a full pipe blocks nobody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        threading.Thread(target=self._run, name="engine-outbox", daemon=True).start()

    def put(self, *message: Any) -> None:
        """Send `message` when its turn comes; a message to a process that has ended is dropped."""
        self._messages.put(message)

    def _run(self) -> None:
        # The process's end is noticed where its answers are read; the thread just ends with it.
        with contextlib.suppress(OSError):
            while (message := self._messages.get())[0] != "close":
                self._connection.send(message)


@dataclass
class EngineProcess:
    """A running engine process and the kernel's ends of its two pipes."""

    popen: subprocess.Popen[bytes]
    connection: Connection
    outbox: Outbox
    lifeline: int

    @classmethod
    def start(cls, arguments: Mapping[str, Any], log: Path) -> "EngineProcess":
        """Start one that loads the model with `arguments`; its output is appended to `log`.

        Raises:
            OSError: the machine starts no process.
        """
        ours, theirs = Pipe()
        watched, lifeline = os.pipe()
        command = [sys.executable, "-m", "kernel.engine.process"]
        fds = (theirs.fileno(), watched)
        home = str(Path(__file__).resolve().parents[2])
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        with _log_file(log) as output:
            popen = subprocess.Popen(
                [*command, *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        theirs.close()
        os.close(watched)
        outbox = Outbox(ours)
        outbox.put("start", dict(arguments))
        return cls(popen, ours, outbox, lifeline)

    def status(self) -> int | None:
        """Return how it ended, None where it cannot be told in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.popen.wait(KILL_SECONDS)
        return None

    def kill(self) -> None:
        """Kill it with all that it started, and wait until that is gone, or cannot be killed."""
        end_session(self.popen.pid, KILL_SECONDS)
        self.popen.poll()
        self.outbox.put("close")
        self.connection.close()
        os.close(self.lifeline)


def _log_file(path: Path) -> BinaryIO:
    """Open the log for appending; a folder that takes no files costs the log only."""
    try:
        return open(path, "ab")
    except OSError:
        return open(os.devnull, "ab")
