"""A process that the kernel owns: started by module name, messaged, and ended with its children.

Covers: messages both ways that never block either side, noticing when the process ends, a process
that ends by itself once the kernel is gone, and ending everything that it started, whatever process
group that is in: `ninja` gives each compiler its own group. Does not cover: what the messages mean,
when a process is started or ended (`engine`, `sandbox`), and processes that open their own session:
neither vLLM's workers nor compilers do.

A message is a pickled pair of kind and value; both ends are this package's own. The process runs as
`python -m MODULE CONNECTION LIFELINE`, two descriptors; `parent` opens them. The kernel holds the
lifeline's other end and writes nothing to it, so the lifeline closes when the kernel ends. The
parent-death signal would not do: it fires when the parent's *thread* ends, and a restart may come
from a thread of the competition's server.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO

KILL_SECONDS = 10.0
"""How long to wait for a killed process: one that hangs in the GPU's driver never ends."""
ROOT = Path(__file__).resolve().parents[1]
"""Where `kernel` is imported from."""

Message = tuple[str, Any]


class Child:
    """A running process and the kernel's ends of its connection and its lifeline.

    A thread sends and a thread receives, so that neither a hung process nor a busy kernel blocks
    the other side.

    Args:
        module: what it runs.
        log: where its output is appended; a folder that takes no files costs the log only.
        env: its environment.
        folder: its working folder; None: the kernel's own.

    Raises:
        OSError: the machine starts no process.
    """

    def __init__(
        self, module: str, log: Path, env: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self._connection, theirs = Pipe()
        watched, self._lifeline = Pipe(duplex=False)
        fds = (theirs.fileno(), watched.fileno())
        with theirs, watched, _log_file(log) as output:
            # A session of its own: Ctrl-C in the terminal is the kernel's alone to handle.
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=env,
                cwd=folder,
            )
        self.ended = False
        """It has ended, or will say nothing more; what it had sent has been received."""
        self._outgoing: SimpleQueue[Message | None] = SimpleQueue()
        self._incoming: SimpleQueue[Message | None] = SimpleQueue()
        for work in (self._send, self._receive):
            threading.Thread(target=work, name=f"{module}-messages", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id, which is also its session's."""
        return self._process.pid

    def send(self, kind: str, value: Any = None) -> None:
        """Send a message when its turn comes; one to a process that has ended is dropped."""
        self._outgoing.put((kind, value))

    def receive(self, timeout: float) -> list[Message]:
        """Return what has arrived, after at most `timeout` seconds of waiting for the first."""
        found: list[Message] = []
        with contextlib.suppress(Empty):
            while not self.ended:
                message = self._incoming.get(timeout=0.0 if found else max(0.0, timeout))
                if message is None:
                    self.ended = True
                else:
                    found.append(message)
        return found

    def status(self) -> int | None:
        """Return how it ended, None where that is not known in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(KILL_SECONDS)
        return None

    def is_gone(self) -> bool:
        """Whether nothing is left of the process."""
        return self._process.poll() is not None

    def kill(self, seconds: float) -> None:
        """Kill it with its whole session; wait until that is gone, or so many seconds."""
        end_session(self.pid, seconds)
        self.is_gone()
        self._outgoing.put(None)
        # Not before: a living process would take it for the kernel's end.
        self._lifeline.close()

    def end(self, seconds: float) -> None:
        """Let it end by itself, as if the kernel were gone; kill it if that takes longer."""
        self._lifeline.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill(seconds)

    def _send(self) -> None:
        # That the process has ended is noticed where its messages are read.
        with contextlib.suppress(OSError):
            while (message := self._outgoing.get()) is not None:
                self._connection.send(message)

    def _receive(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._incoming.put(self._connection.recv())
        self._incoming.put(None)


def _log_file(path: Path) -> BinaryIO:
    try:
        return open(path, "ab")
    except OSError:
        return open(os.devnull, "ab")


def python_path(*before: str) -> str:
    """Return a PYTHONPATH with which a child finds the kernel's modules."""
    return os.pathsep.join([*before, str(ROOT)])


def parent() -> tuple[Connection, Connection]:
    """Return the child's ends: the connection to the kernel, and its lifeline."""
    connection, lifeline = map(int, sys.argv[1:3])
    return Connection(connection), Connection(lifeline, writable=False)


def end_with(lifeline: int) -> None:
    """End this process's session when the other end of a pipe is closed, which a thread awaits."""

    def watch() -> None:
        os.read(lifeline, 1)
        end_session(os.getsid(0))

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def end_session(leader: int, seconds: float = KILL_SECONDS) -> None:
    """Kill the processes of the session that `leader` opened, the caller itself last.

    Waits until they are gone, for so many seconds at most.
    """
    end = time.monotonic() + seconds
    while left := [pid for pid in _members(leader) if pid != os.getpid()]:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() >= end:
            break
        time.sleep(0.02)
    if os.getsid(0) == leader:
        os.kill(os.getpid(), signal.SIGKILL)


def _members(leader: int) -> list[int]:
    """Return the processes of a session that have not ended."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in "ZX":
                found.append(int(stat.parent.name))
    return found
