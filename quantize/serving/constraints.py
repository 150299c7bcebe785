"""Would vLLM 0.18.1 load this model folder on two T4s? Its loader's rules, applied to the files.

Covers: GPTQ (the Marlin GPU kernel's bits, symmetry and groups, order), compressed-tensors int8,
bitsandbytes; groups and heads against tensor-parallel shards; float16; names and shapes against the
config; files and index; tokenizer. Each rule was read in vLLM's source (`gptq_marlin.py`,
`marlin_utils.py`, `compressed_tensors.py`, `parameter.py`, the loaders of `llama.py`). Does not
cover: running it; whether the numbers are any good (`compare`).
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kernel.checks.headers import TensorHeader, read_folder
from kernel.checks.preflight import profile_of
from kernel.config import Config
from kernel.engine.gpu import T4
from kernel.engine.model import is_shareable, read_model
from kernel.engine.profile import choose
from quantize.comparison.load import open_tensors
from quantize.serving import layers, tokenizer

T4S = (T4, T4)
GROUP_SIZES = (-1, 32, 64, 128)
"""Marlin's; -1 is one group a channel."""
T4_BYTES = 0.92 * 14.7 * 2**30
"""What vLLM may use of one T4 at its default share of the memory."""
THETA = 10_000.0
"""What transformers 4 takes where a config names no `rope_theta`."""


def faults(folder: Path, tensor_parallel: int | None = None) -> list[str]:
    """Return one sentence for each reason why the folder would not load or answer rightly.

    Args:
        folder: a model folder, complete.
        tensor_parallel: ranks that share each layer; None: what the kernel takes on two T4s.
    """
    ranks = tensor_parallel or kernel_ranks(folder)
    config = _read_json(folder / "config.json")
    if config is None:
        return ["config.json is missing or no JSON object."]
    tensors, found = read_folder(folder)
    settings: dict[str, Any] = config.get("quantization_config") or {}
    found += list(_config_faults(config))
    found += list(_settings_faults(folder, settings, ranks))
    if tensors:
        found += list(_type_faults(tensors, settings))
        found += layers.faults(folder, settings, tensors, ranks)
        found += list(_order_faults(folder, settings, tensors))
        found += list(_size_faults(folder, ranks))
    return found + tokenizer.faults(folder, config)


def remarks(folder: Path, tensor_parallel: int | None = None) -> list[str]:
    """Return one sentence for each reason why a folder without faults would be served slowly."""
    settings: dict[str, Any] = (_read_json(folder / "config.json") or {}).get(
        "quantization_config"
    ) or {}
    if settings.get("quant_method") != "gptq":
        return []
    found = layers.misfits(folder, tensor_parallel or kernel_ranks(folder))
    if settings.get("desc_act") and settings.get("group_size") != -1:
        found.append("desc_act is on: slower, all scales on each GPU; vLLM 0.30 refuses it.")
    return found


def kernel_ranks(folder: Path) -> int:
    """Return how many of two T4s share a layer: what the profile says, or the kernel chooses."""
    engine: dict[str, Any] = profile_of(folder).get("engine") or {}
    config = Config()
    chosen = choose(T4S, read_model(folder), config.candidates, config.max_context)
    return int({**chosen.arguments, **engine}["tensor_parallel_size"])


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _config_faults(config: Mapping[str, Any]) -> Iterator[str]:
    dtype = config.get("torch_dtype") or config.get("dtype")
    if dtype != "float16":
        yield f"config.json says dtype {dtype}: a T4 computes in float16 only."
    if not config.get("architectures"):
        yield "config.json names no architecture: vLLM cannot tell what to load."
    # transformers 5 moved the rotation's base; transformers 4 would take its default, silently.
    rope: dict[str, Any] = config.get("rope_parameters") or {}
    theta = rope.get("rope_theta", THETA)
    if config.get("rope_theta", THETA) != theta:
        yield f"config.json keeps rope_theta {theta:g} where transformers 4 does not look for it."


