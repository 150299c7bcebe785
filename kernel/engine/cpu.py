"""The CPU, and the number type that it multiplies fastest.

Covers: name, cores, instruction sets and how many cores are free, for engine, quantization,
training and result files.
"""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""CPUs without one of these emulate bfloat16: measured on one with AVX2 alone, 10 GFLOP/s a core
against 80 to 89 in float32, and a decoding model at 2 to 7 tokens a second against 16 to 26."""
IDLE = 0.7
"""A core that was idle for this share of a moment counts as free."""
LOOK_SECONDS = 0.5
SHOWN = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "asimd")
"""Instruction sets worth naming, the most capable first."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A machine's processor."""

    name: str
    cores: int
    """That this process may use."""
    flags: frozenset[str]
    """Instruction sets, by the operating system's names."""

    @property
    def dtype(self) -> str:
        """The type to compute in: bfloat16 where there are instructions for it, else float32."""
        return "bfloat16" if self.flags & BFLOAT16 else "float32"

    @property
    def instructions(self) -> str:
        """The instruction sets that decide about speed, for people."""
        if not (shown := [flag for flag in SHOWN if flag in self.flags]):
            return "no vector instructions known"
        return " ".join(shown)

    def __str__(self) -> str:
        return f"{self.name}, {self.cores} CPUs, {self.instructions}"


def read_cpu(path: Path = Path("/proc/cpuinfo")) -> Cpu:
    """Read this machine's processor; without `path` there are no flags, so float32."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    values = {key.strip(): value.strip() for key, _, value in (s.partition(":") for s in lines)}
    flags = values.get("flags") or values.get("Features") or ""
    name = values.get("model name") or platform.machine()
    return Cpu(name, len(os.sched_getaffinity(0)), frozenset(flags.split()))


def free_cores(look_seconds: float = LOOK_SECONDS) -> int:
    """Return how many of the cores this process may use are idle now, at least 1.

    So many threads compute fastest: two on two idle cores decode 1.5 to 1.6 times as fast as one,
    and on busy ones half as fast or worse, since all threads wait for the last at each layer
    (`benchmarks/threads.py`). OMP_NUM_THREADS, where it is set, is the user's own choice.
    """
    if wanted := os.environ.get("OMP_NUM_THREADS"):
        return max(1, int(wanted)) if wanted.isdigit() else 1
    mine = os.sched_getaffinity(0)
    before = _times()
    time.sleep(look_seconds)
    after = _times()
    both = mine & before.keys() & after.keys()
    return max(1, sum(_idle(before[core], after[core]) > IDLE for core in both))


def _times() -> dict[int, tuple[int, int]]:
    """Return each core's (idle, all) ticks since the start; none where the system does not say."""
    found: dict[int, tuple[int, int]] = {}
    try:
        lines = Path("/proc/stat").read_text("utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdigit():
            values = [int(tick) for tick in ticks]
            found[int(name[3:])] = (values[3] + values[4], sum(values))
    return found


def _idle(before: tuple[int, int], after: tuple[int, int]) -> float:
    passed = after[1] - before[1]
    return (after[0] - before[0]) / passed if passed else 0.0
