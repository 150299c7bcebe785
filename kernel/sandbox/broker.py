"""Writes on a session's behalf in its own folder, where nothing else keeps it from writing
elsewhere.

Covers: machines without Landlock on which sessions run as the supervisor's own user. The session's
filter holds every call that would open a file for writing, or make, rename or delete one, until the
supervisor has done it instead: only below the session's folder, never through a link that leads
out, and without looking at the session's memory again once the path has been read. Does not cover:
opening for reading, which the filter lets pass, and changing a file that is already open.

Constants: Linux's `uapi/linux/seccomp.h`, `openat2.h` and `syscall_64.tbl`.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import struct
from collections.abc import Callable
from dataclasses import dataclass

_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
"""Of a call: id, thread, flags, number, architecture, address, arguments."""
_ANSWER = struct.Struct("=QqiI")
_DESCRIPTOR = struct.Struct("=QIIII")
_RECEIVE, _SEND, _ADD = 0xC0502100, 0xC0182101, 0x40182103
_OPENAT2, _OPEN_HOW = 437, struct.Struct("=QQQ")
_NO_MAGIC_LINKS, _BENEATH = 0x02, 0x08
_HERE, _REMOVE_FOLDER = -100, 0x200
_CLOSE_ON_EXEC = os.O_CLOEXEC
_FIRST_LINUX = (5, 9)
"""The first that puts a descriptor into a process that waits for the answer."""
_LONGEST_PATH, _PAGE = 4096, 4096
_HIGHEST_ADDRESS = (1 << 63) - 1
_INT = 1 << 32

_libc = ctypes.CDLL(None, use_errno=True)


def available() -> bool:
    """Whether the operating system lets one process answer another's calls."""
    release = platform.release().split("-")[0].split(".")[:2]
    return tuple(map(int, release)) >= _FIRST_LINUX


@dataclass(frozen=True, slots=True)
class _Place:
    """A name in an open folder below the session's own."""

    parent: int
    name: str


class Broker:
    """Carries out the writing calls of one session.

    Args:
        listener: The descriptor that the session's filter reports to.
        folder: The session's own.
    """

    def __init__(self, listener: int, folder: str) -> None:
        self._listener = listener
        self._folder = folder
        self._top = os.open(folder, os.O_PATH | os.O_DIRECTORY)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._listener

    def close(self) -> None:
        """Answer no more; a call that waits fails with ENOSYS."""
        os.close(self._listener)
        os.close(self._top)

    def answer(self) -> None:
        """Carry out the call that waits."""
        buffer = bytearray(_NOTIFICATION.size)
        with contextlib.suppress(OSError):  # the session is gone
            fcntl.ioctl(self._listener, _RECEIVE, buffer)
            call, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(buffer)
            try:
                opened = self._carry_out(thread, number, arguments)
                value = 0 if opened is None else self._hand_in(call, opened)
            except OSError as error:
                self._send(call, 0, -(error.errno or errno.EPERM))
            else:
                self._send(call, value, 0)

    def _send(self, call: int, value: int, error: int) -> None:
        fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(call, value, error, 0))

    def _hand_in(self, call: int, opened: tuple[int, int]) -> int:
        """Give the session a descriptor of its own for an open file; return its number there."""
        descriptor, flags = opened
        try:
            request = _DESCRIPTOR.pack(call, 0, descriptor, 0, flags & _CLOSE_ON_EXEC)
            # Only with something mutable does Python return what the call itself returns.
            return fcntl.ioctl(self._listener, _ADD, bytearray(request))
        finally:
            os.close(descriptor)

    def _carry_out(self, thread: int, number: int, a: list[int]) -> tuple[int, int] | None:
        """Do what the call asks for; return a descriptor and its flags where it opens a file."""
        match number:
            case 2:
                return self._open(thread, _HERE, a[0], a[1], a[2])
            case 257:
                return self._open(thread, a[0], a[1], a[2], a[3])
            case 85:
                flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
                return self._open(thread, _HERE, a[0], flags, a[1])
            case 83 | 258:
                folder, path, mode = (_HERE, a[0], a[1]) if number == 83 else (a[0], a[1], a[2])
                self._at(thread, folder, path, lambda at: _mkdir(at, mode))
            case 84 | 87:
                self._at(thread, _HERE, a[0], _rmdir if number == 84 else _unlink)
            case 263:
                self._at(thread, a[0], a[1], _rmdir if a[2] & _REMOVE_FOLDER else _unlink)
            case 82 | 86:
                self._between(thread, (_HERE, a[0]), (_HERE, a[1]), number == 82)
            case 264 | 265 | 316:
                if number == 316 and a[4]:
                    raise OSError(errno.EINVAL, "no flags of renameat2 are known here")
                self._between(thread, (a[0], a[1]), (a[2], a[3]), number != 265)
            case 88 | 266:
                text = _text_at(thread, a[0])
                folder, path = (_HERE, a[1]) if number == 88 else (a[1], a[2])
                self._at(thread, folder, path, lambda at: _symlink(text, at))
            case _:
                raise OSError(errno.ENOSYS, "not carried out here")
        return None

    def _open(
        self, thread: int, folder: int, address: int, flags: int, mode: int
    ) -> tuple[int, int]:
        path = _text_at(thread, address)
        if path == os.devnull:
            return os.open(path, os.O_RDWR), flags
        relative = self._relative(thread, folder, path)
        return _open_beneath(self._top, relative, flags % _INT, mode & 0o700), flags

    def _relative(self, thread: int, folder: int, path: str) -> str:
        """Return a path as seen from the session's folder. Raises OSError where it is outside."""
        if not path:
            raise OSError(errno.ENOENT, "no path")
        if not path.startswith("/"):
            start = folder % _INT
            link = "cwd" if start == _HERE % _INT else f"fd/{start}"
            path = f"{os.readlink(f'/proc/{thread}/{link}')}/{path}"  # noqa: PTH115
        if path != self._folder and not path.startswith(f"{self._folder}/"):
            raise OSError(errno.EROFS, "outside the session's folder")
        return path[len(self._folder) :].lstrip("/") or "."

    def _at(self, thread: int, folder: int, path: int, act: Callable[[_Place], None]) -> None:
        place = self._place(thread, folder, path)
        try:
            act(place)
        finally:
            os.close(place.parent)

    def _place(self, thread: int, folder: int, address: int) -> _Place:
        relative = self._relative(thread, folder, _text_at(thread, address)).rstrip("/")
        above, _, name = relative.rpartition("/")
        if name in ("", ".", ".."):
            raise OSError(errno.EINVAL, "no name")
        return _Place(_open_beneath(self._top, above or ".", os.O_PATH | os.O_DIRECTORY, 0), name)

    def _between(
        self, thread: int, source: tuple[int, int], target: tuple[int, int], move: bool
    ) -> None:
        act = _rename if move else _link
        self._at(thread, *source, lambda s: self._at(thread, *target, lambda t: act(s, t)))


