"""What sessions keep on disk counts, wherever it is, and all of it goes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kernel.records import ExecutionStatus
from kernel.sandbox import cleanup
from kernel.sandbox.disk import disk_is_short, held_below, held_by, remove_files_of, remove_tree
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import config, run, wait_until

FILE_LIMIT = ExecutionStatus.FILE_LIMIT
ROOT = Path(__file__).resolve().parents[3]
MIB = 1 << 20


def deep(folder: Path, levels: int = 900) -> None:
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        for _ in range(levels):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
        Path("file").write_text("x")
    finally:
        os.chdir(before)
        os.close(before)


def closed(folder: Path) -> None:
    for name, mode in {"no": 0o000, "write only": 0o300, "read only": 0o500}.items():
        (folder / name / "below").mkdir(parents=True)
        (folder / name / "below" / "file").write_text("x")
        (folder / name).chmod(mode)


def named_to_be_in_the_way(folder: Path) -> None:
    for n in range(40):
        (folder / f"d{n}" / "e").mkdir(parents=True)
        (folder / f".{n}").write_text("x")


def oddly_named(folder: Path) -> None:
    for name in (b"new\nline", b"\xff\xfe", b" ", b"-rf", b"a" * 255, "π".encode(), b"\x01"):
        odd = folder / os.fsdecode(name)
        odd.mkdir()
        (odd / os.fsdecode(b"\xfe\n")).write_text("x")


def wide(folder: Path) -> None:
    for n in range(300):
        (folder / str(n) / "a" / "b").mkdir(parents=True)
        (folder / str(n) / "a" / "file").write_text("x")


def linked(folder: Path) -> None:
    (folder / "up").symlink_to("..")
    (folder / "root").symlink_to("/")
    (folder / "loop").symlink_to("loop")
    (folder / "neighbour").symlink_to(folder.parent / "kept")
    (folder / "file").write_text("x")
    (folder / "hard").hardlink_to(folder / "file")
    os.mkfifo(folder / "pipe")


TREES = (deep, closed, named_to_be_in_the_way, oddly_named, wide, linked)


@pytest.mark.parametrize("grow", TREES, ids=[tree.__name__ for tree in TREES])
def test_every_tree_is_removed(grow: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    tree = tmp_path / "tree"
    tree.mkdir()
    grow(tree)
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert held_below(str(tree)).entries >= 3
    remove_tree(tree)
    assert not tree.exists()
    assert (tmp_path / "kept" / "file").exists()
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_link_is_no_folder_to_remove(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "file").write_text("x")
    (tmp_path / "link").symlink_to("target")
    remove_tree(tmp_path / "link")
    assert (tmp_path / "target" / "file").exists()
    assert held_below(str(tmp_path / "link")).entries == 0


def test_a_deep_tree_counts_as_far_too_much(tmp_path: Path) -> None:
    deep(tmp_path, 100)
    assert held_below(str(tmp_path)).entries > 1000
    remove_tree(tmp_path)


def test_room_counts_by_blocks(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "full").write_bytes(b"x" * MIB)
    held = held_below(str(tmp_path))
    assert MIB <= held.bytes < 2 * MIB
    assert held.entries == 2
    assert held_below(str(tmp_path / "nowhere")).entries == 0


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for /tmp."""
    monkeypatch.setattr(cleanup.tempfile, "tempdir", str(tmp_path))
    return tmp_path


DEAD = f"aimo-sandbox-{2**22 + 1}-stale"


def test_a_link_at_a_dead_sandboxs_name_is_left_alone(place: Path) -> None:
    target = place / "target"
    target.mkdir(mode=0o755)
    (target / "file").write_text("x")
    (place / DEAD).symlink_to(target)
    root = cleanup.new_root()
    assert (target / "file").exists()
    assert target.stat().st_mode & 0o777 == 0o755
    assert (place / DEAD).is_symlink()
    assert root != place / DEAD
    assert not root.is_symlink()


