"""Leaves nothing of a session behind: processes, folders, files elsewhere.

Covers: folders that were made hard to delete; processes that escaped the session's process group,
where the machine gives no filter against new processes; files that the session's user left in
folders that everyone may write to, where it gives no Landlock. Does not cover: ending the session's
own process (`sandbox/worker`).
"""

import contextlib
import itertools
import os
import re
import signal
import tempfile
from pathlib import Path

_SHARED = ("/dev/shm", "/tmp", "/var/tmp")
_ROUNDS = 50
"""Looks at all processes before giving up; each finds fewer, as the killed cannot start more."""
_PARENT_FIELD, _SESSION_FIELD = 1, 3
"""Positions in /proc/pid/stat behind the command's name, see proc(5)."""
_OWNER = re.compile(r"aimo-sandbox-(\d+)-")


def new_root() -> Path:
    """Make a folder for one sandbox, and remove those whose processes were killed."""
    place = Path(tempfile.gettempdir())
    for old in place.glob("aimo-sandbox-*"):
        owner = _OWNER.match(old.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            remove_tree(old)
    root = Path(tempfile.mkdtemp(prefix=f"aimo-sandbox-{os.getpid()}-", dir=place))
    root.chmod(0o711)
    return root


def remove_tree(folder: Path) -> None:
    """Delete a folder, however deep its contents are nested or closed to reading.

    Folders are brought to the top before they are emptied, so no path grows long and nothing
    recurses. What cannot be deleted is left.
    """
    with contextlib.suppress(OSError):
        names = itertools.count()
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            current.chmod(0o700)
            for entry in list(os.scandir(current)):
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                    continue
                lifted = folder / f".{next(names)}"
                inner = Path(entry.path)
                inner.chmod(0o700)  # moving a folder writes its own `..`
                inner.rename(lifted)
                waiting.append(lifted)
            if current != folder:
                current.rmdir()
        folder.rmdir()


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
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return False
    if fields[0] == "Z":
        return False
    family = int(fields[_PARENT_FIELD]) in (session, os.getpid())
    return family or int(fields[_SESSION_FIELD]) == session or (uid is not None and owner == uid)


def remove_files_of(uid: int) -> None:
    """Delete what a session's user has left in the folders that everyone may write to."""
    for place in _SHARED:
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(place)):
                if entry.stat(follow_symlinks=False).st_uid != uid:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    remove_tree(Path(entry.path))
                else:
                    Path(entry.path).unlink()


def bytes_of(uid: int) -> int:
    """Return what a session's user occupies in the folders that everyone may write to."""
    total = 0
    for place in _SHARED:
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                total += status.st_blocks * 512 if status.st_uid == uid else 0
    return total
