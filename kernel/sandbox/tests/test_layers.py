"""What holds when the machine refuses a layer of isolation, and what is said about it."""

import os
import re
from pathlib import Path

import pytest

from kernel.records import ExecutionStatus
from kernel.sandbox import forked_sandbox as kernel_sandbox
from kernel.sandbox import seccomp
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import (
    OK,
    RAISED,
    config,
    descendants,
    run,
    supervisor_of,
    wait_until,
)

ALL = ("user", "capabilities", "landlock", "seccomp")
SUBSETS = [(), ("landlock",), ("seccomp",), ("user", "capabilities"), ("landlock", "user"), ALL]


@pytest.mark.parametrize("without", SUBSETS, ids=["+".join(subset) or "all" for subset in SUBSETS])
def test_what_the_machine_refuses_is_reported(without: tuple[str, ...]) -> None:
    with ForkedSandbox(config(), without=without) as sandbox:
        assert run(sandbox, "a", "import colorsys\nx = 4").status is OK
        assert run(sandbox, "a", "x").output == "4"
        layers = sandbox.report["layers"]
        assert {name for name in ALL if layers[name] == "left out by choice"} == set(without)
        assert all(layers[name] for name in ALL)
        done = run(sandbox, "b", "while True: pass")
        assert done.status is ExecutionStatus.TIMED_OUT


def test_files_are_safe_without_landlock(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    path.write_text("id,answer\n")
    tmp_path.chmod(0o777)
    path.chmod(0o666)
    settings = config(work=str(tmp_path))
    with ForkedSandbox(settings, without=("landlock",)) as sandbox:
        if seccomp.available():
            pytest.skip("no filter for this machine")
        for attack in ("open(p, 'a').write('x')", "os.unlink(p)", "os.rename(p, p + 'x')"):
            done = run(sandbox, attack, f"import os\np = '{path}'\n{attack}")
            assert done.status is RAISED
    assert path.read_text() == "id,answer\n"


ESCAPES = {
    "child": "if os.fork() == 0: time.sleep(600)",
    "double fork": "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)",
    "orphan that holds stdout": "import subprocess; subprocess.Popen(['sleep', '600'])",
    "ignores signals": (
        "import signal\nif os.fork() == 0:\n    os.setsid()\n"
        "    signal.signal(15, signal.SIG_IGN)\n    while True: time.sleep(1)"
    ),
}


@pytest.mark.parametrize("code", ESCAPES.values(), ids=ESCAPES.keys())
def test_escaped_processes_are_killed_without_a_filter(code: str) -> None:
    with ForkedSandbox(config(), without=("seccomp", "landlock")) as sandbox:
        done = run(sandbox, "a", f"import os, time\nprint('before')\n{code}")
        assert done.seconds < 60
        assert done.output.startswith("before")
        sandbox.close_session("a")
        assert wait_until(lambda: not descendants(supervisor_of(sandbox)))
        assert run(sandbox, "b", "1").output == "1"


def test_a_block_that_ends_itself_early_is_frozen() -> None:
    code = """
import os, sys, threading, time
frame = sys._getframe()
while 'interpreter' not in frame.f_locals: frame = frame.f_back
pipes, read, write = frame.f_locals['pipes'], frame.f_globals['_read'], frame.f_globals['_write']
write(pipes.status, b'o-' + read(pipes.request, 16))
while True: os.write(1, b'more')
"""
    with ForkedSandbox(config()) as sandbox:
        done = run(sandbox, "liar", code)
        assert done.status is OK
        (session,) = descendants(supervisor_of(sandbox))
        state = Path(f"/proc/{session}/stat").read_text().rpartition(")")[2].split()[0]
        assert state == "T"
        again = run(sandbox, "liar", "print('honest')")
        assert again.status is not OK
        assert "honest" not in again.output
        assert run(sandbox, "other", "1").output == "1"


def test_a_supervisor_that_cannot_set_sessions_up_is_replaced() -> None:
    with ForkedSandbox(config()) as sandbox:
        run(sandbox, "a", "1")
        folder = next(path for path in sandbox.folder.iterdir() if path.is_dir())
        folder.rename(sandbox.folder / "moved")
        (sandbox.folder / folder.name).write_text("no folder")
        done = run(sandbox, "b", "1 + 1")
        assert done.status is ExecutionStatus.CRASHED
        (sandbox.folder / folder.name).unlink()
        assert wait_until(lambda: run(sandbox, f"c{os.urandom(2)!r}", "1 + 1").output == "2")
        assert sandbox.report["supervisors"] >= 2


def test_every_line_of_the_contract_has_its_test() -> None:
    claimed = set(re.findall(r"test_\w+[a-z](?=`)", kernel_sandbox.__doc__ or ""))
    here = Path(__file__).parent
    written = "".join(path.read_text() for path in here.glob("test_*.py"))
    assert len(claimed) > 20
    assert {name for name in claimed if f"def {name}(" not in written} == set()
