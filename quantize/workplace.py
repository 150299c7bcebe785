"""A build's own folder: what has been done so far, so that the same command resumes.

Covers: one build at a time, what a build depends on, keeping and reading each step's result. Does
not cover: the steps (`build`), and what a recipe keeps within its step (`recipes/`).
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files
from common.files import write_json
from kernel.engine import cpu
from quantize.source.check import InputError, Source

KEY = "build.json"
RECIPES = Path(__file__).resolve().parent / "recipes"


@dataclass(frozen=True, slots=True)
class Workplace:
    """The folder; all paths in it are fixed names."""

    folder: Path

    @property
    def raw(self) -> Path:
        """The recipe's checkpoint."""
        return self.folder / "raw"

    @property
    def layers_csv(self) -> Path:
        """The recipe's table of layer errors."""
        return self.folder / "layers.csv"

    def result(self, step: str) -> dict[str, Any] | None:
        """Return what a finished step gave, None where it is to be done."""
        path = self.folder / f"{step}.json"
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def keep(self, step: str, result: Mapping[str, Any]) -> None:
        """Write a step's result: from then on the step is done."""
        path = self.folder / f"{step}.json"
        write_json(path, result, default=str)

    def clear_weights(self) -> None:
        """Remove what takes gigabytes, once the model is written."""
        shutil.rmtree(self.raw, ignore_errors=True)
        shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        for step in ("quantize", "compare"):
            (self.folder / f"{step}.json").unlink(missing_ok=True)


@contextlib.contextmanager
def opened(folder: Path, key: Mapping[str, Any]) -> Generator[tuple[Workplace, bool]]:
    """Hold a build's folder; what another build left in it is removed.

    Args:
        folder: made where there is none.
        key: everything that the results depend on.

    Yields:
        The workplace, and whether an earlier run of the same build is resumed.

    Raises:
        InputError: another process builds there, or what lies there is no build's.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / KEY).is_file():
        raise InputError(f"{folder} holds files that no build made: set WORK to another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    place = Workplace(folder)
    lock = folder.parent / f".{folder.name}.lock"
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{folder} is in use by another build: wait, or set WORK.") from None
        wanted = json.loads(json.dumps(key, default=str))
        same = place.result("build") == wanted
        if not same:
            shutil.rmtree(folder)
            folder.mkdir()
            place.keep("build", wanted)
        yield place, same


def fingerprint(source: Source) -> list[list[Any]]:
    """Return what identifies the state of a model's folder without reading gigabytes."""
    files = sorted((*source.folder.glob("*.safetensors"), *source.folder.glob("*.json")))
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def recipe_digest(recipe_environment: Path | None) -> str:
    """Return a fingerprint of the recipes' own code and of the environment they run in."""
    digest = hashlib.sha256(str(recipe_environment).encode())
    # What they take from other rooms decides about their bytes as well.
    for path in (*sorted(RECIPES.glob("*.py")), *map(Path, (cpu.__file__, files.__file__))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
