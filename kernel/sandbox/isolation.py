"""Confines a session's process: limits, a user of its own, and the machine's filters.

Covers: one function that a freshly forked session calls before any model code runs; it applies the
layers it is told to, in an order in which they do not get in each other's way, and raises when one
does not take effect. Does not cover: finding out which layers the machine offers (`sandbox/probe`).
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
from dataclasses import dataclass

from kernel.sandbox import landlock as sandbox_landlock
from kernel.sandbox import seccomp as sandbox_seccomp
from kernel.sandbox.restore import Pipes

MIB = 1 << 20
FILE_BYTES = 64 * MIB
"""Largest file; it bounds shared memory and memfd as well."""
OPEN_FILES = 256
"""Fewer where the machine allows few: the pipes' descriptors stand above them."""
PENDING_SIGNALS = 256
"""Queued at a time: the queue is shared with the supervisor where the user is the same."""
_RLIMIT_SIGPENDING = 11
PROCESSES = 64
"""Processes and threads of a session."""
RESERVE_BYTES = 64 * MIB
"""Address space left to report that the memory limit was reached."""
STACK_BYTES = 64 * MIB
"""C stack: recursion inside C code (printers, comparisons) needs more than the usual 8 MiB."""

_HIGHEST = 32768
"""The session's pipes get numbers just below: out of the way of loops that close everything."""
_PIPES = 8
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_CAPABILITY_VERSION = 0x20080522
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Layers:
    """Which layers of isolation are applied beyond limits and process groups."""

    user: bool = True
    """A user id of its own: other users' processes and files are out of reach."""
    capabilities: bool = True
    """None of root's special powers."""
    landlock: bool = True
    """Writing only in its own folder, reading only the Python tree."""
    seccomp: bool = True
    """No processes, network, or signals to others."""
    broker: bool = False
    """The supervisor writes for it: where neither user nor Landlock protects other files."""
    read_only: bool = False
    """The filter refuses all writing to files: where that cannot be had either."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What confines one session."""

    folder: str
    """Its own; where the disk is full, the one around all of them, in which it may not write."""
    uid: int
    memory_bytes: int
    """Address space beyond what the process has when it is forked."""
    cpu_seconds: int
    """For the whole session; the supervisor watches each block, this is behind it."""
    layers: Layers
    readable: tuple[str, ...]
    """What Landlock lets it read besides its own folder."""
    writable: bool = True
    """The folder is its own."""


def detach(pipes: Pipes) -> Pipes:
    """Leave the supervisor's session and descriptors behind, keeping the given ones up high.

    What the session needs of /proc later is opened here and joins them.
    """
    os.setsid()
    stat = os.open("/proc/self/stat", os.O_RDONLY)
    broker = pipes.null if pipes.broker < 0 else pipes.broker
    base = pipes_from()
    moved = [
        fcntl.fcntl(descriptor, fcntl.F_DUPFD, base)
        for descriptor in (pipes.request, pipes.status, pipes.output, pipes.null, broker, stat)
    ]
    os.closerange(3, base)
    for descriptor, target in ((moved[3], 0), (moved[2], 1)):
        os.dup2(descriptor, target)
    return Pipes(*moved)


def pipes_from() -> int:
    """Return where the pipes' descriptors begin: above all that a session may open itself."""
    return min(_HIGHEST, resource.getrlimit(resource.RLIMIT_NOFILE)[0]) - _PIPES


def enter(cell: Cell, pipes: Pipes, parent: int) -> None:
    """Apply every layer to this process; its pipes are those that `detach` has returned.

    Raises:
        OSError: a layer could not be applied.
    """
    layers = cell.layers
    os.umask(0o077)
    _set_limits(cell)
    if layers.user:
        _become(cell.uid)
    if layers.capabilities:
        _drop_capabilities()
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    os.chdir(cell.folder)
    # A change of user clears the parent-death signal, so it comes behind.
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "parent-death signal")
    if os.getppid() != parent:
        os._exit(0)
    if layers.landlock:
        own = cell.folder if cell.writable else None
        sandbox_landlock.restrict(own, cell.readable, (os.devnull,))
    if layers.broker:
        _leave_writing(pipes.broker)
    if layers.seccomp:
        first = min(pipes.request, pipes.status, pipes.output, pipes.null, pipes.broker, pipes.stat)
        program = sandbox_seccomp.build(os.getpid(), first, layers.read_only)
        sandbox_seccomp.install(program)


def _leave_writing(broker: int) -> None:
    """Give the supervisor the listener of a filter, and keep no descriptor of it."""
    listener = sandbox_seccomp.install_broker(sandbox_seccomp.build_broker())
    with socket.socket(fileno=os.dup(broker)) as connection:
        socket.send_fds(connection, [b"l"], [listener])
    os.close(listener)
    os.close(broker)


def _set_limits(cell: Cell) -> None:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    memory = pages * resource.getpagesize() + cell.memory_bytes
    files = min(OPEN_FILES, pipes_from())
    limits = {
        resource.RLIMIT_AS: (memory, memory + RESERVE_BYTES),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (cell.cpu_seconds, cell.cpu_seconds + 5),
        resource.RLIMIT_FSIZE: (FILE_BYTES, FILE_BYTES),
        resource.RLIMIT_NOFILE: (files, files),
        resource.RLIMIT_MSGQUEUE: (0, 0),
        _RLIMIT_SIGPENDING: (PENDING_SIGNALS, PENDING_SIGNALS),
    }
    # An ordinary user's other processes count as well, so there the supervisor counts alone.
    if cell.layers.user:
        limits[resource.RLIMIT_NPROC] = (PROCESSES, PROCESSES)
    for name, values in limits.items():
        resource.setrlimit(name, values)
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    stack = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, hard))


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # Else only a supervisor with CAP_SYS_PTRACE, which containers lack, could count its files.
    _checked(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def _drop_capabilities() -> None:
    """Give up every capability, also as root: what is left is what file modes give its owner."""
    for capability in range(_LAST_CAPABILITY + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
            break  # beyond the last one, or an ordinary user, who has none
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def _checked(result: int, step: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{step} refused")
