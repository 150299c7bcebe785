"""Nothing is left behind: by the kernel's death, by a normal end, by a thousand sessions."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import (
    PATIENCE,
    config,
    descendants,
    is_running,
    run,
    supervisor_of,
    wait_until,
)

KERNEL = """
import sys, time
from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox
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
                if b"kernel.sandbox.supervisor" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
        kernel.kill()
        kernel.wait()
    assert wait_until(lambda: not any(is_running(pid) for pid in family))
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
    return Path(__file__).resolve().parents[3]


def test_an_idle_session_shares_its_memory() -> None:
    with ForkedSandbox(config()) as sandbox:
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
    "import os\nfor fd in range(256, 33000):\n"
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
    assert not is_running(supervisor)
