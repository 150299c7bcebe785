"""The tensors of a checkpoint against the layers that its config describes, shard by shard.

Covers: names and shapes of every tensor vLLM would look for, and how layers are cut between ranks.
Does not cover: settings, types and files (`serving`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernel.checks.headers import TensorHeader

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

ROW = ("o_proj", "down_proj")
"""Layers cut along their inputs; all other linear layers are cut along their outputs."""
SKIPPED = (".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached")
"""What vLLM's loaders pass over."""
TILE = (64, 128)
"""Marlin's, outputs by inputs."""
SHOWN = 3
PACK = 4
"""8-bit values in an int32."""


def faults(
    folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, TensorHeader], ranks: int
) -> list[str]:
    """Return a sentence for each kind of mismatch."""
    try:
        plain, linear, config = _model(folder)
    except Exception as error:  # transformers raises many kinds over an odd config
        return [f"config.json describes no model that transformers knows: {error}"]
    found = list(_head_faults(config, ranks))
    method = str(settings.get("quant_method") or "")
    wanted = dict(plain)
    for name in linear:
        if f"{name}.weight" in plain and (parts := _parts(name, linear[name], method, settings)):
            # A layer that was left as it was needs no parts.
            if _kept(name, tensors, method):
                continue
            del wanted[f"{name}.weight"]
            wanted |= parts
    found += list(_cut_faults(linear, tensors, method, settings, ranks))
    optional = {name for name in wanted if name.endswith(".g_idx")}
    if config.tie_word_embeddings:
        optional.add("lm_head.weight")
    return found + list(_name_faults(wanted, tensors, optional, method))


def _model(
    folder: Path,
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, int]], "PreTrainedConfig"]:
    """Return all parameters' shapes, the linear layers' (outputs, inputs), and the config."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    plain = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    linear = {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and not name.endswith("lm_head")
    }
    return plain, linear, config


def misfits(folder: Path, ranks: int) -> list[str]:
    """Return a sentence for each kind of layer that Marlin cannot run in vLLM 0.18.1.

    There its tiles are 128 inputs by 64 outputs of a shard; other shapes go to the exllama kernel.
    """
    found: dict[str, str] = {}
    for name, (outputs, inputs) in _model(folder)[1].items():
        kind = name.rpartition(".")[2]
        shard = (outputs, inputs // ranks) if kind in ROW else (outputs // ranks, inputs)
        if shard[0] % TILE[0] or shard[1] % TILE[1]:
            shape = f"{shard[1]} by {shard[0]}"
            found[kind] = f"{kind}: {shape} fits no Marlin tile; the slower exllama runs it."
    return list(found.values())


def _parts(
    name: str, shape: tuple[int, int], method: str, settings: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Return what a quantized layer stores in place of its weight, {} where it keeps it."""
    outputs, inputs = shape
    if method == "gptq":
        group = settings.get("group_size") or -1
        groups = 1 if group < 0 else -(-inputs // group)
        return {
            f"{name}.qweight": (inputs // PACK, outputs),
            f"{name}.qzeros": (groups, outputs // PACK),
            f"{name}.scales": (groups, outputs),
            f"{name}.g_idx": (inputs,),
        }
    if method == "compressed-tensors":
        return {f"{name}.weight": shape, f"{name}.weight_scale": (outputs, 1)}
    return {}


def _kept(name: str, tensors: Mapping[str, TensorHeader], method: str) -> bool:
    """Tell whether a layer of a quantized checkpoint is stored as it was."""
    weight = tensors.get(f"{name}.weight")
    return weight is not None and (method == "gptq" or weight.dtype != "I8")


def _head_faults(config: "PreTrainedConfig", ranks: int) -> Iterator[str]:
    heads = config.num_attention_heads
    pairs = getattr(config, "num_key_value_heads", None) or heads
    if heads % ranks:
        yield f"{heads} attention heads cannot be shared by {ranks} GPUs."
    elif pairs % ranks and ranks % pairs:
        yield f"{pairs} key-value heads cannot be shared by {ranks} GPUs."


def _cut_faults(
    linear: Mapping[str, tuple[int, int]],
    tensors: Mapping[str, TensorHeader],
    method: str,
    settings: Mapping[str, Any],
    ranks: int,
) -> Iterator[str]:
    """Refuse layers whose shards are not whole numbers of values, words or groups."""
    group = settings.get("group_size", -1) if method == "gptq" else -1
    seen: set[tuple[str, int, int]] = set()
    for name, (outputs, inputs) in linear.items():
        kind = name.rpartition(".")[2]
        if (kind, outputs, inputs) in seen:
            continue  # every layer has the same shapes: one sentence is enough
        seen.add((kind, outputs, inputs))
        row = kind in ROW
        cut = inputs if row else outputs
        if cut % ranks:
            yield f"{kind}'s {cut} {'inputs' if row else 'outputs'} cannot be cut in {ranks}."
            continue
        shard = inputs // ranks if row else inputs
        if group > 0 and shard % group and f"{name}.qweight" in tensors:
            yield (
                f"{kind}: groups of {group} would straddle ranks of {shard} inputs: quantize with "
                "smaller groups, or serve on one GPU."
            )


def _name_faults(
    wanted: Mapping[str, tuple[int, ...]],
    tensors: Mapping[str, TensorHeader],
    optional: set[str],
    method: str,
) -> Iterator[str]:
    if method == "bitsandbytes":
        # Its weights lie beside their statistics, whose names are bitsandbytes' own.
        wanted = {name: tensors[name].shape if name in tensors else () for name in wanted}
        tensors = {name: tensor for name, tensor in tensors.items() if name in wanted}
    missing = sorted(set(wanted) - set(tensors) - optional)
    unknown = sorted(
        name
        for name in set(tensors) - set(wanted) - optional
        # Marlin's loader passes over biases that the model does not have.
        if not name.endswith((*SKIPPED, ".bias"))
    )
    for what, names in (("missing", missing), ("unknown to the model", unknown)):
        if names:
            some = ", ".join(names[:SHOWN])
            yield f"{len(names)} tensors are {what}: {some}{' ...' if len(names) > SHOWN else ''}."
    for name in sorted(set(wanted) & set(tensors)):
        shape = tensors[name].shape
        if shape != wanted[name] and not _same_scale(name, shape, wanted[name]):
            yield f"{name} has shape {shape}, the config asks for {wanted[name]}."


def _same_scale(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """A scale a channel may lack its last dimension, a scale a tensor has but one value."""
    return name.endswith("weight_scale") and shape in ((wanted[0],), (1,), ())
