"""What sessions keep on disk: counted and removed by descriptor, never by path.

Covers: folders nested deeper than a path can be long, closed to reading, or named so as to be in
the way; files that are open or mapped but no longer have a name; what a user keeps in folders that
everyone may write to; the space left on the disk. Symbolic links are counted and removed, never
followed. Does not cover: what follows from the figures (`limits`).
"""

import contextlib
import ctypes
import os
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from kernel.sandbox.isolation import FILE_BYTES, MIB

_SHARED = ("/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp", "/run/lock", "/var/crash")
_MOST_ENTRIES = 2000
_DEEPEST = 32
"""Levels of folders that are counted; a deeper tree counts as far too many entries."""
_BLOCK = 512
_LEAST_FREE_BYTES, _LEAST_FREE_SHARE = 256 * MIB, 0.05
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NO_ACCESS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
_HERE = -100
"""AT_FDCWD: the working folder, in place of an open one."""
_MAPPED_ELSEWHERE = (b"/dev/zero", b"/SYSV", b"/memfd:")
"""Mappings that are memory and no files, though /proc calls them deleted."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Room taken on disk; counting stops early where there is far too much."""

    bytes: int = 0
    entries: int = 0

    def __add__(self, other: "DiskUse") -> "DiskUse":
        return DiskUse(self.bytes + other.bytes, self.entries + other.entries)


_TOO_MUCH = DiskUse(0, _MOST_ENTRIES + 1)


def held_below(folder: str) -> DiskUse:
    """Add up the files below a folder, which may change meanwhile."""
    try:
        descriptor = os.open(folder, _READ)
    except OSError:
        return DiskUse()
    return _count(descriptor, 0)


def _count(descriptor: int, depth: int) -> DiskUse:
    """Add up what is below an open folder, and close it."""
    if depth > _DEEPEST:
        os.close(descriptor)
        return _TOO_MUCH
    total = DiskUse()
    try:
        for name in _names(descriptor):
            with contextlib.suppress(OSError):  # gone meanwhile
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                total += DiskUse(status.st_blocks * _BLOCK, 1)
                if stat.S_ISDIR(status.st_mode):
                    total += _count(_open_folder(name, descriptor), depth + 1)
            if total.entries > _MOST_ENTRIES:
                break
    finally:
        os.close(descriptor)
    return total


def _names(descriptor: int) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(descriptor) as listing:
        for entry in listing:
            yield entry.name


