"""Puts the interpreter back in order around a block of model code.

Above 300 lines because of the number of things that a block can leave behind.

Covers: builtins, the `sys` module, standard descriptors and streams, signal handlers and timers,
watchdogs, soft limits, import paths, recursion and digit limits, trace functions, stack size of
threads, locale, working folder, environment. Does not cover: modules that a block has patched
(later blocks of its session see the patch, as they would in a notebook; no other session does),
objects of this module altered on purpose, which harm that session alone, and hard limits, which
cannot be raised again: `limited` tells of them.

Model code can patch any Python module. So what runs here before and after it calls only the
interpreter's own functions, written in C and fetched beforehand.
"""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# No type stubs exist for `_signal`, whose functions no block can patch.

import builtins
import os
import sys
import threading
from _locale import LC_ALL
from _locale import setlocale as set_locale
from _signal import (
    ITIMER_PROF,
    ITIMER_REAL,
    ITIMER_VIRTUAL,
    SIG_BLOCK,
    SIG_SETMASK,
    getsignal,
    pthread_sigmask,
    set_wakeup_fd,
    setitimer,
    sigtimedwait,
)
from _signal import signal as set_signal
from codecs import lookup_error, register_error
from ctypes import CDLL
from dataclasses import dataclass
from faulthandler import cancel_dump_traceback_later, unregister
from gc import callbacks as gc_callbacks
from gc import enable as gc_enable
from gc import get_threshold, set_debug, set_threshold
from io import BufferedWriter, FileIO, TextIOWrapper
from os import (
    chdir,
    dup2,
    environ,
    putenv,
    sched_getaffinity,
    sched_setaffinity,
    set_blocking,
    umask,
    unsetenv,
)
from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit, setrlimit
from signal import SIGALRM, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, valid_signals
from sys import (
    set_asyncgen_hooks,
    set_coroutine_origin_tracking_depth,
    set_int_max_str_digits,
    setprofile,
    setrecursionlimit,
    setswitchinterval,
    settrace,
)
from threading import stack_size
from time import tzset
from types import ModuleType
from typing import Any

# Functions look builtins up where their module says when they are defined. The ones below, which
# run on either side of model code, get a copy, so `del builtins.len` does not reach them. For the
# same reason functions are imported by name: `os.dup2 = None` does not reach them either.
__builtins__ = dict(builtins.__dict__)

_trace_threads, _profile_threads = threading.settrace, threading.setprofile
_variables: dict[bytes, bytes] = environ._data  # type: ignore[attr-defined]
_RECURSION_LIMIT = 1000
_SWITCH_SECONDS = 0.005
"""Python's own defaults."""
_SEPARATE_LINES = 2000
_LIMITS = range(16)
"""Numbers of all resource limits, see getrlimit(2)."""
_ERROR_HANDLERS = ("strict", "ignore", "replace", "backslashreplace", "surrogateescape")
_MORE_HANDLERS = ("surrogatepass", "xmlcharrefreplace", "namereplace")
_WATCHED = tuple(map(int, (SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2)))
"""Signals for which a block may have asked `faulthandler` to write tracebacks."""
SCRIPT = "program.py"
"""What `sys.argv` shows to a block: one entry, as for a script without arguments."""


