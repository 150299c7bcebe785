"""`make package`: what goes to Kaggle, in `dist/`.

Covers: the notebook with its metadata, the wheelhouse of a profile, the model's dataset; that what
goes to Kaggle reads the model; doing only what has changed; the sizes. Does not cover: quantizing a
model (`quantize/`), running what was made (`rehearse`), sending it (`publish`).

The notebook is the same for every profile. What goes to Kaggle are the wheels of the accelerator
that `kaggle.toml` names; `cpu` puts wheels for this machine's Python and the embedded model into
`dist/cpu/`, for rehearsals without a GPU.
"""

import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console

from common import embedded_model, manifest
from common.console import Progress, console, heed_ctrl_c
from common.environment import SetupError
from common.files import FileError, check_folder, whole_folder, write_json
from notebooks import build
from notebooks.packaging import loading, settings, wheelhouse
from notebooks.publishing.client import KaggleError

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
class Options:
    """Build what goes to Kaggle: notebook, wheels and model."""

    profile: ProfileName | None = None
    """Which machine the wheels and the model are for; that of kaggle.toml if not given."""
    out: Path = ROOT / "dist"
    """The folder to build into."""
    model_dataset: str = ""
    """An uploaded model's owner/slug, in place of dist/model."""
    model: Path | None = None
    """A model's folder, in place of dist/model, or of the embedded model with the profile cpu."""
    flashinfer: Path | None = None
    """What the probe notebook compiled (`flashinfer.cache`), to go with the wheels."""


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of the package."""

    folder: Path
    key: str
    """Digest of all that its contents follow from."""

    @property
    def built(self) -> bool:
        """Whether it lies there, whole, from the same sources.

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
    """Return where a profile's wheels and model lie."""
    return out / profile if profile == "cpu" else out


