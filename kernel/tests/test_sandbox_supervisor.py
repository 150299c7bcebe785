"""The supervisor dies, hangs, or loses the kernel's process; and what a thousand sessions leave."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel import sandbox_link
from kernel.records import Execution, ExecutionStatus
from kernel.sandbox import ForkedSandbox
from kernel.tests.sandbox_tools import (
    OK,
    PATIENCE,
    config,
    descendants,
    run,
    supervisor_of,
    wait_until,
)

CRASHED = ExecutionStatus.CRASHED


@pytest.fixture
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(config()) as sandbox:
        yield sandbox


def collect(sandbox: ForkedSandbox, count: int) -> list[Execution]:
    """Return `count` executions, in the order of their coming."""
    done: list[Execution] = []
    end = time.monotonic() + PATIENCE
    while len(done) < count and time.monotonic() < end:
        done += sandbox.poll(1.0)
    assert len(done) == count
    return done


def test_nothing_waits_for_the_supervisor_to_start() -> None:
    start = time.monotonic()
    with ForkedSandbox(config()) as sandbox:
        sandbox.submit("early", "1 + 1")
        first = sandbox.poll(0)
        submitted = time.monotonic() - start
        assert first == []
        assert collect(sandbox, 1)[0].output == "2"
    assert submitted < time.monotonic() - start


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_death_crashes_what_ran_and_spares_what_waited(
    sandbox: ForkedSandbox, number: signal.Signals
) -> None:
    run(sandbox, "idle", "x = 1")
    for n in range(3):
        sandbox.submit(f"running {n}", "import time\ntime.sleep(0.9)\n1")
    sandbox.submit("waiting", "1 + 1")
    sandbox.submit("idle", "x")
    wait_until(lambda: len(descendants(supervisor_of(sandbox))) >= 4)
    sandbox.poll(0)
    os.kill(supervisor_of(sandbox), number)
    done = {execution.session: execution for execution in collect(sandbox, 5)}
    assert done["waiting"].output == "2"
    assert done["idle"].status is CRASHED
    for execution in done.values():
        if execution.status is CRASHED:
            assert "gone" in execution.output
    assert sum(execution.status is CRASHED for execution in done.values()) >= 2
    assert run(sandbox, "running 0", "2").output == "2"


def test_an_idle_session_that_is_lost_is_told_of(sandbox: ForkedSandbox) -> None:
    run(sandbox, "idle", "x = 1")
    os.kill(supervisor_of(sandbox), signal.SIGKILL)
    assert wait_until(lambda: sandbox.poll(0) == [] and sandbox.report["supervisors"] == 2)
    done = run(sandbox, "idle", "2 + 2")
    assert done.status is OK
    assert "gone" in done.output
    assert done.output.endswith("4")
    assert run(sandbox, "idle", "3").output == "3"


def test_an_idle_session_that_is_killed_is_told_of(sandbox: ForkedSandbox) -> None:
    run(sandbox, "idle", "x = 1")
    (session,) = descendants(supervisor_of(sandbox))
    os.kill(session, signal.SIGKILL)
    assert wait_until(lambda: not descendants(supervisor_of(sandbox)))
    done = run(sandbox, "idle", "2 + 2")
    assert "gone" in done.output
    assert done.output.endswith("4")


def test_death_while_it_starts() -> None:
    with ForkedSandbox(config()) as sandbox:
        sandbox.submit("early", "1 + 1")
        os.kill(supervisor_of(sandbox), signal.SIGKILL)
        assert collect(sandbox, 1)[0].output == "2"
        assert sandbox.report["supervisors"] == 2


def test_hang(sandbox: ForkedSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_link, "_HANG_SECONDS", 1.0)
    run(sandbox, "idle", "x = 1")
    hung = supervisor_of(sandbox)
    os.kill(hung, signal.SIGSTOP)
    sandbox.submit("idle", "x")
    start = time.monotonic()
    sandbox.poll(0)
    assert time.monotonic() - start < 1.0
    assert collect(sandbox, 1)[0].status is CRASHED
    assert run(sandbox, "idle", "1").output == "1"
    assert supervisor_of(sandbox) != hung
    assert not _runs(hung)


def test_a_pause_of_the_kernel_is_no_hang(
    sandbox: ForkedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_link, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(sandbox_link, "_HANG_SECONDS", 0.5)
    run(sandbox, "a", "1")
    sandbox.submit("a", "import time\ntime.sleep(0.6)\n1")
    time.sleep(0.2)
    sandbox.poll(0)
    time.sleep(1.5)
    assert collect(sandbox, 1)[0].output == "1"
    assert sandbox.report["supervisors"] == 1


def test_a_supervisor_that_cannot_start_gives_blocks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sandbox_link, "_command", lambda settings: [sys.executable, "-c", "raise SystemExit('no')"]
    )
    with ForkedSandbox(config()) as sandbox:
        sandbox.submit("a", "1")
        done = collect(sandbox, 1)[0]
        assert done.status is CRASHED
        assert "could not be run" in done.output
        assert "no" in sandbox.report["lost"][0]
        sandbox.submit("b", "1")
        assert collect(sandbox, 1)[0].status is CRASHED


KERNEL = """
import sys, time
from kernel.config import Config
from kernel.sandbox import ForkedSandbox
sandbox = ForkedSandbox(Config(code_seconds=300))
for n in range(3):
    sandbox.submit(str(n), "x = 1")
