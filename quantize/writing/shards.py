"""Weights in files small enough for an upload to lose one and send it again.

Covers: cutting a checkpoint's tensors into shards in the order of their names, with the index that
loaders need; floats as float16. One shard is in memory at a time; the same tensors give the same
bytes. Does not cover: what the tensors are.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from kernel.checks.headers import INDEX, TensorHeader

SHARD_BYTES = 2 * 10**9
"""An upload that is cut off costs one shard."""
HEADER_BYTES = 10**6
"""Kept free in each shard for its header: some 100 bytes a tensor."""
WIDTHS = {"I8": 1, "U8": 1, "I16": 2, "I32": 4, "I64": 8, "F16": 2, "BF16": 2, "F32": 2}
"""Bytes a value takes as it is stored here: floats become float16."""
STATISTICS = (".SCB", ".absmax", ".nested_absmax", ".quant_map", ".nested_quant_map")
"""Scales of bitsandbytes, which its own code reads as float32."""


class ShardError(ValueError):
    """Tensors that cannot be stored; the message names one."""


def write_shards(
    raw: Path, tensors: Mapping[str, TensorHeader], folder: Path, most: int = SHARD_BYTES
) -> None:
    """Write the tensors of `raw` into `folder`, with an index where it takes several files.

    Args:
        raw: folder of the checkpoint.
        tensors: its tensors by name, as `headers.read_folder` gives them.
        folder: where to write.
        most: bytes of a file; a single larger tensor gets a file of its own.

    Raises:
        ShardError: a number is beyond float16.
    """
    runs = list(_runs(tensors, most - min(HEADER_BYTES, most // 10)))
    weight_map: dict[str, str] = {}
    total = 0
    for number, names in enumerate(runs, 1):
        file = f"model-{number:05d}-of-{len(runs):05d}.safetensors"
        target = "model.safetensors" if len(runs) == 1 else file
        kept = {name: _read(raw / tensors[name].file, name) for name in names}
        total += sum(tensor.nbytes for tensor in kept.values())
        save_file(kept, folder / target, {"format": "pt"})
        weight_map |= dict.fromkeys(names, target)
    if len(runs) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", "utf-8")


def _runs(tensors: Mapping[str, TensorHeader], most: int) -> Iterator[list[str]]:
    """Cut the sorted names into runs of at most `most` bytes."""
    run: list[str] = []
    size = 0
    for name in sorted(tensors):
        needed = math.prod(tensors[name].shape) * WIDTHS.get(tensors[name].dtype, 8)
        if run and size + needed > most:
            yield run
            run, size = [], 0
        run.append(name)
        size += needed
    if run:
        yield run


def _read(path: Path, name: str) -> torch.Tensor:
    with safe_open(path, "pt") as file:
        tensor: torch.Tensor = file.get_tensor(name)
    if tensor.dtype in (torch.bfloat16, torch.float32) and not name.endswith(STATISTICS):
        tensor = tensor.to(torch.float16)
        if not torch.isfinite(tensor).all():
            raise ShardError(f"{name} holds numbers beyond float16: this model cannot run on a T4.")
    return tensor.contiguous()
