"""The memory and disk that a build will take, computed from the model's shape before it starts.

Covers: the arithmetic, item by item, for each recipe; refusing a build for which there is not
enough. Does not cover: measuring it (`running` reads what a recipe actually used; the benchmark
puts both side by side).
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel.engine.cpu import read_cpu
from quantize.source.check import InputError, Source

GIB = 2**30
PROCESS = 1.0 * GIB
"""Python with torch and a recipe's libraries."""
CUDA_CONTEXT = 0.6 * GIB
SQUARES = 4
"""Matrices of a Hessian's size at once: itself, its permuted copy, its factor, its inverse."""
LEAST_WINDOW = 1024
"""Tokens of a row for the attention's temporary tensors, where no row is known."""


@dataclass(frozen=True)
class Needs:
    """What a build takes at its peak; bytes."""

    memory: Mapping[str, float]
    """Main memory of the recipe, item by item."""
    gpu: Mapping[str, float]
    """The same for the GPU; empty without one."""
    work_bytes: int
    out_bytes: int

    @property
    def memory_bytes(self) -> int:
        """All items of main memory."""
        return round(sum(self.memory.values()))

    @property
    def gpu_bytes(self) -> int:
        """All items on the GPU."""
        return round(sum(self.gpu.values()))


def needs(source: Source, recipe: str, tokens: int, gpu: bool) -> Needs:
    """Return what a recipe takes for a model.

    Args:
        source: the model.
        recipe: its name.
        tokens: of all calibration rows.
        gpu: whether there is one.
    """
    memory, card = _MEMORY[recipe](source, tokens, gpu)
    quantized = source.decoder_parameters * 1.04 + 2 * (
        source.parameters - source.decoder_parameters
    )
    # GPTQModel keeps each layer twice (to resume, and offloaded) until it has saved them.
    copies = 3.2 if recipe == "gptq" else 2.1
    return Needs(
        memory,
        card if gpu else {},
        work_bytes=round(copies * quantized),
        out_bytes=round(1.01 * quantized),
    )


_Items = tuple[dict[str, float], dict[str, float]]


def check_room(needs: Needs, work: Path, out: Path, gpu_bytes: int = 0) -> None:
    """Check disk and memory against what the build will need.

    Raises:
        InputError: there is too little.
    """
    for folder, wanted in ((work, needs.work_bytes), (out, needs.out_bytes)):
        free = shutil.disk_usage(_existing(folder)).free
        # On one disk both are needed at once.
        same = _existing(work).stat().st_dev == _existing(out).stat().st_dev
        wanted = needs.work_bytes + needs.out_bytes if same else wanted
        if free < wanted:
            raise InputError(
                f"{folder} needs {wanted / GIB:.2f} GiB of free disk, {free / GIB:.2f} are left: "
                "make room, or set OUT and WORK to another disk."
            )
    if (available := available_memory()) < needs.memory_bytes:
        raise InputError(
            f"This takes about {needs.memory_bytes / GIB:.1f} GiB of memory, "
            f"{available / GIB:.1f} are available: close other programs or use a larger machine."
        )
    if gpu_bytes and gpu_bytes < needs.gpu_bytes:
        raise InputError(
            f"This takes about {needs.gpu_bytes / GIB:.1f} GiB on the GPU, it has "
            f"{gpu_bytes / GIB:.1f}: take a larger one, or fewer SAMPLES."
        )


def available_memory() -> int:
    """Return the bytes of memory that a new program could use."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    values = {line.partition(":")[0]: line.partition(":")[2] for line in lines}
    machine = int(values["MemAvailable"].split()[0]) * 1024
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):  # no such group, or no limit in it
        return machine
    return min(machine, limit - used)


def _layer(source: Source) -> float:
    """Return the parameters of one decoder layer."""
    return source.decoder_parameters / source.layers


def _hessians(source: Source) -> float:
    """Return the bytes for the widest module's Hessian in float32 and what is made of it."""
    return SQUARES * 4.0 * source.intermediate**2


def _activations(source: Source, tokens: int) -> float:
    """Return the bytes of every row's input and output of one layer, in 16 bits."""
    return 2 * 2.0 * tokens * source.hidden


def _layerwise(source: Source, tokens: int, gpu: bool) -> _Items:
    """GPTQModel: layers come one by one from the disk and go back to it."""
    wide = 2.0 if gpu or source.dtype == read_cpu().dtype == "bfloat16" else 4.0
    rest = source.parameters - source.decoder_parameters
    work = {
        "one layer, and it in float32": (wide + 4) * _layer(source),
        "Hessian and its factors": _hessians(source),
        "a row's intermediate values": 4 * 4.0 * LEAST_WINDOW * source.intermediate,
    }
    memory = {
        "Python and libraries": PROCESS,
        "embedding and head": wide * rest,
        "activations of all rows": _activations(source, tokens),
        "a layer waiting to be packed": (4 + 1) * _layer(source),
    }
    if not gpu:
        return memory | work, {}
    return memory, {"CUDA": CUDA_CONTEXT, "embedding": wide * rest} | work


def _whole_model(source: Source, tokens: int, gpu: bool) -> _Items:
    """llmcompressor, AutoGPTQ: the whole model in main memory, one layer at a time computed."""
    memory, card = _layerwise(source, tokens, gpu)
    return memory | {"all layers": 2.0 * source.decoder_parameters}, card


def _bitsandbytes(source: Source, tokens: int, gpu: bool) -> _Items:
    loaded = {
        "all layers, 8 bit": 1.01 * source.decoder_parameters,
        "embedding and head": 2.0 * (source.parameters - source.decoder_parameters),
    }
    memory = {"Python and libraries": PROCESS, "a shard being read": min(5e9, source.bytes)}
    return (memory, {"CUDA": CUDA_CONTEXT} | loaded) if gpu else (memory | loaded, {})


def _shardwise(source: Source, tokens: int, gpu: bool) -> _Items:
    widest = max(source.vocabulary, source.intermediate) * source.hidden
    shard = min(5e9, source.bytes)
    return {
        "Python and libraries": PROCESS,
        "a shard and its quantized copy": 2.0 * shard,
        "the widest matrix in float32": 3 * 4.0 * widest,
    }, {}


_MEMORY = {
    "gptq": _layerwise,
    "w8a8": _whole_model,
    "auto-gptq": _whole_model,
    "bnb": _bitsandbytes,
    "round-to-nearest": _shardwise,
}


def _existing(path: Path) -> Path:
    """Return the nearest folder above that exists."""
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path
