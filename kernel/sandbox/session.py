"""The interpreter inside a session: runs block after block in one namespace.

Covers: state across blocks, the display of a last expression, printed output kept whatever follows,
trimmed tracebacks, a soft stop by SIGINT that leaves the namespace alive, and threads that a block
leaves behind: ordinary ones are waited for, as Python does at the end of a script, thread pools
shut down, daemon threads asked to end. Does not cover: stopping code or threads that will not stop,
measuring it, and keeping it away from the machine: the supervisor and the isolation do that, and
believe nothing that happens here.

What a block can forge is its own end: whoever runs Python in this process can run this module's
functions too. So the end counts only with a token that is not in this process's memory while model
code runs (it waits in the request pipe), and the session is frozen once its end is believed.
"""

import builtins
import errno
import math
import os
import random
import signal
import sys
from _thread import _count as count_threads  # pyright: ignore[reportPrivateUsage]
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_ulong, py_object, pythonapi
from gc import collect, get_objects
from hashlib import blake2b
from linecache import cache as line_cache
from os import pread
from struct import Struct
from threading import Thread, active_count, current_thread
from threading import enumerate as enumerate_threads
from time import monotonic, sleep
from types import ModuleType
from typing import Any, NoReturn

from kernel.sandbox.restore import Pipes, Surroundings
from kernel.sandbox.source import Program, compile_block, describe, stack

__builtins__ = dict(builtins.__dict__)  # see sandbox_restore

HEADER = Struct("!I")
"""Length of the source that follows in the request pipe; the token stands behind the source."""
TOKEN_BYTES = 16
READY = b"R"
ENDED, RAISED, MEMORY, PROCESSES, FILES = b"o", b"r", b"m", b"p", b"f"
"""How a block ended, as far as the session can tell: one byte before the token."""
QUIET, STRAYS = b"-", b"t"
"""Whether threads of the block are still running: one byte between the two."""

_GRACE_SECONDS = 0.5
"""For daemon threads to end once asked; they are a rarity, so the wait is too."""
_BEGIN_SECONDS = 0.05
_THREADS_FIELD = 17
"""Position in /proc/pid/stat behind the command's name, see proc(5)."""
_STAT_BYTES = 4096
_native_threads = 0

_raise_in_thread: Any = pythonapi.PyThreadState_SetAsyncExc
_FILE_ERRORS = (errno.EFBIG, errno.EMFILE, errno.ENOSPC, errno.EDQUOT)


class SoftStop(KeyboardInterrupt):
    """Raised in model code when the supervisor sends SIGINT; no `Exception`, so seldom caught."""


def seed_everything(text: str) -> None:
    """Seed Python's, numpy's and sympy's random states from `text`: a fork copies the parent's."""
    seed = int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=4).digest(), "big")
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed)
    if sympy_random := sys.modules.get("sympy.core.random"):
        sympy_random.seed(seed)


class Interpreter:
    """One session's namespace, and the running of blocks in it."""

    def __init__(self, pipes: Pipes, folder: str) -> None:
        self._armed = False
        self._sources: dict[str, str] = {}
        self._main = _fresh_main()
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._surroundings = Surroundings(pipes, folder, self._main)

    def run(self, source: str) -> bytes:
        """Run one block and return how it ended; what it printed is in the pipe by then."""
        self._surroundings.restore()
        # The one stop that is sent may come between any two steps. Wherever it comes, one of the
        # two places that lower the flag is reached undisturbed.
        try:
            try:
                self._armed = True
                verdict = self._attempt(source)
            finally:
                self._armed = False
        except BaseException:
            self._armed = False
            verdict = RAISED
            self._surroundings.flush()
        self._surroundings.restore()
        return verdict

    def _attempt(self, source: str) -> bytes:
        surroundings = self._surroundings
        try:
            program = self._compiled(source)
            namespace = self._main.__dict__
            exec(program.body, namespace)
            value = eval(program.last, namespace) if program.last is not None else None
            if value is not None:
                print(value, file=surroundings.out)
            settle_threads(surroundings.pipes.stat)
            verdict, text = ENDED, ""
        except SystemExit as end:
            verdict, text = _exit_status(end)
        except SoftStop as stop:
            verdict, text = RAISED, stack(stop, self._sources)
        except BaseException as error:
            verdict = _verdict(error)
            if verdict == MEMORY:
                surroundings.make_room()
            text = describe(error, self._sources)
        surroundings.flush()
        if text:
            surroundings.write(text)
        if verdict == MEMORY:
            collect()  # the frames of the exception held what had been built
        return verdict

    def _compiled(self, source: str) -> Program:
        """Compile a block, and clear its way: `sum = 5` earlier, `sum(...)` now."""
        filename = f"<block {len(self._sources) + 1}>"
        self._sources[filename] = source
        lines = source.splitlines(keepends=True)
        line_cache[filename] = (len(source), None, lines, filename)
        program = compile_block(source, filename)
        namespace = self._main.__dict__
        for name in program.called & namespace.keys() & builtins.__dict__.keys():
            if not callable(namespace[name]):
                del namespace[name]
        return program

    def _on_interrupt(self, number: int, frame: Any) -> None:
        if self._armed:
            raise SoftStop


