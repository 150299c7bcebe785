"""Reads any model folder of this package back as a plain torch model, to measure it.

Covers: unquantized weights; GPTQ checkpoints in the layout of auto-gptq and GPTQModel (8 bit),
dequantized here, with torch and safetensors alone; compressed-tensors (needs the package
`compressed-tensors`) and bitsandbytes (needs `bitsandbytes`) through transformers. All load on a
CPU. Does not cover: serving them fast (vLLM), other bit widths, missing files (`check`, `serving`).
"""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open

if TYPE_CHECKING:
    from transformers import PreTrainedModel

THROUGH_TRANSFORMERS = {"compressed-tensors": "compressed_tensors", "bitsandbytes": "bitsandbytes"}
"""Methods that transformers reads, each with the package it needs."""
BITS = 8
PER_WORD = 32 // BITS
"""Values in one int32 of a packed tensor."""
GPTQ_PARTS = ("qweight", "qzeros", "scales", "g_idx")


class LoadError(ValueError):
    """A folder that cannot be read as a model; the message says what to do."""


def quantization(folder: Path) -> dict[str, Any]:
    """Return the quantization settings of a model folder, {} where it is unquantized."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    settings: dict[str, Any] | None = config.get("quantization_config")
    beside = folder / "quantize_config.json"
    if not settings and beside.is_file():
        # auto-gptq writes its settings here only, and without naming its method.
        settings = {"quant_method": "gptq", **json.loads(beside.read_text("utf-8"))}
    return settings or {}


def load(
    folder: Path, dtype: torch.dtype = torch.float32, device: str = "cpu"
) -> "PreTrainedModel":
    """Return the model in evaluation mode, its weights as numbers of `dtype` where possible.

    Raises:
        LoadError: its quantization is none of those above, or tensors are missing.
    """
    method = quantization(folder).get("quant_method")
    if method == "gptq":
        model = _load_gptq(folder, dtype)
    elif method is None or method in THROUGH_TRANSFORMERS:
        model = _load_with_transformers(folder, method, dtype)
    else:
        raise LoadError(f"{folder} is quantized with {method}: only gptq, w8a8 and bnb are read.")
    return model.to(device).eval() if method != "bitsandbytes" else model.eval()


def _load_with_transformers(
    folder: Path, method: str | None, dtype: torch.dtype
) -> "PreTrainedModel":
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
    except ImportError as error:
        package = THROUGH_TRANSFORMERS.get(method or "", "transformers")
        raise LoadError(f"{folder} needs the package {package}: {error}") from None


def _load_gptq(folder: Path, dtype: torch.dtype) -> "PreTrainedModel":
    """Fill an empty model tensor by tensor: memory is one model and one tensor."""
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.initialization import no_init_weights

    settings = quantization(folder)
    if settings.get("bits") != BITS:
        raise LoadError(f"{folder} has {settings.get('bits')} bits: only {BITS} bits are read.")
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with no_init_weights():
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.tie_weights()
    wanted = model.state_dict()
    # Tied tensors share their storage: filling one of them fills the others.
    filled: set[int] = set()
    with torch.no_grad():
        for name, tensor in _plain_tensors(folder, _zero_offset(settings)):
            if name in wanted:
                wanted[name].copy_(tensor)
                filled.add(wanted[name].data_ptr())
    missing = sorted(name for name, tensor in wanted.items() if tensor.data_ptr() not in filled)
    if missing:
        raise LoadError(f"{folder} lacks {len(missing)} tensors, {missing[0]} first: build again.")
    return model


def _zero_offset(settings: dict[str, Any]) -> int:
    """Return what is added to stored zero points: the first format stores them less one."""
    return 0 if settings.get("checkpoint_format") == "gptq_v2" else 1


def _plain_tensors(folder: Path, offset: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield all tensors by name, packed ones dequantized under their `weight`'s name."""
    with open_tensors(folder) as files:
        for name in sorted(files):
            base, _, part = name.rpartition(".")
            if part == "qweight":
                parts = [files[f"{base}.{key}"].get_tensor(f"{base}.{key}") for key in GPTQ_PARTS]
                yield f"{base}.weight", dequantize(*parts, offset=offset)
            elif part not in GPTQ_PARTS or f"{base}.qweight" not in files:
                yield name, files[name].get_tensor(name)


@contextmanager
def open_tensors(folder: Path) -> Generator[dict[str, safe_open]]:
    """Give the open safetensors file of each tensor, by the tensor's name."""
    with ExitStack() as stack:
        files: dict[str, safe_open] = {}
        for path in sorted(folder.glob("*.safetensors")):
            opened = stack.enter_context(safe_open(path, "pt"))
            files.update(dict.fromkeys(opened.keys(), opened))
        yield files


def dequantize(
    qweight: torch.Tensor,
    qzeros: torch.Tensor,
    scales: torch.Tensor,
    g_idx: torch.Tensor,
    *,
    offset: int = 1,
) -> torch.Tensor:
    """Return the weight, outputs by inputs, in float32.

    Args:
        qweight: int32, inputs/4 by outputs; four inputs in a word, the lowest byte first.
        qzeros: int32, groups by outputs/4; four outputs in a word.
        scales: groups by outputs.
        g_idx: the group of each input.
        offset: what the stored zero points lack (1 in auto-gptq's format, 0 in the second one).
    """
    values = _bytes(qweight).permute(0, 2, 1).reshape(-1, qweight.shape[1])
    zeros = _bytes(qzeros).reshape(qzeros.shape[0], -1) + offset
    groups = g_idx.long()
    plain = (values - zeros[groups]).float() * scales.float()[groups]
    return plain.T.contiguous()


def _bytes(words: torch.Tensor) -> torch.Tensor:
    """Return the bytes of int32 words, lowest first, along a new last dimension."""
    shifts = torch.arange(0, 32, BITS, dtype=torch.int32)
    return (words.unsqueeze(-1) >> shifts) & (2**BITS - 1)
