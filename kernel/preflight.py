"""Before the first question: settings, model folder and machine, and whether they fit together.

Covers: finding the model, its profile, missing weights, a quantization that the machine cannot run.
Each fault is one sentence that says what to change, raised as ConfigError; in a scored rerun, where
a refusal would give the submission up, the nearest valid setting is taken instead and noted. Does
not cover: whether the weights load, which takes minutes (`engine`).
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kernel import machine
from kernel.competition import Convention, folders
from kernel.config import Config, ConfigError
from kernel.machine import Gpu

PROFILE = "profile.json"
"""Settings that belong to a model, in its folder."""
RERUN = "KAGGLE_IS_COMPETITION_RERUN"
"""The variable that the platform sets in a scored rerun."""
SHORT_RESERVE = 0.1
"""The reserve, as a part of the limit, where the one set leaves nothing beside it."""

CLAMPED = ("candidates", "rounds", "problems", "code_workers", "temperature", "top_p")
"""Of these 0 or 1 is a setting that makes sense; others go back to what they were."""


@dataclass
class Preflight:
    """Checks one run; strict unless the run is scored."""

    scored: bool = field(default_factory=lambda: bool(os.environ.get(RERUN)))
    notes: list[str] = field(default_factory=list[str])
    """What was replaced or is wrong, a sentence each."""

    def refuse(self, fault: ConfigError) -> None:
        """Raise the fault, or note it where the run is scored."""
        if not self.scored:
            raise fault
        self.notes.append(str(fault))

    def configure(self, settings: Config | Mapping[str, Any]) -> Config:
        """Return the settings as a Config.

        Raises:
            ConfigError: they cannot work (not in a scored rerun).
        """
        return settings if isinstance(settings, Config) else self.updated(Config(), settings)

    def updated(self, config: Config, values: Mapping[str, Any]) -> Config:
        """Return the settings with `values` in place, or the nearest that can work."""
        try:
            return config.updated(values)
        except ConfigError as fault:
            if not self.scored:
                raise
            if len(values) == 1:
                config = _nearest(config, *next(iter(values.items())))
                self.notes.append(f"{fault} The nearest setting that works is taken.")
                return config
        for name, value in values.items():
            config = self.updated(config, {name: value})
        return config

    def find_model(self, config: Config) -> Path | None:
        """Return the model's folder: the configured one, or the one mounted under the inputs.

        Raises:
            ConfigError: there is none, or it is not clear which (a scored rerun takes the first,
                or None where there is none).
        """
        if config.model is not None:
            if (config.model / "config.json").is_file():
                return config.model
            hint = "set `model` to a folder with config.json"
            self.refuse(ConfigError(f"{config.model} is no model: {hint}."))
        # Mounted folders may be links into one another: count each model once.
        places = {folder.resolve() for folder in folders(config.inputs)}
        models = sorted(folder for folder in places if _is_model(folder))
        if len(models) != 1:
            found = ", ".join(map(str, models)) or "none"
            self.refuse(
                ConfigError(
                    f"one model (config.json beside *.safetensors) is needed below {config.inputs},"
                    f" found {found}: attach one model's dataset to the notebook, or set `model`."
                )
            )
        return models[0] if models else None

    def settle(self, config: Config, model: Path | None, convention: Convention) -> Config:
        """Return the settings with the model's profile and the competition's convention."""
        if model is not None and (model / PROFILE).is_file():
            config = self.updated(config, self._json(model / PROFILE))
        limit = min(config.limit_seconds, convention.limit_seconds)
        answers = {"max_answer": convention.max_answer, "modulus": convention.modulus}
        return self.updated(config, {**answers, "limit_seconds": limit})

    def check_model(self, config: Config, model: Path) -> Config:
        """Check the model's folder against the machine; return the settings that fit it."""
        if fault := weights_fault(model):
            self.refuse(ConfigError(fault))
        gpus = machine.gpus()
        if not gpus and machine.has_driver():
            return config  # there are GPUs, but nobody tells which
        read = self._json(model / "config.json")
        quantization = read.get("quantization_config") or {
            "quant_method": config.engine.get("quantization")
        }
        fault = quantization_fault(quantization, gpus, machine.vllm_version(), config.engine)
        if fault:
            self.refuse(ConfigError(fault))
            if quantization["quant_method"] == "bitsandbytes":
                return replace(config, engine={**config.engine, "tensor_parallel_size": 1})
        return config

    def _json(self, path: Path) -> dict[str, Any]:
        """Read a JSON object, {} where it is none."""
        try:
            value: Any = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            value = error
        if not isinstance(value, dict):
            self.refuse(ConfigError(f"{path} is no JSON object: mend it or upload it again."))
            return {}
        return value  # pyright: ignore[reportUnknownVariableType] - JSON keys are text


