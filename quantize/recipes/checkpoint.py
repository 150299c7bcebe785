"""The raw checkpoint that every recipe passes on: float16 storage, and a config any reader accepts.

Covers: turning what a library saved into `raw/`, shard by shard, and the config: the source's own
plus the quantization. Does not cover: names and sizes of the final files (`writing`).
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from common import files, saved_model
from kernel.engine.cpu import read_cpu
from quantize.recipes.job import RecipeError

FLOATS = (torch.bfloat16, torch.float32)
KEPT = ".SCB"
"""bitsandbytes' scales: its kernels take them in float32 only."""
RANDOM_SETTINGS = ("offload_to_disk_path",)
"""Of a quantization's `meta`: paths of this machine, the only bytes that differ between runs."""


def compute_dtype(source: str, device: str) -> torch.dtype:
    """Return the type to calibrate in: never one that loses what the source has.

    On a CPU bfloat16 only where there are instructions for it, and float16 never: two cores with
    them did 9 GFLOP/s in float16, 23 in float32, 73 in bfloat16; one without, 10 in bfloat16.
    """
    if device == "cuda" and (source == "float16" or torch.cuda.get_device_capability() < (8, 0)):
        return torch.float16
    both = source == "bfloat16" and (device == "cuda" or read_cpu().dtype == source)
    return torch.bfloat16 if both else torch.float32


def take_over(
    source: Path, saved: Path, raw: Path, quantization: Mapping[str, Any] | None = None
) -> None:
    """Turn the folder that a library saved into the raw checkpoint, and remove that folder.

    Args:
        source: the original model: its config is kept, since libraries rewrite what they read.
        saved: folder with safetensors; its shards go one by one, so disk is not needed twice.
        raw: folder to write, complete once `config.json` is in it.
        quantization: the `quantization_config` of the new config; the saved one if not given.
    """
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    for shard in sorted(saved.glob("*.safetensors")):
        with safe_open(shard, "pt") as file:
            names: Iterable[str] = file.keys()
            tensors = {name: stored(name, file.get_tensor(name)) for name in names}
        save_file(tensors, raw / shard.name, {"format": "pt"})
        shard.unlink()
    own: Mapping[str, Any] = quantization or _quantization_of(saved)
    write_config(source, raw, own)
    shutil.rmtree(saved)


def _quantization_of(saved: Path) -> Any:
    return json.loads((saved / "config.json").read_text("utf-8"))["quantization_config"]


def stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor as it is stored: floats as float16, which is all that a T4 computes in.

    Raises:
        RecipeError: it holds numbers that float16 does not have.
    """
    if tensor.dtype not in FLOATS or name.endswith(KEPT):
        return tensor.contiguous()
    small = tensor.to(torch.float16)
    if not torch.isfinite(small).all():
        largest = tensor.abs().max().item()
        raise RecipeError(
            f"{name} holds {largest:g}, float16 ends at 65504: this model cannot run on a T4."
        )
    return small.contiguous()


def write_config(source: Path, raw: Path, quantization: Mapping[str, Any]) -> None:
    """Write the source's config with the quantization; the last file of a raw checkpoint."""
    config = json.loads((source / "config.json").read_text("utf-8"))
    config = readable(config) | {"quantization_config": without_paths(quantization)}
    files.write_text(raw / "config.json", json.dumps(config, indent=2, sort_keys=True))


def without_paths(quantization: Mapping[str, Any]) -> dict[str, Any]:
    """Return a quantization's settings without what differs from run to run."""
    if not (meta := quantization.get("meta")):
        return dict(quantization)
    kept = {key: meta[key] for key in meta if key not in RANDOM_SETTINGS}
    return {**quantization, "meta": kept}


def readable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config of float16 that transformers 4, which serves on Kaggle, reads as 5 does."""
    return saved_model.config_for_both({**config, "dtype": "float16"})


def gptq_settings(group_size: int, **more: Any) -> dict[str, Any]:
    """Return the `quantization_config` of the GPTQ layout: 8 bit, symmetric, natural order."""
    return {
        "quant_method": "gptq",
        "bits": 8,
        "group_size": group_size,
        "sym": True,
        "desc_act": False,
        "lm_head": False,
        "checkpoint_format": "gptq",
        **more,
    }
