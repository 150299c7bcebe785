"""How many seconds a step of the engine costs, from the model's sizes and the GPU's constants.

Covers: memory left for keys and values, and the time of one step from the sequences that decode,
the KV tokens they read and the prompt tokens that are prefilled; GPUs T4, L4, H100; calibration
with what a probe has measured. Does not cover: queueing (`simulation/engine`).

Grouped KV heads: a cached position is read once for all query heads that share it. vLLM's Triton
GPU kernel reads at the same rate for them, since it computes 16 rows whether one query head fills
them or seven. The package's own is memory-bound up to two (`make bench-attention`); beyond, waiting
bounds it: an H100 read 467 GB/s for seven, which by clock and multiprocessors is 80 on a T4.

A step reads all weights once, computes two floating-point operations per parameter and token, reads
the keys and values of every context, adds two all-reduces per layer where GPUs share layers, and
has a fixed cost and a cost per sequence. Weights and compute overlap (the larger counts); attention
comes on top. Constants are estimates until a probe's file replaces them; `make plan` prints them.

Sources of the T4's, with the range in which they may lie:
  weights 230 GB/s         of 320 by data sheet; Marlin at decode, from other people's runs
  Triton attention 45      35 to 65: vLLM's unified attention finds no tensor cores below sm_80;
                           vLLM issue 25172, Whisper on a T4, comes to 55 to 65
  own attention 200        160 to 240: predicted, bound by memory (`make bench-attention`)
  the same, grouped 80     60 to 160: more than two query heads a KV head, scaled from an H100
                           (`make bench-attention_gpu`)
  FlashInfer 150           100 to 220: not seen on a T4 by us
  fixed cost 6 ms          4 to 12, and 0.2 ms a sequence, of which a seeded request is a launch of
                           its own: fitted to a published T4, see `PUBLISHED`
  compute 22 TFLOP/s       65 by data sheet, a third of it sustained at 70 W
  all-reduce 6 GB/s        over PCIe, without vLLM's own all-reduce
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from kernel.engine.model import Model
from kernel.engine.profile import MIB, kv_tokens
from validation.simulation.model_shape import GROUP, ModelShape

GIB = 2**30


class CalibrationError(ValueError):
    """A calibration file that cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class GpuKind:
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
    """Fixed cost of a step: scheduling, launches, with CUDA graphs."""
    sequence_seconds: float = 0.0002
    """Cost of a step for each of its sequences: sampling with a seed of its own, detokenizing."""
    rest_gib: float = 1.1
    """Activations, CUDA graphs and context of each GPU, out of the part that vLLM may use."""
    utilization: float = 0.92
    """Part of the memory that vLLM may use."""


@dataclass(frozen=True, slots=True)
class Range:
    """A constant that is not known better than that."""

    low: float
    typical: float
    high: float


T4_ATTENTION = {
    "triton": Range(35.0, 45.0, 65.0),
    "own": Range(160.0, 200.0, 240.0),
    "flashinfer": Range(100.0, 150.0, 220.0),
}
"""Reading keys and values at decode on a T4, GB/s."""
OWN_GROUPED = Range(60.0, 80.0, 160.0)
"""Of the package's own with more than `MEMORY_BOUND` query heads a KV head."""
MEMORY_BOUND = 2
T4 = GpuKind("T4", 2, 14.56, 230.0, T4_ATTENTION["triton"].typical, 22.0, 6.0, step_seconds=0.006)
# L4 and H100: data sheet 300 and 3350 GB/s, 121 and 990 TFLOP/s; four fifths and a half taken.
L4 = GpuKind("L4", 4, 22.0, 240.0, 200.0, 60.0, 10.0)
H100 = GpuKind("H100", 1, 79.1, 2700.0, 2000.0, 500.0, 200.0, rest_gib=3.0)
GPUS = {gpu.name: gpu for gpu in (T4, L4, H100)}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model is placed: `ranks` GPUs share each layer, `replicas` hold it independently."""

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

    gpu: GpuKind
    model: ModelShape
    layout: Layout
    rebuilds_above: int | None = None
    """Rows above which weights are unpacked to 16 bits and read again, as exllama's kernel does."""

    @property
    def kv_tokens(self) -> int:
        """Tokens whose keys and values fit into one replica; below 0 where not even weights do."""
        gpu, weights = self.gpu, self.model.weight_bytes(self.layout.bits)
        ranks, kv_bytes = self.layout.ranks, self.model.kv_bytes_over(self.layout.ranks)
        room = (gpu.memory_gib * 1024, ranks, weights / MIB, kv_bytes)
        return kv_tokens(*room, rest_mib=gpu.rest_gib * 1024, utilization=gpu.utilization)

    def step(self, decoding: int, kv_tokens: float, prefilled: int = 0) -> float:
        """Return the seconds of one step.

        Args:
            decoding: sequences that get one token.
            kv_tokens: their contexts' tokens together (each sequence reads its own).
            prefilled: prompt tokens computed in this step.
        """
        gpu, ranks, tokens = self.gpu, self.layout.ranks, decoding + prefilled
        weights = self._read_bytes(tokens) / ranks / (gpu.weight_gb_s * 1e9)
        compute = 2 * self.model.parameters * tokens / ranks / (gpu.compute_tflops * 1e12)
        read = kv_tokens * self.model.kv_bytes_over(ranks) / ranks
        attention = read / (gpu.attention_gb_s * 1e9)
        own = gpu.step_seconds + decoding * gpu.sequence_seconds
        return max(weights, compute) + attention + self._reduced(tokens) + own

    def _read_bytes(self, rows: int) -> int:
        """Return the bytes of weights that pass through the memory in a step."""
        read = self.model.read_bytes(self.layout.bits)
        if self.rebuilds_above is None or rows <= self.rebuilds_above:
            return read
        return read + 2 * self.model.linear_bytes(16)  # written, and read again

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


