"""`make package`: what goes to Kaggle, in `dist/`.

Covers: the notebook with its metadata, a profile's wheelhouse, the model's dataset; checking that
what goes to Kaggle can read the model; rebuilding only what has changed; the sizes. Does not cover:
quantizing a model (`quantize/`), running what was made (`rehearse`), sending it (`publish`).

The notebook is the same for every profile. The wheels that go to Kaggle are those of the
accelerator that `kaggle.toml` names; `cpu` puts wheels for this machine's Python and the embedded
model into `dist/cpu/`, for rehearsals without a GPU.
"""

import hashlib
import itertools
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console

from common import embedded_model, manifest
from common.console import Progress, console, heed_ctrl_c, user_errors
from common.files import check_folder, whole_folder, write_json
from notebooks import build
from notebooks.packaging import loading, settings, wheelhouse
from notebooks.packaging.loading import LoadingError
from notebooks.packaging.metadata import dataset_metadata, kernel_metadata

ROOT = Path(__file__).resolve().parents[2]
STATE = ".built.json"
"""In each part: the key of the sources that it was built from."""
NOTEBOOK = "submission.ipynb"
COMPILED = "flashinfer.cache"
"""The name that `cells/compiled.py` looks for."""
ProfileName = Literal["t4x2", "h100", "cpu"]


class PackageError(RuntimeError):
    """The package cannot be made; the message says what to do."""


@dataclass(frozen=True)
class PackageOptions:
    """Build what goes to Kaggle: notebook, wheels and model."""

    profile: ProfileName | None = None
    """The machine that wheels and model are for; that of kaggle.toml if not given."""
    out: Path = ROOT / "dist"
    """The folder to build into."""
    model_dataset: str = ""
    """An uploaded model's owner/slug, in place of dist/model."""
    model: Path | None = None
    """A model's folder, in place of dist/model, or of the embedded model with the profile cpu."""
    flashinfer: Path | None = None
    """The probe notebook's `flashinfer.cache`, to put beside the wheels."""


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of the package."""

    folder: Path
    key: str
    """Digest of all that its contents follow from."""

    @property
    def built(self) -> bool:
        """Whether it is there, complete, from the same sources.

        Sizes only: hashing gigabytes each time would be work; `publish` checks the contents.
        """
        try:
            state = json.loads((self.folder / STATE).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        sizes = {name: _size(self.folder / name) for name in state["sizes"]}
        return state["key"] == self.key and sizes == state["sizes"]

    def seal(self) -> None:
        """Note that it is built."""
        names = sorted(path.name for path in self.folder.iterdir() if path.name != STATE)
        state = {"key": self.key, "sizes": {name: _size(self.folder / name) for name in names}}
        write_json(self.folder / STATE, state)


def home(out: Path, profile: ProfileName) -> Path:
    """Return where a profile's wheels and model are."""
    return out / profile if profile == "cpu" else out


def package(options: PackageOptions, tell: Callable[[str], None]) -> list[Part]:
    """Build what is missing or changed; return the parts that are there afterwards.

    Raises:
        PackageError: something cannot be built.
        LoadingError: Kaggle could not load the model.
        SettingsError: `kaggle.toml` or MODEL_DATASET cannot be used.
    """
    chosen = settings.load()
    profile = wanted_profile(options, chosen)
    place = home(options.out, profile)
    parts = [
        _kernel(chosen, options, tell),
        _wheels(chosen, options, profile, place / "wheels", tell),
    ]
    if profile == "cpu":
        source = options.model or embedded_model.ensure()
        return [*parts, copy_model(chosen, source, place / "model", tell)]
    if options.model:
        loading.check_model(options.model, tell)
        return [*parts, copy_model(chosen, options.model, place / "model", tell)]
    if options.model_dataset:
        loading.check_dataset(options.model_dataset, tell)
    elif (place / "model" / manifest.NAME).is_file() and not chosen.model_sources:
        loading.check_model(place / "model", tell)
        parts.append(Part(place / "model", ""))
    return parts


def wanted_profile(options: PackageOptions, chosen: settings.Settings) -> ProfileName:
    """Return the wheels' profile.

    Raises:
        PackageError: it is another machine's than the one that the notebook will run on.
    """
    machine = chosen.machine
    if options.profile in (None, "cpu", machine.wheels):
        return options.profile or machine.wheels
    raise PackageError(
        f"PROFILE is {options.profile}, but the accelerator {machine.name} of kaggle.toml takes "
        f"the wheels of {machine.wheels}: change one of the two."
    )


def _kernel(
    chosen: settings.Settings, options: PackageOptions, tell: Callable[[str], None]
) -> Part:
    """Build the notebook and its metadata."""
    text = build.notebook(build.submission_cells())
    metadata = kernel_metadata(chosen, options.model_dataset or None)
    folder = options.out / "kernel"
    part = Part(folder, _digest([text.encode(), _json_text(metadata).encode()]))
    if not part.built:
        tell("Building the notebook ...")
        build.write(folder / NOTEBOOK, text)
        write_json(folder / "kernel-metadata.json", metadata)
        part.seal()
    return part


