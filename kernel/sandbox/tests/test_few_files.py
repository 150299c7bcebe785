"""The machine allows few open files: as many sessions as fit work, and the others say why."""

import subprocess
import sys
from pathlib import Path

from kernel.sandbox.wire import open_files_needed, sessions_possible

ROOT = Path(__file__).resolve().parents[3]
LIMIT = 64
CODE = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import config, run
with ForkedSandbox(config()) as sandbox:
    for n in range(25):
        print(run(sandbox, str(n), f"x = {{n}}\\nx").output == str(n), end=" ")
    for _ in range(4):
        assert "not its own" in run(sandbox, "24", "1").output  # and never "too often"
    print(run(sandbox, "0", "x + 7").output, sandbox.report["supervisors"], end=" ")
    sandbox.close_session("1")
    while run(sandbox, "24", "1").output != "1": pass
"""


def test_as_many_sessions_work_as_fit() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, cwd=ROOT)
    *worked, state, supervisors = done.stdout.split()
    assert (state, supervisors) == ("7", "1"), done
    first_failed = worked.index("False")
    assert first_failed >= sessions_possible(LIMIT) > 10
    assert "True" not in worked[first_failed:]
    assert done.returncode == 0, done.stderr


def test_the_need_of_the_whole_run() -> None:
    assert open_files_needed(48) < 256
    assert all(sessions_possible(open_files_needed(n)) == n for n in range(100))