def _nearest(config: Config, name: str, value: Any) -> Config:
    """Return `config` with the setting as near to `value` as can work."""
    attempts: list[dict[str, Any]] = []
    if name in ("limit_seconds", "reserve_seconds"):
        # The limit is the platform's and stands; the reserve is ours.
        limit = value if name == "limit_seconds" else config.limit_seconds
        if isinstance(limit, int | float):
            attempts.append({"limit_seconds": limit, "reserve_seconds": SHORT_RESERVE * limit})
    elif name == "max_answer":
        attempts.append({name: value, "default_answer": 0})
    elif name in CLAMPED and isinstance(value, int | float):
        attempts += [{name: 0}, {name: 1}]
    for attempt in attempts:
        with contextlib.suppress(ConfigError):
            return config.updated(attempt)
    return config


def _is_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def weights_fault(model: Path) -> str:
    """Return what is wrong with the files of a model's folder, "" for nothing."""
    index = model / "model.safetensors.index.json"
    try:
        wanted = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except FileNotFoundError:
        found = next(model.glob("*.safetensors"), None)
        return "" if found else f"{model} has no weights (*.safetensors): upload the model again."
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return f"{index} cannot be read: upload the model again."
    missing = sorted(name for name in wanted if not (model / name).is_file())
    if not missing:
        return ""
    return (
        f"{model} lacks {len(missing)} of {len(wanted)} weight files, {missing[0]} first: upload "
        "what is missing."
    )


def quantization_fault(
    quantization: Mapping[str, Any],
    gpus: Sequence[Gpu],
    vllm: tuple[int, int],
    engine: Mapping[str, Any],
) -> str:
    """Return why the machine cannot run a checkpoint's quantization, "" where it can.

    Args:
        quantization: `quantization_config` of the checkpoint.
        gpus: the machine's; none for a CPU.
        vllm: its version.
        engine: the engine's arguments that were set.
    """
    method = quantization.get("quant_method")
    if not method:
        return ""
    fp8, int8 = _number_formats(quantization)
    if not gpus:
        if (method == "compressed-tensors" and int8) or (
            method == "gptq" and quantization.get("bits") == 4
        ):
            return ""
        return (
            f"vLLM runs no {method} weights of this kind on a CPU: take the unquantized or the "
            "W8A8 int8 model, or a machine with a GPU."
        )
    lowest = min(gpu.capability for gpu in gpus)
    name = f"{gpus[0].name} (capability {lowest[0]}.{lowest[1]})"
    if lowest < (7, 5):
        return f"{name} runs no 8-bit weights: choose the GPU T4 x2."
    if fp8 and lowest < (8, 0):
        return f"{name} cannot run fp8: take GPTQ or W8A8 int8 weights."
    if method == "bitsandbytes" and _ranks(gpus, lowest, engine) > 1:
        return "bitsandbytes weights run on one GPU: set tensor_parallel_size of `engine` to 1."
    if method == "gptq" and quantization.get("desc_act") and vllm >= (0, 30):
        return (
            f"vLLM {vllm[0]}.{vllm[1]} refuses GPTQ weights with desc_act: quantize with "
            "desc_act=False, or take vLLM 0.18.1."
        )
    return ""


def _number_formats(quantization: Mapping[str, Any]) -> tuple[bool, bool]:
    """Tell whether weights are fp8, and whether weights and activations are int8."""
    groups: dict[str, dict[str, Any]] = quantization.get("config_groups") or {}
    weights: list[dict[str, Any]] = [group.get("weights") or {} for group in groups.values()]
    fp8 = "fp8" in str(quantization.get("quant_method"))
    fp8 = fp8 or any(form.get("type") == "float" for form in weights)
    int8 = bool(groups) and all(form.get("num_bits") == 8 for form in weights)
    int8 = int8 and all(group.get("input_activations") for group in groups.values())
    return fp8, int8 and not fp8


def _ranks(gpus: Sequence[Gpu], lowest: tuple[int, int], engine: Mapping[str, Any]) -> int:
    """Return how many GPUs share a layer: what is set, else `engine_process`'s default."""
    default = 2 if len(gpus) >= 2 and lowest < (8, 0) else 1
    return engine.get("tensor_parallel_size", default)