def _wheels(
    chosen: settings.Settings,
    options: PackageOptions,
    name: ProfileName,
    folder: Path,
    tell: Callable[[str], None],
) -> Part:
    """Download the wheels and prove that they are all that is needed."""
    profile, compiled = wheelhouse.PROFILES[name], _compiled(options)
    metadata = _json_text(dataset_metadata(chosen, "wheels"))
    sources = [path.read_bytes() for path in profile.sources]
    key = _digest([*sources, metadata.encode(), f"{profile}".encode(), compiled])
    part = Part(folder, key)
    if part.built:
        return part
    scratch = folder.with_name(f"{folder.name}.part")
    # What an interrupted build has fetched is kept; wheels of another lock are not.
    _forget_others(scratch, key)
    _fetch(profile, scratch, tell)
    (scratch / "key").unlink()
    if compiled:
        (scratch / COMPILED).write_bytes(compiled)
    (scratch / "dataset-metadata.json").write_text(metadata, "utf-8")
    manifest.write(scratch)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    part.seal()
    return part


def _fetch(profile: wheelhouse.Profile, folder: Path, tell: Callable[[str], None]) -> None:
    """Download a profile's wheels; refuse a set that is not closed."""
    count = sum("==" in line for line in profile.lock.read_text("utf-8").splitlines())
    fetched = itertools.count(1)

    def show(_: str) -> None:
        tell(f"Fetching the wheels of {profile.name}: {next(fetched)} of about {count} ...")

    try:
        wheelhouse.download(profile, folder, show)
        tell(f"Resolving {profile.name} offline, with these wheels only ...")
        lacking = wheelhouse.missing(profile, folder)
    except wheelhouse.WheelhouseError as error:
        raise PackageError(f"the wheels of {profile.name} cannot be fetched: {error}") from None
    if lacking:
        raise PackageError(f"the wheelhouse of {profile.name} is incomplete: {lacking}")


def _compiled(options: PackageOptions) -> bytes:
    """Return what FlashInfer compiled in the probe, nothing where no file is named."""
    if options.flashinfer is None:
        return b""
    if not tarfile.is_tarfile(options.flashinfer):
        raise PackageError(f"FLASHINFER is not the {COMPILED} of the probe notebook's output.")
    return options.flashinfer.read_bytes()


def copy_model(
    chosen: settings.Settings, source: Path, folder: Path, tell: Callable[[str], None]
) -> Part:
    """Copy a model's files into a dataset folder, unless just they are there.

    Raises:
        PackageError: `source` is not a model.
    """
    if not (source / "config.json").is_file():
        raise PackageError(f"{source} is not a model: MODEL names a folder with config.json.")
    metadata = _json_text(dataset_metadata(chosen, "model"))
    files = [path for path in sorted(source.iterdir()) if path.name not in manifest.LEFT_OUT]
    stats = [(path.name, path.stat()) for path in files if path.is_file()]
    names = [f"{name} {stat.st_size} {stat.st_mtime_ns}".encode() for name, stat in stats]
    part = Part(folder, _digest([f"{source}".encode(), *names, metadata.encode()]))
    if not part.built:
        tell("Copying the model ...")
        with whole_folder(folder) as scratch:
            for name, _ in stats:
                shutil.copyfile(source / name, scratch / name)
            (scratch / "dataset-metadata.json").write_text(metadata, "utf-8")
            manifest.write(scratch)
        part.seal()
    return part


def _forget_others(scratch: Path, key: str) -> None:
    mark = scratch / "key"
    if not mark.is_file() or mark.read_text("utf-8") != key:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        mark.write_text(key, "utf-8")


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"


def _report(shown: Console, options: PackageOptions, parts: list[Part]) -> None:
    """Print what is there, with sizes, and what is missing."""
    for part in parts:
        files = [path for path in part.folder.iterdir() if path.name != STATE]
        size = sum(path.stat().st_size for path in files)
        shown.print(f"{part.folder}  {len(files)} files, {size / 1e6:,.1f} MB", soft_wrap=True)
    if options.profile == "cpu" or len(parts) == 3:
        return
    if taken := options.model_dataset or " and ".join(settings.load().model_sources):
        text = f"The notebook takes its model from {taken}."
    else:
        text = (
            f"There is no {options.out / 'model'} yet: make it with `make quantize MODEL=...`, or "
            "name an uploaded one with MODEL_DATASET=owner/slug."
        )
    shown.print(text, soft_wrap=True)


def main() -> None:
    """Run the command; exit 2 where the package cannot be made."""
    options = tyro.cli(PackageOptions)
    heed_ctrl_c()
    shown = console()
    with user_errors(PackageError, LoadingError, settings.SettingsError):
        check_folder(options.out)
        with Progress(shown) as progress:
            parts = package(options, progress)
    _report(shown, options, parts)


if __name__ == "__main__":
    main()
