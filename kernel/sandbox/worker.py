"""The supervisor's side of one session: its process, its pipes, and the block it is running.

Above 300 lines, since the states of a block and the ways it ends form one state machine.

Covers: handing the session one block at a time, deciding how the block ended, the soft stop and
the kill, freezing the session between blocks. Does not cover: forking (`sandbox/fork`), which block
runs when (`sandbox/supervisor`), and what happens inside the process (`sandbox/session`).
"""

import contextlib
import hmac
import os
import secrets
import selectors
import signal
import socket
import time
from collections.abc import Mapping

from kernel.records import ExecutionStatus
from kernel.sandbox import session
from kernel.sandbox.broker import Broker
from kernel.sandbox.cleanup import kill_strays
from kernel.sandbox.disk import DiskUse, held_below, held_by, held_without_name, written_bytes
from kernel.sandbox.fork import Fork
from kernel.sandbox.isolation import MIB
from kernel.sandbox.limits import (
    OUTPUT_BYTES,
    SOFT_STOP_SECONDS,
    State,
    Usage,
    out_of_bounds,
    out_of_time,
    read_usage,
)
from kernel.sandbox.output import (
    BROKEN,
    DISK_SHORT,
    FORGED,
    GONE,
    LIMITED,
    MACHINE_SHORT,
    NOT_STARTED,
    NOTHING_PRINTED,
    STRAYS,
    Transcript,
    exit_text,
    limit_text,
)
from kernel.sandbox.wire import Block, BlockEnd, Limits

_INSPECT_SECONDS = 0.1
"""Between two looks at what a running block uses."""
_UNKILLABLE_SECONDS = 3.0
"""A killed process that is still there by then is reported without waiting for it any longer."""
_CHUNK = 1 << 16
_MOST_CHUNKS = 32
"""Read of one session's output before the others have their turn."""

_VERDICTS = {
    session.ENDED: ExecutionStatus.OK,
    session.RAISED: ExecutionStatus.RAISED,
    session.MEMORY: ExecutionStatus.MEMORY_LIMIT,
    session.PROCESSES: ExecutionStatus.PROCESS_LIMIT,
    session.FILES: ExecutionStatus.FILE_LIMIT,
}
_CONDITIONS = {session.SOUND: "", session.STRAYS: STRAYS, session.LIMITED: LIMITED}
"""Why a session that says so cannot go on."""