def _open_beneath(top: int, path: str, flags: int, mode: int) -> int:
    """Open a path below `top`, whatever links lie on the way."""
    mode = mode if flags & (os.O_CREAT | os.O_TMPFILE) else 0
    how = _OPEN_HOW.pack(flags | os.O_CLOEXEC, mode, _BENEATH | _NO_MAGIC_LINKS)
    descriptor = _libc.syscall(_OPENAT2, top, os.fsencode(path), how, len(how))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(errno.EROFS if number == errno.EXDEV else number, "cannot be opened")
    return descriptor


def _text_at(thread: int, address: int) -> str:
    """Read a path from the session's memory."""
    found = b""
    with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
        while b"\0" not in found:
            if len(found) >= _LONGEST_PATH:
                raise OSError(errno.ENAMETOOLONG, "path too long")
            place = address + len(found)
            if place > _HIGHEST_ADDRESS:  # no file has such a place: Python would not ask for it
                raise OSError(errno.EFAULT, "no address")
            part = os.pread(memory.fileno(), _PAGE - place % _PAGE, place)
            if not part:
                raise OSError(errno.EFAULT, "the memory is gone")
            found += part
    return os.fsdecode(found.partition(b"\0")[0])


def _mkdir(at: _Place, mode: int) -> None:
    os.mkdir(at.name, mode & 0o700, dir_fd=at.parent)


def _rmdir(at: _Place) -> None:
    os.rmdir(at.name, dir_fd=at.parent)


def _unlink(at: _Place) -> None:
    os.unlink(at.name, dir_fd=at.parent)


def _symlink(text: str, at: _Place) -> None:
    os.symlink(text, at.name, dir_fd=at.parent)


def _rename(source: _Place, target: _Place) -> None:
    os.rename(source.name, target.name, src_dir_fd=source.parent, dst_dir_fd=target.parent)


def _link(source: _Place, target: _Place) -> None:
    os.link(
        source.name,
        target.name,
        src_dir_fd=source.parent,
        dst_dir_fd=target.parent,
        follow_symlinks=False,
    )
