"""A run's own network and mounts, where the system grants them.

Covers: finding out what is granted (as root, or through a user namespace), a network with a
loopback device and nothing else, and the platform's own paths: `/kaggle/input`, read-only, and
`/kaggle/working`. Where no namespaces are granted, `/kaggle` is created for the duration of the
run, if that is possible, and the network stays. Does not cover: limits of memory or CPU.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Generator
from pathlib import Path

KAGGLE = Path("/kaggle")
NAMESPACES = ["unshare", "--net", "--mount", "--propagation", "private"]
WAYS = (NAMESPACES, [*NAMESPACES, "--user", "--map-root-user"])
MOUNT_SECONDS = 30.0


class NoPlaceError(RuntimeError):
    """The notebook's paths cannot be made here; the message says what would help."""


def prefix() -> list[str]:
    """Return the command that gives a process its own network and mounts, [] where none does."""
    if shutil.which("unshare"):
        for way in WAYS:
            # Not merely entered: the mounts must work there too.
            probe = [*way, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
            if subprocess.run(probe, capture_output=True).returncode == 0:
                return list(way)
    return []


def enter(top: Path, root: Path) -> str:
    """Change into a root that shows `top/input` and `top/working` as the platform does.

    To be called in the namespaces that `prefix` gives. Everything else of the system is there too:
    never delete `root` while it is mounted.

    Args:
        top: holds `input` and `working`.
        root: an empty folder.

    Returns:
        How the network is cut.
    """
    _loopback_up()
    _mount("-t", "tmpfs", "tmpfs", str(root))
    for entry in sorted(Path("/").iterdir()):
        target = root / entry.name
        if entry.name == KAGGLE.name:
            continue
        if entry.is_symlink():
            target.symlink_to(entry.readlink())
        elif entry.is_dir():
            target.mkdir()
            _mount("--rbind", str(entry), str(target))
    for name in ("input", "working"):
        target = root / KAGGLE.name / name
        target.mkdir(parents=True)
        _mount("--bind", str(top / name), str(target))
    _mount("-o", "remount,bind,ro", str(root / KAGGLE.name / "input"))
    os.chroot(root)
    os.chdir(KAGGLE / "working")
    return "cut (a network namespace)"


@contextlib.contextmanager
def stand_in(top: Path) -> Generator[str]:
    """Make `/kaggle` point into `top` while the context lasts, without namespaces.

    Yields: why the network is not cut.

    Raises:
        NoPlaceError: there is a `/kaggle` already, or it may not be made.
    """
    try:
        KAGGLE.symlink_to(top, target_is_directory=True)
    except OSError as error:
        raise NoPlaceError(
            f"the notebook reads {KAGGLE}, which cannot be made here ({error.strerror}): rehearse "
            "where `unshare --user --net --mount` is allowed, or as root."
        ) from None
    try:
        yield "not cut (the system grants no network namespace)"
    finally:
        KAGGLE.unlink()


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=MOUNT_SECONDS)


def _loopback_up() -> None:
    """Switch the loopback device on: Jupyter and the gateway talk through it."""
    # Of netdevice(7): read the flags, add IFF_UP, write them back.
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(sock, get_flags, request))[1]
        fcntl.ioctl(sock, set_flags, struct.pack("16sH14s", b"lo", flags | up, b""))
