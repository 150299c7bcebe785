"""Shuts a session's process in: limits, its own process group and user, and the kernel's filters.

Covers: one function that a freshly forked session calls before any model code runs, applying the
layers that the machine gives. Does not cover: finding out which those are (`sandbox_probe`).
"""

import ctypes
import fcntl
import os
import resource
import signal
from dataclasses import dataclass

from kernel.sandbox_restore import Pipes

MIB = 1 << 20
FILE_BYTES = 64 * MIB
"""Largest file; it bounds shared memory and memfd as well."""
OPEN_FILES = 256
PROCESSES = 64
"""Processes and threads of a session."""
RESERVE_BYTES = 64 * MIB
"""Address space left to report that the memory limit was reached."""
STACK_BYTES = 64 * MIB
"""C stack: deep recursion inside C code (sorting keys, sympy's printers) needs more than 8 MiB."""

_HIGHEST = 32768
"""The session's pipes get numbers just below: out of the way of loops that close everything."""
_PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


class IsolationError(OSError):
    """A layer that was to be applied could not be."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one session is shut into."""

    folder: str
    memory_bytes: int
    """Address space beyond what the process has when it is forked."""
    cpu_seconds: int
    """For the whole session; the supervisor watches each block, this is behind it."""


def detach(pipes: Pipes) -> Pipes:
    """Leave the supervisor's session and descriptors behind, keeping the given ones up high."""
    os.setsid()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard > _HIGHEST:
        hard = _HIGHEST
    base = hard - 8
    moved = [
        fcntl.fcntl(descriptor, fcntl.F_DUPFD, base)
        for descriptor in (pipes.request, pipes.status, pipes.output, pipes.null)
    ]
    os.closerange(3, base)
    for descriptor, target in ((moved[3], 0), (moved[2], 1)):
        os.dup2(descriptor, target)
    return Pipes(*moved)


def enter(cell: Cell, parent: int) -> None:
    """Apply every layer to this process."""
    os.chdir(cell.folder)
    os.umask(0o077)
    _set_limits(cell)
    _die_with(parent)


def _set_limits(cell: Cell) -> None:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    memory = pages * resource.getpagesize() + cell.memory_bytes
    limits = {
        resource.RLIMIT_AS: (memory, memory + RESERVE_BYTES),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (cell.cpu_seconds, cell.cpu_seconds + 5),
        resource.RLIMIT_FSIZE: (FILE_BYTES, FILE_BYTES),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_NPROC: (PROCESSES, PROCESSES),
        resource.RLIMIT_MSGQUEUE: (0, 0),
    }
    for name, values in limits.items():
        resource.setrlimit(name, values)
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    unlimited = hard == resource.RLIM_INFINITY
    stack = STACK_BYTES if unlimited else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, hard))


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the supervisor ends, and make sure it has not yet."""
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise IsolationError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os._exit(0)
