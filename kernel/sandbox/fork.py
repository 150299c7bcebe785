"""Forks a session from the warm process.

Covers: the pipes, the fork, and what the child does before it serves blocks: leaving the
supervisor's world, isolation, its own random state. Does not cover: what the layers of
isolation are (`sandbox/isolation`), and watching the child (`sandbox/worker`).
"""

import errno
import os
import signal
import socket
import tempfile
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from kernel.sandbox.isolation import Cell, detach, enter, pipes_from
from kernel.sandbox.restore import Pipes
from kernel.sandbox.session import seed_everything, serve

SETUP_FAILED = 70
"""Exit status of a session that could not be set up (EX_SOFTWARE of sysexits.h)."""


_NEEDED_INSIDE = 3
"""Descriptors that a session opens before it has closed the supervisor's."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A session's process and the supervisor's ends of its pipes, none of which block."""

    pid: int
    cell: Cell
    request: int
    status: int
    output: int
    broker: socket.socket | None = None
    """Where the session's listener comes from, if the supervisor is to write for it."""


def fork_session(cell: Cell, seed: str) -> Fork:
    """Fork a session; it says READY on its status pipe once it is isolated.

    Raises:
        OSError: the machine has no process, memory or descriptors left, or no folder can be made.
    """
    cell = _furnished(cell)
    ends: list[int] = []
    try:
        for _ in range(3):
            ends += os.pipe()
        if max(ends) + _NEEDED_INSIDE >= pipes_from():
            raise OSError(errno.EMFILE, "too few open files for another session")
        theirs, ours = (ends[0], ends[3], ends[5]), (ends[1], ends[2], ends[4])
        broker, given = socket.socketpair() if cell.layers.broker else (None, None)
        parent = os.getpid()
        pid = os.fork()
    except OSError:
        for descriptor in ends:
            os.close(descriptor)
        if cell.writable:
            os.rmdir(cell.folder)  # noqa: PTH106 - text
        raise
    if pid == 0:
        socket_number = given.fileno() if given else -1
        null = os.open(os.devnull, os.O_RDWR)
        _become(Pipes(*theirs, null, socket_number), cell, seed, parent)
    if given:
        given.close()
    for descriptor in theirs:
        os.close(descriptor)
    for descriptor in ours:
        os.set_blocking(descriptor, False)
    return Fork(pid, cell, *ours, broker)


def _furnished(cell: Cell) -> Cell:
    """Make the session's folder; most code needs none, so a full disk only takes that away."""
    folder = Path(cell.folder)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return replace(cell, folder=str(folder.parent), writable=False)
    if cell.layers.user:
        os.chown(folder, cell.uid, cell.uid)
    return cell


def _become(pipes: Pipes, cell: Cell, seed: str, parent: int) -> NoReturn:
    """Be a session until killed; never return into the supervisor's stack."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        high = detach(pipes)
        seed_everything(seed)
        _settle_in(cell.folder)
        enter(cell, high, parent)
        os.dup2(high.null, 2)
        serve(high, cell.folder)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(SETUP_FAILED)


def _settle_in(folder: str) -> None:
    """Make the session's folder its home, also for temporary files."""
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = None
