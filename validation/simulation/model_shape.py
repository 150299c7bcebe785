"""A model's sizes, computed from its `config.json` alone: parameters, weights, KV bytes a token.

Covers: decoder-only models of the Llama kind (gated MLP, MHA or GQA, tied or untied embedding),
at 8 and 16 bits. Does not cover: mixtures of experts and latent attention, which are refused.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GROUP = 128
"""Weights that share one 16-bit scale in the 8-bit recipe."""
UNSUPPORTED = ("num_experts", "num_local_experts", "n_routed_experts", "kv_lora_rank")


SIZES = (
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
class ModelShape:
    """The numbers of a model that decide about memory and speed."""

    name: str
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
    def embedding(self) -> int:
        """Parameters of embedding and head, which stay at 16 bits."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters but the norms, which are a few thousandths of a percent."""
        return self.linear + self.embedding

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values a token, at 16 bits."""
        return self.layers * self.kv_heads * self.head_size * 2 * 2

    def linear_bytes(self, bits: int) -> int:
        """Return the bytes of the layers' matrices; below 16 bits with a scale a group."""
        return self.linear * bits // 8 + (0 if bits == 16 else self.linear // GROUP * 2)

    def weight_bytes(self, bits: int) -> int:
        """Return the weights' bytes on the GPUs."""
        return self.linear_bytes(bits) + self.embedding * 2

    def read_bytes(self, bits: int) -> int:
        """Return the bytes of weights that a step reads: all but the embedding of the input."""
        return self.linear_bytes(bits) + self.vocabulary * self.hidden * 2


def model_shape(path: Path) -> ModelShape:
    """Return the sizes of the model whose folder, or `config.json`, is at `path`.

    Raises:
        ModelError: there is no such file, or it describes a model of another kind.
    """
    path = path / "config.json" if path.is_dir() else path
    try:
        read: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a model's config.json: {error}.") from None
    if not isinstance(read, dict):
        raise ModelError(f"{path} is no JSON object: name a model's config.json.")
    return shape_of(read, path.parent.name or str(path))  # pyright: ignore[reportUnknownArgumentType]


def shape_of(read: dict[str, Any], name: str) -> ModelShape:
    """Return the sizes that a Hugging Face configuration tells."""
    if kind := next((key for key in UNSUPPORTED if read.get(key)), None):
        raise ModelError(f"{name} has {kind}: such models are not planned for.")
    sizes = {key: _size(read, key, name) for key in SIZES}
    heads, hidden = sizes["num_attention_heads"], sizes["hidden_size"]
    kv_heads = _size({"num_key_value_heads": heads, **_given(read)}, "num_key_value_heads", name)
    head_size = _size({"head_dim": hidden // heads, **_given(read)}, "head_dim", name)
    if heads % kv_heads:
        raise ModelError(f"{name} has {heads} heads for {kv_heads} KV heads: name a decoder's.")
    tied = read.get("tie_word_embeddings")
    return ModelShape(
        name,
        layers=sizes["num_hidden_layers"],
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_size=head_size,
        intermediate=sizes["intermediate_size"],
        vocabulary=sizes["vocab_size"],
        tied=str(read.get("model_type")).startswith(TIED) if tied is None else bool(tied),
    )


def _given(read: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is null: it means the default."""
    return {key: value for key, value in read.items() if value is not None}


def _size(read: dict[str, Any], key: str, name: str) -> int:
    """Return a size: a whole number, at least 1."""
    if key not in read:
        raise ModelError(f"{name}'s config.json lacks {key!r}: name a decoder's.")
    value = read[key]
    if type(value) is not int or value < 1:
        raise ModelError(f"{name}'s config.json has {value!r} as its {key}: name a decoder's.")
    return value


NUMINA = ModelShape("NuminaMath-7B", 30, 4096, 32, 32, 128, 11008, 102400, False)
"""NuminaMath-7B-TIR (DeepSeekMath-7B): the model of the competition's first winner."""