def test_a_file_at_a_dead_sandboxs_name_is_left_alone(place: Path) -> None:
    (place / DEAD).write_text("x")
    cleanup.new_root()
    assert (place / DEAD).read_text() == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_left_alone(place: Path) -> None:
    (place / DEAD).mkdir()
    os.chown(place / DEAD, 60001, 60001)
    cleanup.new_root()
    assert (place / DEAD).exists()


def test_a_dead_sandboxs_own_folder_is_removed(place: Path) -> None:
    (place / DEAD).mkdir()
    named_to_be_in_the_way(place / DEAD)
    living = place / f"aimo-sandbox-{os.getpid()}-living"
    living.mkdir()
    cleanup.new_root()
    assert not (place / DEAD).exists()
    assert living.exists()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(config(code_seconds=20, code_memory_mib=512)) as sandbox:
        yield sandbox


TAKING = {
    "open without a name": (
        "kept = []\nwhile True:\n    kept.append(open('f', 'wb')); os.unlink('f')\n"
        "    for _ in range(6): kept[-1].write(b'x' * 10**7)"
    ),
    "never had a name": (
        "kept = []\nwhile True:\n"
        "    kept.append(os.fdopen(os.open('.', os.O_TMPFILE | os.O_RDWR), 'wb'))\n"
        "    for _ in range(6): kept[-1].write(b'x' * 10**7)"
    ),
    "mapped without a name": (
        "kept = []\nwhile True:\n"
        "    with open('f', 'w+b') as f:\n"
        "        for _ in range(6): f.write(b'x' * 10**7)\n"
        "        f.flush(); kept.append(mmap.mmap(f.fileno(), 4096)); os.unlink('f')"
    ),
    "written through a map": (
        "for n in range(10**6):\n    with open(str(n), 'w+b') as f:\n"
        "        f.truncate(6 * 10**7)\n        m = mmap.mmap(f.fileno(), 6 * 10**7)\n"
        "        for k in range(0, 6 * 10**7, 4096): m[k] = 1\n        m.close()"
    ),
    "allocated": (
        "for n in range(10**6):\n"
        "    with open(str(n), 'wb') as f: os.posix_fallocate(f.fileno(), 0, 6 * 10**7)"
    ),
    "too deep to name": (
        "for _ in range(25):\n    os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "for n in range(10**7): open(str(n), 'w').close()"
    ),
    "folders in folders": "while True:\n    os.mkdir('d'); os.chdir('d')",
    "folders": "for n in range(10**7): os.mkdir(str(n))",
    "hard links": "open('f', 'w').close()\nfor n in range(10**7): os.link('f', str(n))",
    "symbolic links": "for n in range(10**7): os.symlink('x', str(n))",
    "in a closed folder": (
        "os.mkdir('d', 0o300)\nfor n in range(10**7): open(f'd/{n}', 'w').close()"
    ),
    "behind names that come and go": (
        "import threading\ndef churn():\n    while True:\n"
        "        os.close(os.open('c', os.O_CREAT)); os.unlink('c')\n"
        "threading.Thread(target=churn, daemon=True).start()\n"
        "for n in range(10**6):\n    with open(str(n), 'wb') as f: f.write(b'x' * 6 * 10**7)"
    ),
    "copied in the kernel": (
        "open('f', 'wb').write(b'x' * 6 * 10**7)\nfor n in range(10**6):\n"
        "    with open('f', 'rb') as a, open(str(n), 'wb') as b:\n"
        "        os.sendfile(b.fileno(), a.fileno(), 0, 6 * 10**7)"
    ),
}


@pytest.mark.parametrize("code", TAKING.values(), ids=TAKING.keys())
def test_room_is_bounded(sandbox: ForkedSandbox, code: str) -> None:
    done = run(sandbox, "greedy", f"import mmap, os\nprint('before')\n{code}")
    assert done.status is FILE_LIMIT, done.output
    assert done.output.startswith("before\n")
    sandbox.close_session("greedy")
    (place,) = (path for path in sandbox.folder.iterdir() if path.is_dir())
    assert wait_until(lambda: not list(place.iterdir()))


