"""`make archive`: the documentation that Kaggle asks of a winning model, derived from the sources.

Covers: settings, entry points, the list of files, exact requirements, hardware and seeds, and a
page that says what is where. Does not cover: what only the team can say (who they are, the model
summary's prose); the page lists what is missing.
"""

import inspect
import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
from jinja2 import Environment, StrictUndefined

from common import manifest
from common.console import heed_ctrl_c, user_errors
from common.files import check_folder, whole_folder
from common.manifest import ManifestError
from kernel.checks.preflight import profile_of
from kernel.config import Config
from kernel.sandbox.session import seed_everything
from kernel.sc_tir import request_seed
from notebooks.packaging import settings
from notebooks.packaging.metadata import kernel_metadata
from notebooks.packaging.settings import SettingsError

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent / "archive_templates"
LOCKS = ("requirements.txt", "requirements.lock")
"""Here, and here with all that follows; the accelerator's lock says what is on Kaggle."""
UNTRACKED = re.compile(r"\.git|\.venv.*|dist|runs|__pycache__|\.pytest_cache")


class ArchiveError(RuntimeError):
    """The documentation cannot be made; the message says what to do."""


@dataclass
class ArchiveOptions:
    """Derive the documentation that Kaggle asks of a winning model."""

    dist: Path = ROOT / "dist"
    """What `make package` made; the documentation goes into its subfolder `archive`."""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A command of the Makefile."""

    target: str
    help: str
    options: str
    modules: tuple[str, ...]
    """The Python modules that it runs."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ArchiveOptions)
    heed_ctrl_c()
    with user_errors(ArchiveError, ManifestError, SettingsError):
        check_folder(options.dist / "archive")
        folder = archive(ROOT, options.dist)
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:>9,}  {path.name}")
    print(folder)


def archive(root: Path, dist: Path) -> Path:
    """Write the documentation of the tree `root` into `dist/archive`, and return that folder.

    The same sources give the same bytes: no date, no path of this machine.

    Raises:
        ArchiveError: a source of the documentation is missing.
    """
    chosen = settings.load(root / "notebooks" / "kaggle.toml")
    wheels = _wheels(dist)
    lock = f"notebooks/wheels/{chosen.machine.wheels}.lock"
    pages = {
        "SETTINGS.json": json.dumps(settings_of(chosen, dist), indent=1) + "\n",
        "directory_structure.txt": "\n".join(tree(tracked(root))) + "\n",
        **{Path(name).name: _text(root / name) for name in (*LOCKS, lock)},
    }
    card = dist / "model" / "README.md"
    facts = {**_facts(root, chosen), "wheels": wheels, "model_card": card.is_file()}
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    for template in sorted(TEMPLATES.glob("*.md")):
        pages[template.name] = environment.from_string(_text(template)).render(facts) + "\n"
    if wheels:
        pages["wheels.txt"] = "".join(f"{e.sha256}  {name}\n" for name, e in sorted(wheels.items()))
    if card.is_file():
        pages["model_card.md"] = _text(card)
    return _write(dist / "archive", pages)


def _facts(root: Path, chosen: settings.Settings) -> dict[str, Any]:
    """Return what the templates show of the tree."""
    seeded = (request_seed, seed_everything)
    return {
        "settings": chosen,
        "config": Config(),
        "kernel": kernel_metadata(chosen),
        "entry_points": entry_points(_text(root / "Makefile")),
        "measured": _measured(root / "benchmarks" / "results"),
        "commit": _commit(root),
        "seeds": [(each.__name__, inspect.getdoc(each)) for each in seeded],
    }


def settings_of(chosen: settings.Settings, dist: Path) -> dict[str, Any]:
    """Return all settings as JSON has them: a run's, the model's own, and those of the uploads."""
    config = json.loads(json.dumps(asdict(Config()), default=str))
    found: dict[str, Any] = {"run": config, "kaggle": asdict(chosen)}
    # The kernel lets a model's profile replace settings of the run.
    profile = profile_of(dist / "model")
    return {**found, "model": profile} if profile else found


def entry_points(makefile: str) -> list[EntryPoint]:
    """Return the targets that `make help` lists, with the modules that their recipes run."""
    found: list[EntryPoint] = []
    for block in re.split(r"\n(?=\S)", makefile):
        head = re.match(r"([a-z%-]+):.*## (.*?)(?: \(([^()]*=[^()]*)\))?(?:\n|$)", block)
        if head is not None:
            modules = tuple(dict.fromkeys(re.findall(r"-m ([\w.$*]+)", block)))
            found.append(EntryPoint(head.group(1), head.group(2), head.group(3) or "", modules))
    return found


def tracked(root: Path) -> list[str]:
    """Return the repository's files: those that git tracks, or all but what is built."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=False, text=True
    )
    if listing.returncode == 0:
        return sorted(name for name in listing.stdout.split("\0") if name)
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and not any(map(UNTRACKED.fullmatch, path.relative_to(root).parts))
    )


def tree(files: Iterable[str]) -> list[str]:
    """Return the files as an indented tree: each folder once, before what it holds."""
    lines: list[str] = []
    shown: tuple[str, ...] = ()
    for name in sorted(files, key=lambda name: name.split("/")):
        *folders, file = name.split("/")
        for depth in range(len(folders)):
            if shown[: depth + 1] != tuple(folders[: depth + 1]):
                lines.append(f"{'    ' * depth}{folders[depth]}/")
        shown = tuple(folders)
        lines.append(f"{'    ' * len(folders)}{file}")
    return lines


def _wheels(dist: Path) -> dict[str, manifest.Entry]:
    """Return the wheels that are there, with their digests; none where none are built."""
    if not (dist / "wheels" / manifest.NAME).is_file():
        return {}
    files = manifest.read(dist / "wheels")
    return {name: entry for name, entry in files.items() if name.endswith(".whl")}


def _measured(folder: Path) -> list[tuple[str, str, str]]:
    """Return name, machine and date of each result file."""
    results = [(path.stem, json.loads(_text(path))) for path in sorted(folder.glob("*.json"))]
    return [(name, value["machine"], value["date"]) for name, value in results]


def _commit(root: Path) -> str:
    """Return the commit of the tree, `-dirty` where it has changed since; empty without git."""
    describe = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    said = subprocess.run(
        ["git", "-C", str(root), *describe], capture_output=True, check=False, text=True
    )
    return said.stdout.strip() if said.returncode == 0 else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ArchiveError(f"{path} is needed for the archive: {error.strerror}.") from None


def _write(folder: Path, pages: dict[str, str]) -> Path:
    """Put the pages in the place of the old ones."""
    with whole_folder(folder) as scratch:
        for name, text in pages.items():
            (scratch / name).write_text(text, "utf-8")
    return folder


if __name__ == "__main__":
    main()
