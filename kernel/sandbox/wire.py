"""What travels between the submission's process and the sandbox's supervisor, and how.

Covers: the records of a block, made once and sent as JSON behind its length; whole messages over a
stream socket, in both directions, without ever blocking; noticing that the other end is gone. Does
not cover: what the messages mean, and distrust: both ends are this package's own, and no session
holds the socket.
"""

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.records import ExecutionStatus

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 16
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
    seed: int


@dataclass(frozen=True, slots=True)
class Block:
    """One code block, as the kernel's side numbered it."""

    id: int
    session: int
    name: str
    code: str


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


class Channel:
    """One end of a connected stream socket."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self.closed = False
        """The other end is gone; what had arrived before can still be received."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._connection.fileno()

    @property
    def unsent(self) -> bool:
        """Whether `flush` has something left to send."""
        return bool(self._outgoing) and not self.closed

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message and send what the socket takes now."""
        body = json.dumps(message).encode()
        self._outgoing += _LENGTH.pack(len(body)) + body
        self.flush()

    def flush(self) -> None:
        """Send as much of what is queued as the socket takes now."""
        while self.unsent:
            try:
                sent = self._connection.send(memoryview(self._outgoing)[:_CHUNK])
            except BlockingIOError:
                return
            except OSError:
                self.closed = True
                return
            del self._outgoing[:sent]

    def receive(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived whole, oldest first."""
        while not self.closed:
            try:
                data = self._connection.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed = True
            self._incoming += data
            if len(data) < _CHUNK:
                break
        return self._complete() if self._incoming else []

    def close(self) -> None:
        """Close this end; the other one notices."""
        self.closed = True
        self._connection.close()

    def _complete(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        start = 0
        while len(self._incoming) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._incoming, start)
            end = start + _LENGTH.size + length
            if len(self._incoming) < end:
                break
            messages.append(json.loads(self._incoming[start + _LENGTH.size : end]))
            start = end
        del self._incoming[:start]
        return messages
