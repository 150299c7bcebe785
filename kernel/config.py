"""Every setting of a run, in one frozen dataclass.

Covers: the defaults of the winning system (48 candidates, 4 rounds) on two T4s, and the checks that
a set of values makes sense. Does not cover: reading files or the machine; a model brings its own
values in the `profile.json` beside its weights, which `preflight` applies.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal


class ConfigError(ValueError):
    """A setting that cannot work; the message says what to change."""


CLOCK = "clock"
"""The seed that is drawn when a run starts."""
COUNTS = (
    "candidates",
    "slots",
    "extra_group",
    "rounds",
    "max_new_tokens",
    "max_context",
    "problems",
    "code_workers",
)
ABOVE_ZERO = (
    "code_seconds",
    "code_memory_mib",
    "max_output_chars",
    "sandbox_start_seconds",
    "engine_start_seconds",
    "engine_step_seconds",
)


OTHER_FORMS = {
    "stop": "a list of strings",
    "stop_token_ids": "a list of token ids",
    "seed": f'a whole number, or "{CLOCK}"',
    "engine": "an object of names and values",
    "chat_template_arguments": "an object of names and values",
}
"""The form of settings that are neither numbers nor paths, for error messages."""


@dataclass(frozen=True, slots=True)
class Example:
    """A worked problem shown in the prompt to a model that was not trained on TIR."""

    problem: str
    solution: str


@dataclass(frozen=True)
class Config:
    """A run's settings. Times are in seconds, lengths in tokens, unless a name says otherwise."""

    # SC-TIR. Source of the numbers: the NuminaMath team's AIMO-1 submission.
    candidates: int = 48
    """N: attempts at each problem."""
    rounds: int = 4
    """M: generations a candidate may use."""
    slots: int = 48
    """Candidates that the engine works on at once; more than these wait for a slot."""
    extra_candidates: int = 0
    """At most this many candidates beyond N, started where the first N leave the vote open
    (`voting.clear`) and the problem's share of the time allows it."""
    extra_group: int = 24
    """Extra candidates that start together."""
    temperature: float = 0.8
    """Sampling temperature; 0 always takes the likeliest token."""
    top_p: float = 1.0
    """Sample only from the likeliest tokens that together have this probability."""
    top_k: int = 0
    """Sample only from this many of the likeliest tokens; 0: from all."""
    min_p: float = 0.0
    """Sample only from tokens at least this likely, relative to the likeliest; 0: from all."""
    repetition_penalty: float = 1.0
    """Above 1, tokens that are already in the prompt or the text become less likely."""
    max_new_tokens: int = 2048
    """At most this many new tokens per round."""
    max_total_tokens: int | None = None
    """At most this many new tokens per candidate over all rounds; None: as its context allows."""
    max_context: int = 4096
    """Prompt and all rounds together; the source model was trained on 4,096."""
    stop: tuple[str, ...] = ("```output",)
    """The output fence: the model asks for its code to be run."""
    stop_token_ids: tuple[int, ...] = ()
    """Tokens that end the model's turn, besides the one that its own files name."""
    system_prompt: str = ""
    """What the model is told before everything else; a TIR-tuned model may need none."""
    instruction: str = ""
    """A line of its own after each problem, in the user's turn."""
    chat_template_arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values for variables of the model's chat template, such as `enable_thinking`."""
    examples: tuple[Example, ...] = ()
    """Worked problems shown before the problem; a TIR-tuned model needs none."""
    vote_without_code: bool = True
    """Whether a boxed answer counts even if it was reached without any code block."""
    stop_when_decided: bool = True
    """Abort the remaining candidates once they cannot change the vote; never changes the answer."""
    stop_risk: float = 0.0
    """Abort the remaining candidates as soon as the chance that they change the vote is below this
    (`voting.overturn_chance`); 0: only when they cannot."""
    seed: int | Literal["clock"] = 0
    """Each request's seed is made from this, the problem, the candidate and the round. "clock"
    draws one when the run starts, so that two runs differ; the trace records it."""

    # The competition's answers. `competition` replaces them by those of the API it finds.
    modulus: int | None = 1000
    """Answers are taken modulo this (Python's `%`, so -1 is 999); None: left as they are."""
    max_answer: int = 999
    """Answers run from 0 to this, after the modulus."""
    default_answer: int = 0
    """Given when no candidate yields an integer."""

    # Time.
    limit_seconds: float = 9 * 3600
    """The platform's limit for the whole run, counted from the start of the process."""
    reserve_seconds: float = 15 * 60
    """Held back at the end: winners of past competitions stopped 3 to 15 minutes early."""
    problems: int = 50
    """The number of problems expected, among which the time is shared."""

    # Running the model's code.
    code_seconds: float = 10.0
    """Wall-clock limit per block."""
    code_memory_mib: int = 2048
    """Memory a session may take beyond what it starts with."""
    max_output_chars: int = 2000
    """Characters of output shown to the model; longer output keeps its head and its tail."""
    code_workers: int = 3
    """Blocks that run at once: Kaggle's four CPUs minus one for the engine."""
    sandbox_start_seconds: float = 90.0
    """A sandbox that has not started by then is restarted; a start takes 4 to 6 s on two CPUs with
    eight busy processes, and longer where the maths stack comes from a cold disk."""

    # The engine.
    engine: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Arguments of vLLM's `EngineArgs` that override those chosen for the machine
    (`engine/profile`)."""
    engine_start_seconds: float = 20 * 60
    """An engine that has not loaded the model by then is restarted with smaller settings."""
    engine_step_seconds: float = 180.0
    """An engine that says nothing for this long counts as hung and is restarted."""

    # Paths.
    inputs: Path = Path("/kaggle/input")
    """Where datasets and the competition are mounted; searched, since mount layouts vary."""
    model: Path | None = None
    """The model's folder; None: the one found under `inputs`."""
    work: Path = Path()
    """Where the trace and the summary go."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, before anything long starts."""
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: set it to at least 1.")
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigError(f"{each.name} is {value}: give a finite number.")
        for name in ABOVE_ZERO:
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: set it above 0.")
        if self.reserve_seconds < 0 or self.limit_seconds <= self.reserve_seconds:
            raise ConfigError(
                f"limit_seconds ({self.limit_seconds:g}) leaves no time beside reserve_seconds "
                f"({self.reserve_seconds:g}): raise the limit or lower the reserve."
            )
        if isinstance(self.seed, str) and self.seed != CLOCK:
            raise ConfigError(f'seed is {self.seed!r}: give a whole number, or "{CLOCK}".')
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ConfigError("temperature must be at least 0, and top_p above 0 and at most 1.")
        if self.top_k < 0 or not 0 <= self.min_p <= 1 or self.repetition_penalty <= 0:
            raise ConfigError(
                "top_k must be at least 0 (0: all tokens), min_p between 0 and 1, and "
                "repetition_penalty above 0 (1: none)."
            )
        if any(number < 0 for number in self.stop_token_ids):
            raise ConfigError("stop_token_ids must be at least 0: take them from the tokenizer.")
        if self.max_total_tokens is not None and self.max_total_tokens < 1:
            raise ConfigError("max_total_tokens must be at least 1, or null for no limit.")
        if self.extra_candidates < 0:
            raise ConfigError(
                f"extra_candidates is {self.extra_candidates}: set it to 0 for none, or higher."
            )
        if not 0 <= self.stop_risk < 0.5:
            raise ConfigError(
                f"stop_risk is {self.stop_risk}: set it to 0, or to a chance below 0.5."
            )
        if self.modulus is not None and self.modulus < 1:
            raise ConfigError("modulus must be at least 1, or None for answers as they are.")
        if not 0 <= self.default_answer <= self.max_answer:
            raise ConfigError(f"default_answer must lie between 0 and {self.max_answer}.")

    def updated(self, values: Mapping[str, Any]) -> "Config":
        """Return a copy with `values` (as read from JSON) in place.

        Raises:
            ConfigError: a key is unknown, or the values cannot work together.
        """
        known = {f.name for f in fields(self)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown setting {unknown[0]!r}: the settings are {sorted(known)}.")
        return replace(self, **{name: _from_json(name, value) for name, value in values.items()})


def _from_json(name: str, value: Any) -> Any:
    """Convert a JSON value to its field's type; refuse what cannot be converted."""
    try:
        if name == "examples":
            return tuple(Example(**example) for example in value)
        if name == "stop" and _are_texts(value):
            return tuple(value)
        if name == "stop_token_ids" and all(type(number) is int for number in value):
            return tuple(value)
        if name == "seed" and type(value) in (int, str):
            return value
        if name in ("engine", "chat_template_arguments") and isinstance(value, Mapping):
            return dict[str, Any](**value)
        if name in ("inputs", "work") or (name == "model" and value is not None):
            return Path(value)
    except TypeError:
        raise ConfigError(f"{name} is {value!r}: docs/config.md shows its form.") from None
    if wanted := OTHER_FORMS.get(name):
        raise ConfigError(f"{name} is {value!r}: give it as {wanted}.")
    if (kinds := _kinds(name)) and type(value) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ConfigError(f"{name} is {value!r}: give it as {wanted}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} is {value}: give a finite number.")
    return value


def _are_texts(values: Any) -> bool:
    """Whether they are several strings; a single one would be read as one per character."""
    return not isinstance(values, str) and all(isinstance(value, str) for value in values)


def _kinds(name: str) -> tuple[type, ...]:
    """Return the types that a plain setting's value may have, none for settings of other forms."""
    annotation = next((f.type for f in fields(Config) if f.name == name), None)
    forms: dict[Any, tuple[type, ...]] = {
        bool: (bool,),
        str: (str,),
        int: (int,),
        float: (int, float),
        int | None: (int, type(None)),
    }
    return forms.get(annotation, ())
