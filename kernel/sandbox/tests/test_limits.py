"""Each limit, attacked: time, memory, output, files, threads; and what the model is told."""

import os
from collections.abc import Iterator

import pytest

from kernel.records import ExecutionStatus
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import MEMORY_MIB, OK, PATIENCE, SECONDS, config, run, wait_until

LONGEST = 3.5 * SECONDS + 20
"""No block takes longer than 2.5 times its limit and the kill; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(config()) as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox: ForkedSandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.node.name
    sandbox.close_session(request.node.name)


SOFTLY_STOPPED = {
    "pure Python": "while True: pass",
    "sleep": "import time\ntime.sleep(600)",
    "except Exception": "while True:\n    try:\n        1 / 0\n    except Exception: pass",
    "sympy": "y = sp.factorint((10**40 + 121) * (10**41 + 63))",
    "input on a pipe": "import os\nos.read(os.pipe()[0], 1)",
    "lock": "import threading\nthreading.Semaphore(0).acquire()",
    "long integers": "3 ** 10 ** 9",
}
KILLED = {
    "inside C": "sum(range(10**13))",
    # One call of 10^12 steps: between two calls the soft stop would be heard.
    "inside numpy": "a = np.ones((1000, 1000))\nnp.einsum('ij,jk,kl->', a, a, a)",
    "ignored signals": (
        "import signal\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: pass"
    ),
    "blocked signals": (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass"
    ),
    "swallowed exceptions": (
        "while True:\n    try:\n        for _ in range(10**9): y = 1\n"
        "    except BaseException: pass"
    ),
    "finally": (
        "def f():\n    try:\n        for _ in range(10**9): y = 1\n    finally:\n        f()\nf()"
    ),
    "destructor": (
        "class A:\n    def __del__(self):\n        while True: pass\n"
        "a = A()\ndel a\nwhile True: pass"
    ),
    "stopped itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.mark.parametrize("code", SOFTLY_STOPPED.values(), ids=SOFTLY_STOPPED.keys())
def test_soft_time_limit_keeps_output_and_state(
    sandbox: ForkedSandbox, session: str, code: str
) -> None:
    done = run(sandbox, session, f"x = 7\nprint('before')\n{code}")
    assert done.status is ExecutionStatus.TIMED_OUT
    assert done.output.startswith("before\n")
    assert done.output.endswith(f"TimeoutError: the code ran longer than {SECONDS:g} seconds.")
    assert done.seconds < LONGEST
    assert run(sandbox, session, "x").output == "7"


@pytest.mark.parametrize("code", KILLED.values(), ids=KILLED.keys())
def test_what_does_not_stop_is_killed(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"x = 7\nprint('before')\n{code}")
    assert done.status is ExecutionStatus.TIMED_OUT
    assert done.output.startswith("before\n")
    assert done.seconds < LONGEST
    assert "gone" in done.output
    assert "NameError" in run(sandbox, session, "x").output


def test_regular_expression(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, "import re\nre.match(r'(a|aa)+$', 'a' * 60 + 'b')")
    assert done.status is ExecutionStatus.TIMED_OUT
    assert done.seconds < LONGEST


def test_thread_that_does_not_end(sandbox: ForkedSandbox, session: str) -> None:
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()"
    done = run(sandbox, session, code)
    assert done.status is ExecutionStatus.TIMED_OUT
    assert "Threads" in done.output
    assert run(sandbox, session, "1").output == "1"


def test_compiling_is_limited_too(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, "x = " + "+".join(["(1,2)"] * 3_000_000))
    assert done.status is not OK
    assert done.seconds < LONGEST


def test_display_is_limited_too(sandbox: ForkedSandbox, session: str) -> None:
    code = "class A:\n    def __str__(self):\n        while True: pass\nA()"
    assert run(sandbox, session, code).status is ExecutionStatus.TIMED_OUT


def test_cpu_time_of_threads_is_limited(sandbox: ForkedSandbox, session: str) -> None:
    code = """
import hashlib, threading
data = bytes(10**8)
def burn():
    while True: hashlib.sha256(data)
