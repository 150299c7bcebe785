"""What a block does to the interpreter itself must not break the blocks behind it."""

from collections.abc import Iterator

import pytest

from kernel.records import ExecutionStatus
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import OK, RAISED, config, run

CRASHED, PROCESS_LIMIT = ExecutionStatus.CRASHED, ExecutionStatus.PROCESS_LIMIT


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(config(code_seconds=5)) as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox: ForkedSandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.node.name
    sandbox.close_session(request.node.name)


MODULES = (
    *("ast", "textwrap", "traceback", "linecache", "io", "codecs", "encodings", "signal", "gc"),
    *("threading", "contextlib", "os", "posixpath", "resource", "ctypes", "re", "enum", "types"),
    *("dataclasses", "time", "select", "struct", "weakref", "abc", "functools", "collections"),
    *("concurrent.futures", "concurrent.futures.thread", "multiprocessing.pool", "atexit"),
    *("faulthandler", "locale", "_locale", "_signal", "_thread", "_io", "posix", "_weakref"),
    *("inspect", "tokenize", "warnings", "importlib", "random", "hashlib", "pathlib", "errno"),
)
VANDAL = """
import {module}, sys
x = 5
module = sys.modules[{module!r}]
for name in list(vars(module)):
    if not name.startswith('__'): setattr(module, name, None)
"""


@pytest.mark.parametrize("module", MODULES)
def test_a_module_without_its_contents(sandbox: ForkedSandbox, session: str, module: str) -> None:
    run(sandbox, session, VANDAL.format(module=module))
    done = run(sandbox, session, "def f(): return x + 1\nprint('printed')\nf()")
    assert (done.status, done.output) == (OK, "printed\n6")
    done = run(sandbox, session, "  y = f()\n  print(y)\n  y / 0")
    assert done.status is RAISED
    assert "ZeroDivisionError" in done.output
    assert "y / 0" in done.output


LEFT_BEHIND = {
    "a parser replaced": "import ast\nast.parse = compile = None",
    "a compiler replaced": "import builtins\nbuiltins.compile = builtins.exec = None",
    "syntax tree classes": "import ast\nast.Expr = ast.Call = ast.Name = ast.walk = int",
    "sys emptied": "import sys\nsys.path = sys.meta_path = sys.path_hooks = sys.argv = None",
    "sys without names": (
        "import sys\nfor name in ('stdout', 'path', 'modules', 'meta_path', 'settrace'):\n"
        "    delattr(sys, name)"
    ),
    "another table of modules": "import sys\nsys.modules = {}",
    "path hooks": (
        "import sys\nsys.path_hooks.insert(0, lambda p: 1 / 0)\nsys.path_importer_cache = None"
    ),
    "displayhook": "import sys\nsys.displayhook = sys.excepthook = sys.unraisablehook = None",
    "soft limits": (
        "import resource as r\nfor n in range(16):\n"
        "    soft, hard = r.getrlimit(n)\n"
        "    if n not in (r.RLIMIT_CPU, r.RLIMIT_AS, r.RLIMIT_DATA): r.setrlimit(n, (0, hard))"
    ),
    "soft limit of CPU time": (
        "import resource as r\nr.setrlimit(r.RLIMIT_CPU, (2, r.getrlimit(r.RLIMIT_CPU)[1]))"
    ),
    "soft limit of memory": (
        "import resource as r\nr.setrlimit(r.RLIMIT_AS, (1 << 29, r.getrlimit(r.RLIMIT_AS)[1]))"
    ),
    "no descriptor left": (
        "import os\nkept = []\ntry:\n    while True: kept.append(os.open('/dev/null', 0))\n"
        "except OSError: pass"
    ),
    "a watchdog": "import faulthandler\nfaulthandler.dump_traceback_later(0.2, exit=True)",
    "a watchdog that repeats": "import faulthandler\nfaulthandler.dump_traceback_later(.1, True)",
    "tracebacks on a signal": "import faulthandler, signal\nfaulthandler.register(signal.SIGINT)",
    "wake-up descriptor": (
        "import os, signal\nr, w = os.pipe(); os.set_blocking(w, False)\nsignal.set_wakeup_fd(w)"
    ),
    "large thread stacks": "import threading\nthreading.stack_size(1 << 31)",
    "audit hook": "import sys\ntry: sys.addaudithook(lambda *a: 1 / 0)\nexcept RuntimeError: pass",
    "recursion limit": "import sys\nsys.setrecursionlimit(12 + len(__import__('inspect').stack()))",
    "trace and profile": (
        "import sys, threading\nhook = lambda *a: 1 / 0\nthreading.settrace(hook)\n"
        "sys.settrace(hook)"
    ),
    "collector": (
        "import gc\ngc.set_threshold(1)\ngc.callbacks.append(lambda *a: 1 / 0)\ngc.disable()"
    ),
    "error handlers": (
        "import codecs\nfor name in ('surrogatepass', 'replace', 'backslashreplace', 'strict'):\n"
        "    codecs.register_error(name, lambda e: 1 / 0)"
    ),
    "a codec search": "import codecs\ncodecs.register(lambda name: 1 / 0)",
    "standard input gone": "import sys\nsys.stdin.close()\nsys.stdin = None",
    "environment": "import os\nos.environ.clear()\nos.environ = {}",
    "locale": "import locale\nlocale.setlocale(locale.LC_ALL, 'C')",
    "one CPU": "import os\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})",
    "objects that lie": (
        "class Lazy:\n    @property\n    def __class__(self): raise SystemExit\n"
        "lazy = [Lazy() for _ in range(9)]\nimport threading, time\n"
        "threading.Thread(target=time.sleep, args=(0.1,)).start()"
    ),
    "asynchronous hooks": "import sys\nsys.set_asyncgen_hooks(lambda *a: 1 / 0, lambda *a: 1 / 0)",
    "at exit": "import atexit\natexit.register(lambda: [None for _ in iter(int, 1)])",
    "thread start replaced": "import threading\nthreading.Thread.start = lambda *a: None",
    "signal mask": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))",
    "all handlers": (
        "import signal\nfor n in set(signal.valid_signals()) - {9, 19}:\n"
        "    signal.signal(n, lambda *a: 1 / 0)"
    ),
}
LATER = """
import colorsys, sys, time
def f(n): return 0 if n == 0 else 1 + f(n - 1)
time.sleep(0.3)
with open('file', 'w') as file: file.write('x' * 100)
print(x, f(300), len(sys.argv))
"""


