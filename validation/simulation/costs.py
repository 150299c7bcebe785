"""What a step of the engine costs in seconds, from the model's sizes and the GPU's constants.

Covers: memory left for keys and values, and the time of one step from the sequences that decode,
the KV tokens they read and the prompt tokens that are prefilled; GPUs T4, L4, H100; calibration by
what a probe has measured. Does not cover: queueing (`simulation/engine`).

A step reads all weights once, computes two floating point operations a parameter and token, reads
the keys and values of every context, adds two all-reduces a layer where GPUs share layers, and has
a fixed cost. Weights and compute overlap (the larger counts), attention comes on top.
Constants are estimates until a probe's file replaces them; `make plan` prints them.
"""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from validation.simulation.model_shape import ModelShape

GIB = 2**30


class CalibrationError(ValueError):
    """A calibration file that cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """The constants of one GPU kind. Rates are effective ones, not those of the data sheet."""

    name: str
    count: int
    """GPUs of the machine that competitions lend."""
    memory_gib: float
    """As CUDA reports it for one GPU."""
    weight_gb_s: float
    """Reading weights in a decode step, GB/s (8-bit Marlin and 16-bit alike)."""
    attention_gb_s: float
    """Reading keys and values at decode, GB/s."""
    compute_tflops: float
    """16-bit matrix products, TFLOP/s."""
    link_gb_s: float
    """All-reduce between two GPUs, GB/s."""
    link_seconds: float = 30e-6
    """Latency of one all-reduce."""
    step_seconds: float = 0.003
    """Fixed cost of a step: scheduling, sampling, detokenizing, with CUDA graphs."""
    rest_gib: float = 1.1
    """Activations, CUDA graphs and context of each GPU, out of the part that vLLM may use."""
    utilization: float = 0.92
    """Part of the memory that vLLM may use."""


# T4: 14.56 GiB usable, 320 GB/s by data sheet, of which Marlin reaches about 250; Triton's
# attention reads KV at about 45 GB/s on it (both from other people's measurements on this GPU);
# 65 TFLOP/s by data sheet, a third of it sustained at 70 W; PCIe without custom all-reduce.
T4 = Gpu("T4", 2, 14.56, 250.0, 45.0, 22.0, 6.0)
# L4 and H100: data sheet 300 and 3350 GB/s, 121 and 990 TFLOP/s; four fifths and a half taken.
L4 = Gpu("L4", 4, 22.0, 240.0, 200.0, 60.0, 10.0)
H100 = Gpu("H100", 1, 79.1, 2700.0, 2000.0, 500.0, 200.0, rest_gib=3.0)
GPUS = {gpu.name: gpu for gpu in (T4, L4, H100)}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model lies on the GPUs: `ranks` share each layer, `replicas` hold it independently."""

    ranks: int
    replicas: int
    bits: int

    @property
    def name(self) -> str:
        """The layout for people."""
        parts = f"TP{self.ranks}" if self.replicas == 1 else f"{self.replicas} replicas"
        if self.replicas > 1 and self.ranks > 1:
            parts += f" of TP{self.ranks}"
        return f"{parts}, {self.bits} bit"


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of one replica."""

    gpu: Gpu
    model: ModelShape
    layout: Layout

    @property
    def kv_tokens(self) -> int:
        """Tokens whose keys and values fit into one replica; below 0 where not even weights do."""
        usable = self.gpu.utilization * self.gpu.memory_gib - self.gpu.rest_gib
        left = self.layout.ranks * usable * GIB - self.model.weight_bytes(self.layout.bits)
        return int(left / self.model.kv_bytes)

    def step(self, decoding: int, kv_tokens: float, prefilled: int = 0) -> float:
        """Return the seconds of one step.

        Args:
            decoding: sequences that get one token.
            kv_tokens: their contexts' tokens together (each sequence reads its own).
            prefilled: prompt tokens computed in this step.
        """
        gpu, ranks, tokens = self.gpu, self.layout.ranks, decoding + prefilled
        weights = self.model.weight_bytes(self.layout.bits) / ranks / (gpu.weight_gb_s * 1e9)
        compute = 2 * self.model.parameters * tokens / ranks / (gpu.compute_tflops * 1e12)
        attention = kv_tokens * self.model.kv_bytes / ranks / (gpu.attention_gb_s * 1e9)
        return max(weights, compute) + attention + self._reduced(tokens) + gpu.step_seconds

    def _reduced(self, tokens: int) -> float:
        """Return the seconds of the all-reduces: two a layer over 16-bit activations."""
        if self.layout.ranks == 1:
            return 0.0
        volume = tokens * self.model.hidden * 2 / (self.gpu.link_gb_s * 1e9)
        return 2 * self.model.layers * (volume + self.gpu.link_seconds)

    def tokens_per_second(self, sequences: int, context: int) -> float:
        """Return the decode rate of the whole machine at so many sequences of such contexts."""
        each = sequences / self.layout.replicas
        step = self.step(round(each), each * context)
        return sequences / step


def calibrated(gpu: Gpu, path: Path) -> Gpu:
    """Return the GPU with the constants that a probe has measured (its JSON's `constants`).

    Raises:
        CalibrationError: the file is none, or measured another GPU.
    """
    try:
        read: Any = json.loads(path.read_text("utf-8"))
        constants: dict[str, Any] = read["constants"]
        measured = str(read["gpu"])
        values = {name: float(value) for name, value in constants.items() if value is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationError(f"{path} is no probe's JSON ({error!r}).") from None
    if gpu.name not in measured:
        raise CalibrationError(f"{path} was measured on {measured}, not on {gpu.name}.")
    known = {field.name for field in fields(Gpu)} - {"name", "count"}
    if unknown := sorted(set(values) - known):
        raise CalibrationError(f"{path} has an unknown constant {unknown[0]!r}.")
    if bad := sorted(name for name, value in values.items() if not 0 < value < 1e6):
        raise CalibrationError(f"{path} has {bad[0]} {values[bad[0]]:g}: it must be above 0.")
    return replace(gpu, **values)
