"""Ends a process with all that it started, whatever process group that is in.

Covers: every process of a session, found in /proc. Does not cover: one that opens a session of its
own; neither vLLM's workers nor compilers do.

Why not its process group: `ninja` gives each compiler a group of its own, and those live on when it
is killed.
"""

import contextlib
import os
import signal
import time
from pathlib import Path


def members(leader: int) -> list[int]:
    """Return the processes of the session that `leader` opened and that have not ended."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in "ZX":
                found.append(int(stat.parent.name))
    return found


def end_session(leader: int, seconds: float = 10.0) -> None:
    """Kill a session's processes, the caller itself last.

    Waits until they are gone, for so many seconds at most: one that hangs in the GPU's driver never
    is.
    """
    end = time.monotonic() + seconds
    while left := [pid for pid in members(leader) if pid != os.getpid()]:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    if os.getsid(0) == leader:
        os.kill(os.getpid(), signal.SIGKILL)
