"""The settings of what is uploaded to Kaggle, read from `kaggle.toml`, and the metadata they give.

Covers: reading and checking the file before anything is built or sent, and the contents of
`dataset-metadata.json`, `kernel-metadata.json` and a Kaggle Model's two files. Does not cover: the
settings of a run, which are `kernel/config.py`'s; whether a slug is free, which only Kaggle knows.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from slugify import slugify

from notebooks.packaging.accelerators import ACCELERATORS, Accelerator

PATH = Path(__file__).resolve().parents[1] / "kaggle.toml"
OWNER = "OWNER"
"""Stands for the owner in built metadata where the settings leave it to the credential: a build
needs no account and gives the same bytes for everyone. No user name has capital letters."""
NAME_LENGTH = (6, 50)
"""Characters that Kaggle's client accepts in a dataset's slug and title."""
SUBTITLE_LENGTH = (20, 80)
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MODEL_SOURCE = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w.-]*){3}/[1-9][0-9]*")
"""A Kaggle Model's version: owner/model/framework/variation/version."""
FRAMEWORKS = ("transformers", "pytorch", "vllm", "other")
"""Kaggle's names of frameworks that a folder of safetensors fits."""
MODEL_LICENCES = {"apache-2.0": "Apache 2.0", "mit": "MIT", "other": "Other"}
"""Kaggle Models' names of licences that datasets call otherwise."""
REFERENCE = re.compile(r"[A-Za-z0-9][\w-]*/[a-z0-9]+(-[a-z0-9]+)*")
Which = Literal["wheels", "model"]


class SettingsError(ValueError):
    """Settings that Kaggle would refuse; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The notebook: its slug must be what Kaggle makes of its title."""

    slug: str
    title: str
    image: str
    """The container image, with its digest: the wheels fit no other."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that goes with the notebook."""

    slug: str
    title: str
    subtitle: str
    licence: str
    """One of Kaggle's own names of licences."""
    description: str


@dataclass(frozen=True, slots=True)
class Model(Dataset):
    """The weights, which may become a Kaggle Model instead of a dataset."""

    kind: str = "dataset"
    """dataset or model."""
    framework: str = "transformers"
    """Of a Kaggle Model."""
    variation: str = "8bit"
    """Of a Kaggle Model."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of `kaggle.toml`."""

    owner: str
    """Empty: the account of the credential, known only when something is published."""
    competition: str
    kernel: Kernel
    wheels: Dataset
    model: Model
    accelerator: str = "t4x2"
    model_sources: tuple[str, ...] = ()
    """Versions of Kaggle Models that the notebook takes instead of what is built here."""

    @property
    def machine(self) -> Accelerator:
        """The accelerator's facts."""
        return ACCELERATORS[self.accelerator]

    @property
    def model_reference(self) -> str:
        """The variation, owner/model/framework/variation, that `dist/model` becomes."""
        own = f"{self.model.slug}/{self.model.framework}/{self.model.variation}"
        return reference(self, own)