def _fresh_main() -> ModuleType:
    """Return a `__main__` with the names that models take for granted."""
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, math=math)
    for name, short in (("numpy", "np"), ("sympy", "sp")):
        if module := sys.modules.get(name):
            main.__dict__.update({name: module, short: module})
    return main


def _exit_status(end: SystemExit) -> tuple[bytes, str]:
    """Judge `sys.exit(...)` as the shell would: nothing or 0 is success."""
    if end.code is None or (isinstance(end.code, int) and end.code == 0):
        return ENDED, ""
    return RAISED, f"SystemExit: {end.code}"


def _verdict(error: BaseException) -> bytes:
    """Tell an exception that a limit caused from any other."""
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return MEMORY
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return PROCESSES
    if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN:
        return PROCESSES
    if isinstance(error, OSError) and error.errno in _FILE_ERRORS:
        return FILES
    return RAISED


def settle_threads(stat: int) -> None:
    """Return once no thread but this one runs, or once the rest will not end.

    Args:
        stat: A descriptor of /proc/self/stat.
    """
    if not threads_left(stat):
        return
    for found in get_objects():
        if isinstance(found, ThreadPoolExecutor):
            found.shutdown(wait=True)
    for thread in _others():
        if not thread.daemon:
            thread.join()
    for thread in _others():
        if thread.ident is not None:
            _raise_in_thread(c_ulong(thread.ident), py_object(SystemExit))
    end = monotonic() + _GRACE_SECONDS
    while threads_left(stat) and monotonic() < end:
        sleep(0.005)


def threads_left(stat: int) -> bool:
    """Whether Python threads run beside this one.

    Threads of native libraries do not count: they sleep until they are used. A raw thread counts
    only once it has begun, and a native one never, so a new one is watched for a moment.
    """
    global _native_threads
    end = monotonic() + _BEGIN_SECONDS
    while not count_threads():
        threads = int(pread(stat, _STAT_BYTES, 0).rpartition(b")")[2].split()[_THREADS_FIELD]) - 1
        if threads <= _native_threads or monotonic() >= end:
            _native_threads = threads
            return False
        sleep(0.002)
    return True


def _others() -> list[Thread]:
    if active_count() == 1:
        return []
    current = current_thread()
    return [thread for thread in enumerate_threads() if thread is not current]


def serve(pipes: Pipes, folder: str) -> NoReturn:
    """Run the blocks that come through the request pipe until the session is killed."""
    interpreter = Interpreter(pipes, folder)
    _write(pipes.status, READY + bytes(TOKEN_BYTES + 1))
    while True:
        (length,) = HEADER.unpack(_read(pipes.request, HEADER.size))
        source = _read(pipes.request, length).decode("utf-8", "surrogatepass")
        verdict = interpreter.run(source)
        strays = STRAYS if threads_left(pipes.stat) else QUIET
        _write(pipes.status, verdict + strays + _read(pipes.request, TOKEN_BYTES))


def _read(descriptor: int, size: int, _read: Any = os.read) -> bytes:
    """Read exactly `size` bytes; with references taken before model code could replace them."""
    parts: list[bytes] = []
    while size:
        part = _read(descriptor, size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(descriptor: int, data: bytes, _write: Any = os.write) -> None:
    if _write(descriptor, data) != len(data):
        raise EOFError
