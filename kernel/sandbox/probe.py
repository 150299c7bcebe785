"""Finds out which layers of isolation this machine offers, by trying them on throwaway children.

Covers: applying each layer and attacking it once; checking that a session under all layers together
can still import what it has not imported yet. Layers fail silently on some machines and in some
containers, so nothing is concluded from versions. Does not cover: the layers themselves
(`sandbox/isolation`).
"""

import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kernel.sandbox import broker, landlock, seccomp
from kernel.sandbox.disk import remove_tree
from kernel.sandbox.isolation import Cell, Layers, detach, enter
from kernel.sandbox.restore import Pipes

_PROBE_SECONDS = 20.0
_LATE_IMPORTS = ("colorsys", "tabnanny", "nturl2path", "pyclbr")
"""Modules that nothing here needs, of which the first not yet imported is tried."""
_NONE = Layers(user=False, capabilities=False, landlock=False, seccomp=False)
_ON = "on"


@dataclass(frozen=True, slots=True)
class Findings:
    """The layers to use, and for each one whether it is on or why it is not."""

    layers: Layers
    report: dict[str, str]


def probe(cell: Cell, without: Iterable[str], protected: Iterable[str]) -> Findings:
    """Try every layer.

    Args:
        cell: What a session gets; its folder is used for the trials and removed.
        without: Layers not to be used.
        protected: Folders whose files a session must not be able to change.
    """
    report = dict.fromkeys(without, "left out by choice")
    layers = _NONE
    for name, obstacle in _obstacles().items():
        if name in report:
            continue
        trial = replace(layers, **{name: True})
        reason = obstacle or _try(replace(cell, layers=trial), _ATTACKS[name])
        report[name] = reason or _ON
        if not reason:
            layers = trial
    if not layers.landlock and layers.seccomp:
        paths = tuple(protected)
        reason = _try(replace(cell, layers=layers), lambda: _files_writable(paths))
        brokered = bool(reason) and broker.available()
        layers = replace(layers, broker=brokered, read_only=bool(reason) and not brokered)
        spared = "not needed: the files belong to another user"
        report["broker"] = (_ON if brokered else "the system has none") if reason else spared
        report["read_only"] = _ON if layers.read_only else "not needed"
    return Findings(layers, report)


def _obstacles() -> dict[str, str]:
    """Return, in the order of trying, what rules a layer out beforehand."""
    root = "" if os.geteuid() == 0 else "not root"
    return {
        "user": root,
        "capabilities": root,
        "landlock": "" if landlock.version() else "the system has none",
        "seccomp": seccomp.available(),
    }


def _try(cell: Cell, attack: Callable[[], str]) -> str:
    """Shut a child in, let it import and attack; return what went wrong, or nothing."""
    folder = Path(cell.folder)
    folder.mkdir(mode=0o700)
    if cell.layers.user:
        try:
            os.chown(folder, cell.uid, cell.uid)
        except OSError as error:  # a container whose root may not be anybody else
            folder.rmdir()
            return f"{type(error).__name__}: {error}"
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_probe(cell, attack, writing, parent)
    os.close(writing)
    try:
        return _answer(reading, pid)
    finally:
        os.close(reading)
        os.waitpid(pid, 0)
        remove_tree(folder)


def _answer(reading: int, pid: int) -> str:
    """Return what the child says; `ok` is nothing to complain about."""
    said = b""
    while select.select([reading], [], [], _PROBE_SECONDS)[0]:
        part = os.read(reading, 4096)
        if not part:
            break
        said += part
    else:
        os.kill(pid, signal.SIGKILL)
    text = said.decode(errors="replace").strip()
    return "" if text == _ON else text or "the trial process died"


def _be_probe(cell: Cell, attack: Callable[[], str], writing: int, parent: int) -> None:
    answer = "the trial process died"
    try:
        null = os.open(os.devnull, os.O_RDWR)
        pipes = detach(Pipes(writing, writing, writing, null))
        enter(cell, pipes, parent)
        writing = pipes.request
        _import_late()
        if not cell.layers.read_only:
            Path("trial").write_text("x")
        answer = attack() or _ON
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    finally:
        os.write(writing, answer.encode())
        os._exit(0)


def _import_late() -> None:
    """Import what is not imported yet, as model code will."""
    late = [name for name in _LATE_IMPORTS if name not in sys.modules]
    try:
        importlib.import_module(late[0])
    except ImportError as error:
        raise ImportError(f"the Python tree cannot be read under it ({error})") from error


def _succeeds(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _attack_user() -> str:
    return "" if os.getuid() and not _succeeds(lambda: os.setuid(0)) else "no effect"


def _attack_capabilities() -> str:
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    effective = status.partition("CapEff:")[2].split()[0]
    return "" if int(effective, 16) == 0 else "no effect"


def _attack_landlock() -> str:
    outside = Path("..") / f"outside-{os.getpid()}"
    return "no effect" if _succeeds(outside.touch) else ""


def _attack_seccomp() -> str:
    for action in (_fork, socket.socket, lambda: os.kill(os.getppid(), 0)):
        if _succeeds(action):
            return "no effect"
    return ""


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


_ATTACKS: dict[str, Callable[[], str]] = {
    "user": _attack_user,
    "capabilities": _attack_capabilities,
    "landlock": _attack_landlock,
    "seccomp": _attack_seccomp,
}


def _files_writable(folders: Iterable[str]) -> str:
    """Name the first thing in `folders` that this process could change."""
    for folder in folders:
        for path in [Path(folder), *_listing(folder)]:
            if os.access(path, os.W_OK, effective_ids=True):
                return str(path)
    return ""


def _listing(folder: str) -> list[Path]:
    try:
        return list(Path(folder).iterdir())
    except OSError:
        return []


def readable_paths() -> tuple[str, ...]:
    """Return what a session needs to read: the Python tree, libraries, time zones, fonts."""
    trees = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    trees |= {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
    trees |= {str(Path(os.__file__).parent), str(Path(os.__file__).parent / "lib-dynload")}
    for name, module in list(sys.modules.items()):
        if "." not in name and name != "kernel":
            trees |= {str(place) for place in getattr(module, "__path__", ())}
    kept = {tree for tree in trees if Path(tree).is_dir() and tree != "/"}
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share", "/etc/fonts")
    files = ("/etc/ld.so.cache", "/etc/localtime", "/dev/zero", "/dev/urandom", "/dev/random")
    return (*sorted(kept), *system, *files, "/sys/devices/system/cpu")
