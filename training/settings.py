"""A recipe: everything that differs between training a small model and a large one, in a TOML file.

Covers: the values of both stages and of KTO, with their types and checks, and finding a recipe by
its name. Does not cover: where files go, and what a machine can hold (`estimates`).
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "recipes"
EMBEDDED = "embedded"
"""As a recipe's `base`: the small model that comes with the package."""


class TrainingError(ValueError):
    """What the user can fix; the message says how, in one sentence."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of full fine-tuning. Lengths are tokens."""

    learning_rate: float
    epochs: float
    block: int
    """Length of a packed block: what one sequence of a batch holds."""
    batch: int
    """Blocks of one optimizer step, over all devices."""
    blocks_at_once: int = 1
    """Of these, how many a device takes at a time; the rest is accumulated."""
    warmup: float = 0.0
    """Share of the steps in which the learning rate rises."""
    schedule: str = "cosine"
    weight_decay: float = 0.0
    mask_outputs: bool = False
    """Learn the model's own part alone; otherwise every token, the problem and outputs included."""
    mask_failed: bool = False
    """Do not learn rounds whose code failed: a model should fix errors, not make them."""
    checkpointing: bool = False
    """Compute activations twice and keep fewer of them: half as fast again, far less memory."""
    save_steps: int = 20
    max_rows: int | None = None
    """Only this many of the data's first rows."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        for name in ("learning_rate", "epochs", "block", "batch", "blocks_at_once", "save_steps"):
            if getattr(self, name) <= 0:
                raise TrainingError(f"{name} is {getattr(self, name)}: set it above 0.")


@dataclass(frozen=True, slots=True)
class Kto:
    """The last stage: KTO on samples of the model itself. Defaults are TRL's."""

    learning_rate: float = 1e-6
    epochs: float = 1.0
    batch: int = 4
    """Samples of one optimizer step, over all devices."""
    samples_at_once: int = 4
    """Of these, how many a device takes at a time; at least 2, since the KL is estimated from
    samples of the same batch that changed places."""
    beta: float = 0.1
    """How much a departure from the first model costs."""
    warmup: float = 0.1
    schedule: str = "cosine"
    context: int = 1024
    """Longest sample; longer ones are left out and counted."""
    candidates: int = 4
    """Samples of each problem."""
    problems: int | None = None
    """Only this many of the first problems."""
    most: int | None = None
    """Only this many samples, good ones first; None: all."""
    temperature: float = 0.8
    checkpointing: bool = False
    save_steps: int = 20

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.samples_at_once < 2 or self.batch < self.samples_at_once:
            raise TrainingError("samples_at_once must be at least 2, and batch not below it.")
        if self.learning_rate <= 0 or self.epochs <= 0 or self.candidates < 1:
            raise TrainingError("learning_rate, epochs and candidates must be above 0.")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How models are compared on the way."""

    candidates: int = 8
    """N."""
    rounds: int = 4
    """M of SC-TIR."""
    temperature: float = 0.6
    """The same for all models."""
    seeds: int = 1
    known: int = 260
    """Problems of the families trained on."""
    words: int = 60
    """The first of them, for the model of stage 1 in words alone: far behind, it is told apart by
    few, and its long answers take longest."""
    heldout: int = 130
    """Problems of families never seen."""
    sets: Sequence[str] = ()
    """Validation sets by name, in place of the generator's families."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of a recipe file."""

    name: str
    base: str
    """A model's folder, an id on the hub, or `embedded`."""
    seed: int
    cot: Stage
    tir: Stage
    kto: Kto
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Options of `make dataset` for each stage."""
    evaluation: Evaluation = field(default_factory=Evaluation)
    profile: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The made model's `profile.json`: settings of the kernel that belong to it."""
    chat_template: str | None = None
    """Written into the model; None keeps the base's own."""
    devices: int = 1
    """GPUs that the recipe is for."""
    accelerate: str | None = None
    """File for `accelerate launch`, beside the recipe."""
    draft: Stage | None = None
    """A first pass of stage 2, on data of `data.draft`; the second learns to fix its errors."""
    hours: float = 24.0
    """Longer than this, a stage is refused before it starts."""
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where published values come from."""

    def stage(self, name: str) -> Stage:
        """Return the stage of this name: cot, draft or tir.

        Raises:
            TrainingError: the recipe has no such stage.
        """
        found = {"cot": self.cot, "draft": self.draft, "tir": self.tir}[name]
        if found is None:
            have = ", ".join(self.stages)
            raise TrainingError(f"{self.name} has no stage {name}: set STAGE to one of {have}.")
        return found

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of its stages of fine-tuning, in order."""
        return ("cot", "draft", "tir") if self.draft else ("cot", "tir")


def load(name: str) -> Recipe:
    """Return the recipe of a name (`embedded`) or of a TOML file.

    Raises:
        TrainingError: there is none, or a value in it is missing, unknown or cannot work.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError:
        raise TrainingError(f"{path} is not a file: RECIPE is one of {known}, or a file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}.") from None
    parts = {
        "cot": _made(Stage, table.get("cot"), path, "cot"),
        "tir": _made(Stage, table.get("tir"), path, "tir"),
        "draft": _made(Stage, table["draft"], path, "draft") if "draft" in table else None,
        "kto": _made(Kto, table.get("kto", {}), path, "kto"),
        "evaluation": _made(Evaluation, table.get("evaluation", {}), path, "evaluation"),
    }
    return _made(Recipe, {"name": path.stem, **table, **parts}, path, "recipe")


def _made(kind: type[Any], values: Any, path: Path, part: str) -> Any:
    """Return the record of a table, or say which value of it cannot be used."""
    if not isinstance(values, Mapping):
        raise TrainingError(f"{path}: the table [{part}] is missing.")
    known = {f.name: f for f in fields(kind)}
    table: Mapping[str, Any] = values  # pyright: ignore[reportUnknownVariableType]
    if unknown := sorted(set(table) - set(known)):
        raise TrainingError(f"{path}: {unknown[0]!r} is not a setting of {part}.")
    try:
        return kind(**table)
    except TypeError as error:
        missing = str(error).partition(": ")[2] or str(error)
        raise TrainingError(f"{path}: {part} lacks or mistypes a setting: {missing}.") from None
    except TrainingError as error:
        raise TrainingError(f"{path}: {part}: {error}") from None


def changed(stage: Stage, **values: Any) -> Stage:
    """Return the stage with those of `values` in place that are not None."""
    return replace(stage, **{name: value for name, value in values.items() if value is not None})