while sum(len(sandbox.poll(1)) for _ in range(3)) < 0: pass
for n in range(2):
    sandbox.submit(str(n), "import signal\\nsignal.signal(2, signal.SIG_IGN)\\nwhile True: pass")
time.sleep(0.5)
print(sandbox.folder, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("stopped", [False, True])
def test_everything_dies_with_the_kernels_process(stopped: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True, cwd=_root()
    ) as kernel:
        assert kernel.stdout is not None
        folder = Path(kernel.stdout.readline().strip())
        assert wait_until(lambda: len(descendants(kernel.pid)) == 4)
        family = descendants(kernel.pid)
        if stopped:
            for pid in family:
                if b"sandbox_supervisor" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
        kernel.kill()
        kernel.wait()
    assert wait_until(lambda: not any(_runs(pid) for pid in family))
    assert wait_until(lambda: not folder.exists())


def test_ctrl_c_and_a_normal_end_leave_nothing() -> None:
    code = KERNEL.replace("time.sleep(600)", "raise KeyboardInterrupt")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=_root())
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("aimo-sandbox-")
    assert wait_until(lambda: not folder.exists())


def test_folders_of_killed_sandboxes_are_removed_at_the_start(tmp_path: Path) -> None:
    stale = Path(f"/tmp/aimo-sandbox-{2**22 + 1}-stale")
    stale.mkdir(exist_ok=True)
    (stale / "file").write_text("x")
    with ForkedSandbox(config()) as sandbox:
        assert not stale.exists()
        assert sandbox.folder.exists()
    assert not sandbox.folder.exists()


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_state_survives_hundreds_of_times_under_load() -> None:
    """Short traces, more at once than there are workers, beside processes that take the CPUs."""
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        with ForkedSandbox(config()) as sandbox:
            steps = {f"trace {n}": 0 for n in range(300)}
            for name in steps:
                sandbox.submit(name, f"x = {name[6:]}\nprint(x)")
            wrong: list[Execution] = []
            while steps:
                finished = sandbox.poll(PATIENCE)
                assert finished
                for done in finished:
                    steps[done.session] += 1
                    if done.output != str(int(done.session[6:]) + steps[done.session] - 1):
                        wrong.append(done)
                    if steps[done.session] == 4:
                        sandbox.close_session(done.session)
                        del steps[done.session]
                    else:
                        sandbox.submit(done.session, "x += 1\nx")
            assert wrong == []
    finally:
        for process in load:
            process.kill()
            process.wait()


def test_soft_stop_keeps_state_many_times() -> None:
    with ForkedSandbox(config(code_seconds=0.15)) as sandbox:
        for n in range(60):
            name = str(n)
            run(sandbox, name, "x = 5")
            assert run(sandbox, name, "while True: pass").status is ExecutionStatus.TIMED_OUT
            assert run(sandbox, name, "x").output == "5"
            sandbox.close_session(name)


def test_an_idle_session_shares_its_memory(sandbox: ForkedSandbox) -> None:
    run(sandbox, "idle", "x = 1\nx")
    (session,) = descendants(supervisor_of(sandbox))
    lines = Path(f"/proc/{session}/smaps_rollup").read_text().splitlines()
    private = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    assert 0 < private < 10 * 1024


MISBEHAVIOUR = (
    "import os\nos._exit(1)",
    "import ctypes\nctypes.string_at(0)",
    "import os\nos.fork()",
    "import subprocess\nsubprocess.Popen(['sleep', '900'])",
    "import os\nos.closerange(0, 70000)",
    "import os\nfor fd in range(32000, 33000):\n"
    "    try: os.write(fd, b'x')\n    except OSError: pass",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "open('file', 'w').write('x' * 10**6)",
    "x = bytearray(10**10)",
    "import _thread, time\n_thread.start_new_thread(time.sleep, (900,))\ntime.sleep(0.1)",
    "from multiprocessing import shared_memory as s\ns.SharedMemory(create=True, size=10**6)",
)


@pytest.mark.slow
def test_a_thousand_sessions_leave_nothing() -> None:
    shared = set(Path("/dev/shm").iterdir())
    choose = random.Random(1)
    with ForkedSandbox(config()) as sandbox:
        run(sandbox, "first", "1")
        supervisor = supervisor_of(sandbox)
        descriptors = len(list(Path(f"/proc/{supervisor}/fd").iterdir()))
        waiting = [str(n) for n in range(1000)]
        open_now = 0
        while waiting or open_now:
            while waiting and open_now < 48:
                bad = choose.random() < 0.1
                sandbox.submit(waiting.pop(), choose.choice(MISBEHAVIOUR) if bad else "x = 1\nx")
                open_now += 1
            for done in sandbox.poll(PATIENCE):
                sandbox.close_session(done.session)
                open_now -= 1
        sandbox.close_session("first")
        assert supervisor_of(sandbox) == supervisor
        assert wait_until(lambda: not descendants(supervisor))
        assert wait_until(
            lambda: len(list(Path(f"/proc/{supervisor}/fd").iterdir())) <= descriptors
        )
        folders = [path for path in sandbox.folder.iterdir() if path.is_dir()]
        assert wait_until(lambda: not any(list(folder.iterdir()) for folder in folders))
        root = sandbox.folder
    assert not root.exists()
    assert set(Path("/dev/shm").iterdir()) <= shared
    assert not _runs(supervisor)
