"""The recipes' environments: what a library needs, apart from everything else.

Covers: making a virtual environment from a pinned list (`environments/NAME.txt`, with hashes) once,
in the cache, keyed by what goes into it. Does not cover: what runs in one (`recipes/`), and how the
cache is kept (`common/environment`).
"""

import sys
from pathlib import Path

from common.environment import Say, check_room, is_ready, made_once, place_of, run_steps

ROOT = Path(__file__).resolve().parents[2]
LISTS = Path(__file__).resolve().parent
NEEDED_BYTES = 6 * 2**30
"""Of free disk for one: 1.8 GB with a CPU build of torch, some 5 GB with a CUDA build."""


def names() -> list[str]:
    """Return the environments there are lists for."""
    return sorted(path.stem for path in LISTS.glob("*.txt"))


def folder(name: str) -> Path:
    """Return where the environment is, or will be: another list, torch or Python makes another."""
    listed = (LISTS / f"{name}.txt").read_text("utf-8")
    return place_of(f"quantize-{name}", listed, _torch(), sys.version)


def ready(name: str) -> bool:
    """Tell whether the environment has been made."""
    return is_ready(folder(name))


def python(name: str, say: Say = print) -> Path:
    """Return the environment's interpreter; makes the environment where there is none yet.

    Raises:
        SetupError: a package could not be installed, or there is no room.
    """
    place = folder(name)
    made_once(place, lambda: _make(name, place, say))
    return place / "bin" / "python"


def _make(name: str, place: Path, say: Say) -> None:
    """Install torch, then the pinned list."""
    check_room(name, place, NEEDED_BYTES)
    say(f"Making the environment {name} in {place} (once, a few minutes) ...")
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
    run_steps(name, steps, say)


def _torch() -> str:
    """Return torch's line of requirements.txt: all environments compute with the same one."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


if __name__ == "__main__":
    for wanted in sys.argv[1:] or names():
        print(python(wanted))
