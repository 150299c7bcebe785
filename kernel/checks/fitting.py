"""Settings that adapt to the machine unless they are set: sandbox workers, slots and the context.

Covers: more of each on a machine with more than two T4s, four CPUs and 30 GiB, or for a model whose
keys and values take less room; less where the memory or the model's positions run out sooner. Two
T4s with NuminaMath-7B keep the defaults. Does not cover: how the model is placed on the GPUs and
what gives way when a start fails (`engine/profile`).
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from kernel.checks.machine import Machine
from kernel.config import Config
from kernel.engine.gpu import Gpu
from kernel.engine.model import Model, read_config, read_model
from kernel.engine.profile import FAIR_TOKENS, choose, kv_room

USED_PART = 4
"""A candidate's mean room times this is a context: two T4s give 48 NuminaMath candidates 786 tokens
each of a context of 4,096, and the long ones use what the short ones leave."""


def fitted(config: Config, model: Path | None, given: Collection[str], machine: Machine) -> Config:
    """Return the settings, fitting to machine and model those that are not among `given`."""
    if "code_workers" not in given:
        config = replace(config, code_workers=code_workers(machine, config))
    if model is None:
        return config
    room = room_of(machine.gpus, read_model(model), config)
    if "slots" not in given:
        config = replace(config, slots=slots(config, room))
    if "max_context" not in given:
        config = replace(config, max_context=context(config, room, positions(model)))
    return config


def code_workers(machine: Machine, config: Config) -> int:
    """Return how many blocks may run at once: a CPU is the engine's, half of the memory is not."""
    together = machine.memory_mib // 2 // config.code_memory_mib
    # No fewer than the default on few CPUs: an endless block must not hold up all others.
    return max(1, min(max(config.code_workers, machine.cpu.cores - 1), together))


def room_of(gpus: tuple[Gpu, ...], model: Model | None, config: Config) -> int | None:
    """Return the tokens whose keys and values fit on the GPUs, None where that is unknown."""
    if not gpus or model is None:
        return None
    placed = choose(gpus, model, config.slots, config.max_context).arguments
    ranks = config.engine.get("tensor_parallel_size", placed["tensor_parallel_size"])
    return kv_room(gpus, model, ranks)


def slots(config: Config, room: int | None) -> int:
    """Return how many candidates may run at once: all that were asked for, as far as they fit."""
    if room is None:
        return config.slots
    asked = config.candidates + config.extra_candidates
    return max(config.slots, min(asked, room // FAIR_TOKENS))


def context(config: Config, room: int | None, most: int | None) -> int:
    """Return the context: more where the memory holds it, and never more than the model knows."""
    wanted = config.max_context
    if room is not None and most is not None:
        together = min(config.slots, config.candidates + config.extra_candidates)
        wanted = max(wanted, USED_PART * room // together)
    return wanted if most is None else min(wanted, most)


def positions(model: Path) -> int | None:
    """Return how many tokens a model's folder says that it was made for."""
    most = read_config(model).get("max_position_embeddings")
    return most if isinstance(most, int) and most > 0 else None
