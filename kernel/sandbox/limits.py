"""The limits of a block and of a session, and the records that a block travels in.

Covers: which limit a running block has reached, from what its process has used. Does not cover:
reading that (`sandbox/usage`), acting on it (`sandbox/worker`), and the limits that the machine's
own kernel enforces (`sandbox/isolation`).
"""

from dataclasses import dataclass
from enum import Enum, auto

from kernel.records import ExecutionStatus
from kernel.sandbox.isolation import MIB, PROCESSES
from kernel.sandbox.usage import FolderSize, Usage

SOFT_STOP_SECONDS = 1.0
"""Between the soft stop and the kill."""
WALL_FACTOR = 2.5
"""A block never takes more wall time than this times its limit, however busy the machine."""
CPU_FACTOR = 1.5
"""CPU seconds a block may use per second of its limit: threads in C code use several at once."""
OUTPUT_BYTES = 16 * MIB
"""More than any reader could want; a program that prints this much is caught in a loop."""
FOLDER_BYTES = 256 * MIB
FOLDER_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one block and one session may use; the kernel's side sends them at the start."""

    seconds: float
    memory_mib: int
    output_chars: int
    seed: int


@dataclass(frozen=True, slots=True)
class Block:
    """One code block, as the kernel's side numbered it."""

    id: int
    session: int
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a block ended, and whether its session lives on."""

    block: Block
    status: ExecutionStatus
    output: str
    seconds: float
    alive: bool


class State(Enum):
    """What a session's process is doing."""

    STARTING = auto()
    IDLE = auto()
    """Between blocks, stopped by signal: nothing of it runs."""
    RUNNING = auto()
    DYING = auto()
    """Killed, not yet reaped."""
    DEAD = auto()


def out_of_time(limits: Limits, wall: float, used: Usage) -> ExecutionStatus | None:
    """Return the time limit that a block has reached after `wall` seconds, if any.

    Time in which the process was ready but had no CPU is the machine's, not the block's.
    """
    if wall - used.waited_seconds >= limits.seconds or wall >= WALL_FACTOR * limits.seconds:
        return ExecutionStatus.TIMED_OUT
    if used.cpu_seconds >= CPU_FACTOR * limits.seconds:
        return ExecutionStatus.CPU_LIMIT
    return None


def out_of_bounds(used: Usage, folder: FolderSize, elsewhere: int) -> ExecutionStatus | None:
    """Return the limit other than time that a session has reached, if any."""
    if used.threads > PROCESSES:
        return ExecutionStatus.PROCESS_LIMIT
    if folder.bytes + elsewhere > FOLDER_BYTES or folder.entries > FOLDER_ENTRIES:
        return ExecutionStatus.FILE_LIMIT
    return None
