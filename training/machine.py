"""What the machine at hand can do for training: number type, threads, memory, speed.

Covers: the CPU's speed and free memory, GPUs as torch sees them. Does not cover: what
a training needs (`estimates`).
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from kernel.engine.cpu import free_cores, read_cpu

PROBE = 1024
"""Side of the matrices whose product tells a CPU's speed."""
H100_FLOPS = 989e12
"""Dense bfloat16 of an H100 SXM; source: NVIDIA's data sheet."""
GPU_FLOPS = {"H200": H100_FLOPS, "H100": H100_FLOPS, "A100": 312e12, "L4": 121e12, "T4": 65e12}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a training is to run."""

    device: str
    """cuda or cpu."""
    name: str
    devices: int
    dtype: str
    """What the arithmetic is done in: float32 or bfloat16."""
    threads: int
    memory_bytes: int
    """Free, of one device."""
    flops: float
    """Multiplications and additions a second of one device, at its best."""


def here(devices: int = 1) -> Machine:
    """Look at this machine; takes about two seconds on a CPU."""
    if torch.cuda.is_available():
        return _gpu(devices)
    threads = free_cores()
    torch.set_num_threads(threads)
    dtype = read_cpu().dtype
    speed = matrix_speed(torch.bfloat16 if dtype == "bfloat16" else torch.float32)
    return Machine("cpu", "CPU", 1, dtype, threads, free_memory(), speed)


def _gpu(devices: int) -> Machine:
    name = torch.cuda.get_device_name(0)
    free, _ = torch.cuda.mem_get_info(0)
    flops = next((f for kind, f in GPU_FLOPS.items() if kind in name), 100e12)
    dtype = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return Machine("cuda", name, devices, dtype, 1, free, flops)


def free_memory() -> int:
    """Return the bytes that a process can still take here."""
    try:
        for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def matrix_speed(dtype: torch.dtype) -> float:
    """Return the operations a second of a matrix product here, the best of a few."""
    a = torch.ones(PROBE, PROBE, dtype=dtype)
    best = float("inf")
    for _ in range(4):
        begun = time.perf_counter()
        torch.mm(a, a)
        best = min(best, time.perf_counter() - begun)
    return 2 * PROBE**3 / best


def versions() -> dict[str, str]:
    """Return the versions of what trains, by name."""
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "trl", "accelerate")}
