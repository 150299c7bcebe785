"""The warm process: it has imported the maths stack, and forks and watches the sessions.

Covers: the queue of blocks, the limit on how many run at once, the sessions' lives, dying with the
kernel's process, leaving nothing behind. Does not cover: any single session (`sandbox/worker`), and
running model code: nothing that a session writes is executed or parsed here. Started by
`sandbox/link`; the first message carries its settings.
"""

import contextlib
import ctypes
import errno
import os
import selectors
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kernel.child import parent
from kernel.records import ExecutionStatus
from kernel.sandbox.cleanup import kill_strays
from kernel.sandbox.disk import disk_is_short, removal, remove_files_of, remove_tree
from kernel.sandbox.fork import fork_session
from kernel.sandbox.isolation import MIB, Cell, Layers
from kernel.sandbox.limits import State, machine_is_short, read_usage
from kernel.sandbox.output import DISK_SHORT, MACHINE_SHORT, NOT_STARTED
from kernel.sandbox.probe import probe, readable_paths
from kernel.sandbox.warm import warm_up
from kernel.sandbox.wire import Block, BlockEnd, Limits, Start
from kernel.sandbox.worker import Worker

_TICK_SECONDS = 0.05
_IDLE_SECONDS = 1.0
_SESSION_CPU_FACTOR = 100
_MEMORY_SECONDS = 0.5
"""Between two looks at the machine's memory."""
_LARGE_BYTES = 512 * MIB
_SWEEP_SECONDS = 0.02
_LARGE_ON_DISK = 16 * MIB
_SHORTAGES = frozenset(
    {
        *(errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM),
        *(errno.ENOSPC, errno.EDQUOT),
    }
)
"""Errors that are the machine's: another supervisor would meet them too, and lose all sessions."""
_FAILED_SETUPS = 2
"""Sessions in a row that could not be set up, before the supervisor gives itself up."""
_FIRST_UID, _UIDS = 60000, 5000
"""User ids that no distribution hands out, and that containers map."""
_PR_SET_CHILD_SUBREAPER = 36
_CLOSE_SECONDS = 5.0


