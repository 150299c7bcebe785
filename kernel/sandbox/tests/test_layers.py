"""What holds when the machine refuses a layer of isolation, and what is said about it."""

import itertools
import os
import re
from collections.abc import Iterator
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
    state_of,
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


REST = ("user", "capabilities", "seccomp")
MIXES = [(), *(("landlock", *mix) for n in range(4) for mix in itertools.combinations(REST, n))]
"""With Landlock, the other layers have no say in files."""


@pytest.mark.parametrize("without", MIXES, ids=["+".join(mix) or "all" for mix in MIXES])
def test_the_own_folder_takes_files_in_every_mix(
    without: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ForkedSandbox(config(work="."), without=without) as sandbox:
        done = run(sandbox, "a", "open('x', 'w').write('hi')\nopen('x').read()")
        assert (done.status, done.output) == (OK, "hi"), sandbox.report
    assert list(tmp_path.iterdir()) == []


ALONE = ("landlock", "user")
INSIDE = {
    "folders": ("import os\nos.makedirs('a/b/c')\nos.rmdir('a/b/c')\nos.listdir('a')", "['b']"),
    "renamed": ("import os\nopen('f', 'w').close()\nos.rename('f', 'g')\nos.listdir()", "['g']"),
    "replaced": (
        "import os\nfor n in 'fg': open(n, 'w').write(n)\nos.replace('f', 'g')\nopen('g').read()",
        "f",
    ),
    "links": (
        "import os\nopen('f', 'w').write('x')\nos.link('f', 'g')\nos.symlink('g', 'h')\n"
        "open('h', 'a').write('y')\nopen('f').read()",
        "xy",
    ),
    "deleted": ("import os\nopen('f', 'w').close()\nos.unlink('f')\nos.listdir()", "[]"),
    "truncated": (
        "import os\nf = open('f', 'wb')\nf.truncate(9)\nos.path.getsize('f')",
        "9",
    ),
    "by descriptor": (
        "import os\nos.mkdir('d')\nd = os.open('d', os.O_RDONLY)\n"
        "os.close(os.open('f', os.O_CREAT | os.O_WRONLY, dir_fd=d))\nos.listdir('d')",
        "['f']",
    ),
    "temporary": (
        "import tempfile\nwith tempfile.TemporaryDirectory() as d, "
        "tempfile.TemporaryFile() as f:\n    print(f.write(b'x'))",
        "1",
    ),
    "absolute": ("import os\nopen(os.path.abspath('f'), 'w').write('x')", "1"),
    "from a thread": (
        "import threading\nt = threading.Thread(target=lambda: open('f', 'w').write('x'))\n"
        "t.start(); t.join()\nopen('f').read()",
        "x",
    ),
    "null device": ("open('/dev/null', 'w').write('x')", "1"),
    "numpy": ("np.save('a.npy', np.arange(3))\nnp.load('a.npy').sum()", "3"),
    "no such folder": (
        "try: open('no/f', 'w')\nexcept FileNotFoundError as e: print(e.filename)",
        "no/f",
    ),
}
OUTSIDE = {
    "overwritten": "open(p, 'w')",
    "appended to": "open(p, 'a')",
    "read and written": "os.open(p, os.O_RDWR)",
    "truncated": "os.truncate(p, 0)",
    "deleted": "os.unlink(p)",
    "renamed": "os.rename(p, 'mine')",
    "replaced": "open('f', 'w').close(); os.replace('f', p)",
    "hard link": "os.link(p, 'mine')",
    "through a link": "os.symlink(p, 'l'); open('l', 'w')",
    "through a folder's link": "os.symlink(os.path.dirname(p), 'd'); open('d/submission.csv', 'w')",
    "upwards": "open('../../../' * 9 + p, 'w')",
    "from there": "os.chdir(os.path.dirname(p)); open('submission.csv', 'w')",
    "by descriptor": (
        "d = os.open(os.path.dirname(p), os.O_RDONLY)\n"
        "os.open('submission.csv', os.O_WRONLY, dir_fd=d)"
    ),
    "opened anew": "n = os.open(p, os.O_RDONLY)\nopen(f'/proc/self/fd/{n}', 'w')",
    "made beside": "open(p + '2', 'w')",
    "folder beside": "os.mkdir(p + '2')",
    "link beside": "os.symlink('x', p + '2')",
    "its own folder": "os.rename(os.getcwd(), os.getcwd() + '2')",
    "another session's": "open('../2/file', 'w')",
    "its own memory": "open('/proc/self/mem', 'r+b')",
    "swapped while it is looked at": (
        "import threading\nos.mkdir('d')\nopen('d/submission.csv', 'w').close()\n"
        "def swap():\n    for n in range(300):\n"
        "        os.symlink(os.path.dirname(p), 'l'); os.rename('l', 'e')\n        os.unlink('e')\n"
        "t = threading.Thread(target=swap); t.start()\n"
        "for n in range(300):\n    try: open('e/submission.csv', 'w').write('x')\n"
        "    except OSError: pass\nt.join()\nraise OSError"
    ),
}


@pytest.fixture(scope="module")
def brokered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedSandbox]:
    """A sandbox in which nothing but the broker keeps files safe."""
    work = tmp_path_factory.mktemp("brokered")
    (work / "submission.csv").write_text("id,answer\n")
    with ForkedSandbox(config(work=str(work), code_seconds=10), without=ALONE) as sandbox:
        run(sandbox, "first", "1")
        if sandbox.report["layers"]["broker"] != "on":
            pytest.skip("this machine's kernel lets nobody answer another's calls")
        yield sandbox