def _open_folder(name: str, parent: int) -> int:
    """Open a folder, also one that is closed to reading, without following a link."""
    with contextlib.suppress(PermissionError):
        return os.open(name, _READ, dir_fd=parent)
    itself = os.open(name, _NO_ACCESS, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{itself}", 0o700)  # noqa: PTH101 - the one it is open on
    finally:
        os.close(itself)
    return os.open(name, _READ, dir_fd=parent)


def remove_tree(folder: str | os.PathLike[str]) -> None:
    """Delete a folder, however deep its contents are nested or closed to reading."""
    for _ in removal(folder):
        pass


def removal(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Delete a folder step by step: a session can leave more than can be deleted at once.

    Few descriptors are open at a time: the way back up is `..`, which nobody moves once the session
    is dead, and which is left alone if it is not where it was. What cannot be deleted is left.
    """
    try:
        current = _open_folder(os.fspath(folder), _HERE)
    except OSError:
        return
    way: list[tuple[str, list[str], tuple[int, int]]] = []
    folders: list[str] = []
    try:
        yield from _empty(current, folders)
        while folders or way:
            if folders:
                name = folders.pop()
                with contextlib.suppress(OSError):
                    below = _open_folder(name, current)
                    way.append((name, folders, _identity(current)))
                    os.close(current)
                    current, folders = below, []
                    yield from _empty(current, folders)
                continue
            name, folders, expected = way.pop()
            above = os.open("..", _READ, dir_fd=current)
            os.close(current)
            current = above
            if _identity(current) != expected:
                return
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=current)
            yield
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - may be text
    except OSError:
        return
    finally:
        os.close(current)


def _empty(descriptor: int, folders: list[str]) -> Iterator[None]:
    """Delete what is not a folder in an open one, and empty ones; put the others into `folders`."""
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, 0o700)
    for name in list(_names(descriptor)):
        with contextlib.suppress(OSError):
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                os.unlink(name, dir_fd=descriptor)
            elif not _removed(name, descriptor):
                folders.append(name)
        yield


def _removed(name: str, parent: int) -> bool:
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return False
    return True


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def held_by(uid: int) -> DiskUse:
    """Return what a user keeps in the folders that everyone may write to."""
    total = DiskUse()
    for name, parent in _entries_of(uid):
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        total += DiskUse(status.st_blocks * _BLOCK, 1)
        if stat.S_ISDIR(status.st_mode):
            total += _count(_open_folder(name, parent), 1)
    return total


def remove_files_of(uid: int) -> None:
    """Delete what a user has left in the folders that everyone may write to."""
    for name, parent in _entries_of(uid):
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            remove_tree(f"/proc/self/fd/{parent}/{name}")
        else:
            os.unlink(name, dir_fd=parent)


def _entries_of(uid: int) -> Iterator[tuple[str, int]]:
    """Yield a user's entries, with a descriptor of the folder that each is in.

    Of folders that belong to others, those that everyone may write to are looked into.
    """
    waiting: list[str] = list(_SHARED)
    while waiting:
        place = waiting.pop()
        with contextlib.suppress(OSError):
            parent = os.open(place, _READ)
            try:
                for name in list(_names(parent)):
                    with contextlib.suppress(OSError):
                        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
                        if status.st_uid == uid:
                            yield name, parent
                        elif stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IWOTH:
                            waiting.append(f"{place}/{name}")
            finally:
                os.close(parent)


def held_without_name(pid: int, uid: int | None) -> DiskUse:
    """Return what a process holds in files that are open or mapped, but were deleted.

    Args:
        pid: The process.
        uid: Its user, where it is another than this process's own.
    """
    sizes: dict[tuple[int, int], int] = {}
    with contextlib.suppress(OSError), _seeing(uid):
        for entry in _names_at(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                status = os.stat(f"/proc/{pid}/fd/{entry}")  # noqa: PTH116 - called often
                if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                    sizes[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
        with open(f"/proc/{pid}/maps", "rb") as maps:  # names in it need not be text
            for line in maps:
                if line.endswith(b"(deleted)\n"):
                    *_, device, inode, path = line.split(maxsplit=5)
                    if not path.startswith(_MAPPED_ELSEWHERE):
                        major, minor = (int(part, 16) for part in device.split(b":"))
                        # Its size cannot be seen: as large as a file may be.
                        sizes.setdefault((os.makedev(major, minor), int(inode)), FILE_BYTES)
    return DiskUse(sum(sizes.values()), len(sizes))


def written_bytes(pid: int, uid: int | None) -> int:
    """Return what a process has written to disks since its start; 0 where nobody counts it."""
    with contextlib.suppress(OSError, ValueError), _seeing(uid), open(f"/proc/{pid}/io") as file:
        return int(file.read().partition("\nwrite_bytes:")[2].split()[0])
    return 0


def _names_at(folder: str) -> list[str]:
    return os.listdir(folder)  # noqa: PTH208 - called often


@contextlib.contextmanager
def _seeing(uid: int | None) -> Generator[None]:
    """Look as a user: root without CAP_SYS_PTRACE, as in a container, may not look at others."""
    if uid is None:
        yield
        return
    _libc.setfsgid(uid)
    _libc.setfsuid(uid)
    try:
        yield
    finally:
        _libc.setfsuid(0)
        _libc.setfsgid(0)


def disk_is_short(folder: str) -> bool:
    """Whether the disk under a folder is about to be full."""
    found = os.statvfs(folder)
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    return free < min(_LEAST_FREE_BYTES, _LEAST_FREE_SHARE * size)