class Supervisor:
    """The sessions and the queue."""

    def __init__(self, kernel: Connection, limits: Limits, workers: int, cell: Cell) -> None:
        self._kernel = kernel
        self._limits = limits
        self._most = workers
        self._cell = cell
        """What every session gets; folder and user id are its own."""
        self._selector = selectors.DefaultSelector()
        self._queue: deque[Block] = deque()
        self._sessions: dict[int, Worker] = {}
        self._processes: dict[int, Worker] = {}
        """Every process not yet reaped, also those whose session is closed."""
        self._removals: deque[Iterator[None]] = deque()
        """Deletions of folders whose sessions are gone."""
        self._forked = 0
        self._failed = 0
        self._looked = 0.0
        self._alone = False
        """The kernel is gone, or asks for the end, which is the same."""

    def serve(self, lifeline: Connection) -> None:
        """Run until the other end of the lifeline is closed."""
        self._selector.register(self._kernel, selectors.EVENT_READ, self._on_message)
        self._selector.register(lifeline, selectors.EVENT_READ, self._on_end)
        self._wake_on_child()
        while not self._alone:
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._reap()
            self._settle()
            self._start()
            self._sweep()
            if self._failed >= _FAILED_SETUPS:
                raise SystemExit("Two sessions in a row could not be set up; see above.")

    def close(self) -> None:
        """Kill every session and wait for the processes to go."""
        for worker in self._processes.values():
            worker.kill(ExecutionStatus.CRASHED)
        end = time.monotonic() + _CLOSE_SECONDS
        while self._processes and time.monotonic() < end:
            self._reap()
            time.sleep(0.002)

    def _wake_on_child(self) -> None:
        wake, woken = os.pipe()
        for descriptor in wake, woken:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector.register(wake, selectors.EVENT_READ, lambda: os.read(wake, 4096))

    def _pause(self) -> float:
        """Return how long to wait for events: short while a block runs."""
        if self._removals:
            return 0.0
        busy = any(worker.busy for worker in self._processes.values())
        return _TICK_SECONDS if busy else _IDLE_SECONDS

    def _on_message(self) -> None:
        try:
            while self._kernel.poll():
                self._take(*self._kernel.recv())
        except (EOFError, OSError):
            self._on_end()

    def _take(self, kind: str, value: Any) -> None:
        match kind:
            case "run":
                self._queue.append(value)
            case "close":
                self._close_session(value)
            case _:
                self.send("pong", None)

    def _on_end(self) -> None:
        self._alone = True

    def send(self, kind: str, value: Any) -> None:
        """Send a message: the kernel takes it in at once, whatever it is busy with."""
        try:
            self._kernel.send((kind, value))
        except OSError:
            self._on_end()

    def _close_session(self, key: int) -> None:
        self._queue = deque(block for block in self._queue if block.session != key)
        if worker := self._sessions.pop(key, None):
            worker.drop()

    def _reap(self) -> None:
        """Collect ended processes, adopted orphans among them."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if worker := self._processes.pop(pid, None):
                    worker.reaped(os.waitstatus_to_exitcode(status))
                    self._clean_up(worker)

    def _clean_up(self, worker: Worker) -> None:
        layers, cell = self._cell.layers, worker.fork.cell
        if not layers.seccomp:
            uid = cell.uid if layers.user else None
            kill_strays(worker.fork.pid, uid, set(self._processes))
        if layers.user and not layers.landlock:
            remove_files_of(cell.uid)
        if cell.writable:
            self._removals.append(removal(cell.folder))

    def _sweep(self) -> None:
        """Delete more of what sessions have left, for a moment only: it may be much."""
        end = time.monotonic() + _SWEEP_SECONDS
        while self._removals and time.monotonic() < end:
            try:
                next(self._removals[0])
            except StopIteration:
                self._removals.popleft()

    def _relieve(self, now: float) -> None:
        """Kill the largest session when the machine runs short: sessions may be many and large."""
        if now - self._looked < _MEMORY_SECONDS:
            return
        self._looked = now
        if disk_is_short(self._cell.folder):
            self._relieve_disk()
        if not machine_is_short():
            return
        sizes = {worker: read_usage(pid).resident_bytes for pid, worker in self._processes.items()}
        largest = max(sizes, key=sizes.__getitem__)
        if sizes[largest] > _LARGE_BYTES:  # else others take the memory, and killing frees none
            largest.kill(ExecutionStatus.MEMORY_LIMIT, MACHINE_SHORT)

    def _relieve_disk(self) -> None:
        """Kill the session that keeps most on a disk that is about to be full."""
        sizes = {worker: worker.held().bytes for worker in self._processes.values()}
        largest = max(sizes, key=sizes.__getitem__)
        if sizes[largest] > _LARGE_ON_DISK:
            largest.kill(ExecutionStatus.FILE_LIMIT, DISK_SHORT)

    def _settle(self) -> None:
        """Hold running blocks to their limits and send what has ended."""
        now = time.monotonic()
        if self._processes:
            self._relieve(now)
        for key, worker in list(self._sessions.items()):
            worker.inspect(now)
            if end := worker.take_end():
                self.send("done", end)
                self._failed = 0 if worker.set_up else self._failed + 1
            if worker.state in (State.DYING, State.DEAD) and worker.block is None:
                del self._sessions[key]

    def _start(self) -> None:
        """Start queued blocks, oldest first, while there is room; one at a time per session."""
        if not self._queue:
            return
        running = sum(worker.block is not None for worker in self._sessions.values())
        for block in list(self._queue):
            if running >= self._most:
                return
            worker = self._sessions.get(block.session)
            if worker is not None and worker.block is not None:
                continue
            self._queue.remove(block)
            self.send("started", Start(block.id, fresh=worker is None))
            try:
                (worker or self._open(block)).assign(block)
            except OSError:
                self._give_up(block)
                continue
            running += 1

    def _give_up(self, block: Block) -> None:
        """Report a block that could get no process: too many, or no memory."""
        error = sys.exc_info()[1]
        if not (isinstance(error, OSError) and error.errno in _SHORTAGES):
            self._failed += 1
        with contextlib.suppress(OSError):  # the disk that the log is on may be full
            traceback.print_exc()
        crashed = ExecutionStatus.CRASHED
        self.send("done", BlockEnd(block.id, crashed, NOT_STARTED, 0.0, False, faultless=True))

    def _open(self, block: Block) -> Worker:
        self._forked += 1
        folder = Path(self._cell.folder) / str(self._forked)
        cell = replace(self._cell, folder=str(folder), uid=self._free_uid())
        fork = fork_session(cell, f"{self._limits.seed}/{block.name}")
        worker = Worker(fork, self._limits, self._selector, self._processes)
        self._sessions[block.session] = self._processes[fork.pid] = worker
        return worker

    def _free_uid(self) -> int:
        """Return a user id that no process here has, starting apart from other supervisors."""
        taken = {worker.fork.cell.uid for worker in self._processes.values()}
        start = os.getpid() * 61 + self._forked
        ids = (_FIRST_UID + (start + step) % _UIDS for step in range(_UIDS))
        return next(uid for uid in ids if uid not in taken)


def main() -> None:
    """Serve the kernel's process that started this one."""
    kernel, lifeline = parent()
    _, settings = kernel.recv()
    limits: Limits = settings["limits"]
    folder: Path = settings["folder"]
    folder.mkdir(mode=0o711)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    packages = warm_up()
    cell = Cell(
        folder=str(folder / "probe"),
        uid=_FIRST_UID + _UIDS,
        memory_bytes=limits.memory_mib * MIB,
        cpu_seconds=int(_SESSION_CPU_FACTOR * limits.seconds) + 1,
        layers=Layers(),
        readable=readable_paths(),
    )
    findings = probe(cell, settings["without"], settings["protected"])
    cell = replace(cell, folder=str(folder), layers=findings.layers)
    supervisor = Supervisor(kernel, limits, settings["workers"], cell)
    supervisor.send("ready", {"packages": packages, "layers": findings.report})
    try:
        supervisor.serve(lifeline)
        folder = folder.parent  # the sandbox's own: the kernel is no longer there to remove it
    finally:
        supervisor.close()
        remove_tree(folder)


if __name__ == "__main__":
    main()