@dataclass(frozen=True, slots=True)
class Pipes:
    """The session's own descriptors, all above its limit of open files."""

    request: int
    status: int
    output: int
    null: int
    broker: int = -1
    """A socket for the listener of the filter that leaves writing to the supervisor."""
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
        self.limited = False
        """A block has lowered a hard limit: for good, as nobody here may raise one."""
        self._folder = folder
        self._main = main
        self._builtins = dict(builtins.__dict__)
        sys.addaudithook = refuse_audit_hook  # type: ignore[assignment]
        sys.path = [folder, *sys.path]
        self._sys = dict(sys.__dict__)
        self._lists = {n: list(getattr(sys, n)) for n in ("path", "meta_path", "path_hooks")}
        self._variables = dict(_variables)
        self._handlers = {int(number): getsignal(number) for number in valid_signals()}
        self._limits = {number: getrlimit(number) for number in _LIMITS}
        self._cpus = sched_getaffinity(0)
        self._locale = set_locale(LC_ALL)
        self._collector = get_threshold()
        self._error_handlers = {n: lookup_error(n) for n in (*_ERROR_HANDLERS, *_MORE_HANDLERS)}
        self._flush_c = CDLL(None).fflush
        self._stdin = _empty_input()
        self._open_output()

    def restore(self) -> None:
        """Put everything back. Raises OSError when the session's own descriptors are gone."""
        self._restore_limits()
        builtins.__dict__.clear()
        builtins.__dict__.update(self._builtins)
        self._restore_signals()
        self._restore_interpreter()
        self._restore_threads()
        self._restore_process()
        self._restore_streams()

    def flush(self) -> None:
        """Bring what the block has printed to the pipe, through whichever stream it did."""
        for stream in (getattr(sys, "stdout", None), self.out):
            try:
                stream.flush()  # type: ignore[union-attr]
            except KeyboardInterrupt:
                raise
            except BaseException:
                continue  # closed, detached or replaced by the block itself
        try:  # noqa: SIM105 - `suppress` is Python's own and can be patched
            self._lines.flush_all()
        except (OSError, ValueError):
            pass
        self._flush_c(None)

    def write(self, text: str) -> None:
        """Add lines of the interpreter's own to the output, on a line of their own."""
        start = "\n" if self._raw.line_open else ""
        self._connect()
        self._open_output()
        self.out.write(f"{start}{text}\n")
        self.out.flush()

    def usable_output(self) -> TextIOWrapper:
        """Return the output; the block may have closed or taken apart its own."""
        self._connect()
        if _is_closed(self.out):
            self._open_output()
        return self.out

    def make_room(self) -> None:
        """Lift the memory limit to the reserve kept for reporting that it was reached."""
        hard = getrlimit(RLIMIT_AS)[1]
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

    def _restore_limits(self) -> None:
        for number, wanted in self._limits.items():
            found = getrlimit(number)
            if found != wanted:
                self.limited = self.limited or found[1] != wanted[1]
                setrlimit(number, (_lower(wanted[0], found[1]), found[1]))

    def _restore_streams(self) -> None:
        self._connect()
        self._open_output()
        sys.stdout = sys.__stdout__ = self.out
        if _is_closed(self._stdin):
            self._stdin = _empty_input()
        sys.stdin = sys.__stdin__ = self._stdin
        sys.stderr = sys.__stderr__ = TextIOWrapper(
            FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace"
        )

    def _restore_signals(self) -> None:
        for timer in (ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF):
            setitimer(timer, 0)
        cancel_dump_traceback_later()
        for number in _WATCHED:
            unregister(number)
        set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            if handler is not None and getsignal(number) is not handler:
                set_signal(number, handler)
        if blocked := pthread_sigmask(SIG_BLOCK, ()):
            while sigtimedwait(blocked, 0) is not None:
                pass  # queued for the session by its own code
            pthread_sigmask(SIG_SETMASK, ())

    def _restore_interpreter(self) -> None:
        sys.__dict__.update(self._sys)
        for name, entries in self._lists.items():
            setattr(sys, name, list(entries))
        sys.argv, sys.orig_argv = [SCRIPT], [SCRIPT]
        if len(sys.modules) < len(_modules):
            sys.modules.update(_modules)
        sys.modules["__main__"] = self._main
        setrecursionlimit(_RECURSION_LIMIT)
        set_int_max_str_digits(0)
        set_asyncgen_hooks(None, None)
        set_coroutine_origin_tracking_depth(0)
        for name, handler in self._error_handlers.items():
            register_error(name, handler)
        gc_callbacks.clear()
        set_debug(0)
        set_threshold(*self._collector)
        gc_enable()

    def _restore_threads(self) -> None:
        settrace(None)
        setprofile(None)
        _trace_threads(None)  # type: ignore[arg-type]
        _profile_threads(None)
        setswitchinterval(_SWITCH_SECONDS)
        stack_size(0)

    def _restore_process(self) -> None:
        chdir(self._folder)
        umask(0o077)
        if set_locale(LC_ALL) != self._locale:
            set_locale(LC_ALL, self._locale)
        if sched_getaffinity(0) != self._cpus:
            sched_setaffinity(0, self._cpus)
        os.environ = environ  # noqa: B003 - the very object that was there
        if _variables != self._variables:
            for name in _variables.keys() - self._variables.keys():
                unsetenv(name)
            for name, value in self._variables.items():
                putenv(name, value)
            _variables.clear()
            _variables.update(self._variables)
            tzset()


def _lower(one: int, other: int) -> int:
    """Return the lower of two limits, of which either may be unlimited."""
    return max(one, other) if RLIM_INFINITY in (one, other) else min(one, other)


def refuse_audit_hook(hook: object) -> None:
    """Stand in for `sys.addaudithook`: a hook stays for good and could break every later block."""
    raise RuntimeError("an audit hook cannot be removed again, so none may be added here")


def _is_closed(stream: TextIOWrapper) -> bool:
    try:
        return stream.closed
    except ValueError:
        return True  # detached


def _empty_input() -> TextIOWrapper:
    return TextIOWrapper(FileIO(0, closefd=False), encoding="utf-8")
