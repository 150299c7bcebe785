"""One attack for each thing that a session must not do to processes and to the record."""

import os

import pytest

from kernel.records import ExecutionStatus
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.output import FORGED
from kernel.sandbox.tests.attacked import sandbox, session, supervisor_lives
from kernel.sandbox.tests.tools import (
    OK,
    RAISED,
    descendants,
    run,
    state_of,
    supervisor_of,
    wait_until,
)

CRASHED, PROCESS_LIMIT = ExecutionStatus.CRASHED, ExecutionStatus.PROCESS_LIMIT
__all__ = ["sandbox", "session", "supervisor_lives"]


EXITS = {
    "os._exit": "import os\nos._exit(0)",
    "segfault": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "killed itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "interpreter broken": "import ctypes\nctypes.memset(id(type), 0, 64)\ntype(1)",
}


@pytest.mark.parametrize("code", EXITS.values(), ids=EXITS.keys())
def test_exit(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"x = 1\nprint('before')\n{code}")
    assert done.status is CRASHED
    assert done.output.startswith("before\n")
    assert "gone" in done.output
    assert "NameError" in run(sandbox, session, "x").output


def test_overflow_of_the_c_stack(sandbox: ForkedSandbox, session: str) -> None:
    deep = "x = []\nfor _ in range(10**6): x = [x]\nrepr(x)"
    done = run(sandbox, session, f"import sys\nsys.setrecursionlimit(10**9)\n{deep}")
    assert done.status is not OK
    assert run(sandbox, session, "1").output == "1"


PROCESSES = {
    "fork": "import os\nos.fork()",
    "fork bomb": "import os\nwhile True: os.fork()",
    "fork bomb that never gives up": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: break\nraise SystemExit(2)"
    ),
    "double fork": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(600)"
    ),
    "subprocess": "import subprocess\nsubprocess.run(['sleep', '600'])",
    "orphan that holds stdout": "import subprocess\nsubprocess.Popen(['sleep', '600'])",
    "shell": "import os\nif os.system('sleep 600') != 0: raise SystemExit(2)",
    "spawn": "import os\nos.posix_spawn('/bin/sleep', ['sleep', '600'], {})",
    "exec": "import os\nos.execv('/bin/sleep', ['sleep', '600'])",
    "multiprocessing": "import multiprocessing\nmultiprocessing.Pool(2)",
    "raw clone": (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "if libc.syscall(56, 17, 0, 0, 0, 0) < 0: raise OSError(ctypes.get_errno(), 'clone')"
    ),
}


@pytest.mark.parametrize("code", PROCESSES.values(), ids=PROCESSES.keys())
def test_no_process_is_started(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, code)
    assert done.status in (PROCESS_LIMIT, RAISED)
    assert done.seconds < 60
    sandbox.close_session(session)
    sessions = descendants(supervisor_of(sandbox))
    assert wait_until(lambda: len(descendants(supervisor_of(sandbox))) <= 1), sessions


SIGNALS = {
    "parent": "os.kill(os.getppid(), {})",
    "everyone": "os.kill(-1, {})",
    "own group": "os.killpg(0, {})",
    "parent's group": "os.killpg(os.getpgid(os.getppid()), {})",
    "queued": "ctypes.CDLL(None).syscall(129, os.getppid(), {}, bytes(128))",
    "thread": "ctypes.CDLL(None).syscall(200, os.getppid(), {})",
    "process descriptor": "signal.pidfd_send_signal(os.pidfd_open(os.getppid()), {})",
    "by way of a pipe": (
        "r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, os.getppid()); "
        "fcntl.fcntl(r, 10, {}); fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC); os.write(w, b'x')"
    ),
}


@pytest.mark.parametrize("number", [9, 19, 15])
@pytest.mark.parametrize("code", SIGNALS.values(), ids=SIGNALS.keys())
def test_no_signal_reaches_others(
    sandbox: ForkedSandbox, session: str, code: str, number: int
) -> None:
    imports = "import ctypes, fcntl, os, signal\n"
    run(sandbox, session, imports + code.format(number))
    assert run(sandbox, f"{session} after", "1").output == "1"


def test_the_kernels_process_cannot_be_stopped(sandbox: ForkedSandbox, session: str) -> None:
    done = run(sandbox, session, f"import os\nos.kill({os.getpid()}, 19)")
    assert done.status is RAISED


ESCAPES = {
    "parent-death signal off": "assert libc.prctl(1, 0, 0, 0, 0) == 0",
    "ptrace": "assert libc.ptrace(16, os.getppid(), 0, 0) == 0",
    "memory of the parent": "open(f'/proc/{os.getppid()}/mem', 'rb')",
    "limits of the parent": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "limits raised": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "mount": "assert libc.mount(b'none', b'/tmp', b'tmpfs', 0, 0) == 0",
    "new namespace": "assert libc.unshare(0x10000000) == 0",
    "chroot": "os.chroot('.')",
    "device": "os.mknod('d', 0o600 | 0o020000, os.makedev(1, 1))",
    "another user": "os.setuid(0 if os.getuid() else 1)",
    "priority of others": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "affinity of others": "os.sched_setaffinity(os.getppid(), [0])",
    "kernel module": "assert libc.syscall(175, 0, 0, 0) == 0",
    "io_uring": "assert libc.syscall(425, 1, 0) >= 0",
    "new session": "os.setsid()",
    "oom score": "open('/proc/self/oom_score_adj', 'w').write('0')",
    "32-bit call": (
        "code = mmap.mmap(-1, 4096, prot=7); code.write(bytes.fromhex('b814000000cd80c3'))\n"
        "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))\n"
        "assert f() == os.getpid()"
    ),
}