def load(path: Path = PATH) -> Settings:
    """Read and check the settings file.

    Raises:
        SettingsError: the file is missing or no TOML, or holds something that Kaggle would refuse.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f"{path} is no TOML: {error}.") from None
    top = _strings(values, "", Settings, nested=("kernel", "wheels", "model", "model_sources"))
    settings = Settings(
        kernel=Kernel(**_strings(values["kernel"], "kernel.", Kernel)),
        wheels=Dataset(**_strings(values["wheels"], "wheels.", Dataset)),
        model=Model(**_strings(values["model"], "model.", Model)),
        model_sources=_sources(values.get("model_sources", [])),
        **top,
    )
    _check(settings)
    return settings


def _strings(
    values: Any, where: str, kind: type[Any], nested: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return the table's texts; refuse unknown and missing keys and values of another kind."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"kaggle.toml: {where.rstrip('.')} must be a table.")
    table: dict[str, Any] = dict(values)
    known = [f.name for f in fields(kind)]
    if unknown := sorted(set(table) - set(known)):
        raise SettingsError(f"kaggle.toml: unknown key {where}{unknown[0]}: known are {known}.")
    needed = [f.name for f in fields(kind) if f.default is MISSING]
    if missing := [name for name in needed if name not in table]:
        raise SettingsError(f"kaggle.toml: {where}{missing[0]} is missing.")
    texts = {name: table[name] for name in known if name not in nested and name in table}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise SettingsError(f"kaggle.toml: {where}{name} is {value!r}: give it as a text.")
    return texts


def _sources(values: Any) -> tuple[str, ...]:
    """Return the Kaggle Models that are named; refuse anything else."""
    form = "owner/model/framework/variation/version"
    if not isinstance(values, list):
        raise SettingsError(f"kaggle.toml: model_sources is {values!r}: give a list of {form}.")
    named: list[Any] = list(values)  # pyright: ignore[reportUnknownArgumentType] - from TOML
    for value in named:
        if not isinstance(value, str) or not MODEL_SOURCE.fullmatch(value):
            raise SettingsError(f"kaggle.toml: model_sources has {value!r}: give it as {form}.")
    if len(set(named)) < len(named):
        raise SettingsError("kaggle.toml: model_sources names a model twice: leave one out.")
    return tuple(named)


def _check(settings: Settings) -> None:
    """Hold the settings to what Kaggle and its client accept."""
    if not settings.competition:
        raise SettingsError("kaggle.toml: competition is empty: name it as its address does.")
    if "/" in settings.owner or settings.owner == OWNER:
        raise SettingsError(f"kaggle.toml: owner is {settings.owner!r}: give a user name or ''.")
    if settings.accelerator not in ACCELERATORS:
        raise SettingsError(
            f"kaggle.toml: accelerator is {settings.accelerator!r}: take {_one_of(ACCELERATORS)}."
        )
    for name, value, known in (
        ("kind", settings.model.kind, ("dataset", "model")),
        ("framework", settings.model.framework, FRAMEWORKS),
    ):
        if value not in known:
            raise SettingsError(f"kaggle.toml: model.{name} is {value!r}: take {_one_of(known)}.")
    if not SLUG.fullmatch(settings.model.variation):
        raise SettingsError(
            f"kaggle.toml: model.variation is {settings.model.variation!r}: use a-z, 0-9 and "
            "single hyphens."
        )
    for name, entry in (("kernel", settings.kernel), *_datasets(settings)):
        _check_length(f"{name}.slug", entry.slug, NAME_LENGTH)
        _check_length(f"{name}.title", entry.title, NAME_LENGTH)
        if not SLUG.fullmatch(entry.slug):
            raise SettingsError(
                f"kaggle.toml: {name}.slug is {entry.slug!r}: use a-z, 0-9 and single hyphens."
            )
    if settings.kernel.slug != (wanted := slugify(settings.kernel.title)):
        raise SettingsError(
            f"kaggle.toml: kernel.slug is {settings.kernel.slug!r}, but Kaggle makes {wanted!r} of "
            "kernel.title: change one of the two."
        )
    if "@sha256:" not in settings.kernel.image:
        raise SettingsError("kaggle.toml: kernel.image has no digest: pin it as name@sha256:....")
    for name, entry in _datasets(settings):
        _check_length(f"{name}.subtitle", entry.subtitle, SUBTITLE_LENGTH)
        if not entry.licence:
            raise SettingsError(f"kaggle.toml: {name}.licence is empty: Kaggle asks for one.")
    if settings.wheels.slug == settings.model.slug:
        raise SettingsError("kaggle.toml: wheels.slug and model.slug are the same: change one.")


def _one_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


def _datasets(settings: Settings) -> tuple[tuple[Which, Dataset], ...]:
    return ("wheels", settings.wheels), ("model", settings.model)


def _check_length(name: str, text: str, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= len(text) <= bounds[1]:
        raise SettingsError(
            f"kaggle.toml: {name} has {len(text)} characters: "
            f"Kaggle takes {bounds[0]} to {bounds[1]}."
        )


def reference(settings: Settings, slug: str) -> str:
    """Return `owner/slug`, with `OWNER` where the settings leave the owner to the credential."""
    return f"{settings.owner or OWNER}/{slug}"


def dataset_metadata(settings: Settings, which: Which) -> dict[str, Any]:
    """Return the contents of a dataset's `dataset-metadata.json`."""
    entry = dict(_datasets(settings))[which]
    return {
        "id": reference(settings, entry.slug),
        "title": entry.title,
        "subtitle": entry.subtitle,
        "description": entry.description,
        "licenses": [{"name": entry.licence}],
    }


def model_metadata(settings: Settings) -> dict[str, Any]:
    """Return the contents of a Kaggle Model's `model-metadata.json`."""
    entry = settings.model
    return {
        "ownerSlug": settings.owner or OWNER,
        "slug": entry.slug,
        "title": entry.title,
        "subtitle": entry.subtitle,
        "isPrivate": True,
        "description": entry.description,
    }


def variation_metadata(settings: Settings) -> dict[str, Any]:
    """Return the contents of a Kaggle Model's `model-instance-metadata.json`."""
    entry = settings.model
    return {
        "ownerSlug": settings.owner or OWNER,
        "modelSlug": entry.slug,
        "instanceSlug": entry.variation,
        "framework": entry.framework,
        "overview": entry.subtitle,
        "licenseName": MODEL_LICENCES.get(entry.licence, entry.licence),
    }


def weights_sources(
    settings: Settings, model_dataset: str | None, model_version: int
) -> tuple[list[str], list[str]]:
    """Return where the notebook takes its model from: datasets and Kaggle Models."""
    if model_dataset is not None:
        return [model_dataset], []
    if settings.model_sources:
        return [], list(settings.model_sources)
    if settings.model.kind == "model":
        return [], [f"{settings.model_reference}/{model_version}"]
    return [reference(settings, settings.model.slug)], []


def kernel_metadata(
    settings: Settings, model_dataset: str | None = None, model_version: int = 1
) -> dict[str, Any]:
    """Return the contents of `kernel-metadata.json`: no internet, private, pinned image.

    Args:
        settings: of `kaggle.toml`.
        model_dataset: an uploaded model's `owner/slug`, in place of what the settings name.
        model_version: of the Kaggle Model that `dist/model` becomes, known once it is uploaded.

    Raises:
        SettingsError: `model_dataset` has another form.
    """
    if model_dataset is not None and not REFERENCE.fullmatch(model_dataset):
        raise SettingsError(f"MODEL_DATASET is {model_dataset!r}: give it as owner/slug.")
    datasets, models = weights_sources(settings, model_dataset, model_version)
    return {
        "id": reference(settings, settings.kernel.slug),
        "title": settings.kernel.title,
        "code_file": "submission.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": True,
        # The client's own default is true, and a competition refuses notebooks with internet.
        "enable_internet": False,
        "machine_shape": settings.machine.machine_shape,
        "dataset_sources": [reference(settings, settings.wheels.slug), *datasets],
        "competition_sources": [settings.competition],
        "kernel_sources": [],
        "model_sources": models,
        "docker_image_pinning_type": "original",
        "docker_image": settings.kernel.image,
    }
