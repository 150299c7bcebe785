"""The GPUs, as the driver's own tool reports them.

Covers: reading them in a second without touching CUDA, since a process that has used CUDA can no
longer fork workers; a driver whose tool reports nothing. Does not cover: how busy they are.
"""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

QUERY_SECONDS = 20.0
"""For `nvidia-smi`; its first call on a fresh machine wakes the driver, which takes seconds."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU."""

    name: str
    memory_mib: int
    """As the driver names it."""
    capability: tuple[int, int]
    """CUDA's compute capability: (7, 5) is a T4."""


T4 = Gpu("Tesla T4", 15360, (7, 5))
"""What Kaggle offers, two of them; what runs on it runs on every later GPU."""


def read_gpus() -> tuple[Gpu, ...]:
    """Return the machine's GPUs; none where the driver's tool is missing or fails."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap"]
    command += ["--format=csv,noheader,nounits"]
    # An engine beside others sees some of them only.
    if visible := os.environ.get("CUDA_VISIBLE_DEVICES", ""):
        command += ["-i", visible]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=QUERY_SECONDS
        )
        return tuple(_gpu(line) for line in done.stdout.splitlines() if line.strip())
    return ()


def _gpu(line: str) -> Gpu:
    name, memory, capability = (field.strip() for field in line.rsplit(",", 2))
    major, _, minor = capability.partition(".")
    return Gpu(name, int(memory), (int(major), int(minor)))


def has_driver() -> bool:
    """Tell whether the GPUs' driver is there, whatever its tool says."""
    return Path("/proc/driver/nvidia").exists()


def usable_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that torch can compute on: none where it was built for CPUs.

    Those that the driver's tool does not report are taken for T4s.
    """
    import torch

    if not torch.cuda.is_available():
        return ()
    return read_gpus() or (T4,) * torch.cuda.device_count()
