"""The environments of the recipes: what a library needs, apart from everything else.

Covers: making a virtual environment from a pinned list (`environments/NAME.txt`, with hashes) once,
in the cache, keyed by what goes into it. Does not cover: what runs in one (`recipes/`).
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common.embedded_model import cache_folder

ROOT = Path(__file__).resolve().parents[2]
LISTS = Path(__file__).resolve().parent
NEEDED_BYTES = 6 * 2**30
"""Of free disk for one: 1.8 GB with a CPU build of torch, some 5 GB with a CUDA build."""

Say = Callable[[str], None]


class SetupError(RuntimeError):
    """An environment that could not be made; the message is one sentence."""


def names() -> list[str]:
    """Return the environments there are lists for."""
    return sorted(path.stem for path in LISTS.glob("*.txt"))


def folder(name: str) -> Path:
    """Return where the environment is, or will be: another list, torch or Python makes another."""
    parts = (LISTS / f"{name}.txt").read_text("utf-8"), _torch(), sys.version
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return cache_folder() / f"quantize-{name}-{key}"


def ready(name: str) -> bool:
    """Tell whether the environment has been made."""
    return (folder(name) / ".ready").exists()


def python(name: str, say: Say = print) -> Path:
    """Return the environment's interpreter; makes the environment where there is none yet.

    Raises:
        SetupError: a package could not be installed, or there is no room.
    """
    place = folder(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{place.name}.lock").open("w") as lock:
        # A second build waits here, and finds the first one's environment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / ".ready").exists():
            _make(name, place, say)
    return place / "bin" / "python"


def _make(name: str, place: Path, say: Say) -> None:
    """Install torch, then the pinned list, in place: an environment cannot be moved afterwards."""
    free = shutil.disk_usage(place.parent).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"The environment {name} needs {NEEDED_BYTES / 2**30:.0f} GiB under {place.parent}, "
            f"{free / 2**30:.1f} are free: make room, or set XDG_CACHE_HOME to another disk."
        )
    say(f"Making the environment {name} in {place} (once, a few minutes) ...")
    shutil.rmtree(place, ignore_errors=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    listed = LISTS / f"{name}.txt"
    steps = {
        "python": [sys.executable, "-m", "venv", str(place)],
        "pip": [*pip, "install", "--upgrade", "pip"],
        # First and without the list's hashes, so that a CPU build already on the machine is taken.
        "torch": [*pip, "install", _torch()],
        f"the packages of {listed.name}": [
            *[*pip, "install", "--no-deps", "--require-hashes"],
            *["-r", str(listed)],
        ],
    }
    for what, command in steps.items():
        say(f"  {what} ...")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SetupError(
                f"The environment {name} could not be made, {what} failed: {_last(done.stderr)}"
            )
    (place / ".ready").touch()


def _torch() -> str:
    """Return torch's line of requirements.txt: all environments compute with the same one."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def _last(text: str) -> str:
    """Return the last error of pip's, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1]


if __name__ == "__main__":
    for wanted in sys.argv[1:] or names():
        print(python(wanted))
