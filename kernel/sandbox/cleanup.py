"""Leaves no process of a session behind, and no folder of a sandbox.

Covers: the sandbox's own temporary folder, and those of sandboxes that were killed; processes that
escaped the session's process group, where the machine offers no filter against new processes. Does
not cover: ending the session's own process (`worker`), and its files (`disk`).
"""

import contextlib
import os
import re
import signal
import stat
import tempfile
from pathlib import Path

from kernel.sandbox.disk import remove_tree

_ROUNDS = 50
"""Looks at all processes before giving up; each finds fewer, as the killed cannot start more."""
_PARENT_FIELD, _SESSION_FIELD = 1, 3
"""Positions in /proc/pid/stat behind the command's name, see proc(5)."""
_OWNER = re.compile(r"aimo-sandbox-(\d+)-")


def new_root() -> Path:
    """Make a folder for one sandbox, and remove those whose processes were killed.

    The folder is new. Whoever may write to the temporary folder can put anything under the name of
    a dead process's sandbox: a link, or what belongs to another user, is left alone.
    """
    place = Path(tempfile.gettempdir())
    for old in place.glob("aimo-sandbox-*"):
        owner = _OWNER.match(old.name)
        if owner and not Path(f"/proc/{owner[1]}").exists() and _is_own_folder(old):
            remove_tree(old)
    root = Path(tempfile.mkdtemp(prefix=f"aimo-sandbox-{os.getpid()}-", dir=place))
    root.chmod(0o711)
    return root


def _is_own_folder(path: Path) -> bool:
    with contextlib.suppress(OSError):
        status = path.lstat()
        return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return False


def kill_strays(session: int, uid: int | None, known: set[int]) -> bool:
    """Kill what has escaped from a session, and return whether there was anything.

    Args:
        session: Its process id, which is also its session id.
        uid: Its own user, if it has one.
        known: Processes of this supervisor that are to live.
    """
    found = False
    for _ in range(_ROUNDS):
        strays = [pid for pid in _processes() if _is_stray(pid, session, uid, known)]
        if not strays:
            break
        found = True
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return found


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _is_stray(pid: int, session: int, uid: int | None, known: set[int]) -> bool:
    """Whether a process belongs to the session by session, user or parent: orphans become ours."""
    if pid in known or pid == os.getpid():
        return False
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return False
    if fields[0] == b"Z":
        return False
    family = int(fields[_PARENT_FIELD]) in (session, os.getpid())
    return family or int(fields[_SESSION_FIELD]) == session or (uid is not None and owner == uid)
