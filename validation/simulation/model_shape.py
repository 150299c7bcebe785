"""A model's sizes for the plan: parameters, weights and how much of them a step reads.

Covers: decoder-only models of the Llama kind (`kernel/engine/model`) at 8 and 16 bits. Does not
cover: mixtures of experts and latent attention, which are refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernel.checks.preflight import json_object
from kernel.config import ConfigError
from kernel.engine.model import ModelError, Sizes, sizes_of

GROUP = 128
"""Weights that share one 16-bit scale in the 8-bit recipe."""
UNSUPPORTED = ("num_experts", "num_local_experts", "n_routed_experts", "kv_lora_rank")


@dataclass(frozen=True, slots=True)
class ModelShape(Sizes):
    """A model by its sizes, quantized or not."""

    name: str

    @property
    def embedding(self) -> int:
        """Parameters of embedding and head, which stay at 16 bits."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters but the norms, which are a few thousandths of a percent."""
        return self.linear + self.embedding

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
        read = json_object(path)
    except ConfigError:
        raise ModelError(f"{path} is not a JSON object: name a model's config.json.") from None
    return shape_of(read, path.parent.name or str(path))


def shape_of(read: Mapping[str, Any], name: str) -> ModelShape:
    """Return the sizes that a Hugging Face configuration tells."""
    if kind := next((key for key in UNSUPPORTED if read.get(key)), None):
        raise ModelError(f"{name} has {kind}: such models are not planned for.")
    return ModelShape(**asdict(sizes_of(read, name)), name=name)


QWEN_MATH = ModelShape(28, 3584, 28, 4, 128, 18944, 152064, False, "Qwen2.5-Math-7B")
"""Qwen2.5-Math-7B: seven query heads share each KV head."""
NUMINA = ModelShape(30, 4096, 32, 32, 128, 11008, 102400, False, "NuminaMath-7B")
"""NuminaMath-7B-TIR (DeepSeekMath-7B): the model of the competition's first winner."""