def package(options: Options, tell: Callable[[str], None]) -> list[Part]:
    """Build what is missing or changed; return the parts that are there afterwards.

    Raises:
        PackageError: something cannot be built, or Kaggle could not load the model.
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
        check_model(options.model, tell)
        return [*parts, copy_model(chosen, options.model, place / "model", tell)]
    if options.model_dataset:
        check_dataset(options.model_dataset, tell)
    elif (place / "model" / manifest.NAME).is_file() and not chosen.model_sources:
        check_model(place / "model", tell)
        parts.append(Part(place / "model", ""))
    return parts


def wanted_profile(options: Options, chosen: settings.Settings) -> ProfileName:
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


def check_model(folder: Path, tell: Callable[[str], None]) -> None:
    """Refuse a model's folder that the libraries of the wheelhouse do not read.

    Raises:
        PackageError: they do not, or cannot be tried.
    """
    tell(f"Reading {folder} as Kaggle will ...")
    try:
        _refuse(str(folder), loading.faults(folder, tell), f"python -m common.saved_model {folder}")
    except SetupError as error:
        raise PackageError(str(error)) from None


def check_dataset(reference: str, tell: Callable[[str], None]) -> None:
    """Refuse a dataset on Kaggle that the libraries of the wheelhouse do not read.

    Where Kaggle cannot be asked, as without a credential, that is said and nothing refused.

    Raises:
        PackageError: they do not, or cannot be tried.
    """
    tell(f"Reading {reference} as Kaggle will ...")
    try:
        found = loading.dataset_faults(reference, tell)
    except KaggleError as error:
        print(
            f"Kaggle cannot be asked for {reference}, it is not checked: {error}", file=sys.stderr
        )
        return
    except SetupError as error:
        raise PackageError(str(error)) from None
    _refuse(reference, found, "python -m common.saved_model FOLDER")


def _refuse(model: str, found: list[str], command: str) -> None:
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise PackageError(
            f"Kaggle, with transformers {loading.version()}, would not load {model}: {found[0]}"
            f"{more}. `{command}` mends what transformers 5 saved; else save the model again, or "
            "make it with `make quantize`."
        )


def _kernel(chosen: settings.Settings, options: Options, tell: Callable[[str], None]) -> Part:
    """Build the notebook and its metadata."""
    text = build.notebook(build.submission_cells())
    metadata = settings.kernel_metadata(chosen, options.model_dataset or None)
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
    options: Options,
    name: ProfileName,
    folder: Path,
    tell: Callable[[str], None],
) -> Part:
    """Download the wheels and prove that they are all that is needed."""
    profile, compiled = wheelhouse.PROFILES[name], _compiled(options)
    metadata = _json_text(settings.dataset_metadata(chosen, "wheels"))
    sources = [path.read_bytes() for path in profile.sources]
    key = _digest([*sources, metadata.encode(), f"{profile}".encode(), compiled])
    part = Part(folder, key)
    if part.built:
        return part
    count = sum("==" in line for line in profile.lock.read_text("utf-8").splitlines())
    done: list[str] = []

    def fetched(line: str) -> None:
        done.append(line)
        tell(f"Fetching the wheels of {profile.name}: {len(done)} of about {count} ...")

    scratch = folder.with_name(f"{folder.name}.part")
    # What an interrupted build has fetched is taken up again; wheels of another lock are not.
    _forget_others(scratch, key)
    try:
        wheelhouse.download(profile, scratch, fetched)
        tell(f"Resolving {profile.name} offline, with these wheels only ...")
        lacking = wheelhouse.missing(profile, scratch)
    except wheelhouse.WheelhouseError as error:
        raise PackageError(f"the wheels of {profile.name} cannot be fetched: {error}") from None
    if lacking:
        raise PackageError(f"the wheelhouse of {profile.name} is not closed: {lacking}")
    (scratch / "key").unlink()
    if compiled:
        (scratch / COMPILED).write_bytes(compiled)
    (scratch / "dataset-metadata.json").write_text(metadata, "utf-8")
    manifest.write(scratch)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    part.seal()
    return part


def _compiled(options: Options) -> bytes:
    """Return what FlashInfer compiled in the probe, nothing where no file is named."""
    if options.flashinfer is None:
        return b""
    if not tarfile.is_tarfile(options.flashinfer):
        raise PackageError(f"FLASHINFER is no {COMPILED} of the probe notebook's output.")
    return options.flashinfer.read_bytes()


def copy_model(
    chosen: settings.Settings, source: Path, folder: Path, tell: Callable[[str], None]
) -> Part:
    """Copy a model's files into a dataset folder, unless just they are there.

    Raises:
        PackageError: `source` is no model.
    """
    if not (source / "config.json").is_file():
        raise PackageError(f"{source} is no model: MODEL names a folder with config.json.")
    metadata = _json_text(settings.dataset_metadata(chosen, "model"))
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


def _report(shown: Console, options: Options, parts: list[Part]) -> None:
    """Print what is there, with sizes, and what is missing."""
    for part in parts:
        files = [path for path in part.folder.iterdir() if path.name != STATE]
        size = sum(path.stat().st_size for path in files)
        shown.print(f"{part.folder}  {len(files)} files, {size / 1e6:,.1f} MB", soft_wrap=True)
    if options.profile != "cpu" and len(parts) < 3:
        where = options.out / "model"
        named = settings.load().model_sources
        if options.model_dataset or named:
            taken = options.model_dataset or " and ".join(named)
            shown.print(f"The notebook takes its model from {taken}.", soft_wrap=True)
        else:
            shown.print(
                f"There is no {where} yet: make it with `make quantize MODEL=...`, or name an "
                "uploaded one with MODEL_DATASET=owner/slug.",
                soft_wrap=True,
            )


def main() -> None:
    """Run the command; exit 2 where the package cannot be made."""
    options = tyro.cli(Options)
    heed_ctrl_c()
    shown = console()
    try:
        check_folder(options.out)
        with Progress(shown) as progress:
            parts = package(options, progress)
    except (PackageError, settings.SettingsError, FileError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    _report(shown, options, parts)


if __name__ == "__main__":
    main()
