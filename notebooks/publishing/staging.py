"""What `make package` left in `dist/`, checked as a whole and laid out for the upload.

Covers: checking that notebook, metadata and manifests are there and agree with `kaggle.toml`, and
copies whose ids carry the owner's name. Does not cover: making any of it (`package`), sending it
(`publish`).
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import manifest
from notebooks.packaging.metadata import (
    dataset_metadata,
    kernel_metadata,
    model_metadata,
    variation_metadata,
)
from notebooks.packaging.settings import Settings, SettingsError, Which
from notebooks.publishing import models
from notebooks.publishing.datasets import METADATA, Upload
from notebooks.publishing.kernels import METADATA as KERNEL_METADATA

STAGE = "upload"
"""The folder of `dist/` that holds what the client is given; its paths must stay the same for an
interrupted upload to be resumed."""


class StagingError(ValueError):
    """`dist/` cannot be published as it is; the message names the command that fixes it."""


@dataclass(frozen=True, slots=True)
class Package:
    """A checked `dist/`."""

    dist: Path
    settings: Settings
    datasets: tuple[Which, ...]
    """Those that are uploaded from here."""
    model_dataset: str | None
    """The uploaded model that the notebook takes instead."""
    model_version: int = 1
    """Of the Kaggle Model that `dist/model` becomes; known once it is uploaded."""

    @property
    def notebook(self) -> Path:
        """The notebook, the very file that was rehearsed."""
        return self.dist / "kernel" / "submission.ipynb"

    def owned_by(self, owner: str) -> "Package":
        """Return the package with the owner's name wherever the settings left it open."""
        return replace(self, settings=replace(self.settings, owner=self.settings.owner or owner))

    def kernel_metadata(self) -> dict[str, Any]:
        """Return what the notebook is pushed with."""
        return kernel_metadata(self.settings, self.model_dataset, self.model_version)

    def is_kaggle_model(self, which: Which) -> bool:
        """Tell whether a folder becomes a Kaggle Model, not a dataset."""
        return which == "model" and self.settings.model.kind == "model"

    def reference(self, which: Which) -> str:
        """Return a dataset's `owner/slug`, or a Kaggle Model's variation."""
        if self.is_kaggle_model(which):
            return self.settings.model_reference
        return str(dataset_metadata(self.settings, which)["id"])

    def key(self) -> str:
        """Return a digest of what the notebook's version is made of: itself, metadata, datasets."""
        digest = hashlib.sha256(self.notebook.read_bytes())
        digest.update(json.dumps(self.kernel_metadata(), sort_keys=True).encode())
        for which in self.datasets:
            digest.update((self.dist / which / manifest.NAME).read_bytes())
        return digest.hexdigest()


def examine(dist: Path, chosen: Settings, model_dataset: str | None = None) -> Package:
    """Check that `dist` holds what can be published.

    Raises:
        StagingError: something is missing, changed since it was made, or of other settings.
        SettingsError: `model_dataset` is no `owner/slug`.
    """
    packed = _packed_model(dist, chosen)
    model = model_dataset or packed
    if model_dataset is not None:
        kernel_metadata(chosen, model_dataset)
    elsewhere = model or chosen.model_sources
    datasets: tuple[Which, ...] = ("wheels",) if elsewhere else ("wheels", "model")
    for which in datasets:
        folder = dist / which
        if which == "model" and not folder.is_dir():
            raise StagingError(
                f"There is no {folder}: make it with `make quantize MODEL=...`, "
                "or name an uploaded one with MODEL_DATASET=owner/slug, or in kaggle.toml's "
                "model_sources."
            )
        _check_folder(folder)
    return Package(dist, chosen, datasets, model)


def _packed_model(dist: Path, chosen: Settings) -> str | None:
    """Check the notebook's folder; return the uploaded model that it was packed for, if any."""
    path = dist / "kernel" / KERNEL_METADATA
    try:
        metadata: Any = json.loads(path.read_text("utf-8"))
        source = next(iter(metadata["dataset_sources"][1:]), None)
    except FileNotFoundError:
        raise StagingError(f"There is no {path}: run `make package` first.") from None
    except (ValueError, LookupError, TypeError):
        raise StagingError(f"{path} cannot be read: run `make package` again.") from None
    own = source in (None, chosen.reference(chosen.model.slug))
    try:
        expected = kernel_metadata(chosen, None if own else str(source))
    except SettingsError:
        expected = None
    if metadata != expected:
        raise StagingError(f"{path} does not match kaggle.toml any more: run `make package` again.")
    if not (notebook := path.with_name(metadata["code_file"])).is_file():
        raise StagingError(f"There is no {notebook}: run `make package` first.")
    return None if own else source


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise StagingError(f"There is no {folder}: run `make package` first.")
    if faults := manifest.check(folder):
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise StagingError(
            f"{folder} has changed since it was made: {faults[0].rstrip('.')}{more}; "
            "run `make package` again."
        )


def stage_dataset(package: Package, which: Which) -> Upload:
    """Lay out a dataset as the client uploads it: links to its files, and metadata with the owner.

    The client takes whatever lies in the folder, so that only the manifest's files are put there.
    """
    source, folder = package.dist / which, package.dist / STAGE / which
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*manifest.read(source), manifest.NAME):
        _link(source / name, folder / name)
    chosen = package.settings
    described = {METADATA: dataset_metadata(chosen, which)}
    if package.is_kaggle_model(which):
        described = {
            models.METADATA: model_metadata(chosen),
            models.VARIATION_METADATA: variation_metadata(chosen),
        }
    for name, metadata in described.items():
        (folder / name).write_text(json.dumps(metadata, indent=1), "utf-8")
    return Upload(folder, package.reference(which), package.dist / STAGE / "client")


def stage_kernel(package: Package) -> Path:
    """Lay out the notebook as the client pushes it; return the folder."""
    folder = package.dist / STAGE / "kernel"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _link(package.notebook, folder / package.notebook.name)
    metadata = json.dumps(package.kernel_metadata(), indent=1)
    (folder / KERNEL_METADATA).write_text(metadata, "utf-8")
    return folder


def _link(source: Path, target: Path) -> None:
    """Link a file, whose time of change the client remembers a cut upload by."""
    try:
        os.link(source, target)
    except OSError:
        target.symlink_to(source.resolve())
