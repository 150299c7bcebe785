"""Before the first question: settings, model folder and machine, and whether they fit together.

Covers: the settings that a run starts with, finding competition and model, the model's profile.
Each fault is one sentence that says what to change, raised as ConfigError; in a scored rerun, where
a refusal would forfeit the submission, the default settings are used instead and that is noted.
Does not cover: what is wrong with weights (`weights`) or their format (`quantization`); whether
they load, which takes minutes (`engine`).
"""

import json
import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from kernel import competition as competitions
from kernel.checks import fitting
from kernel.checks.chat import settings_faults
from kernel.checks.machine import Machine, read_machine, vllm_version
from kernel.checks.quantization import quantization_fault
from kernel.checks.weights import weights_fault
from kernel.competition import Competition, Convention, folders
from kernel.config import Config, ConfigError
from kernel.engine.gpu import has_driver
from kernel.engine.model import is_shareable
from kernel.sandbox.wire import open_files_needed, sessions_possible

PROFILE = "profile.json"
"""Settings that belong to a model, in its folder."""
RERUN = "KAGGLE_IS_COMPETITION_RERUN"
"""The variable that the platform sets in a scored rerun."""
SHORT_RESERVE = 0.1
"""The reserve, as a part of the limit, where the one that was set leaves no time beside it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunSetup:
    """What a run starts with."""

    config: Config
    competition: Competition
    model: Path | None
    """Its folder; None where a scored rerun has to do without one."""


@dataclass
class Preflight:
    """Checks one run; strict unless the run is scored."""

    scored: bool = field(default_factory=lambda: bool(os.environ.get(RERUN)))
    notes: list[str] = field(default_factory=list[str])
    """What was replaced or is wrong, one sentence each."""
    machine: Machine = field(default_factory=read_machine)
    """What the run is on."""

    def refuse(self, fault: ConfigError) -> None:
        """Raise the fault, or note it where the run is scored."""
        if not self.scored:
            raise fault
        self.notes.append(str(fault))

    def prepare(self, settings: Config | Mapping[str, Any]) -> RunSetup:
        """Find out what there is, and settle what to do with it.

        Raises:
            ConfigError: there is no competition, no model, or a setting that cannot work. A scored
                rerun raises it only without a competition: nobody would ask for answers.
        """
        config = self._first(lambda: self.configure(settings), Config)
        competition = competitions.find(config.inputs)
        convention = competition.convention
        model = self._first(lambda: self.find_model(config), lambda: None)
        settled = self._first(
            lambda: self.settle(config, model, convention),
            lambda: self.settle(config, None, convention),
        )
        fitted = self._first(lambda: self.fit(settings, settled, model), lambda: settled)
        self._first(lambda: self.check_open_files(fitted), lambda: None)
        checked = self._first(lambda: self.check_model(fitted, model), lambda: fitted)
        return RunSetup(checked, competition, model)

    def _first(self, step: Callable[[], T], fallback: Callable[[], T]) -> T:
        """Return what `step` gives; in a scored rerun the fallback where the step breaks."""
        try:
            return step()
        except Exception as error:
            if not self.scored:
                raise
            self.notes.append(f"A check before the first question failed: {error!r}.")
            return fallback()

    def configure(self, settings: Config | Mapping[str, Any]) -> Config:
        """Return the settings as a Config.

        Raises:
            ConfigError: they cannot work (not in a scored rerun).
        """
        return settings if isinstance(settings, Config) else self.updated(Config(), settings)

    def updated(self, config: Config, values: Mapping[str, Any]) -> Config:
        """Return the settings with `values` in place; in a scored rerun without, if they fail.

        A commit run refuses such values, so that they reach a rerun only where something else than
        the notebook has changed.
        """
        try:
            return config.updated(values)
        except ConfigError as fault:
            if not self.scored:
                raise
            self.notes.append(f"{fault} The defaults are used instead.")
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
            self.refuse(ConfigError(f"{config.model} is not a model: {hint}."))
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
        own = {
            "max_answer": convention.max_answer,
            "modulus": convention.modulus,
            "limit_seconds": limit,
        }
        settled = self.updated(config, own)
        if settled is not config:
            return settled
        # A limit so short that the defaults leave nothing of it is still the platform's.
        reserve = min(Config().reserve_seconds, SHORT_RESERVE * limit)
        paths = {name: getattr(config, name) for name in ("inputs", "model", "work")}
        return replace(Config(reserve_seconds=reserve), **paths).updated(own)

    def fit(
        self, settings: Config | Mapping[str, Any], config: Config, model: Path | None
    ) -> Config:
        """Return the settings with what neither notebook nor profile sets fitted to the machine.

        A whole Config sets everything.
        """
        if isinstance(settings, Config):
            return config
        profile = profile_of(model) if model is not None else {}
        return fitting.fitted(config, model, {*settings, *profile}, self.machine)

    def check_open_files(self, config: Config) -> None:
        """Allow this process and its children all the open files that they may have.

        Raises:
            ConfigError: they are too few for a session of each candidate.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard == resource.RLIM_INFINITY:
            return
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        needed = open_files_needed(config.candidates)
        if hard < needed:
            self.refuse(
                ConfigError(
                    f"this machine allows {hard} open files, but code of {config.candidates}"
                    f" candidates needs {needed}: raise the limit (`ulimit -n`), or set"
                    f" `candidates` to {sessions_possible(hard)} or fewer."
                )
            )

    def check_model(self, config: Config, model: Path | None) -> Config:
        """Check the model's folder against the machine; return the settings that fit it."""
        if model is None:
            return config
        if fault := weights_fault(model):
            self.refuse(ConfigError(fault))
        return self._check_quantization(self.check_chat(config, model), model)

    def check_chat(self, config: Config, model: Path) -> Config:
        """Check what the model is told; return the settings without what it does not accept."""
        try:
            faults = settings_faults(model, config)
        except Exception as error:
            # The tokenizer raises what it likes; the engine, which needs it too, says the same.
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            faults = {"": f"the tokenizer or config.json of {model} cannot be read: {reason}"}
        for fault in faults.values():
            self.refuse(ConfigError(fault))
        return replace(config, **{name: getattr(Config(), name) for name in faults if name})

    def _check_quantization(self, config: Config, model: Path) -> Config:
        gpus = self.machine.gpus
        if not gpus and has_driver():
            return config  # there are GPUs, of a kind that cannot be told
        read = self._json(model / "config.json")
        quantization = read.get("quantization_config") or {
            "quant_method": config.engine.get("quantization")
        }
        fault = quantization_fault(quantization, gpus, vllm_version(), config.engine)
        if fault:
            self.refuse(ConfigError(fault))
            if not is_shareable(quantization):
                return replace(config, engine={**config.engine, "tensor_parallel_size": 1})
        return config

    def _json(self, path: Path) -> dict[str, Any]:
        try:
            return json_object(path)
        except ConfigError as fault:
            self.refuse(fault)
            return {}


def model_settings(model: Path) -> Config:
    """Return the default settings with those of the model's profile on top.

    Raises:
        ConfigError: it is not a model's folder, or the profile's values cannot work.
    """
    if not (model / "config.json").is_file():
        raise ConfigError(f"{model} is not a model: set MODEL to a folder with config.json.")
    return Config().updated(profile_of(model))


def profile_of(model: Path) -> dict[str, Any]:
    """Return what a model's folder sets, {} where it has no profile.

    Raises:
        ConfigError: its profile is not a JSON object.
    """
    path = model / PROFILE
    return json_object(path) if path.is_file() else {}


def json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ConfigError: the file holds none.
    """
    try:
        value: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        value = error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} is not a JSON object: fix it or upload it again.")
    return value  # pyright: ignore[reportUnknownVariableType] - JSON keys are text


def _is_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
