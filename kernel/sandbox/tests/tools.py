"""What the sandbox's tests share: running one block, and looking for what it leaves behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from kernel.config import Config
from kernel.records import Execution, ExecutionStatus
from kernel.sandbox.forked_sandbox import ForkedSandbox

SECONDS = 1.0
"""Limit of a block in tests."""
MEMORY_MIB = 256
PATIENCE = 120.0
"""How long a test waits for what should come at once: the machine may be busy."""

OK, RAISED = ExecutionStatus.OK, ExecutionStatus.RAISED
STATE_LOST = "gone"


def config(**settings: object) -> Config:
    return Config().updated({"code_seconds": SECONDS, "code_memory_mib": MEMORY_MIB, **settings})


def run(sandbox: ForkedSandbox, session: str, code: str) -> Execution:
    """Run one block and return its execution, which must be the only one that comes."""
    sandbox.submit(session, code)
    end = time.monotonic() + PATIENCE
    finished: list[Execution] = []
    while not finished and time.monotonic() < end:
        finished = sandbox.poll(1.0)
    assert [execution.session for execution in finished] == [session]
    return finished[0]


def wait_until(condition: Callable[[], bool]) -> bool:
    """Return whether the condition came true within the patience of a test."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def descendants(pid: int) -> set[int]:
    """Return the living processes that `pid` has started, directly or not; zombies not counted."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(folder.name)] = int(fields[1])
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def supervisor_of(sandbox: ForkedSandbox) -> int:
    """Return the process id of the sandbox's supervisor, which must be there."""
    assert sandbox.supervisor in descendants(os.getpid())
    return sandbox.supervisor


def state_of(pid: int) -> str:
    """Return what the process does, as one letter of proc(5): R runs, T is stopped, Z has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def is_running(pid: int) -> bool:
    """Whether the process still runs; one that nobody has waited for yet does not."""
    try:
        return state_of(pid) != "Z"
    except OSError:
        return False
