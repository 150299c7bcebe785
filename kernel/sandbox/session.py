"""The interpreter inside a session: runs block after block in one namespace.

Covers: state across blocks, the display of a last expression, keeping printed output whatever
follows, trimmed tracebacks, and a soft stop by SIGINT that leaves the namespace alive. Does not
cover: stopping code that will not stop, measuring it, and keeping it away from the machine: the
supervisor and the isolation do that, and trust nothing that happens here.

A name that shadows a builtin is kept as long as it can be intended: one that is not callable is
dropped when a later block calls it (`sum = 5`), and `print` is the builtin again in every block,
since without it nothing could be seen.

What a block can forge is its own end: anything that runs Python in this process can run this
module's functions too. So an end counts only with a token that is not in this process's memory
while model code runs (it waits in the request pipe), and the session is frozen once its end is
believed.
"""

import builtins
import errno
import math
import os
import random
import signal
import sys
from gc import collect
from hashlib import blake2b
from linecache import cache as line_cache
from pathlib import Path
from struct import Struct
from sys import setprofile, settrace
from types import ModuleType, TracebackType
from typing import Any, NoReturn

from kernel.sandbox.restore import Pipes, Surroundings
from kernel.sandbox.source import Program, compile_block, describe, describe_barely, is_a, stack
from kernel.sandbox.threads import Threads

__builtins__ = dict(builtins.__dict__)  # see restore.py

HEADER = Struct("!I")
"""Length of the source that follows in the request pipe; the token stands behind the source."""
TOKEN_BYTES = 16
READY = b"R"
ENDED, RAISED, MEMORY, PROCESSES, FILES = b"o", b"r", b"m", b"p", b"f"
"""How a block ended, as far as the session can tell: one byte before the token."""
SOUND, STRAYS, LIMITED = b"-", b"t", b"l"
"""Whether the session can go on: threads of the block still run, or a hard limit was lowered."""
BROKEN = 71
"""Exit status of a session whose interpreter could not be put in order (EX_OSERR of sysexits.h)."""

_FILE_ERRORS = (errno.EFBIG, errno.EMFILE, errno.ENOSPC, errno.EDQUOT)
_PYTHON = str(Path(os.__file__).parent)
_STARTERS = tuple(
    f"{_PYTHON}/{name}"
    for name in ("multiprocessing/", "concurrent/futures/process.py", "subprocess.py")
)
"""Modules in which an error of the operating system means that processes may not be started."""
_SHARING, _TEMPORARY = f"{_PYTHON}/multiprocessing/shared_memory.py", f"{_PYTHON}/tempfile.py"


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
        self._threads = Threads(pipes.stat)

    def run(self, source: str) -> bytes:
        """Run one block; return how it ended and whether the session can go on, a byte each.

        What it printed is in the pipe by then.
        """
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
        return verdict + self._condition()

    def _condition(self) -> bytes:
        if self._threads.left():
            return STRAYS
        return LIMITED if self._surroundings.limited else SOUND

    def _attempt(self, source: str) -> bytes:
        surroundings = self._surroundings
        text = ""
        try:
            self._threads.revive()
            self._execute(self._compiled(source))
            self._threads.settle()
            verdict = ENDED
        except SystemExit as end:
            verdict, text = _exit_status(end)
        except SoftStop as stop:
            verdict, text = RAISED, f"{stack(stop, self._sources)}\nKeyboardInterrupt"
        except BaseException as error:
            verdict, text = self._judged(error)
        surroundings.flush()
        if text:
            surroundings.write(text)
            self._threads.settle()
        if verdict == MEMORY:
            collect()  # the frames of the exception held what had been built
        return verdict

    def _execute(self, program: Program) -> None:
        namespace = self._main.__dict__
        for line in program.left_out:
            print(f"[not run, only Python is: {line}]", file=self._surroundings.out)
        try:
            exec(program.body, namespace)
            value = eval(program.last, namespace) if program.last is not None else None
        finally:
            settrace(None)  # at once: the next call here would be traced
            setprofile(None)
        if value is not None:
            self._surroundings.flush()  # what a wrapped stdout still holds was printed before
            print(value, file=self._surroundings.usable_output())

    def _judged(self, error: BaseException) -> tuple[bytes, str]:
        """Return what an exception means for the block, and its text."""
        try:
            verdict = _verdict(error)
            if verdict == MEMORY:
                self._surroundings.make_room()
            return verdict, describe(error, self._sources)
        except SoftStop:
            raise
        except BaseException:
            # An exception of a class made to defy being looked at.
            return RAISED, describe_barely(error, self._sources)

    def _compiled(self, source: str) -> Program:
        """Compile a block, and clear its way: `sum = 5` earlier, `sum(...)` now."""
        filename = f"<block {len(self._sources) + 1}>"
        self._sources[filename] = source
        lines = source.splitlines(keepends=True)
        line_cache[filename] = (len(source), None, lines, filename)
        program = compile_block(source, filename)
        namespace = self._main.__dict__
        namespace.pop("print", None)
        namespace["__name__"] = "__main__"  # else `if __name__ == ...` would skip a block's work
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
    if is_a(error, MemoryError):
        return MEMORY
    if is_a(error, RuntimeError) and str(error) == "can't start new thread":
        return PROCESSES
    if is_a(error, OSError, NotImplementedError) and _starts_processes(error.__traceback__):
        return PROCESSES
    if not is_a(error, OSError):
        return RAISED
    number = error.errno  # type: ignore[attr-defined]
    if number == errno.ENOMEM:
        return MEMORY
    if number == errno.EAGAIN and is_a(error, BlockingIOError):
        return PROCESSES
    return FILES if number in _FILE_ERRORS else RAISED


def _starts_processes(trace: TracebackType | None) -> bool:
    """Whether an error came out of the modules that start processes."""
    last = ""
    while trace is not None:
        place, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
        last = last if place == _TEMPORARY else place
    return last.startswith(_STARTERS) and last != _SHARING


def serve(pipes: Pipes, folder: str) -> NoReturn:
    """Run the blocks that come through the request pipe until the session is killed."""
    interpreter = Interpreter(pipes, folder)
    _write(pipes.status, READY + bytes(TOKEN_BYTES + 1))
    try:
        _serve(pipes, interpreter)
    finally:
        _exit(BROKEN)


def _serve(pipes: Pipes, interpreter: Interpreter) -> NoReturn:
    while True:
        (length,) = HEADER.unpack(_read(pipes.request, HEADER.size))
        source = _read(pipes.request, length).decode("utf-8", "surrogatepass")
        outcome = interpreter.run(source)
        _write(pipes.status, outcome + _read(pipes.request, TOKEN_BYTES))


_exit = os._exit


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
