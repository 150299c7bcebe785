"""The warm process: has the maths stack imported, and forks and watches the sessions.

Covers: the queue of blocks, at most so many running at once, the sessions' lives, dying with the
kernel's process, leaving nothing behind. Does not cover: any single session (`sandbox_worker`).
Started by `sandbox` as `python -m kernel.sandbox_supervisor`, with a socket and JSON settings.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from kernel.records import ExecutionStatus
from kernel.sandbox_fork import fork_session
from kernel.sandbox_isolation import MIB, Cell
from kernel.sandbox_limits import Block, Limits, Outcome
from kernel.sandbox_wire import Channel
from kernel.sandbox_worker import State, Worker

_TICK_SECONDS = 0.05
_IDLE_SECONDS = 1.0
_SESSION_CPU_FACTOR = 20
_FAILED_SETUPS = 2
"""Sessions in a row that could not be set up, before the supervisor gives itself up."""


class Supervisor:
    """The sessions and the queue."""

    def __init__(self, channel: Channel, limits: Limits, workers: int, folder: Path) -> None:
        self._channel = channel
        self._limits = limits
        self._most = workers
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._queue: deque[Block] = deque()
        self._sessions: dict[int, Worker] = {}
        self._processes: dict[int, Worker] = {}
        """Every process not yet reaped, also those whose session is closed."""
        self._parent = os.getppid()
        self._forked = 0
        self._failed = 0

    def serve(self) -> None:
        """Run until the kernel's process closes its end or is gone."""
        self._selector.register(self._channel, selectors.EVENT_READ, self._on_message)
        wake, woken = os.pipe()
        for descriptor in wake, woken:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector.register(wake, selectors.EVENT_READ, lambda: os.read(wake, 4096))
        while not self._channel.closed and os.getppid() == self._parent:
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._reap()
            self._settle()
            self._start()
            self._channel.flush()
            if self._failed >= _FAILED_SETUPS:
                sys.exit("two sessions in a row could not be set up; the reasons stand above")

    def close(self) -> None:
        """Kill every session and wait for the processes to go."""
        for worker in self._processes.values():
            worker.kill(ExecutionStatus.CRASHED)
        end = time.monotonic() + 5
        while self._processes and time.monotonic() < end:
            self._reap()
            time.sleep(0.002)

    def _pause(self) -> float:
        """Return how long to wait for events: short while a block runs or a reply is unsent."""
        busy = self._channel.unsent or any(w.block for w in self._processes.values())
        return _TICK_SECONDS if busy else _IDLE_SECONDS

    def _on_message(self) -> None:
        for message in self._channel.receive():
            match message["do"]:
                case "run":
                    block = Block(**message["block"])
                    self._queue.append(block)
                case "close":
                    self._close_session(message["session"])
                case _:
                    self._channel.send({"is": "pong"})

    def _close_session(self, key: int) -> None:
        self._queue = deque(block for block in self._queue if block.session != key)
        if worker := self._sessions.pop(key, None):
            worker.block = None
            worker.kill(ExecutionStatus.CRASHED)

    def _reap(self) -> None:
        """Collect ended processes, adopted orphans among them."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if worker := self._processes.pop(pid, None):
                    worker.reaped(os.waitstatus_to_exitcode(status))
                    shutil.rmtree(worker.fork.folder, ignore_errors=True)

    def _settle(self) -> None:
        """Hold running blocks to their limits and send what has ended."""
        now = time.monotonic()
        for key, worker in list(self._sessions.items()):
            worker.inspect(now)
            if worker.outcome:
                self._send(worker.outcome)
                self._failed = 0 if worker.set_up else self._failed + 1
                worker.outcome = None
            if worker.state in (State.DYING, State.DEAD) and worker.block is None:
                del self._sessions[key]

    def _send(self, outcome: Outcome) -> None:
        self._channel.send(
            {
                "is": "done",
                "id": outcome.block.id,
                "status": outcome.status.value,
                "output": outcome.output,
                "seconds": outcome.seconds,
                "alive": outcome.alive,
            }
        )

    def _start(self) -> None:
        """Start queued blocks, oldest first, while there is room; one at a time per session."""
        running = sum(worker.block is not None for worker in self._sessions.values())
        for block in list(self._queue):
            if running >= self._most:
                return
            worker = self._sessions.get(block.session)
            if worker is None:
                worker = self._open(block)
            elif worker.block is not None or worker.state is not State.IDLE:
                continue
            self._queue.remove(block)
            self._channel.send({"is": "started", "id": block.id})
            worker.assign(block)
            running += 1

    def _open(self, block: Block) -> Worker:
        self._forked += 1
        limits = self._limits
        cell = Cell(
            folder=str(self._folder / str(self._forked)),
            memory_bytes=limits.memory_mib * MIB,
            cpu_seconds=int(_SESSION_CPU_FACTOR * limits.seconds) + 1,
        )
        worker = Worker(fork_session(cell, f"{limits.seed}/{block.name}"), limits, self._selector)
        self._sessions[block.session] = self._processes[worker.fork.pid] = worker
        return worker


def warm_up() -> list[str]:
    """Import what model code uses and return what there was; missing packages are left out."""
    found: list[str] = []
    for name in ("numpy", "sympy", "mpmath", "networkx", "scipy.optimize", "scipy.special"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
            found.append(name)
    return found


def main() -> None:
    """Serve the kernel's process that started this one."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    channel = Channel(socket.socket(fileno=settings["socket"]))
    folder = Path(settings["folder"])
    folder.mkdir(mode=0o711)
    packages = warm_up()
    gc.collect()
    gc.freeze()
    supervisor = Supervisor(channel, Limits(**settings["limits"]), settings["workers"], folder)
    channel.send({"is": "ready", "report": {"packages": packages}})
    try:
        supervisor.serve()
    finally:
        supervisor.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