def _settings_faults(folder: Path, settings: Mapping[str, Any], ranks: int) -> Iterator[str]:
    """Hold the quantization's settings to what the T4's kernels run."""
    method = settings.get("quant_method")
    if method == "gptq":
        yield from _gptq_faults(settings)
        beside = _read_json(folder / "quantize_config.json") or {}
        for key in ("bits", "group_size", "sym", "desc_act"):
            if key in beside and beside[key] != settings.get(key):
                yield f"quantize_config.json and config.json differ in {key}: write both again."
    elif method == "compressed-tensors":
        yield from _compressed_faults(settings)
    elif not is_shareable(settings):
        if ranks > 1:
            yield f"{method} checkpoints cannot be shared by several GPUs: serve on one."
    elif method:
        yield f"{method} weights are unknown to this check: use gptq or w8a8."
    elif (folder / "quantize_config.json").is_file():
        yield "quantize_config.json is there, but config.json has no quantization_config."


def _gptq_faults(settings: Mapping[str, Any]) -> Iterator[str]:
    for key in ("bits", "group_size", "sym", "desc_act"):
        if settings.get(key) is None:
            yield f"quantization_config lacks {key}: Marlin is chosen only where it is known."
            return
    if settings["bits"] not in (4, 8):
        yield f"bits is {settings['bits']}: Marlin runs 4 and 8."
    if settings["sym"] is not True:
        yield "The weights are not symmetric: Marlin has no zero points for GPTQ."
    if settings["group_size"] not in GROUP_SIZES:
        yield f"group_size is {settings['group_size']}: Marlin runs {GROUP_SIZES}."
    if settings.get("lm_head"):
        yield "lm_head is quantized: leave it in float16."


def _compressed_faults(settings: Mapping[str, Any]) -> Iterator[str]:
    groups: dict[str, dict[str, Any]] = settings.get("config_groups") or {}
    if not groups:
        yield "quantization_config has no config_groups."
    for name, group in groups.items():
        weights: dict[str, Any] = group.get("weights") or {}
        inputs: dict[str, Any] = group.get("input_activations") or {}
        if (weights.get("num_bits"), weights.get("type")) != (8, "int"):
            yield f"{name}: weights are not int8, which is what a T4 runs."
        if not weights.get("symmetric"):
            yield f"{name}: weights are not symmetric."
        if inputs and weights.get("strategy") not in ("channel", "tensor"):
            yield f"{name}: W8A8 weights need one scale a channel or a tensor."
        if inputs and (inputs.get("num_bits"), inputs.get("type")) != (8, "int"):
            yield f"{name}: activations are not int8, which is what a T4 runs."


def _type_faults(tensors: Mapping[str, TensorHeader], settings: Mapping[str, Any]) -> Iterator[str]:
    """Refuse floats of other types than float16: bfloat16's range would be cut on loading."""
    allowed = {"F16", "I32", "I8", "I64", "U8"}
    if settings.get("quant_method") == "bitsandbytes":
        allowed |= {"F32"}  # the scales of its rows
    odd = sorted(name for name, tensor in tensors.items() if tensor.dtype not in allowed)
    # Scales may be wider: the loader has float32 parameters for those of compressed-tensors.
    odd = [name for name in odd if not name.endswith("weight_scale")]
    if odd:
        yield f"{len(odd)} tensors are not float16, {odd[0]} ({tensors[odd[0]].dtype}) first."


def _order_faults(
    folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, TensorHeader]
) -> Iterator[str]:
    """Refuse groups in another order than the config says: the answers would be garbage."""
    group = settings.get("group_size")
    if settings.get("quant_method") != "gptq" or settings.get("desc_act") or not group:
        return
    import torch

    try:
        with open_tensors(folder) as files:
            for name in sorted(n for n in tensors if n.endswith(".g_idx")):
                order = files[name].get_tensor(name)
                step = group if group > 0 else len(order)
                if not torch.equal(order.long(), torch.arange(len(order)) // step):
                    yield f"{name} is not in natural order, though desc_act is off: quantize again."
                    return
    except Exception:  # a file that cannot be opened has its own sentence already
        return


def _size_faults(folder: Path, ranks: int) -> Iterator[str]:
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / ranks
    if size > T4_BYTES:
        yield f"{size / 2**30:.1f} GiB of weights a GPU do not fit a T4's 14.7 GiB."


def main() -> int:
    """Print the faults of the folder named on the command line; 1 where there are some."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print(
            "Name one model folder: python -m quantize.serving.constraints FOLDER", file=sys.stderr
        )
        return 2
    found = faults(Path(sys.argv[1]))
    for sentence in found:
        print(sentence)
    if not found:
        print("vLLM 0.18.1 would load it on two T4s.", *remarks(Path(sys.argv[1])), sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