for _ in range(8): threading.Thread(target=burn, daemon=True).start()
while True: hashlib.sha256(data)
"""
    done = run(sandbox, session, code)
    assert done.status in (ExecutionStatus.CPU_LIMIT, ExecutionStatus.TIMED_OUT)
    assert "TimeoutError" in done.output
    assert done.seconds < LONGEST


MEMORY = {
    "list": "x = []\nwhile True: x.append(bytearray(10**7))",
    "one piece": "x = bytearray(4 * 10**9)",
    "numpy": "x = np.ones((10**5, 10**5))",
    "string": "x = 'ab'\nwhile True: x += x",
    "integers": "x = list(range(10**9))",
    "anonymous map": "import mmap\nx = mmap.mmap(-1, 4 * 10**9)",
    "memfd": "import os\nf = os.memfd_create('x')\nwhile True: os.write(f, bytes(10**7))",
    "System V": (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "n = libc.shmget(0, ctypes.c_size_t(4 * 10**9), 0o1600)\n"
        "if n < 0: raise OSError(ctypes.get_errno(), 'shmget')"
    ),
}


@pytest.mark.parametrize("code", MEMORY.values(), ids=MEMORY.keys())
def test_memory(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"print('before')\n{code}")
    assert done.status is ExecutionStatus.MEMORY_LIMIT
    assert done.output.startswith("before\n")
    assert f"at most {MEMORY_MIB} MiB" in done.output
    assert run(sandbox, session, "len(bytearray(10**8))").output == "100000000"


def test_state_survives_a_memory_error_that_frees_what_it_took(
    sandbox: ForkedSandbox, session: str
) -> None:
    done = run(sandbox, session, "x = 7\ndef f():\n    return [0] * 10**9\nf()")
    assert done.status is ExecutionStatus.MEMORY_LIMIT
    assert run(sandbox, session, "x").output == "7"


def test_shared_memory_is_bounded(sandbox: ForkedSandbox, session: str) -> None:
    code = """
from multiprocessing import shared_memory
x = [shared_memory.SharedMemory(create=True, size=10**8) for _ in range(100)]
for s in x: s.buf[:] = bytes(10**8)
"""
    assert run(sandbox, session, code).status is not OK


OUTPUT = {
    "100 MB": "print('x' * 10**8)",
    "for ever": "while True: print('word')",
    "no newline": "import sys\nwhile True: sys.stdout.write('x' * 1000)",
    "raw descriptor": "import os\nwhile True: os.write(1, b'x' * 65536)",
    "NUL": "import sys\nwhile True: sys.stdout.buffer.write(bytes(65536))",
}


@pytest.mark.parametrize("code", OUTPUT.values(), ids=OUTPUT.keys())
def test_output(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"x = 7\n{code}")
    assert done.status in (ExecutionStatus.OUTPUT_LIMIT, ExecutionStatus.TIMED_OUT)
    assert len(done.output) <= 2000
    assert "omitted" in done.output
    assert run(sandbox, session, "x").output == "7"


def test_a_megabyte_of_output_is_only_cut(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, "print('x' * 10**6)\nprint('end')")
    assert done.status is OK
    assert done.output.endswith("end")


FILES = {
    "large file": "f = open('x', 'wb')\nwhile True: f.write(bytes(10**7))",
    "sparse file": "import os\nf = open('x', 'wb')\nos.ftruncate(f.fileno(), 10**10)",
    "many open": "x = [open('/dev/null') for _ in range(10**5)]",
}


@pytest.mark.parametrize("code", FILES.values(), ids=FILES.keys())
def test_files(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"y = 7\n{code}")
    assert done.status is ExecutionStatus.FILE_LIMIT
    assert run(sandbox, session, "y").output == "7"


def test_many_large_files(sandbox: ForkedSandbox, session: str) -> None:
    code = "for n in range(10**6):\n    with open(str(n), 'wb') as f: f.write(bytes(6 * 10**7))"
    done = run(sandbox, session, f"{code}\n")
    assert done.status in (ExecutionStatus.FILE_LIMIT, ExecutionStatus.TIMED_OUT)
    sandbox.close_session(session)

    def are_gone() -> bool:
        # `os.walk`, since a glob of pathlib fails where a folder goes while it is read.
        return not any(name.isdigit() for *_, names in os.walk(sandbox.folder) for name in names)

    # How many it got to write depends on when the supervisor looks; none of them may stay.
    assert wait_until(are_gone)


def test_many_small_files(sandbox: ForkedSandbox, session: str) -> None:
    code = "for n in range(10**7): open(str(n), 'w').close()"
    assert run(sandbox, session, code).status is ExecutionStatus.FILE_LIMIT


def test_threads(sandbox: ForkedSandbox, session: str) -> None:
    code = """
import threading, time
for _ in range(10**6):
    threading.Thread(target=time.sleep, args=(0.1 + 600 * (_ > 100),), daemon=True).start()
"""
    assert run(sandbox, session, code).status is ExecutionStatus.PROCESS_LIMIT


def test_offenders_are_refused_in_the_end(sandbox: ForkedSandbox, session: str) -> None:
    statuses = [run(sandbox, session, "import os\nos._exit(1)").status for _ in range(4)]
    assert statuses == [ExecutionStatus.CRASHED] * 3 + [ExecutionStatus.REFUSED]
    sandbox.close_session(session)
    assert run(sandbox, session, "1").output == "1"


def test_waiting_for_a_worker_does_not_count(sandbox: ForkedSandbox) -> None:
    names = [f"queued {n}" for n in range(9)]
    for name in names:
        sandbox.submit(name, "import time\ntime.sleep(0.7)\n1")
    done = []
    while len(done) < len(names):
        finished = sandbox.poll(PATIENCE)
        assert finished
        done += finished
    assert {execution.output for execution in done} == {"1"}
    for name in names:
        sandbox.close_session(name)
