"""Landlock through its system calls: a session writes in its own folder and reads the Python tree.

Covers: every right that the machine's Landlock version knows, including TCP and signals to outside
processes where it knows them. Does not cover: changing modes, owners and times (the seccomp filter
handles those), what is already open, and /proc: a rule is tied to an inode, and procfs makes new
inodes as soon as the operating system has dropped its directory caches, so a rule there is refused.

Constants: Linux's `uapi/linux/landlock.h`.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_READ = _READ_FILE | _READ_DIR
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_MAKE_LINK, _REFER, _TRUNCATE = 1 << 12, 1 << 13, 1 << 14
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
"""The rights that make sense for a path that is not a folder; others are refused there."""
_OWN = (
    *(_READ, _WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_FILE),
    *(_MAKE_LINK, _REFER, _TRUNCATE),
)
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights there are for files, from which version on."""
_NETWORK_VERSION, _SCOPE_VERSION = 4, 6

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the machine's Landlock version, 0 where it has none."""
    return max(0, _libc.syscall(_CREATE, None, 0, _VERSION_FLAG))


def restrict(own: str | None, readable: Iterable[str], writable: Iterable[str]) -> None:
    """Restrict this process, for good. Needs no_new_privs.

    Args:
        own: The folder in which it may do everything but make devices and run programs, if any.
        readable: Files and folders that may be read; those that do not exist are passed over.
        writable: Files that may be read and written.

    Raises:
        OSError: the operating system refuses.
        ValueError: a path is in /proc.
    """
    known = version()
    handled = (1 << max(n for v, n in _FILE_RIGHTS.items() if v <= known)) - 1
    attributes = struct.pack("=Q", handled)
    if known >= _NETWORK_VERSION:
        attributes += struct.pack("=Q", 0b11)
    if known >= _SCOPE_VERSION:
        attributes += struct.pack("=Q", 0b11)
    rules = _checked(_libc.syscall(_CREATE, attributes, len(attributes), 0), "create")
    try:
        if own is not None:
            _allow(rules, own, handled & sum(_OWN))
        for path in readable:
            _allow(rules, path, _READ)
        for path in writable:
            _allow(rules, path, handled & _OF_FILES)
        _checked(_libc.syscall(_RESTRICT, rules, 0), "restrict")
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        status = os.fstat(descriptor)
        if status.st_dev == os.stat("/proc").st_dev:  # noqa: PTH116 - called often, at each fork
            raise ValueError(f"a Landlock rule for {path} would soon be lost: open it beforehand")
        if not stat.S_ISDIR(status.st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_libc.syscall(_ADD, rules, _PATH_BENEATH, rule, 0), f"rule for {path}")
    finally:
        os.close(descriptor)


def _checked(result: int, step: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock, {step}")
    return result
