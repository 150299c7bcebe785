"""Brings a folder with a manifest to Kaggle as a dataset, and makes sure that it arrived.

Covers: creating it or a new version, resuming an interrupted upload, uploading a dropped file
again, waiting until the dataset is ready, and comparing the remote list with the manifest. Does not
cover: other people's datasets, beyond whether one exists; subfolders, which the client leaves out.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import manifest
from notebooks.publishing import client
from notebooks.publishing.client import PROGRESS, KaggleError

METADATA = "dataset-metadata.json"
READY_SECONDS = 2 * 3600.0
"""Kaggle takes minutes for gigabytes; a dataset that is not ready by then never will be."""
FAILED = ("failed", "deleted")


@dataclass(frozen=True, slots=True)
class Remote:
    """A dataset as Kaggle has it."""

    status: str
    version: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A staged folder, what it holds and where it goes."""

    folder: Path
    """Holds the manifest's files, the manifest, and Kaggle's metadata file."""
    reference: str
    scratch: Path
    """Where the client remembers how far each file has come; kept until all have arrived."""

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each file that must arrive, the manifest among them."""
        sizes = {name: entry.bytes for name, entry in manifest.read(self.folder).items()}
        return {**sizes, manifest.NAME: (self.folder / manifest.NAME).stat().st_size}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload has come."""

    file: str
    bytes: int
    """Of all files together."""


class DroppedError(Exception):
    """The client dropped a file; the message is its name."""


def state(reference: str) -> Remote | None:
    """Return the dataset's state, or None where Kaggle has none that this account may see.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    value = client.asked(f"Asking for {reference}", "dataset", reference=reference)
    if value is None:
        return None
    return Remote(str(value["status"]), int(value["current_version_number"] or 0))


def remote_sizes(reference: str) -> dict[str, int]:
    """Return the bytes of each file that Kaggle lists for the dataset's newest version."""
    sizes: dict[str, int] = client.call(
        f"Listing {reference}", "dataset_files", reference=reference
    )
    return sizes


