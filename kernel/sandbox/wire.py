"""What travels between the kernel and the sandbox's supervisor: a block, its limits, its end.

To the supervisor go ("start", settings), ("run", Block), ("close", session) and ("ping", None);
from it come ("ready", report), ("started", Start), ("done", BlockEnd) and ("pong", None). No
session has access to the connection.
"""

from dataclasses import dataclass

from kernel.records import ExecutionStatus

WALL_FACTOR = 2.5
"""A block never takes more wall time than this times its limit, however busy the machine."""


_FILES_OF_A_SESSION, _OTHER_FILES = 3, 24
"""Open files of the supervisor: pipes of each session, and what it and a new session need."""


def open_files_needed(sessions: int) -> int:
    """Return the limit of open files with which so many sessions can be open at once."""
    return _FILES_OF_A_SESSION * sessions + _OTHER_FILES


def sessions_possible(open_files: int) -> int:
    """Return how many sessions can be open at once under a limit of open files."""
    return max(0, (open_files - _OTHER_FILES) // _FILES_OF_A_SESSION)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one block and one session may use; the kernel's side sends them at the start."""

    seconds: float
    memory_mib: int
    output_chars: int
    seed: int | str


@dataclass(frozen=True, slots=True)
class Block:
    """One code block, as the kernel's side numbered it."""

    id: int
    session: int
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Start:
    """A block that has begun."""

    id: int
    """The block's."""
    fresh: bool
    """Its session was made for it: whatever state the session had is gone."""


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """How a block ended, and whether its session lives on."""

    id: int
    """The block's."""
    status: ExecutionStatus
    output: str
    seconds: float
    alive: bool
    faultless: bool = False
    """The block itself did nothing wrong: the sandbox or the machine failed it."""