def test_a_quick_block_cannot_leave_too_much(sandbox: ForkedSandbox) -> None:
    code = "for n in range(5):\n    with open(str(n), 'wb') as f: f.write(bytes(6 * 10**7))"
    done = run(sandbox, "quick", code)
    assert done.status is FILE_LIMIT
    assert run(sandbox, "quick", "import os\nos.listdir()").output == "[]"
    sandbox.close_session("quick")


ELSEWHERE = {
    "shared memory": "/dev/shm",
    "temporary files": "/tmp",
    "older temporary files": "/var/tmp",
}


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_files_elsewhere_count_and_go_without_landlock(place: str) -> None:
    settings = config(code_seconds=20, work="/nowhere", inputs="/nowhere")
    with ForkedSandbox(settings, without=("landlock", "seccomp")) as sandbox:
        run(sandbox, "first", "1")
        if sandbox.report["layers"]["user"] != "on":
            pytest.skip("sessions have no user of their own here, so files cannot be told apart")
        code = f"""
import os
os.makedirs('{place}/sandbox-test/a/b'); os.chdir('{place}/sandbox-test/a/b')
print('made')
for n in range(10**6):
    with open(str(n), 'wb') as f: f.write(bytes(6 * 10**7))
"""
        done = run(sandbox, "greedy", code)
        assert done.output.startswith("made\n")
        assert done.status is FILE_LIMIT
        sandbox.close_session("greedy")
        assert wait_until(lambda: not Path(place, "sandbox-test").exists())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")
def test_files_of_a_user_are_found_below_folders_of_others() -> None:
    uid = 59_999
    folder = Path("/var/tmp") / f"sandbox-test-{os.getpid()}"
    (folder / "open" / "mine" / "deep").mkdir(parents=True)
    try:
        (folder / "others").write_text("x")
        (folder / "open" / "mine" / "deep" / "file").write_bytes(b"x" * MIB)
        for path in (folder, folder / "open"):
            path.chmod(0o777)
        os.chown(folder / "open" / "mine", uid, uid)
        assert held_by(uid).bytes >= MIB
        remove_files_of(uid)
        assert held_by(uid).entries == 0
        assert [path.name for path in (folder / "open").iterdir()] == []
        assert (folder / "others").exists()
    finally:
        remove_tree(folder)


FULL = """
import itertools
from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import run, wait_until
def show(*values): print(*(str(value).splitlines()[-1] for value in values), flush=True)
with ForkedSandbox(Config(code_seconds=5)) as sandbox:
    run(sandbox, "a", "x = 5")
    done = run(sandbox, "a", "for n in range(900): open(str(n), 'w').write('x' * 10**5)")
    show(done.status.value)
    show(run(sandbox, "a", "x").output)
    for name in "bcd":
        show(run(sandbox, name, "1 + 1").output)
    show(run(sandbox, "d", "f = open('f', 'w')\\nf.write('x' * 10**7)\\nf.flush()").status.value)
    sandbox.close_session("a")
    names = (f"later {n}" for n in itertools.count())
    code = "open('f', 'w').write('hi')\\nopen('f').read()"
    show(wait_until(lambda: run(sandbox, next(names), code).output == "hi"))
    show(sandbox.report["supervisors"])
"""


@pytest.mark.parametrize("options", ["size=8m", "size=64m,nr_inodes=60"])
def test_a_full_disk_takes_only_the_files(options: str, tmp_path: Path) -> None:
    script = f'mount -t tmpfs -o {options} none "$1" && TMPDIR="$1" exec "$0" -c "$2"'
    command = ["unshare", "-rm", "sh", "-c", script, sys.executable, str(tmp_path), FULL]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no disk of its own here: {done.stderr.strip()}")
    said = done.stdout.split()
    assert said.pop(5) in ("file_limit", "raised"), done
    assert said == ["file_limit", "5", "2", "2", "2", "True", "1"], done


def test_a_disk_is_short_before_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nearly:
        f_frsize, f_blocks = 4096, 10**6
        f_bavail = 10**4

    monkeypatch.setattr(os, "statvfs", lambda folder: Nearly)
    assert disk_is_short(str(tmp_path))
    Nearly.f_bavail = 10**5
    assert not disk_is_short(str(tmp_path))
