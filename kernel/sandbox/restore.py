"""Putting an interpreter back in order around a block of model code.

Covers: builtins, standard descriptors and streams, signal handlers and timers, import paths,
recursion and digit limits, trace functions, working folder, environment. Does not cover: modules
that a block has patched (later blocks of its session see the patch, as they would in a notebook; no
other session does), and objects of this module altered on purpose, which harm that session alone.
"""

import builtins
import signal
import sys
import threading
from contextlib import suppress
from ctypes import CDLL
from dataclasses import dataclass
from gc import callbacks as gc_callbacks
from gc import enable as gc_enable
from io import BufferedWriter, FileIO, TextIOWrapper
from os import chdir, dup2, environ, set_blocking, umask
from resource import RLIMIT_AS, getrlimit, setrlimit
from signal import (
    ITIMER_PROF,
    ITIMER_REAL,
    ITIMER_VIRTUAL,
    SIG_SETMASK,
    getsignal,
    pthread_sigmask,
    setitimer,
    valid_signals,
)
from sys import (
    set_int_max_str_digits,
    setprofile,
    setrecursionlimit,
    setswitchinterval,
    settrace,
)
from types import ModuleType
from typing import Any

# Functions look builtins up where their module says when they are defined. The ones below, which
# run on either side of model code, get a copy, so `del builtins.len` does not reach them. For the
# same reason functions are imported by name: `os.dup2 = None` does not reach them either.
__builtins__ = dict(builtins.__dict__)

_set_signal = signal.signal
_trace_threads, _profile_threads = threading.settrace, threading.setprofile
_RECURSION_LIMIT = 1000
_SWITCH_SECONDS = 0.005
"""Python's own defaults."""
_SEPARATE_LINES = 2000


@dataclass(frozen=True, slots=True)
class Pipes:
    """The session's own descriptors, all above its limit of open files."""

    request: int
    status: int
    output: int
    null: int
    stat: int = -1
    """The session's own /proc/self/stat, opened before Landlock: a rule could not hang on it."""


_modules: dict[str, ModuleType] = {}


def keep_modules() -> None:
    """Remember what is imported, before the fork: counting each module would copy its page."""
    _modules.update(sys.modules)


class Output(FileIO):
    """Standard output's lowest layer; remembers whether a line is unfinished."""

    line_open = False

    def write(self, data: Any, /) -> int:
        """Write as `FileIO` does."""
        self.line_open = True  # should a stop interrupt what follows
        written = super().write(data)
        if written:
            self.line_open = bytes(data[written - 1 : written]) != b"\n"
        return written


class Lines(BufferedWriter):
    """Passes output on line by line, so that it is out if the process must be killed.

    After many lines it is passed on in larger pieces, as to any pipe: a line costs a system call.
    """

    lines = 0

    def flush(self) -> None:
        """Pass the line on, unless there have been many."""
        if self.lines < _SEPARATE_LINES:
            self.lines += 1
            super().flush()

    def flush_all(self) -> None:
        """Pass on everything."""
        super().flush()


class Surroundings:
    """The interpreter as it was before any model code ran."""

    def __init__(self, pipes: Pipes, folder: str, main: ModuleType) -> None:
        self.pipes = pipes
        self._folder = folder
        self._main = main
        self._builtins = dict(builtins.__dict__)
        self._path = [folder, *sys.path]
        self._meta_path = list(sys.meta_path)
        self._path_hooks = list(sys.path_hooks)
        self._environment = dict(environ)
        self._handlers = {number: getsignal(number) for number in valid_signals()}
        self._address_space = getrlimit(RLIMIT_AS)
        self._flush_c = CDLL(None).fflush
        self._open_output()

    def restore(self) -> None:
        """Put everything back. Raises OSError when the session's own descriptors are gone."""
        builtins.__dict__.clear()
        builtins.__dict__.update(self._builtins)
        self._restore_signals()
        self._restore_interpreter()
        self._restore_process()
        self._restore_streams()

    def flush(self) -> None:
        """Bring what the block has printed to the pipe, through whichever stream it did."""
        for stream in (getattr(sys, "stdout", None), self.out):
            try:
                stream.flush()  # type: ignore[union-attr]
            except (OSError, ValueError, AttributeError, TypeError):
                continue  # closed, detached or replaced by the block itself
        with suppress(OSError, ValueError):
            self._lines.flush_all()
        self._flush_c(None)

    def write(self, text: str) -> None:
        """Add lines of the interpreter's own to the output, on a line of their own."""
        start = "\n" if self._raw.line_open else ""
        self._connect()
        self._open_output()
        self.out.write(f"{start}{text}\n")
        self.out.flush()

    def make_room(self) -> None:
        """Lift the memory limit to the reserve kept for reporting that it was reached."""
        hard = self._address_space[1]
        setrlimit(RLIMIT_AS, (hard, hard))

    def _open_output(self) -> None:
        self._raw = Output(1, "w", closefd=False)
        self._lines = Lines(self._raw)
        self.out = TextIOWrapper(
            self._lines, encoding="utf-8", errors="backslashreplace", line_buffering=True
        )

    def _connect(self) -> None:
        pipes = self.pipes
        for source, target in ((pipes.null, 0), (pipes.output, 1), (pipes.null, 2)):
            dup2(source, target)
        for descriptor in pipes.request, pipes.status, pipes.output:
            set_blocking(descriptor, True)

    def _restore_streams(self) -> None:
        self._connect()
        self._open_output()
        sys.stdout = sys.__stdout__ = self.out
        sys.stdin = sys.__stdin__ = TextIOWrapper(FileIO(0, closefd=False))
        sys.stderr = sys.__stderr__ = TextIOWrapper(FileIO(2, "w", closefd=False))

    def _restore_signals(self) -> None:
        for timer in (ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF):
            setitimer(timer, 0)
        for number, handler in self._handlers.items():
            if handler is not None and getsignal(number) is not handler:
                _set_signal(number, handler)
        pthread_sigmask(SIG_SETMASK, ())

    def _restore_interpreter(self) -> None:
        settrace(None)
        setprofile(None)
        _trace_threads(None)  # type: ignore[arg-type]
        _profile_threads(None)
        setswitchinterval(_SWITCH_SECONDS)
        setrecursionlimit(_RECURSION_LIMIT)
        set_int_max_str_digits(0)
        gc_callbacks.clear()
        gc_enable()
        sys.path[:] = self._path
        sys.meta_path[:] = self._meta_path
        sys.path_hooks[:] = self._path_hooks
        if len(sys.modules) < len(_modules):
            sys.modules.update(_modules)
        sys.modules["__main__"] = self._main

    def _restore_process(self) -> None:
        chdir(self._folder)
        umask(0o077)
        setrlimit(RLIMIT_AS, self._address_space)
        if dict(environ) != self._environment:
            environ.clear()
            environ.update(self._environment)
