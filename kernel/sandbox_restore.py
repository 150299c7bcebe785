"""Putting an interpreter back in order around a block of model code.

Covers: builtins, standard descriptors and streams, signal handlers and timers, import paths,
recursion and digit limits, trace functions, working folder, environment. Does not cover: modules
that a block has patched (later blocks of its session see the patch, as they would in a notebook; no
other session does), and objects of this module altered on purpose, which harm that session alone.
"""

import builtins
import ctypes
import gc
import io
import os
import resource
import signal
import sys
import threading
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# Functions look builtins up where their module says when they are defined. The ones below, which
# run on either side of model code, get a copy, so `del builtins.len` does not reach them.
__builtins__ = dict(builtins.__dict__)

_RECURSION_LIMIT = 1000
_SWITCH_SECONDS = 0.005
"""Python's own defaults."""


@dataclass(frozen=True, slots=True)
class Pipes:
    """The session's own descriptors, all above its limit of open files."""

    request: int
    status: int
    output: int
    null: int


class Output(io.FileIO):
    """Standard output's lowest layer; remembers whether a line is unfinished."""

    line_open = False

    def write(self, data: Any, /) -> int:
        """Write as `FileIO` does."""
        written = super().write(data)
        if written:
            self.line_open = bytes(data[written - 1 : written]) != b"\n"
        return written


class Surroundings:
    """The interpreter as it was before any model code ran."""

    def __init__(self, pipes: Pipes, folder: str, main: ModuleType) -> None:
        self._pipes = pipes
        self._folder = folder
        self._main = main
        self._builtins = dict(builtins.__dict__)
        self._path = [folder, *sys.path]
        self._meta_path = list(sys.meta_path)
        self._path_hooks = list(sys.path_hooks)
        self._environment = dict(os.environ)
        self._handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
        self._address_space = resource.getrlimit(resource.RLIMIT_AS)
        self._flush_c = ctypes.CDLL(None).fflush
        self.raw = Output(1, "w", closefd=False)
        self.out = self._stream()

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
        for flush in (sys.stdout.flush, self.out.flush):
            try:
                flush()
            except (OSError, ValueError, AttributeError, TypeError):
                continue  # closed, detached or replaced by the block itself
        self._flush_c(None)

    def write(self, text: str) -> None:
        """Add lines of the interpreter's own to the output, on a line of their own."""
        self._connect()
        start = "\n" if self.raw.line_open else ""
        stream = self._stream()
        stream.write(f"{start}{text}\n")
        stream.flush()

    def make_room(self) -> None:
        """Lift the memory limit to the reserve kept for reporting that it was reached."""
        hard = self._address_space[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))

    def _stream(self) -> io.TextIOWrapper:
        # By lines: what was printed must be out when the process has to be killed.
        return io.TextIOWrapper(
            io.BufferedWriter(self.raw),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )

    def _connect(self) -> None:
        pipes = self._pipes
        for source, target in ((pipes.null, 0), (pipes.output, 1), (pipes.null, 2)):
            os.dup2(source, target)
        for descriptor in pipes.request, pipes.status, pipes.output:
            os.set_blocking(descriptor, True)

    def _restore_streams(self) -> None:
        self._connect()
        self.raw = Output(1, "w", closefd=False)
        self.out = self._stream()
        sys.stdout = sys.__stdout__ = self.out
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.FileIO(0, closefd=False))
        sys.stderr = sys.__stderr__ = io.TextIOWrapper(io.FileIO(2, "w", closefd=False))

    def _restore_signals(self) -> None:
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        for number, handler in self._handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def _restore_interpreter(self) -> None:
        sys.settrace(None)
        sys.setprofile(None)
        threading.settrace(None)  # type: ignore[arg-type]
        threading.setprofile(None)
        sys.setswitchinterval(_SWITCH_SECONDS)
        sys.setrecursionlimit(_RECURSION_LIMIT)
        sys.set_int_max_str_digits(0)
        gc.callbacks.clear()
        gc.enable()
        sys.path[:] = self._path
        sys.meta_path[:] = self._meta_path
        sys.path_hooks[:] = self._path_hooks
        sys.modules["__main__"] = self._main

    def _restore_process(self) -> None:
        os.chdir(self._folder)
        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_AS, self._address_space)
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