@pytest.mark.parametrize("code", LEFT_BEHIND.values(), ids=LEFT_BEHIND.keys())
def test_the_next_block_is_as_ever(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"x = 5\n{code}\nNone")
    assert done.status in (OK, RAISED), done.output  # a hook may meet the block itself
    freed = "import os\nfor n in kept: os.close(n)\n" if "kept" in code else ""
    done = run(sandbox, session, freed + LATER)
    assert (done.status, done.output) == (OK, "5 300 1")
    done = run(sandbox, session, "x")
    assert (done.status, done.output) == (OK, "5")


@pytest.mark.parametrize("name", ["RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_STACK"])
def test_a_hard_limit_lowered_ends_the_session(
    sandbox: ForkedSandbox, session: str, name: str
) -> None:
    done = run(sandbox, session, f"import resource as r\nr.setrlimit(r.{name}, (3, 3))\n4")
    assert done.status is OK
    assert done.output.startswith("4\nThe code lowered a limit of its own process for good")
    assert "gone" in done.output
    assert run(sandbox, session, "import colorsys\n2").output == "2"


def test_an_interpreter_beyond_mending_is_told_of(sandbox: ForkedSandbox, session: str) -> None:
    code = (
        "from kernel.sandbox import restore\nrestore.Surroundings.restore = None\nprint('before')"
    )
    done = run(sandbox, session, code)
    assert done.status is CRASHED
    assert done.output.startswith("before\nSandboxError: the code changed the interpreter")
    assert run(sandbox, session, "2").output == "2"


THREADS = {
    "executor": (
        "from concurrent.futures import ThreadPoolExecutor as P\np = P(4)\nsum(p.map(abs, [1, 2]))",
        "sum(p.map(abs, [3, 4]))",
    ),
    "executor, after an error": (
        "from concurrent.futures import ThreadPoolExecutor as P\np = P(4)\n"
        "print(sum(p.map(abs, [1, 2])))\n1 / 0",
        "sum(p.map(abs, [3, 4]))",
    ),
    "thread pool": (
        "from multiprocessing.pool import ThreadPool\np = ThreadPool(4)\nsum(p.map(abs, [1, 2]))",
        "sum(p.map(abs, [3, 4]))",
    ),
    "dummy": (
        "from multiprocessing.dummy import Pool\np = Pool(3)\nsum(p.imap(abs, [1, 2]))",
        "sum(p.imap_unordered(abs, [3, 4]))",
    ),
    "thread pool in a with": (
        "from multiprocessing.pool import ThreadPool\n"
        "with ThreadPool(2) as p: r = sum(p.starmap(pow, [(1, 1), (2, 1)]))\nr",
        "r + 4",
    ),
}


@pytest.mark.parametrize(("first", "second"), THREADS.values(), ids=THREADS.keys())
def test_threads_are_allowed_across_blocks(
    sandbox: ForkedSandbox, session: str, first: str, second: str
) -> None:
    assert run(sandbox, session, first).output.startswith("3")
    for _ in range(3):
        done = run(sandbox, session, second)
        assert (done.status, done.output) == (OK, "7")


PROCESSES = {
    "Pool": "import multiprocessing as m\nm.Pool(2)",
    "Lock": "import multiprocessing as m\nm.Lock()",
    "Queue": "import multiprocessing as m\nm.Queue()",
    "Process": "import multiprocessing as m\np = m.Process(target=print)\np.start()",
    "Manager": "import multiprocessing as m\nm.Manager()",
    "Event": "import multiprocessing as m\nm.Event()",
    "Value": "import multiprocessing as m\nm.Value('i', 1)",
    "executor": (
        "from concurrent.futures import ProcessPoolExecutor as P\n"
        "with P(2) as p: print(list(p.map(abs, [1])))"
    ),
    "subprocess": "import subprocess\nsubprocess.check_output(['ls'])",
    "fork": "import os\nos.fork()",
}


@pytest.mark.parametrize("code", PROCESSES.values(), ids=PROCESSES.keys())
def test_processes_are_refused_in_words(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"x = 5\n{code}")
    assert done.status is PROCESS_LIMIT
    assert "Processes may not be started here" in done.output
    assert run(sandbox, session, "x").output == "5"


@pytest.mark.parametrize("hook", ["settrace", "setprofile"])
def test_a_hook_that_raises_is_told_of(sandbox: ForkedSandbox, session: str, hook: str) -> None:
    done = run(sandbox, session, f"import sys\nx = 5\nsys.{hook}(lambda *a: 1 / 0)\nabs(1)")
    assert "ZeroDivisionError" in done.output or done.output == "1"
    assert run(sandbox, session, "f = lambda: x\nf()").output == "5"