@pytest.mark.parametrize(("code", "output"), INSIDE.values(), ids=INSIDE.keys())
def test_the_broker_writes_inside(brokered: ForkedSandbox, code: str, output: str) -> None:
    done = run(brokered, "inside", code)
    assert (done.status, done.output) == (OK, output)
    brokered.close_session("inside")


@pytest.mark.parametrize("code", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_the_broker_writes_nothing_outside(brokered: ForkedSandbox, code: str) -> None:
    work = Path(brokered.config.work)
    done = run(brokered, "outside", f"import os\np = '{work}/submission.csv'\n{code}")
    assert done.status is RAISED, done.output
    assert [path.name for path in work.iterdir()] == ["submission.csv"]
    assert (work / "submission.csv").read_text() == "id,answer\n"
    brokered.close_session("outside")


NO_PATHS = """
import ctypes
libc = ctypes.CDLL(None)
long = ctypes.c_ulong
addresses = (0, 1, 2**47, 2**63 - 1, 2**63, 2**64 - 4096, 2**64 - 1)
folders = (2**64 - 1, 2**31, 5)
for number in (2, 85, 83, 84, 87, 82, 86, 88):
    assert all(libc.syscall(long(number), long(a), long(65), long(0)) < 0 for a in addresses)
for number in (257, 258, 263, 264, 265, 266, 316, 437):
    for a in addresses:
        for f in folders:
            call = [long(n) for n in (number, f, a, f, a, 2**64 - 1)]
            assert libc.syscall(*call) < 0
"""


def test_addresses_that_are_none_end_no_session(brokered: ForkedSandbox) -> None:
    run(brokered, "witness", "x = 5")
    assert run(brokered, "hostile", NO_PATHS).status is OK
    assert run(brokered, "witness", "x").output == "5"
    brokered.close_session("hostile")
    brokered.close_session("witness")


def test_a_file_for_which_no_descriptor_is_left_is_refused(brokered: ForkedSandbox) -> None:
    filled = "import os\nfor n in range(3, 256): os.dup2(1, n)\nopen('f', 'w')"
    done = run(brokered, "filled", filled)
    assert done.status is ExecutionStatus.FILE_LIMIT
    assert "Too many open files" in done.output
    brokered.close_session("filled")


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
        # A busy machine gives it no time to stop in; it runs nothing of its own until then.
        assert wait_until(lambda: state_of(session) == "T")
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