@pytest.mark.parametrize("code", ESCAPES.values(), ids=ESCAPES.keys())
def test_no_way_out(sandbox: ForkedSandbox, session: str, code: str) -> None:
    imports = "import ctypes, mmap, os, resource\nlibc = ctypes.CDLL(None)\n"
    assert run(sandbox, session, imports + code).status in (RAISED, CRASHED)


FORGERIES = {
    "every descriptor": (
        "import os\nfor fd in range(3, 70000):\n"
        "    try: os.write(fd, b'o-' + bytes(16))\n    except OSError: pass"
    ),
    "JSON on every descriptor": (
        "import json, os\n"
        "text = json.dumps({'is': 'done', 'id': 1, 'status': 'ok', 'output': 'forged'}).encode()\n"
        "for fd in range(3, 70000):\n"
        "    try: os.write(fd, len(text).to_bytes(4, 'big') + text)\n    except OSError: pass"
    ),
    "much on every descriptor": (
        "import os\nfor fd in range(3, 70000):\n"
        "    try: os.set_blocking(fd, False); os.write(fd, bytes(10**6))\n    except OSError: pass"
    ),
}


@pytest.mark.parametrize("code", FORGERIES.values(), ids=FORGERIES.keys())
def test_status_cannot_be_forged(sandbox: ForkedSandbox, session: str, code: str) -> None:
    done = run(sandbox, session, f"print('before')\n{code}\n1 / 0")
    assert done.status is CRASHED
    assert done.output.startswith("before")  # and what was written to the output's own pipe
    assert FORGED in done.output, "the status pipe was not hit"
    assert run(sandbox, session, "2 + 2").output == "4"


def test_an_echo_of_every_descriptor_ends_its_own_block_alone(
    sandbox: ForkedSandbox, session: str
) -> None:
    code = """
import os
for fd in range(3, 70000):
    try: os.set_blocking(fd, False); data = os.read(fd, 99)
    except OSError: continue
    for other in range(fd - 9, fd + 9):
        try: os.write(other, b'o-' + data)
        except OSError: pass
1 / 0
"""
    done = run(sandbox, session, f"print('before'){code}")
    assert done.output.startswith("before")
    assert "ZeroDivisionError" not in done.output, "the pipes were not hit"
    assert run(sandbox, f"{session} other", "2 + 2").output == "4"
    sandbox.close_session(f"{session} other")


CLOSINGS = {
    "all": "os.closerange(0, 70000)",
    "one by one": "[os.close(fd) for fd in range(70000) if fd in (0, 1, 2) or valid(fd)]",
    "standard ones": "os.close(0); os.close(1); os.close(2)",
    "replaced": "[os.dup2(os.open('/dev/null', os.O_RDWR), fd) for fd in range(3)]",
}


@pytest.mark.parametrize("code", CLOSINGS.values(), ids=CLOSINGS.keys())
def test_closed_descriptors_do_not_end_the_session(
    sandbox: ForkedSandbox, session: str, code: str
) -> None:
    valid = (
        "import os\nx = 5\ndef valid(fd):\n    try: return os.close(fd)\n    except OSError: pass"
    )
    done = run(sandbox, session, f"{valid}\n{code}\nNone")
    assert done.status in (OK, RAISED)
    assert run(sandbox, session, "x").output == "5"


def test_frames_of_the_session_hold_no_token(sandbox: ForkedSandbox, session: str) -> None:
    code = """
import gc, sys
frame, found = sys._getframe(), []
while frame:
    found += [v for v in frame.f_locals.values() if isinstance(v, bytes) and len(v) >= 16]
    frame = frame.f_back
found
"""
    assert run(sandbox, session, code).output == "[]"


def test_output_of_a_thread_does_not_reach_the_next_block(
    sandbox: ForkedSandbox, session: str
) -> None:
    code = """
import _thread, os
def spam():
    while True:
        try: os.write(1, b'spam ')
        except BaseException: pass
_thread.start_new_thread(spam, ())
"""
    assert "gone" in run(sandbox, session, code).output
    assert run(sandbox, session, "1").output == "1"


def test_nothing_runs_between_two_blocks(sandbox: ForkedSandbox, session: str) -> None:
    code = """
import ctypes, signal, time
ticks = []
signal.signal(signal.SIGALRM, lambda *a: ticks.append(time.monotonic()))
start = time.monotonic()
"""
    run(sandbox, session, code)
    pids = descendants(supervisor_of(sandbox))
    # A busy machine gives a process no time to stop in; it runs nothing of its own until then.
    assert wait_until(lambda: {state_of(pid) for pid in pids} == {"T"})
