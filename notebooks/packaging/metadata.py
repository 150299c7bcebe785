"""The metadata that goes to Kaggle with each upload, made from the settings in `kaggle.toml`.

Covers: the contents of `dataset-metadata.json`, `kernel-metadata.json` and a Kaggle Model's two
files. Does not cover: whether the settings can work (`settings` has checked them).
"""

import re
from typing import Any

from notebooks.packaging.settings import OWNER, Settings, SettingsError, Which

MODEL_LICENCES = {"apache-2.0": "Apache 2.0", "mit": "MIT", "other": "Other"}
"""Kaggle Models' names of licences that datasets call otherwise."""
REFERENCE = re.compile(r"[A-Za-z0-9][\w-]*/[a-z0-9]+(-[a-z0-9]+)*")


def dataset_metadata(settings: Settings, which: Which) -> dict[str, Any]:
    """Return the contents of a dataset's `dataset-metadata.json`."""
    entry = dict(settings.datasets)[which]
    return {
        "id": settings.reference(entry.slug),
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
        if not REFERENCE.fullmatch(model_dataset):
            raise SettingsError(f"MODEL_DATASET is {model_dataset!r}: give it as owner/slug.")
        return [model_dataset], []
    if settings.model_sources:
        return [], list(settings.model_sources)
    if settings.model.kind == "model":
        return [], [f"{settings.model_reference}/{model_version}"]
    return [settings.reference(settings.model.slug)], []


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
    datasets, models = weights_sources(settings, model_dataset, model_version)
    return {
        "id": settings.reference(settings.kernel.slug),
        "title": settings.kernel.title,
        "code_file": "submission.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": True,
        # The client's own default is true, and a competition refuses notebooks with internet.
        "enable_internet": False,
        "machine_shape": settings.machine.machine_shape,
        "dataset_sources": [settings.reference(settings.wheels.slug), *datasets],
        "competition_sources": [settings.competition],
        "kernel_sources": [],
        "model_sources": models,
        "docker_image_pinning_type": "original",
        "docker_image": settings.kernel.image,
    }
