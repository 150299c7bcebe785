"""A folder's manifest: the size and SHA-256 of each file that is uploaded from it.

Covers: writing `manifest.json`, reading it, and checking a folder against it. Does not cover:
subfolders, since uploads are flat; Kaggle's own metadata file, which is not part of the data.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.files import write_json

NAME = "manifest.json"
LEFT_OUT = frozenset({NAME, "dataset-metadata.json"})


class ManifestError(ValueError):
    """A manifest that cannot be read; the message names the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file must be."""

    bytes: int
    sha256: str


def write(folder: Path) -> Path:
    """Write the manifest of the files that lie in `folder`, and return its path.

    The same files give the same bytes; a half-written manifest never bears the name.
    """
    files = {path.name: asdict(_measure(path)) for path in _files(folder)}
    path = folder / NAME
    write_json(path, {"files": files})
    return path


def read(folder: Path) -> dict[str, Entry]:
    """Return the manifest's entries by file name.

    Raises:
        ManifestError: there is no manifest, or it has another form.
    """
    path = folder / NAME
    try:
        return parse(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path} is not a manifest: write it again.") from None


def parse(text: str, where: str) -> dict[str, Entry]:
    """Return the entries of a manifest's text; `where` names it in the error.

    Raises:
        ManifestError: the text is not a manifest.
    """
    try:
        value: Any = json.loads(text)
        return {str(name): _entry(fields) for name, fields in value["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ManifestError(f"{where} is not a manifest: write it again.") from None


def check(folder: Path) -> list[str]:
    """Return one sentence for each file that is missing, changed or not in the manifest."""
    try:
        wanted = read(folder)
    except ManifestError as error:
        return [str(error)]
    there = {path.name: path for path in _files(folder)}
    faults = [f"{name} is not in the manifest." for name in sorted(set(there) - set(wanted))]
    for name, entry in sorted(wanted.items()):
        if name not in there:
            faults.append(f"{name} is missing.")
        elif (size := there[name].stat().st_size) != entry.bytes:
            # Gigabytes are not hashed where the size already tells.
            faults.append(f"{name} has {size} bytes instead of {entry.bytes}.")
        elif _measure(there[name]).sha256 != entry.sha256:
            faults.append(f"{name} does not have the contents that the manifest says.")
    return faults


def _files(folder: Path) -> list[Path]:
    """Return the files to be uploaded, in the order of their names.

    Hidden files are left out: they are scratch, ours or the system's.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.name not in LEFT_OUT and not path.name.startswith(".")
    )


def _measure(path: Path) -> Entry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(path.stat().st_size, digest)


def _entry(fields: Mapping[str, Any]) -> Entry:
    size, digest = fields["bytes"], fields["sha256"]
    if type(size) is not int or size < 0 or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError(fields)
    return Entry(size, digest)
