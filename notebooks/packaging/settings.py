"""The settings of what is uploaded to Kaggle, read from `kaggle.toml`, and the metadata they give.

Covers: reading and checking the file before anything is built or sent, and the contents of
`dataset-metadata.json` and `kernel-metadata.json`. Does not cover: the settings of a run, which are
`kernel/config.py`'s; whether a slug is free, which only Kaggle knows.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from slugify import slugify

PATH = Path(__file__).resolve().parents[1] / "kaggle.toml"
OWNER = "OWNER"
"""Stands for the owner in built metadata where the settings leave it to the credential: a build
needs no account and gives the same bytes for everyone. No user name has capital letters."""
NAME_LENGTH = (6, 50)
"""Characters that Kaggle's client accepts in a dataset's slug and title."""
SUBTITLE_LENGTH = (20, 80)
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
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
class Settings:
    """All of `kaggle.toml`."""

    owner: str
    """Empty: the account of the credential, known only when something is published."""
    competition: str
    kernel: Kernel
    wheels: Dataset
    model: Dataset


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
    top = _strings(values, "", Settings, nested=("kernel", "wheels", "model"))
    settings = Settings(
        owner=top["owner"],
        competition=top["competition"],
        kernel=Kernel(**_strings(values["kernel"], "kernel.", Kernel)),
        wheels=Dataset(**_strings(values["wheels"], "wheels.", Dataset)),
        model=Dataset(**_strings(values["model"], "model.", Dataset)),
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
    if missing := [name for name in known if name not in table]:
        raise SettingsError(f"kaggle.toml: {where}{missing[0]} is missing.")
    texts = {name: table[name] for name in known if name not in nested}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise SettingsError(f"kaggle.toml: {where}{name} is {value!r}: give it as a text.")
    return texts


def _check(settings: Settings) -> None:
    """Hold the settings to what Kaggle and its client accept."""
    if not settings.competition:
        raise SettingsError("kaggle.toml: competition is empty: name it as its address does.")
    if "/" in settings.owner or settings.owner == OWNER:
        raise SettingsError(f"kaggle.toml: owner is {settings.owner!r}: give a user name or ''.")
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


def kernel_metadata(settings: Settings, model_dataset: str | None = None) -> dict[str, Any]:
    """Return the contents of `kernel-metadata.json`: two T4s, no internet, private, pinned image.

    `model_dataset` is an uploaded model's `owner/slug`, in place of the one of the settings.

    Raises:
        SettingsError: `model_dataset` has another form.
    """
    if model_dataset is not None and not REFERENCE.fullmatch(model_dataset):
        raise SettingsError(f"MODEL_DATASET is {model_dataset!r}: give it as owner/slug.")
    model = model_dataset or reference(settings, settings.model.slug)
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
        "machine_shape": "NvidiaTeslaT4",
        "dataset_sources": [reference(settings, settings.wheels.slug), model],
        "competition_sources": [settings.competition],
        "kernel_sources": [],
        "model_sources": [],
        "docker_image_pinning_type": "original",
        "docker_image": settings.kernel.image,
    }
