"""The settings of what is uploaded to Kaggle, read from `kaggle.toml`.

Covers: reading and checking the file before anything is built or sent. Does not cover: the files
made from them for Kaggle (`metadata`); the settings of a run, which are in `kernel/config.py`;
whether a slug is free, which only Kaggle knows.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from slugify import slugify

from notebooks.packaging.accelerators import ACCELERATORS, Accelerator

PATH = Path(__file__).resolve().parents[1] / "kaggle.toml"
OWNER = "OWNER"
"""In the owner's place in built metadata where the settings leave it to the credential: a build
needs no account and gives the same bytes for everyone. No user name has capital letters."""
NAME_LENGTH = (6, 50)
"""Characters that Kaggle's client accepts in a dataset's slug and title."""
SUBTITLE_LENGTH = (20, 80)
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MODEL_SOURCE = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w.-]*){3}/[1-9][0-9]*")
"""A Kaggle Model's version: owner/model/framework/variation/version."""
FRAMEWORKS = ("transformers", "pytorch", "vllm", "other")
"""Kaggle's names of frameworks that a folder of safetensors fits."""
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
        return self.reference(f"{self.model.slug}/{self.model.framework}/{self.model.variation}")

    @property
    def datasets(self) -> tuple[tuple[Which, Dataset], ...]:
        """Both datasets by name."""
        return ("wheels", self.wheels), ("model", self.model)

    def reference(self, slug: str) -> str:
        """Return `owner/slug`, with `OWNER` where the owner is left to the credential."""
        return f"{self.owner or OWNER}/{slug}"


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
        raise SettingsError(f"{path} is not TOML: {error}.") from None
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
    values: object, where: str, kind: type[Any], nested: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return the table's texts; refuse unknown and missing keys and values of another kind."""
    if not isinstance(values, dict):
        raise SettingsError(f"kaggle.toml: {where.rstrip('.')} must be a table.")
    table = cast(dict[str, object], values)
    known = [f.name for f in fields(kind)]
    if unknown := sorted(set(table) - set(known)):
        raise SettingsError(f"kaggle.toml: unknown key {where}{unknown[0]}: known are {known}.")
    needed = [f.name for f in fields(kind) if f.default is MISSING]
    if missing := [name for name in needed if name not in table]:
        raise SettingsError(f"kaggle.toml: {where}{missing[0]} is missing.")
    texts: dict[str, str] = {}
    for name, value in table.items():
        if name in nested:
            continue
        if not isinstance(value, str):
            raise SettingsError(f"kaggle.toml: {where}{name} is {value!r}: give it as a text.")
        texts[name] = value
    return texts


def _sources(values: object) -> tuple[str, ...]:
    """Return the Kaggle Models that are named; refuse anything else."""
    form = "owner/model/framework/variation/version"
    if not isinstance(values, list):
        raise SettingsError(f"kaggle.toml: model_sources is {values!r}: give a list of {form}.")
    named: list[str] = []
    for value in cast(list[object], values):
        if not isinstance(value, str) or not MODEL_SOURCE.fullmatch(value):
            raise SettingsError(f"kaggle.toml: model_sources has {value!r}: give it as {form}.")
        named.append(value)
    if len(set(named)) < len(named):
        raise SettingsError("kaggle.toml: model_sources names a model twice: remove one.")
    return tuple(named)


def _check(settings: Settings) -> None:
    """Hold the settings to what Kaggle and its client accept."""
    if not settings.competition:
        raise SettingsError("kaggle.toml: competition is empty: give the name in its address.")
    if "/" in settings.owner or settings.owner == OWNER:
        raise SettingsError(f"kaggle.toml: owner is {settings.owner!r}: give a user name or ''.")
    if "@sha256:" not in settings.kernel.image:
        raise SettingsError("kaggle.toml: kernel.image has no digest: pin it as name@sha256:....")
    for name, value, known in (
        ("accelerator", settings.accelerator, ACCELERATORS),
        ("model.kind", settings.model.kind, ("dataset", "model")),
        ("model.framework", settings.model.framework, FRAMEWORKS),
    ):
        if value not in known:
            raise SettingsError(f"kaggle.toml: {name} is {value!r}: take {_one_of(known)}.")
    _check_names(settings)


def _check_names(settings: Settings) -> None:
    """Hold names, titles and licences to what Kaggle and its client accept."""
    _check_slug("model.variation", settings.model.variation)
    for name, entry in (("kernel", settings.kernel), *settings.datasets):
        _check_length(f"{name}.slug", entry.slug, NAME_LENGTH)
        _check_length(f"{name}.title", entry.title, NAME_LENGTH)
        _check_slug(f"{name}.slug", entry.slug)
    if settings.kernel.slug != (wanted := slugify(settings.kernel.title)):
        raise SettingsError(
            f"kaggle.toml: kernel.slug is {settings.kernel.slug!r}, but Kaggle makes {wanted!r} of "
            "kernel.title: change one of the two."
        )
    for name, entry in settings.datasets:
        _check_length(f"{name}.subtitle", entry.subtitle, SUBTITLE_LENGTH)
        if not entry.licence:
            raise SettingsError(f"kaggle.toml: {name}.licence is empty: Kaggle asks for one.")
    if settings.wheels.slug == settings.model.slug:
        raise SettingsError("kaggle.toml: wheels.slug and model.slug are the same: change one.")


def _check_slug(name: str, slug: str) -> None:
    if not SLUG.fullmatch(slug):
        raise SettingsError(f"kaggle.toml: {name} is {slug!r}: use a-z, 0-9 and single hyphens.")


def _one_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


def _check_length(name: str, text: str, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= len(text) <= bounds[1]:
        raise SettingsError(
            f"kaggle.toml: {name} has {len(text)} characters: "
            f"Kaggle takes {bounds[0]} to {bounds[1]}."
        )
