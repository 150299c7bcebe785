"""What a training will take, computed before it starts: memory, disk, hours.

Covers: full fine-tuning on a CPU or a GPU in one process, and over several GPUs with ZeRO-3, from
the model's shape; every constant is given here with its reason. Does not cover: measuring it (the
progress does), and evaluation.

Checked against the one published figure: both stages of the 7B in about ten hours on 8 x H100.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.machine import Machine
from training.settings import TrainingError

GIB = 2**30
STATE_BYTES = 16
"""A parameter under AdamW: weight, gradient and two moments in float32; under ZeRO-3 the same in
another split (2 + 2 in bfloat16, 4 + 8 in float32)."""
REFERENCE_BYTES = 4
"""A parameter of KTO's fixed first model, in float32; halved in bfloat16."""
PROCESS = {"cpu": 1.0 * GIB, "cuda": 1.5 * GIB}
"""Python with torch; on a GPU CUDA's context and its buffers for communication."""
LAYER_FLOATS = (10, 5)
"""Numbers kept of a token and a layer for the way back, in hidden and intermediate widths."""
LOGIT_COPIES = 3
"""Of a block's logits: themselves, their logarithms, their gradient."""
CHUNK = 256
"""Positions whose logits are there at once on a GPU, where TRL computes them in parts."""
PASSES = {False: 6, True: 8}
"""Operations a parameter and token: 2 forwards, 4 backwards, 2 more where activations are computed
again (checkpointing)."""
REACHED = {"cpu": 0.85, "cuda": 0.40}
"""Of a device's best speed: on a CPU measured beside `machine.matrix_speed`; on GPUs what packed
full fine-tuning of 7B models with FlashAttention and ZeRO-3 is reported to reach, 35 to 45%."""
CHECKPOINTS = 3
"""On disk at most: two that are kept and the one being written."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model decides about its cost."""

    parameters: int
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int

    @property
    def name(self) -> str:
        """The size as people say it."""
        millions = self.parameters / 1e6
        return f"{millions / 1000:.1f}B" if millions >= 1000 else f"{millions:.0f}M"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done."""

    tokens: int
    """Of all epochs."""
    block: int
    """Tokens that a device holds at a time."""
    checkpointing: bool
    learnt: float = 1.0
    """Share of the tokens whose logits are needed."""
    reference: bool = False
    """Whether a frozen copy of the model is kept beside it (KTO)."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What it takes; bytes and hours."""

    memory: Mapping[str, float]
    """Of one device, item by item."""
    disk_bytes: float
    hours: float

    @property
    def memory_bytes(self) -> float:
        """All items."""
        return sum(self.memory.values())

    def lines(self) -> list[str]:
        """Return the estimate as lines for people."""
        items = ", ".join(f"{name} {size / GIB:.1f}" for name, size in self.memory.items())
        return [
            f"memory  {self.memory_bytes / GIB:.1f} GiB a device ({items})",
            f"disk    {self.disk_bytes / GIB:.1f} GiB",
            f"time    {self.hours:.1f} hours" if self.hours >= 1 else f"time    {_minutes(self)}",
        ]


def _minutes(needs: Needs) -> str:
    return f"{needs.hours * 60:.0f} minutes"


def shape_of(model: Path | str) -> Shape:
    """Return a model's shape from its config.json; nothing of its weights is read.

    Raises:
        TrainingError: there is no config that transformers understands.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(str(model))
        with torch.device("meta"):
            empty = AutoModelForCausalLM.from_config(config)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or ["no config.json"])[0]
        raise TrainingError(f"{model} is not a model that transformers reads: {reason}") from None
    parameters = sum(p.numel() for p in empty.parameters())
    intermediate = getattr(config, "intermediate_size", 4 * config.hidden_size)
    sizes = (config.num_hidden_layers, config.hidden_size, intermediate, config.vocab_size)
    return Shape(parameters, *sizes)


def needs(shape: Shape, work: Work, machine: Machine) -> Needs:
    """Return what the work takes for a model of this shape on such a machine."""
    width = 2 if machine.dtype == "bfloat16" else 4
    memory = {
        "process": PROCESS[machine.device],
        "weights and optimizer": STATE_BYTES * shape.parameters / machine.devices,
        "activations": _activations(shape, work, width),
        "logits": _logits(shape, work, machine),
    }
    if machine.devices > 1:
        # ZeRO-3 brings a layer's weights and gradients together where they are used.
        layer = (shape.parameters - 2 * shape.vocabulary * shape.hidden) / shape.layers
        widest = max(layer, shape.vocabulary * shape.hidden)
        memory["gathered layers"] = 3 * width * widest
    if work.reference:
        memory["first model"] = REFERENCE_BYTES * width / 4 * shape.parameters / machine.devices
    flops = PASSES[work.checkpointing] * shape.parameters * work.tokens
    if work.reference:
        # The policy and the first model score each sample and its mismatched twin without a way
        # back: three further forward passes.
        flops += 3 * 2 * shape.parameters * work.tokens
    speed = machine.flops * machine.devices * REACHED[machine.device]
    if machine.device == "cpu":
        speed *= machine.threads
    state = (STATE_BYTES - 4) * shape.parameters
    return Needs(memory, CHECKPOINTS * state + 4 * shape.parameters, flops / speed / 3600)


def _activations(shape: Shape, work: Work, width: int) -> float:
    hidden, intermediate = LAYER_FLOATS
    layer = width * (hidden * shape.hidden + intermediate * shape.intermediate) * work.block
    if not work.checkpointing:
        return shape.layers * layer
    # Each layer's input, and the one layer that is being computed again.
    return shape.layers * width * shape.hidden * work.block + layer


def _logits(shape: Shape, work: Work, machine: Machine) -> float:
    positions = work.learnt * work.block if machine.device == "cpu" else CHUNK
    return LOGIT_COPIES * 4.0 * positions * shape.vocabulary


def refusal(found: Needs, machine: Machine, free_disk: int, hours: float) -> str | None:
    """Return in one sentence why it does not fit here, None where it does."""
    memory, disk = found.memory_bytes / GIB, found.disk_bytes / GIB
    if found.memory_bytes > machine.memory_bytes:
        return (
            f"This takes {memory:.1f} GiB of memory on each {machine.name}, and "
            f"{machine.memory_bytes / GIB:.1f} are free: take a smaller block, checkpointing, or "
            "more devices."
        )
    if found.disk_bytes > free_disk:
        return f"This takes {disk:.1f} GiB of disk, and {free_disk / GIB:.1f} are free: set OUT."
    if found.hours > hours:
        return (
            f"This takes about {found.hours:.1f} hours here, more than the {hours:g} that the "
            "recipe allows: take fewer rows or epochs, or a faster machine, or set HOURS."
        )
    return None
