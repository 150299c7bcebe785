"""Reads what the engine's settings follow from: the GPUs, and the model's sizes.

Covers: the GPUs as the driver tells, a model's folder. Does not cover: what follows (`profile`).
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernel.engine.profile import Gpu, ModelFacts


def read_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA can use, read from the driver: CUDA itself stays untouched.

    A process that has begun to use CUDA cannot fork workers any more.
    """
    import torch

    if not torch.cuda.is_available():
        return ()
    from vllm.platforms import current_platform

    platform: Any = current_platform
    found: list[Gpu] = []
    for index in range(torch.cuda.device_count()):
        capability = platform.get_device_capability(index)
        mib = platform.get_device_total_memory(index) >> 20
        name = platform.get_device_name(index)
        found.append(Gpu(name, mib, (capability.major, capability.minor)))
    return tuple(found)


def read_model(folder: Path) -> ModelFacts | None:
    """Return the sizes of a model's folder, None where it does not tell them."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        read: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        quantization: dict[str, Any] = read.get("quantization_config") or {}
        heads = int(read["num_attention_heads"])
        head_size = int(read.get("head_dim") or read["hidden_size"] // heads)
        kv_heads = int(read.get("num_key_value_heads") or heads)
        return ModelFacts(
            weight_mib=weights >> 20,
            kv_bytes=int(read["num_hidden_layers"]) * kv_heads * head_size * 4,
            heads=heads,
            intermediate=int(read["intermediate_size"]),
            group=_group(quantization),
            alone=quantization.get("quant_method") == "bitsandbytes",
        )
    return None


def _group(quantization: Mapping[str, Any]) -> int:
    """Return how many weights share a scale, 0 where none or a whole row do."""
    groups: Mapping[str, Any] = quantization.get("config_groups") or {}
    weights: list[Mapping[str, Any]] = [group.get("weights") or {} for group in groups.values()]
    sizes: list[int] = [int(part.get("group_size") or 0) for part in (quantization, *weights)]
    return max(0, *sizes)
