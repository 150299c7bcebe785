"""Tiny models for tests: a random Llama with the embedded tokenizer, and 8-bit copies of any model.

Covers: plain folders, the GPTQ layout by rounding to nearest, and int8 compressed-tensors. Does not
cover: calibration; these copies are only as good as rounding is.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from common import embedded_model

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def make_model(folder: Path, dtype: torch.dtype = torch.float32, **settings: Any) -> Path:
    """Write a random Llama of two layers, 128 wide, with a tokenizer that speaks chat."""
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 49152,
        "tie_word_embeddings": True,
        **settings,
    }
    config = LlamaConfig(**shape)
    model = LlamaForCausalLM(config).to(dtype)
    # Random weights of the usual scale predict next to nothing; these make choices.
    model.model.embed_tokens.weight.data *= 10
    model.save_pretrained(folder)
    source = embedded_model.ensure()
    for name in TOKENIZER:
        shutil.copyfile(source / name, folder / name)
    return folder


def pack(values: torch.Tensor) -> torch.Tensor:
    """Pack rows of bytes, four to an int32 along the first dimension, the lowest byte first."""
    words = values.to(torch.int64).reshape(-1, 4, values.shape[1])
    total = sum(words[:, i] << (8 * i) for i in range(4))
    return torch.where(total >= 2**31, total - 2**32, total).to(torch.int32).contiguous()


def gptq_tensors(weight: torch.Tensor, group: int) -> dict[str, torch.Tensor]:
    """Round one weight (outputs by inputs) to 8 bit and pack it as auto-gptq does."""
    outputs, inputs = weight.shape
    grouped = weight.float().T.reshape(inputs // group, group, outputs)
    scales = (grouped.abs().amax(1) / 127).half()
    rounded = (grouped / scales.float().unsqueeze(1)).round().clamp(-128, 127) + 128
    zeros = torch.full((inputs // group, outputs), 127)
    return {
        "qweight": pack(rounded.reshape(inputs, outputs)),
        "qzeros": pack(zeros.T.contiguous()).T.contiguous(),
        "scales": scales.contiguous(),
        "g_idx": (torch.arange(inputs) // group).int(),
    }


def make_gptq(source: Path, folder: Path, group: int = 64) -> Path:
    """Write an 8-bit copy in the GPTQ layout."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(source / "model.safetensors").items():
        base, _, last = name.rpartition(".")
        if last == "weight" and base.endswith(LINEAR):
            tensors |= {f"{base}.{key}": t for key, t in gptq_tensors(tensor, group).items()}
        else:
            tensors[name] = tensor.half()
    settings = {"quant_method": "gptq", "bits": 8, "group_size": group, "sym": True}
    settings |= {"desc_act": False, "checkpoint_format": "gptq", "lm_head": False}
    return _write(source, folder, tensors, settings)


def make_w8a8(source: Path, folder: Path) -> Path:
    """Write an int8 copy with a scale a channel, activations quantized as they come."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(source / "model.safetensors").items():
        base = name.removesuffix(".weight")
        if base.endswith(LINEAR):
            scale = tensor.float().abs().amax(1, keepdim=True) / 127
            rounded = (tensor.float() / scale).round().clamp(-128, 127)
            tensors |= {name: rounded.to(torch.int8), f"{base}.weight_scale": scale.half()}
        else:
            tensors[name] = tensor.half()
    form = {"num_bits": 8, "type": "int", "symmetric": True}
    scheme = {
        "targets": ["Linear"],
        "weights": {**form, "strategy": "channel", "dynamic": False},
        "input_activations": {**form, "strategy": "token", "dynamic": True},
    }
    settings = {
        "quant_method": "compressed-tensors",
        "format": "int-quantized",
        "quantization_status": "compressed",
        "config_groups": {"group_0": scheme},
        "ignore": ["lm_head"],
    }
    return _write(source, folder, tensors, settings)


def make_bnb(source: Path, folder: Path) -> Path:
    """Write an LLM.int8 copy with bitsandbytes itself."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    int8 = BitsAndBytesConfig(load_in_8bit=True)
    settings = {"quantization_config": int8, "dtype": torch.float16}
    AutoModelForCausalLM.from_pretrained(source, **settings).save_pretrained(folder)
    for name in TOKENIZER:
        shutil.copyfile(source / name, folder / name)
    return folder


def _write(
    source: Path, folder: Path, tensors: dict[str, torch.Tensor], settings: dict[str, Any]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((source / "config.json").read_text("utf-8"))
    config |= {"quantization_config": settings, "dtype": "float16"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    for name in (*TOKENIZER, "generation_config.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    return folder