@dataclass(frozen=True, slots=True)
class PublishedSpeed:
    """What somebody else measured on this GPU, for the constants to be held to."""

    source: str
    model: ModelShape
    layout: Layout
    attention_gb_s: float
    context: int
    """Tokens of a sequence; not published, assumed."""
    tokens_per_second: Mapping[int, float]
    """By sequences."""


PUBLISHED = PublishedSpeed(
    "GJKarthik/aicore-pipelines: vLLM 0.14.1, 8B of 4 bits on Marlin, FlashInfer, one T4",
    ModelShape(32, 4096, 32, 8, 128, 14336, 128256, False, "Llama-3-8B"),
    Layout(1, 1, 4),
    T4_ATTENTION["flashinfer"].typical,
    256,
    {1: 42.0, 4: 158.0, 16: 476.0},
)


def most_shared(gpu: GpuKind, model: ModelShape, bits: int) -> int:
    """Return how many of a machine's GPUs can share each layer of a model, at most."""
    quantization = {"group_size": GROUP} if bits < 16 else {}
    placed = Model(model, model.weight_bytes(bits), quantization)
    return max(n for n in (1, 2, 4, 8) if n <= gpu.count and placed.splits_into(n))


def attention_range(name: str, model: ModelShape) -> Range:
    """Return the rate of an attention, a name of `T4_ATTENTION`, with a model's heads."""
    if name == "own" and model.heads > MEMORY_BOUND * model.kv_heads:
        return OWN_GROUPED
    return T4_ATTENTION[name]


def with_attention(gpu: GpuKind, name: str, model: ModelShape) -> GpuKind:
    """Return a T4 with another attention than vLLM's Triton backend.

    Args:
        gpu: a T4.
        name: of `T4_ATTENTION`.
        model: whose heads it is for.

    Raises:
        CalibrationError: the GPU is another one; there vLLM's own choice is known to be good.
    """
    if gpu.name != T4.name:
        raise CalibrationError(f"ATTENTION is for the T4: {gpu.name} has vLLM's own choice.")
    return replace(gpu, attention_gb_s=attention_range(name, model).typical)


def calibrated(gpu: GpuKind, path: Path) -> GpuKind:
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
        raise CalibrationError(f"{path} is not a probe's JSON ({error!r}).") from None
    if gpu.name not in measured:
        raise CalibrationError(f"{path} was measured on {measured}, not on {gpu.name}.")
    known = {field.name for field in fields(GpuKind)} - {"name", "count"}
    if unknown := sorted(set(values) - known):
        raise CalibrationError(f"{path} has an unknown constant {unknown[0]!r}.")
    if bad := sorted(name for name, value in values.items() if not 0 < value < 1e6):
        raise CalibrationError(f"{path} has {bad[0]} {values[bad[0]]:g}: it must be above 0.")
    return replace(gpu, **values)
