"""What a recipe would do and take: its commands, memory, hours and cost, without a GPU.

Covers: `make recipe DRY_RUN=1`. Does not cover: evaluations' time, and machines other than those
the recipe is for.
"""

import shlex
import sys
from collections.abc import Sequence

from training.estimates import GIB, Shape, Work, needs, shape_of
from training.machine import H100_FLOPS, Machine, here
from training.settings import Recipe, TrainingError

DEEPSEEK_7B = Shape(6_910_365_696, 30, 4096, 11008, 102_400)
"""The 7B's shape, for whoever is offline; from its config.json."""
PUBLISHED_TOKENS = {"cot": 430_000_000, "tir": 43_000_000}
"""Of one epoch of the published sets: 860,000 rows of some 500 tokens (NuminaMath-CoT), 72,000 of
some 600 (NuminaMath-TIR)."""
KTO_TOKENS = 20_000_000
"""Four completions of some 500 tokens for 10,000 problems."""
ROW_TOKENS = 150
"""Of a conversation of the generator's, about."""
GPU_HOUR = 3.0
"""Dollars for an hour of one H100, as clouds rent it."""
H100_BYTES = 79 * GIB


def preview(recipe: Recipe, commands: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Return the lines that say what the recipe would do."""
    lines = [f"# {name}\n{shlex.join(shown(command))}" for name, command in commands]
    shape, machine = _shape(recipe), _machine(recipe)
    total = 0.0
    lines.append(f"\n{shape.name} on {machine.devices} x {machine.name} in {machine.dtype}:")
    for name, work in works(recipe).items():
        found = needs(shape, work, machine)
        total += found.hours
        lines.append(f"{name}: {work.tokens / 1e6:,.1f} million tokens")
        lines += [f"  {line}" for line in found.lines()]
    lines.append(f"all training: about {total:.1f} hours")
    if machine.device == "cuda":
        cost = total * machine.devices * GPU_HOUR
        lines.append(f"cost: about ${cost:,.0f} at ${GPU_HOUR:g} for an hour of one GPU")
    return lines


def shown(command: Sequence[str]) -> list[str]:
    """Return a command as a person would type it."""
    return ["python" if part == sys.executable else part for part in command]


def works(recipe: Recipe) -> dict[str, Work]:
    """Return what the stages compute, with the published sets' sizes or those of the recipe."""
    found: dict[str, Work] = {}
    for name in recipe.stages:
        stage = recipe.stage(name)
        options = recipe.data.get(name, {})
        published = str(options.get("sources", "")).startswith("numina")
        epoch = PUBLISHED_TOKENS[name] if published else ROW_TOKENS * int(options["rows"])
        block = stage.block * stage.blocks_at_once
        learnt = 0.6 if stage.mask_outputs else 1.0
        found[name] = Work(round(epoch * stage.epochs), block, stage.checkpointing, learnt)
    kto = recipe.kto
    tokens = KTO_TOKENS if kto.most is None else kto.most * ROW_TOKENS
    block = kto.context * kto.samples_at_once
    found["kto"] = Work(round(tokens * kto.epochs), block, kto.checkpointing, reference=True)
    return found


def _shape(recipe: Recipe) -> Shape:
    from training.stages import resolved

    try:
        return shape_of(resolved(recipe.base))
    except TrainingError:
        if "7b" in recipe.base.lower():
            return DEEPSEEK_7B
        raise


def _machine(recipe: Recipe) -> Machine:
    """Return the machine that the recipe is for: GPUs by their data sheet, a CPU as it is here."""
    if recipe.devices == 1:
        return here()
    gpus = recipe.devices
    return Machine("cuda", "H100", gpus, "bfloat16", 1, H100_BYTES, H100_FLOPS)
