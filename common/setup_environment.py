"""`make setup`: the environment for everything else, built once for each state of the requirements.

Covers: building it in a folder of its own beside the name that people use (`.venv-KEY` beside
`.venv`), which becomes a link to it only once it is complete; one build at a time; interrupted
builds; a folder `.venv` that earlier versions of this package made. Anything there without this
package's mark is never touched, and no environment that was ever complete is deleted: something may
be running in it. Does not cover: the recipes' environments (`quantize/environments`).

Standard library only, since it runs before anything is installed.
"""

import fcntl
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

BUILDING = ".building"
"""The mark of an environment that is not whole yet."""
READY = ".ready-"
"""Followed by the key: the mark of a complete one."""
REQUIREMENTS, LOCK = Path("requirements.txt"), Path("requirements.lock")


class SetupError(RuntimeError):
    """An environment that cannot be built here; the message is one sentence."""


def main() -> None:
    """Set up the environment `argv[2]`, known as `argv[1]`; exit 2 where that cannot be."""
    link, folder, key = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    try:
        set_up(link, folder, key)
    except SetupError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}"
        print(
            f"{folder} cannot be built ({reason}): choose another place with VENV=/path.",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def set_up(link: Path, folder: Path, key: str) -> None:
    """Build `folder` unless it is whole, and let `link` name it.

    Raises:
        SetupError: something else has one of the two names, or a step failed.
        OSError: the place cannot be written.
    """
    check_free(link, folder, key)
    with locked(link) as lock:
        # Whoever held the lock may have changed what is there.
        check_free(link, folder, key)
        if not (folder / f"{READY}{key}").exists():
            build(folder, key, lock)
            others = [str(path) for path in ours_beside(link) if path.name != folder.name]
            if others:
                print(f"Built for other requirements; delete unused ones: {', '.join(others)}")
        if link != folder:
            point(link, folder)


def check_free(link: Path, folder: Path, key: str) -> None:
    """Refuse to touch what this package has not made.

    Raises:
        SetupError: it is there under one of the two names.
    """
    marks = (f"{READY}{key}", BUILDING)
    if link.is_symlink():
        link_ours = is_name_of_ours(link, link.readlink())
    else:
        link_ours = not link.exists() or bool(keys_in(link))
    folder_ours = not folder.exists() or any((folder / mark).exists() for mark in marks)
    for path, is_ours in ((link, link_ours), (folder, folder_ours or is_empty(folder))):
        if not is_ours:
            raise SetupError(
                f"{path} exists and was not made by make: choose another place with VENV=/path."
            )


def is_name_of_ours(link: Path, target: Path) -> bool:
    """Tell whether a path is one that `link` can have been made to name."""
    return re.fullmatch(rf"{re.escape(link.name)}-[0-9a-f]{{16}}", str(target)) is not None


def keys_in(folder: Path) -> list[str]:
    """Return the keys of the marks in a folder: one in a whole environment."""
    return [path.name.removeprefix(READY) for path in folder.glob(f"{READY}*")]


def is_empty(folder: Path) -> bool:
    """Tell whether a folder is empty, as a build that was killed at once leaves it."""
    return folder.is_dir() and not any(folder.iterdir())


def ours_beside(link: Path) -> list[Path]:
    """Return the complete environments that `link` can name."""
    found = (path for path in link.parent.iterdir() if is_name_of_ours(link, Path(path.name)))
    return sorted(path for path in found if keys_in(path))


@contextmanager
def locked(link: Path) -> Generator[int]:
    """Let one process at a time work on what `link` names; yields the lock's descriptor."""
    link.parent.mkdir(parents=True, exist_ok=True)
    with link.with_name(f"{link.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another make is building {link}: waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def build(folder: Path, key: str, lock: int) -> None:
    """Make an environment with the locked packages; where that fails, nothing is left.

    Args:
        folder: the environment's place.
        key: its key.
        lock: the lock's file descriptor; each step holds it too, so that none outlives us unseen.

    Raises:
        SetupError: a step failed.
    """
    # Ours by its mark, and nobody's work, since we hold the lock: a build that was killed.
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(folder / "bin/pip"), "--disable-pip-version-check", "--quiet", "install"]
    print(f"Building {folder}: torch first, then the locked packages; a few minutes.", flush=True)
    try:
        folder.mkdir()
        (folder / BUILDING).touch()
        for what, command in steps(folder, pip).items():
            print(f"  {what} ...", flush=True)
            if subprocess.run(command, check=False, pass_fds=[lock]).returncode:
                raise SetupError(f"{folder} could not be built: see above, then run make again.")
        (folder / BUILDING).rename(folder / f"{READY}{key}")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def steps(folder: Path, pip: list[str]) -> dict[str, list[str]]:
    """Return the commands that build an environment, by what they bring."""
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    count = sum(line[:1].isalnum() for line in LOCK.read_text("utf-8").splitlines())
    return {
        "an empty environment": [sys.executable, "-m", "venv", str(folder)],
        "pip": [*pip, "--upgrade", "pip"],
        **{line: [*pip, line] for line in lines if line.startswith("torch==")},
        f"{count} packages": [*pip, "--no-deps", "--require-hashes", "-r", str(LOCK)],
    }


def point(link: Path, folder: Path) -> None:
    """Let `link` name the environment, in one step; a real folder of ours goes aside first."""
    if link.exists() and not link.is_symlink():
        if user := process_in(link):
            print(f"{link} holds an older environment and stays while process {user} runs in it.")
            return
        link.rename(link.with_name(f"{link.name}-{keys_in(link)[0]}"))
    fresh = link.with_name(f"{link.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(folder.name)
    fresh.replace(link)


def process_in(folder: Path) -> str:
    """Return the id of a process that has a library of the folder loaded; "" if none is seen."""
    needle = f" {folder.resolve()}/".encode()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):
            if needle in maps.read_bytes():
                return maps.parent.name
    return ""


if __name__ == "__main__":
    main()
