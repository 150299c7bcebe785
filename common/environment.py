"""Packages that the main environment must not contain: installed once, kept in the cache.

Covers: a place in the cache keyed by what goes into it, made by one process at a time; installing a
pinned list (with hashes) as a folder for PYTHONPATH, on top of the running environment. Does not
cover: whole separate environments (`quantize/environments`, which builds on this).
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from common.embedded_model import cache_folder

LISTS = Path(__file__).resolve().parent / "environments"
READY = ".ready"
TRITON_BYTES = 2**30
"""Of free disk: the packed wheel and the 640 MB that come out of it."""

Say = Callable[[str], None]


class SetupError(RuntimeError):
    """An environment that could not be made; the message is one sentence."""


def place_of(name: str, *parts: str) -> Path:
    """Return the place in the cache for what is made from `parts`: other parts, another place."""
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return cache_folder() / f"{name}-{key}"


def is_ready(place: Path) -> bool:
    """Tell whether a place has been made."""
    return (place / READY).exists()


def made_once(place: Path, make: Callable[[], None]) -> None:
    """Have `make` fill the place, unless it is there; a second process waits for the first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_ready(place):
            # Made in place: an environment cannot be moved afterwards.
            shutil.rmtree(place, ignore_errors=True)
            make()
            (place / READY).touch()


def check_room(name: str, place: Path, needed: int) -> None:
    """Refuse to begin where the disk is too full.

    Raises:
        SetupError: it is.
    """
    free = shutil.disk_usage(place.parent).free
    if free < needed:
        raise SetupError(
            f"The environment {name} needs {needed / 2**30:.0f} GiB under {place.parent}, but only "
            f"{free / 2**30:.1f} are free: make room, or set XDG_CACHE_HOME to another disk."
        )


def run_steps(name: str, steps: Mapping[str, Sequence[str]], say: Say) -> None:
    """Run commands, each under the words that tell what it does.

    Raises:
        SetupError: one failed.
    """
    for what, command in steps.items():
        say(f"  {what} ...")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SetupError(
                f"The environment {name} could not be made; {what} failed: {_last(done.stderr)}"
            )


def triton(say: Say = print) -> Path:
    """Return a folder with Triton, as Kaggle's image has it, for PYTHONPATH.

    It is laid over this environment and not put into it, since vLLM's CPU build behaves otherwise
    where it finds Triton.

    Raises:
        SetupError: it could not be installed, or there is no room.
    """
    listed = LISTS / "triton.txt"
    place = place_of("triton", listed.read_text("utf-8"), sys.version)

    def make() -> None:
        check_room("triton", place, TRITON_BYTES)
        say(f"Installing Triton into {place} (once, 640 MB) ...")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        options = ["--no-deps", "--require-hashes", "--target", str(place), "-r", str(listed)]
        run_steps("triton", {"its package": [*pip, *options]}, say)

    made_once(place, make)
    return place


def _last(text: str) -> str:
    """Return the last error of pip's, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1]
