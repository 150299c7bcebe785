"""A model on the CPU in bfloat16, whatever its checkpoint: used by `probe_checks` on Kaggle.

Covers: unquantized checkpoints, and GPTQ of 8 bits (symmetric or not, groups, act-order) unpacked
to plain weights. Does not cover: other quantizations, which transformers is asked to load itself.
GPTQ's layout: `qweight` holds four 8-bit values per 32-bit word along the input, `qzeros` four
along the output, minus one; `scales` one number per group and output, `g_idx` the group of each
input.
"""

import json
from pathlib import Path
from typing import Any

BITS = 8
PER_WORD = 32 // BITS


def unpack_rows(words: Any) -> Any:
    """Return the 8-bit values of packed rows: shape (n, m) becomes (4 n, m)."""
    import torch

    shifts = torch.arange(0, 32, BITS, dtype=torch.int32).view(1, PER_WORD, 1)
    values = (words.unsqueeze(1) >> shifts) & 0xFF
    return values.reshape(-1, words.shape[1])


def dequantized(tensors: dict[str, Any], prefix: str, zero_offset: int = 1) -> Any:
    """Return a linear layer's weight (output x input) as float32.

    Args:
        tensors: by full name.
        prefix: the layer's.
        zero_offset: 1 in the format that GPTQ checkpoints have had from the start, 0 in its
            second version.
    """
    values = unpack_rows(tensors[f"{prefix}.qweight"])
    zeros = unpack_rows(tensors[f"{prefix}.qzeros"].T.contiguous()).T + zero_offset
    scales = tensors[f"{prefix}.scales"].float()
    group = tensors[f"{prefix}.g_idx"].long()
    return ((values - zeros[group]).float() * scales[group]).T.contiguous()


def load(folder: Path) -> Any:
    """Return the model, ready to be called with ids."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    read: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    quantization: dict[str, Any] = read.get("quantization_config") or {}
    if quantization.get("quant_method") != "gptq" or quantization.get("bits") != BITS:
        return AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.bfloat16).eval()
    offset = 0 if quantization.get("checkpoint_format") == "gptq_v2" else 1
    config = AutoConfig.from_pretrained(str(folder))
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    missing: set[str] = set(model.state_dict())
    for shard in sorted(folder.glob("*.safetensors")):
        missing -= _fill(model, shard, offset)
    if getattr(config, "tie_word_embeddings", False):
        missing.discard("lm_head.weight")
    if missing:
        raise ValueError(f"{folder} lacks {len(missing)} tensors, {min(missing)} first.")
    return model.eval()


def _fill(model: Any, shard: Path, offset: int) -> set[str]:
    """Put a shard's tensors into the model; return their names."""
    import torch
    from safetensors.torch import load_file

    tensors = load_file(str(shard))
    own: dict[str, torch.Tensor] = model.state_dict()
    plain = {name: tensor for name, tensor in tensors.items() if name in own}
    for name in tensors:
        if name.endswith(".qweight"):
            prefix = name.removesuffix(".qweight")
            plain[f"{prefix}.weight"] = dequantized(tensors, prefix, offset)
    with torch.no_grad():
        for name, tensor in plain.items():
            own[name].copy_(tensor)
    return set(plain)
