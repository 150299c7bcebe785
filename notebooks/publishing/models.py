"""Brings `dist/model` to Kaggle as a Kaggle Model, and tells whether a named one exists.

Covers: creating the model and its variation, adding a version to it, handling a dropped file, and
comparing the remote list with the manifest. Does not cover: whether the weights become a model or a
dataset (`kaggle.toml`), and datasets (`datasets`).

Kaggle hands out a variation's files only all together, so a record of the last upload is kept in
`dist/`: the manifest's digest with the version that it became.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from common import manifest
from common.files import write_json
from notebooks.publishing import client
from notebooks.publishing.client import KaggleError
from notebooks.publishing.datasets import (
    READY_SECONDS,
    Progress,
    Upload,
    differences,
    transfer,
    until_whole,
)

RECORD = "published-model.json"
METADATA, VARIATION_METADATA = "model-metadata.json", "model-instance-metadata.json"


@dataclass(frozen=True, slots=True)
class LastUpload:
    """What was uploaded last from a folder."""

    reference: str
    """The variation: owner/model/framework/variation."""
    version: int
    digest: str
    """Of the manifest, which has every file's."""


def newest(reference: str) -> int | None:
    """Return a variation's newest version, or None where this account is shown none.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    return _asked(f"Asking for {reference}", "variation", reference=reference)


def is_source(reference: str) -> bool:
    """Return whether Kaggle shows this account that version, owner/model/framework/variation/N.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    variation, _, version = reference.rpartition("/")
    found = newest(variation)
    return found is not None and 1 <= int(version) <= found


def unchanged(upload: Upload, dist: Path) -> int | None:
    """Return the version that the folder became, None where it is not what was uploaded last."""
    try:
        kept = LastUpload(**json.loads((dist / RECORD).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if (kept.reference, kept.digest) != (upload.reference, _digest(upload)):
        return None
    if newest(upload.reference) != kept.version:
        return None
    return None if differences(upload, _sizes(upload.reference)) else kept.version


def send(
    upload: Upload, dist: Path, note: str, show: Callable[[Progress], None], seconds: float
) -> int:
    """Upload the folder as a new version, and return its number.

    Args:
        upload: the staged folder, with the metadata of model and variation.
        dist: where it is noted what was uploaded.
        note: the version's note.
        show: is called with how far the upload has come.
        seconds: between two questions to Kaggle.

    Raises:
        KaggleError: Kaggle refused it, or a file did not arrive twice.
    """

    def once() -> int:
        before = newest(upload.reference)
        _upload(upload, before is not None, note, show)
        return _await(upload.reference, (before or 0) + 1, seconds)

    _ensure_model(upload)
    version = until_whole(upload, once, _sizes)
    write_json(dist / RECORD, asdict(LastUpload(upload.reference, version, _digest(upload))))
    return version


def _ensure_model(upload: Upload) -> None:
    """Create the model, which holds the variations, where there is none yet."""
    model = "/".join(upload.reference.split("/")[:2])
    if _asked(f"Asking for {model}", "model", reference=model) is not None:
        return
    doing = f"Creating the model {model}"
    answer = client.call(doing, "create_model", folder=str(upload.folder.resolve()))
    if answer["error"] or not answer["id"]:
        raise KaggleError(f"{doing} failed; Kaggle says: {answer['error'] or 'no reason'}")


def _upload(upload: Upload, exists: bool, note: str, show: Callable[[Progress], None]) -> None:
    folder = upload.folder.name
    if exists:
        command = ("versions", "create", upload.reference, "-p", folder, "-n", note)
        transfer(upload, ("models", "variations", *command), "version was created", show)
    else:
        command = ("create", "-p", folder)
        transfer(upload, ("models", "variations", *command), "instance was created", show)


def _await(reference: str, version: int, seconds: float) -> int:
    """Wait until Kaggle shows that version or a later one."""
    end = time.monotonic() + READY_SECONDS
    for found in client.patiently(lambda: newest(reference), seconds):
        if found is not None and found >= version:
            return found
        if time.monotonic() > end:
            break
    raise KaggleError(
        f"{reference} does not show version {version} after {READY_SECONDS / 3600:g} hours: check "
        "it on Kaggle."
    )


def _sizes(reference: str) -> dict[str, int]:
    sizes: dict[str, int] = client.call(
        f"Listing {reference}", "variation_files", reference=reference
    )
    return sizes


def _asked(doing: str, name: str, reference: str) -> int | None:
    """Return a call's version, None where Kaggle shows this account no such thing."""
    value = client.asked(doing, name, reference=reference)
    return None if value is None else int(value["version"] or 0)


def _digest(upload: Upload) -> str:
    return hashlib.sha256((upload.folder / manifest.NAME).read_bytes()).hexdigest()
