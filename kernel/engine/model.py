"""A model's sizes, and what its folder says about its weights.

Covers: decoders as their `config.json` describes them (gated MLP, grouped KV heads, tied or untied
embedding), and how their weights are quantized. Does not cover: what the weight files hold
(`checks/headers`), and what follows for the engine (`profile`).
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

COUNTS = (
    "num_attention_heads",
    "hidden_size",
    "num_hidden_layers",
    "intermediate_size",
    "vocab_size",
)
TIED = "gemma"
"""Kinds of models whose head is the embedding where their config does not say so. Source:
transformers' defaults."""


class ModelError(ValueError):
    """A model whose sizes cannot be computed; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of a model that decide about memory and speed."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> int:
        """Parameters of the layers' matrices: what is quantized."""
        attention = self.hidden * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values a token, at 16 bits."""
        return self.layers * self.kv_heads * self.head_size * 2 * 2

    def kv_bytes_over(self, ranks: int) -> int:
        """Return the same on all GPUs that share each layer.

        A KV head lies whole on a GPU: where there are more GPUs than KV heads, some hold copies.
        """
        return self.kv_bytes * max(ranks, self.kv_heads) // self.kv_heads


MOST = 2**31
"""No size of a model comes near it."""


def sizes_of(read: Mapping[str, Any], name: str) -> Sizes:
    """Return the sizes in a Hugging Face configuration; null means the default.

    Raises:
        ModelError: it describes a model of another kind.
    """
    given = {key: value for key, value in read.items() if value is not None}
    heads, hidden, layers, intermediate, vocabulary = (_count(given, c, name) for c in COUNTS)
    kv_heads = _count({"num_key_value_heads": heads, **given}, "num_key_value_heads", name)
    head_size = _count({"head_dim": hidden // heads, **given}, "head_dim", name)
    if heads % kv_heads:
        raise ModelError(f"{name} has {heads} heads for {kv_heads} KV heads: use a decoder model.")
    tied = bool(given.get("tie_word_embeddings", str(read.get("model_type")).startswith(TIED)))
    return Sizes(layers, hidden, heads, kv_heads, head_size, intermediate, vocabulary, tied)


def _count(read: Mapping[str, Any], key: str, name: str) -> int:
    """Return a whole number, at least 1."""
    if key not in read:
        raise ModelError(f"{name}'s config.json lacks {key!r}: use a decoder model.")
    value = read[key]
    if type(value) is not int or not 1 <= value < MOST:
        shown = repr(value)[:40]
        raise ModelError(f"{name}'s config.json has {shown} as its {key}: use a decoder model.")
    return value


def is_shareable(quantization: Mapping[str, Any]) -> bool:
    """Whether several GPUs can share a layer's weights: vLLM refuses that for bitsandbytes."""
    return quantization.get("quant_method") != "bitsandbytes"


@dataclass(frozen=True, slots=True)
class Model:
    """A model's folder, as far as it decides where the model fits."""

    sizes: Sizes
    weight_bytes: int
    """Of its safetensors files."""
    quantization: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """`quantization_config` of its configuration."""

    @property
    def weight_mib(self) -> int:
        """MiB of its weights."""
        return self.weight_bytes >> 20

    @property
    def group(self) -> int:
        """How many weights share a scale, 0 where none or a whole row do."""
        groups: Mapping[str, Any] = self.quantization.get("config_groups") or {}
        parts: list[Mapping[str, Any]] = [group.get("weights") or {} for group in groups.values()]
        return max(0, *(int(part.get("group_size") or 0) for part in (self.quantization, *parts)))

    def splits_into(self, ranks: int) -> bool:
        """Whether so many GPUs can share a layer: heads whole, no quantization group split."""
        sizes, group = self.sizes, ranks * self.group
        # The attention's output has a row of its weights for each of its heads' numbers.
        split = (sizes.intermediate, sizes.heads * sizes.head_size)
        whole = all(rows % group == 0 for rows in split) if group else True
        # KV heads are shared out evenly, or each lies on as many GPUs as the others.
        even = max(sizes.kv_heads, ranks) % min(sizes.kv_heads, ranks) == 0
        heads = sizes.heads % ranks == 0 and even
        return ranks == 1 or (heads and whole and is_shareable(self.quantization))


def read_config(folder: Path) -> Mapping[str, Any]:
    """Return a model's Hugging Face configuration; {} where the file holds no JSON object.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    read: Any = json.loads((folder / "config.json").read_text("utf-8"))
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def read_model(folder: Path) -> Model | None:
    """Return what a model's folder says, None where it cannot be understood."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        read = read_config(folder)
        weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        return Model(sizes_of(read, folder.name), weights, read.get("quantization_config") or {})
    return None
