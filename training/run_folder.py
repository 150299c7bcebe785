"""A training's own folder, so that the same command resumes.

Covers: one training at a time, what it depends on, its newest complete checkpoint. Does not cover:
writing checkpoints (the trainer's), the finished model (`model_folder`).
"""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files
from training.settings import TrainingError

KEY = "run.json"
MODEL = "model"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder; all names in it are fixed."""

    path: Path

    @property
    def model(self) -> Path:
        """Where the finished model goes."""
        return self.path / MODEL

    @property
    def done(self) -> bool:
        """Whether the model is finished."""
        return (self.model / "config.json").is_file()

    def checkpoint(self) -> Path | None:
        """Return the newest checkpoint that was written to its end."""
        found = [path for path in self.path.glob("checkpoint-*") if _whole(path)]
        return max(found, key=_step, default=None)

    def drop_torn(self) -> None:
        """Remove checkpoints whose writing was cut off."""
        for path in self.path.glob("checkpoint-*"):
            if not _whole(path):
                shutil.rmtree(path)

    def drop_checkpoints(self) -> None:
        """Remove all checkpoints: gigabytes that a finished model does not need."""
        for path in self.path.glob("checkpoint-*"):
            shutil.rmtree(path)


def _whole(checkpoint: Path) -> bool:
    """Whether a checkpoint has been written to its end: the trainer writes its state last."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
        return state["global_step"] == _step(checkpoint)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


@contextlib.contextmanager
def opened(path: Path, key: Mapping[str, Any]) -> Generator[RunFolder]:
    """Hold a training's folder.

    Args:
        path: made where there is none.
        key: everything that the result depends on, as JSON values.

    Raises:
        TrainingError: another process trains there, or what lies there is of another training.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(
                f"{path} is in use by another training: wait, or set OUT."
            ) from None
        _check_same(path, json.loads(json.dumps(key, default=str)))
        folder = RunFolder(path)
        folder.drop_torn()
        yield folder


def _check_same(path: Path, key: dict[str, Any]) -> None:
    file = path / KEY
    try:
        before: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except OSError:
        files.write_json(file, key)
        return
    except ValueError:
        raise TrainingError(f"{file} cannot be read: remove {path}, or set OUT.") from None
    for name in sorted(set(before) | set(key)):
        if before.get(name) != key.get(name):
            raise TrainingError(
                f"{path} holds a training with {name} {before.get(name)}, not {key.get(name)}: set "
                "OUT to another folder, or remove that one."
            )
