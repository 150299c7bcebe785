"""The CPU, and the number type that it multiplies fast.

Covers: reading name, cores and instruction sets, once for engine, quantization, training and result
files. Does not cover: how busy it is.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""CPUs without one of these emulate bfloat16: measured on one with AVX2 alone, 10 GFLOP/s a core
against 80 to 89 in float32, and a decoding model at 2 to 7 tokens a second against 16 to 26."""
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
