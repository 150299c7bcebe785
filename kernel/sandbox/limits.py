"""What a session has used, and which limit it has reached.

Covers: CPU time, time spent waiting for a CPU, threads and memory, read from /proc by the
supervisor. Does not cover: counting files (`disk`), acting on it (`worker`), and the limits that
the operating system enforces (`isolation`).
"""

import os
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from kernel.records import ExecutionStatus
from kernel.sandbox.disk import DiskUse
from kernel.sandbox.isolation import MIB, PROCESSES
from kernel.sandbox.wire import WALL_FACTOR, Limits

SOFT_STOP_SECONDS = 1.0
"""Between the soft stop and the kill."""
CPU_FACTOR = 1.5
"""CPU seconds a block may use per second of its limit: threads in C code use several at once."""
OUTPUT_BYTES = 16 * MIB
"""More than any reader could want; a program that prints this much is caught in a loop."""
HELD_BYTES = 256 * MIB
HELD_ENTRIES = 1000
WRITTEN_BYTES = 1024 * MIB
"""In a session's whole life."""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CPU_FIELDS = slice(11, 13)
_THREADS_FIELD, _ADDRESS_FIELD, _RESIDENT_FIELD = 17, 20, 21
"""Positions in /proc/pid/stat behind the command's name, see proc(5)."""
_SHORT_SHARE = 0.04


class State(Enum):
    """What a session's process is doing."""

    STARTING = auto()
    IDLE = auto()
    """Between blocks, stopped by signal: nothing of it runs."""
    RUNNING = auto()
    DYING = auto()
    """Killed, not yet reaped."""
    DEAD = auto()


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading; of a process that is gone, all zero."""

    cpu_seconds: float = 0.0
    waited_seconds: float = 0.0
    """Ready to run, but another process had the CPU (main thread only)."""
    threads: int = 0
    address_bytes: int = 0
    resident_bytes: int = 0

    def since(self, before: "Usage") -> "Usage":
        """Return what was used since an earlier reading; threads are counted as they are now."""
        return Usage(
            cpu_seconds=self.cpu_seconds - before.cpu_seconds,
            waited_seconds=self.waited_seconds - before.waited_seconds,
            threads=self.threads,
            address_bytes=self.address_bytes - before.address_bytes,
            resident_bytes=self.resident_bytes - before.resident_bytes,
        )


def read_usage(pid: int) -> Usage:
    """Read what process `pid` has used since its start."""
    folder = Path(f"/proc/{pid}")
    try:
        # As bytes: the command's name in it is any that the process has given itself.
        fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return Usage()
    return Usage(
        cpu_seconds=sum(map(int, fields[_CPU_FIELDS])) / _TICKS,
        waited_seconds=_waited(folder),
        threads=int(fields[_THREADS_FIELD]),
        address_bytes=int(fields[_ADDRESS_FIELD]),
        resident_bytes=int(fields[_RESIDENT_FIELD]) * _PAGE,
    )


def _waited(folder: Path) -> float:
    """Return the run queue's share; 0 where the operating system does not count it."""
    try:
        return int((folder / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def machine_is_short() -> bool:
    """Whether the machine is about to run out of memory, so that it would kill something itself."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return sizes.get("MemAvailable", sizes["MemTotal"]) < sizes["MemTotal"] * _SHORT_SHARE


def out_of_time(limits: Limits, wall: float, used: Usage) -> ExecutionStatus | None:
    """Return the time limit that a block has reached after `wall` seconds, if any.

    Time in which the process was ready but had no CPU is the machine's, not the block's.
    """
    if wall - used.waited_seconds >= limits.seconds or wall >= WALL_FACTOR * limits.seconds:
        return ExecutionStatus.TIMED_OUT
    if used.cpu_seconds >= CPU_FACTOR * limits.seconds:
        return ExecutionStatus.CPU_LIMIT
    return None


def out_of_bounds(used: Usage, held: DiskUse, written: int) -> ExecutionStatus | None:
    """Return the limit other than time that a session has reached, if any.

    Args:
        used: Since the block began.
        held: On disk, wherever.
        written: Bytes since the session began; whatever is hidden from counting was written.
    """
    if used.threads > PROCESSES:
        return ExecutionStatus.PROCESS_LIMIT
    if held.bytes > HELD_BYTES or held.entries > HELD_ENTRIES or written > WRITTEN_BYTES:
        return ExecutionStatus.FILE_LIMIT
    return None