class Worker:
    """One session's process and what it is running."""

    def __init__(
        self,
        fork: Fork,
        limits: Limits,
        selector: selectors.BaseSelector,
        processes: Mapping[int, "Worker"],
    ) -> None:
        self.fork = fork
        self.state = State.STARTING
        self.block: Block | None = None
        self.end: BlockEnd | None = None
        """Set when the block has ended; the supervisor takes it."""
        self.set_up = False
        self._limits = limits
        self._selector = selector
        self._processes = processes
        """All that are to live when strays are killed."""
        self._transcript = Transcript(limits.output_chars)
        self._stop: ExecutionStatus | None = None
        """The limit for which the block was softly stopped or killed."""
        self._note = ""
        self._stopped = self._killed = self._inspected = 0.0
        self._outbox = b""
        selector.register(fork.status, selectors.EVENT_READ, self._on_status)
        selector.register(fork.output, selectors.EVENT_READ, self._on_output)
        self._broker: Broker | None = None
        if fork.broker:
            selector.register(fork.broker, selectors.EVENT_READ, self._on_broker)

    def assign(self, block: Block) -> None:
        """Run a block: at once, or as soon as the session is set up."""
        self.block = block
        self._transcript = Transcript(self._limits.output_chars)
        self._stop, self._note = None, ""
        self._started = self._inspected = time.monotonic()
        if self.state is State.IDLE:
            self._begin(block)

    @property
    def busy(self) -> bool:
        """Whether it needs looking at often."""
        return self.block is not None or self.state is State.DYING

    def take_end(self) -> BlockEnd | None:
        """Return how the block ended, once it has; only once."""
        end, self.end = self.end, None
        return end

    def drop(self) -> None:
        """Kill the session and forget its block."""
        self.block = self.end = None
        self.kill(ExecutionStatus.CRASHED)

    def inspect(self, now: float) -> None:
        """Hold the running block to its limits."""
        if self.state is State.DYING and now - self._killed > _UNKILLABLE_SECONDS:
            self._report(self._stop or ExecutionStatus.CRASHED, alive=False)
        if self.state is not State.RUNNING:
            return
        if self._stopped and now - self._stopped >= SOFT_STOP_SECONDS:
            if not self._has_ended():
                self.kill(self._stop or ExecutionStatus.TIMED_OUT)
        elif not self._stopped and now >= min(
            self._inspected + _INSPECT_SECONDS, self._started + self._limits.seconds
        ):
            self._inspected = now
            self._hold_to_limits(now - self._started)

    def _hold_to_limits(self, wall: float) -> None:
        used = read_usage(self.fork.pid).since(self._before)
        if status := out_of_time(self._limits, wall, used):
            if not self._has_ended():
                self._soft_stop(status)
            return
        if status := self._out_of_bounds(used):
            self.kill(status)

    def _out_of_bounds(self, used: Usage) -> ExecutionStatus | None:
        uid = self.fork.cell.uid if self.fork.cell.layers.user else None
        return out_of_bounds(used, self.held(), written_bytes(self.fork.pid, uid))

    def held(self) -> DiskUse:
        """Return what the session keeps on disk: in its folder, without a name, elsewhere."""
        cell = self.fork.cell
        uid = cell.uid if cell.layers.user else None
        held = held_without_name(self.fork.pid, uid)
        held += held_below(cell.folder) if cell.writable else DiskUse()
        # Elsewhere only where no Landlock forbids it, and a user of its own tells whose it is.
        return held if uid is None or cell.layers.landlock else held + held_by(uid)

    def _has_ended(self) -> bool:
        """Whether the block's end was waiting unread: on a busy machine, this process is late."""
        self._on_status()
        return self.state is not State.RUNNING

    def kill(self, status: ExecutionStatus, note: str = "") -> None:
        """Kill the session; a running block is reported with `status` once the process is gone."""
        if self.state in (State.DYING, State.DEAD):
            return
        self.state = State.DYING
        self._stop, self._note = status, note
        self._killed = time.monotonic()
        self._signal(signal.SIGKILL)

    def reaped(self, exit_code: int) -> None:
        """Take note that the process is gone; report what it leaves unfinished."""
        status, note = self._stop, self._note
        if self.state is not State.DYING:
            status = {
                -signal.SIGXCPU: ExecutionStatus.CPU_LIMIT,
                -signal.SIGXFSZ: ExecutionStatus.FILE_LIMIT,
            }.get(exit_code, ExecutionStatus.CRASHED)
            note = exit_text(exit_code) if self.set_up else NOT_STARTED
            if self.set_up and exit_code == session.BROKEN:
                note = BROKEN
        self.state = State.DEAD
        self._drain()
        self._note = note
        self._report(status or ExecutionStatus.CRASHED, alive=False)
        for descriptor in (self.fork.request, self.fork.status, self.fork.output):
            with contextlib.suppress(KeyError):
                self._selector.unregister(descriptor)
            os.close(descriptor)
        for end in (self.fork.broker, self._broker):
            if end is not None:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
                end.close()

    def _begin(self, block: Block) -> None:
        self._discard()
        self._token = secrets.token_bytes(session.TOKEN_BYTES)
        source = block.code.encode("utf-8", "surrogatepass")
        self._outbox = session.HEADER.pack(len(source)) + source + self._token
        self._stopped = 0.0
        self._before = read_usage(self.fork.pid)
        self._started = self._inspected = time.monotonic()
        self.state = State.RUNNING
        self._signal(signal.SIGCONT)
        self._selector.register(self.fork.request, selectors.EVENT_WRITE, self._on_request)
        self._on_request()

    def _on_request(self) -> None:
        """Send what the request pipe takes of a block."""
        try:
            self._outbox = self._outbox[os.write(self.fork.request, self._outbox) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._outbox = b""
        if not self._outbox:
            self._selector.unregister(self.fork.request)

    def _on_status(self) -> None:
        """Believe a well-formed end with the token; anything else is forged and kills."""
        try:
            data = os.read(self.fork.status, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self.fork.status)
        elif self.state is State.STARTING:
            self.state, self.set_up = State.IDLE, True
            if self.block:
                self._begin(self.block)
        elif self.state is State.RUNNING and self._genuine(data):
            self._finish(_VERDICTS[data[:1]], _CONDITIONS[data[1:2]])
        else:
            self.kill(ExecutionStatus.CRASHED, FORGED)

    def _genuine(self, data: bytes) -> bool:
        return (
            not self._outbox
            and data[:1] in _VERDICTS
            and data[1:2] in _CONDITIONS
            and hmac.compare_digest(data[2:], self._token)
        )

    def _on_broker(self) -> None:
        """Take the listener of the session's filter, and write for it from now on."""
        connection = self.fork.broker
        if connection is None:
            return
        self._selector.unregister(connection)
        with contextlib.suppress(OSError):
            for listener in socket.recv_fds(connection, 1, 1)[1]:
                if not self.fork.cell.writable:
                    os.close(listener)
                    continue
                self._broker = Broker(listener, self.fork.cell.folder)
                self._selector.register(self._broker, selectors.EVENT_READ, self._broker.answer)
        connection.close()

    def _on_output(self) -> None:
        if not self._drain():
            self._selector.unregister(self.fork.output)
        if self.state is State.RUNNING and self._transcript.bytes > OUTPUT_BYTES:
            self._soft_stop(ExecutionStatus.OUTPUT_LIMIT)

    def _drain(self) -> bool:
        """Read what the output pipe holds; False once it is closed at the other end."""
        for _ in range(_MOST_CHUNKS):
            try:
                data = os.read(self.fork.output, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._transcript.feed(data)
        return True

    def _discard(self) -> None:
        """Forget what a frozen session left in the pipe: it belongs to no block."""
        self._drain()
        self._transcript = Transcript(self._limits.output_chars)

    def _soft_stop(self, status: ExecutionStatus) -> None:
        """Interrupt the block, so that the namespace survives; `inspect` kills if need be."""
        if not self._stopped:
            self._stop, self._stopped = status, time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.fork.pid, signal.SIGINT)

    def _finish(self, verdict: ExecutionStatus, complaint: str) -> None:
        """Freeze the session and report its block; end a session in no state to go on."""
        self._signal(signal.SIGSTOP)
        self._drain()
        status = self._stop or verdict
        if complaint or self._escaped():
            self.kill(status, complaint or STRAYS)
        elif time.monotonic() - self._started > _INSPECT_SECONDS / 10 and (
            over := self._out_of_bounds(Usage())
        ):
            self.kill(over)
        elif status is ExecutionStatus.MEMORY_LIMIT and self._holds_much():
            self.kill(status)
        else:
            self.state = State.IDLE
            self._report(status, alive=True)

    def _escaped(self) -> bool:
        """Whether processes have got out of reach, where no filter keeps them from being made."""
        cell = self.fork.cell
        uid = cell.uid if cell.layers.user else None
        known = set(self._processes)
        return not cell.layers.seccomp and kill_strays(self.fork.pid, uid, known)

    def _holds_much(self) -> bool:
        """Whether so much memory is still taken that later blocks would fail at once."""
        taken = read_usage(self.fork.pid).since(self._before).address_bytes
        return taken > self._limits.memory_mib * MIB // 2

    def _report(self, status: ExecutionStatus, alive: bool) -> None:
        if self.block is None:
            return
        limits = self._limits
        notes = [limit_text(status, limits.seconds, limits.memory_mib), self._note]
        if not alive:
            notes.append(GONE)
        output = self._transcript.text(*notes) or NOTHING_PRINTED
        seconds = time.monotonic() - self._started
        faultless = self._note in (NOT_STARTED, MACHINE_SHORT, DISK_SHORT)
        self.end = BlockEnd(self.block.id, status, output, seconds, alive, faultless)
        self.block = None

    def _signal(self, number: signal.Signals) -> None:
        """Signal the session's whole process group."""
        for send, target in ((os.killpg, self.fork.pid), (os.kill, self.fork.pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(target, number)