def is_there(upload: Upload) -> bool:
    """Return whether the dataset's newest version already is what would be uploaded.

    The manifest says that the contents are the same; the list, that no file was dropped after it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = fetch(upload.reference, manifest.NAME, Path(folder))
        ours = (upload.folder / manifest.NAME).read_bytes()
        if not path.is_file() or path.read_bytes() != ours:
            return False
    return not differences(upload, remote_sizes(upload.reference))


def fetch(reference: str, name: str, folder: Path) -> Path:
    """Fetch one file of a dataset into `folder`; return its path, where nothing is if it failed."""
    client.run("datasets", "download", reference, "-f", name, "-p", str(folder), "-o", "-q")
    path = folder / name
    if not path.exists() and (packed := path.with_name(f"{name}.zip")).exists():
        # Kaggle hands out some files packed.
        shutil.unpack_archive(packed, folder)
    return path


def send(upload: Upload, note: str, show: Callable[[Progress], None], seconds: float) -> int:
    """Upload the folder, wait until Kaggle has processed it, and return the dataset's version.

    Args:
        upload: the staged folder.
        note: the version's note.
        show: is called with how far the upload has come.
        seconds: between two questions to Kaggle.

    Raises:
        KaggleError: Kaggle refused it, or a file did not arrive twice.
    """

    def once() -> int:
        before = state(upload.reference)
        _upload(upload, before is not None, note, show)
        return await_ready(upload.reference, before.version + 1 if before else 1, seconds)

    return until_whole(upload, once, remote_sizes)


def until_whole(
    upload: Upload, once: Callable[[], int], sizes: Callable[[str], Mapping[str, int]]
) -> int:
    """Upload a folder a second time where a file did not arrive; return the version.

    Args:
        upload: the staged folder.
        once: uploads it, waits, and returns the version; raises DroppedError for a dropped file.
        sizes: returns the bytes of each file that Kaggle lists for a reference.

    Raises:
        KaggleError: Kaggle refused it, or a file did not arrive twice.
    """
    faults: list[str] = []
    for _ in range(2):
        try:
            version = once()
        except DroppedError as dropped:
            faults = [f"{dropped} did not arrive"]
            continue
        if not (faults := differences(upload, sizes(upload.reference))):
            return version
    raise KaggleError(
        f"{upload.reference} is not complete after two uploads ({faults[0]}): "
        "run the same command again later."
    )


def await_ready(reference: str, version: int, seconds: float) -> int:
    """Wait until Kaggle has processed `version` or a later one, and return its number.

    Raises:
        KaggleError: Kaggle could not process it, or took too long.
    """
    end = time.monotonic() + READY_SECONDS
    for remote in client.patiently(lambda: state(reference), seconds):
        if remote is not None and remote.version >= version:
            if remote.status == "ready":
                return remote.version
            if remote.status in FAILED:
                raise KaggleError(f"{reference}: Kaggle reports version {version} {remote.status}.")
        if time.monotonic() > end:
            break
    raise KaggleError(
        f"{reference} is not ready after {READY_SECONDS / 3600:g} hours: check it on Kaggle."
    )


def _upload(upload: Upload, exists: bool, note: str, show: Callable[[Progress], None]) -> None:
    """Create the dataset, or a version of it."""
    name = upload.folder.name
    arguments = ("version", "-p", name, "-m", note) if exists else ("create", "-p", name)
    transfer(upload, ("datasets", *arguments), "is being created", show)


def transfer(
    upload: Upload, arguments: Sequence[str], taken: str, show: Callable[[Progress], None]
) -> None:
    """Run a command of the client's that uploads the folder, once.

    Args:
        upload: the staged folder.
        arguments: the client's own; the folder's name stands for its path.
        taken: what the client prints where Kaggle took it.
        show: is called with how far the upload has come.

    Raises:
        DroppedError: the client dropped a file.
        KaggleError: Kaggle did not take it.
    """
    name = upload.folder.name
    upload.scratch.mkdir(parents=True, exist_ok=True)
    reply = client.run(
        *arguments,
        # The client remembers uploads by path: a relative one stays short and may move.
        folder=upload.folder.parent,
        environment={"TMPDIR": str(upload.scratch)},
        on_line=_Reader(upload.sizes(), show).read,
    )
    if dropped := re.search(r"^Upload unsuccessful: (.+)$", reply.text, re.MULTILINE):
        # Its upload has gone wrong for good: the next try starts this one file from the beginning.
        memory = upload.scratch / ".kaggle/uploads" / f"{name}_{dropped.group(1)}.json"
        memory.unlink(missing_ok=True)
        raise DroppedError(dropped.group(1))
    if reply.code != 0 or taken not in reply.text:
        raise reply.failure(f"Uploading {upload.reference}")


@dataclass(slots=True)
class _Reader:
    """Follows an upload by the lines that the client prints."""

    sizes: dict[str, int]
    show: Callable[[Progress], None]
    file: str = ""
    done: int = 0
    """Bytes of the files before this one."""
    start: int = 0
    """Where this file's upload resumes; the client's bar counts from there."""

    def read(self, line: str) -> None:
        size = self.sizes.get(self.file, 0)
        if found := re.match(r"Starting upload for file (.+)", line):
            self.file, self.start = found.group(1), 0
        elif found := re.match(r"Already uploaded \d+ bytes. Will resume upload at (\d+)", line):
            self.start = int(found.group(1))
        elif found := PROGRESS.match(line):
            share = int(found.group(1)) / 100
            self.show(
                Progress(self.file, self.done + self.start + int(share * (size - self.start)))
            )
        elif line.startswith("Upload successful: "):
            self.done += size
            self.show(Progress(self.file, self.done))


def differences(upload: Upload, there: Mapping[str, int]) -> list[str]:
    """Return one phrase for each file that Kaggle does not list as it was sent."""
    wanted = upload.sizes()
    faults = [f"{name} is missing there" for name in sorted(set(wanted) - set(there))]
    faults += [f"{name} should not be there" for name in sorted(set(there) - set(wanted))]
    return faults + [
        f"{name} has {there[name]} bytes there instead of {size}"
        for name, size in sorted(wanted.items())
        if name in there and there[name] != size
    ]
