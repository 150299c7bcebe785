"""The Makefile's environment: built once a key, beside what is there, and nothing else is touched.

The Makefile is the real one; except in one test a stand-in for the module `venv` makes environments
whose pip only writes down how it was called.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = Path(__file__).parent / "fake_venv"


@dataclass
class Clone:
    """A copy of the tree, as far as `make` needs it."""

    root: Path
    env: dict[str, str]
    calls: Path

    @property
    def key(self) -> str:
        files = (self.root / "requirements.txt", self.root / "requirements.lock")
        return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["make", *arguments],
            cwd=self.root,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, *arguments: str, code: int = 0, **env: str) -> str:
        making = self.start(*arguments, **env)
        said = making.communicate(timeout=120)[0]
        assert making.returncode == code, said
        return said

    def built(self) -> int:
        """Return how often packages were installed."""
        text = self.calls.read_text() if self.calls.exists() else ""
        return text.count("--require-hashes")


def clone(folder: Path, calls: Path) -> Clone:
    (folder / "common").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "common/setup_environment.py", folder / "common")
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    (folder / "requirements.txt").write_text("torch==1.0\nsmall\n")
    (folder / "requirements.lock").write_text("small==1 \\\n    --hash=sha256:00\n")
    outer = re.compile("MAKE.*|MFLAGS|VENV|PIP_.*")
    env = {name: value for name, value in os.environ.items() if not outer.fullmatch(name)}
    more = {"PYTHONPATH": str(FAKE), "CALLS": str(calls), "PYTHON": sys.executable}
    return Clone(folder, {**env, **more}, calls)


@pytest.fixture
def tree(tmp_path):
    return clone(tmp_path / "tree", tmp_path / "calls")


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def wait_for(true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_real_environment_with_spaces_in_its_path(tree, tmp_path):
    (tree.root / "requirements.txt").write_text("")
    (tree.root / "requirements.lock").write_text("")
    (tmp_path / "my").mkdir()
    (tmp_path / "my/thesis").touch()
    venv = tmp_path / "my venv [1] it's"
    tree.make("setup", f"VENV={venv}", PYTHONPATH="", PIP_NO_INDEX="1")
    for program in ("python", "pip"):
        done = subprocess.run([venv / "bin" / program, "--version"], capture_output=True, text=True)
        assert done.returncode == 0
    assert str(venv) in done.stdout
    assert listing(tmp_path / "my") == ["thesis"]


def test_built_once_and_named_by_a_link(tree):
    said = tree.make("setup")
    assert f".venv-{tree.key} is ready" in said
    assert (tree.root / ".venv").readlink() == Path(f".venv-{tree.key}")
    assert (tree.root / f".venv/.ready-{tree.key}").exists()
    for name in ("requirements.txt", "requirements.lock"):
        (tree.root / name).touch()
    assert "Building" not in tree.make("report", "RUN=a b")
    assert tree.built() == 1
    assert tree.calls.read_text().splitlines()[-1] == "python -m validation.report a b --set "


def test_fresh_clone_takes_the_environment_of_its_key(tree, tmp_path):
    venv = tmp_path / "cache/venv"
    tree.make("setup", VENV=str(venv))
    other = clone(tmp_path / "other", tree.calls)
    other.make("setup", VENV=f"{venv}/")
    assert tree.built() == 1


def test_folder_of_the_right_key_is_used_as_it_is(tree):
    venv = tree.root / ".venv"
    tree.make("setup")
    venv.unlink()
    (tree.root / f".venv-{tree.key}").rename(venv)
    assert ".venv is ready" in tree.make("setup")
    tree.make("report")
    assert tree.built() == 1
    assert not venv.is_symlink()


def test_other_requirements_get_another_environment(tree):
    first = tree.key
    tree.make("setup")
    (tree.root / "requirements.txt").write_text("torch==2.0\n")
    assert f".venv-{first}" in tree.make("report", "RUN=a")
    assert (tree.root / ".venv").readlink() == Path(f".venv-{tree.key}")
    assert (tree.root / f".venv-{first}/.ready-{first}").exists()
    (tree.root / "requirements.txt").write_text("torch==1.0\nsmall\n")
    tree.make("report")
    assert (tree.root / ".venv").readlink() == Path(f".venv-{first}")
    assert tree.built() == 2


def old_folder(tree: Clone) -> Path:
    """Return a folder as earlier versions made it, for other requirements."""
    venv = tree.root / ".venv"
    (venv / "lib").mkdir(parents=True)
    (venv / ".ready-0123456789abcdef").touch()
    (venv / "lib/loaded.so").write_bytes(b"0" * 5000)
    return venv


def test_older_folder_of_ours_goes_aside(tree):
    venv = old_folder(tree)
    tree.make("setup")
    assert venv.readlink() == Path(f".venv-{tree.key}")
    assert (tree.root / ".venv-0123456789abcdef/lib/loaded.so").exists()


def test_older_folder_of_ours_stays_while_something_runs_in_it(tree):
    venv = old_folder(tree)
    program = "import mmap, sys; f = open(sys.argv[1]); m = mmap.mmap(f.fileno(), 0, prot=1); "
    program += "print('mapped', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, venv / "lib/loaded.so"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout.readline()
        said = tree.make("report")
        running.communicate(b"\n")
    assert f"process {running.pid}" in said
    assert not venv.is_symlink()
    assert tree.built() == 1
    tree.make("report")
    assert venv.is_symlink()


@pytest.mark.parametrize("target", ["setup", "report"])
@pytest.mark.parametrize("what", ["folder", "empty", "file", "link", "dangling", "its environment"])
def test_what_is_not_ours_is_refused_and_left(tree, tmp_path, what, target):
    place = tmp_path / "place"
    venv = place / "work"
    place.mkdir()
    foreign = {"its environment": place / f"work-{tree.key}"}.get(what, venv)
    if what in ("folder", "its environment"):
        foreign.mkdir()
        (foreign / "thesis.tex").touch()
    elif what == "empty":
        foreign.mkdir()
    elif what == "file":
        foreign.touch()
    else:
        foreign.symlink_to(tmp_path if what == "link" else "nowhere")
    before = listing(place)
    said = tree.make(target, VENV=str(venv), code=2)
    assert f"{foreign} exists and was not made by make: choose another place" in said
    assert "Traceback" not in said
    assert listing(place) == before
    assert tree.built() == 0


def test_place_that_cannot_be_written_is_named(tree, tmp_path):
    (tmp_path / "file").touch()
    said = tree.make("setup", VENV=str(tmp_path / "file/venv"), code=2)
    assert "choose another place with VENV=" in said
    assert "Traceback" not in said


def test_two_at_once_build_one(tree, tmp_path):
    waits = tmp_path / "waits"
    waits.touch()
    first = tree.start("setup", PIP_WAITS=str(waits))
    wait_for(lambda: tree.calls.exists())
    second = tree.start("report", PIP_WAITS=str(waits))
    assert "waiting" in second.stdout.readline()
    waits.unlink()
    for each in (first, second):
        each.communicate(timeout=60)
        assert each.returncode == 0
    assert tree.built() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_build_leaves_nothing(tree, tmp_path, number):
    waits = tmp_path / "waits"
    waits.touch()
    making = tree.start("setup", PIP_WAITS=str(waits))
    wait_for(lambda: tree.calls.exists())
    os.killpg(making.pid, number)
    assert "Traceback" not in making.communicate(timeout=60)[0]
    assert making.returncode
    assert not (tree.root / ".venv").is_symlink()
    assert not (tree.root / f".venv-{tree.key}").exists()


def test_killed_build_is_not_taken_for_whole(tree, tmp_path):
    waits = tmp_path / "waits"
    waits.touch()
    making = tree.start("setup", PIP_WAITS=str(waits))
    wait_for(lambda: tree.calls.exists())
    os.killpg(making.pid, signal.SIGKILL)
    making.communicate(timeout=60)
    assert (tree.root / f".venv-{tree.key}/.building").exists()
    (tree.root / f".venv-{tree.key}/half").touch()
    waits.unlink()
    tree.make("report")
    assert (tree.root / f".venv/.ready-{tree.key}").exists()
    assert not (tree.root / ".venv/half").exists()


def test_failed_build_leaves_nothing_and_what_was_there(tree):
    tree.make("setup")
    before = (tree.root / ".venv").readlink()
    (tree.root / "requirements.txt").write_text("torch==2.0\n")
    said = tree.make("setup", code=2, PIP_FAILS="1")
    assert "could not be built" in said
    assert "Traceback" not in said
    assert (tree.root / ".venv").readlink() == before
    assert not (tree.root / f".venv-{tree.key}").exists()


def test_ci_builds_once(tree, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "chromedriver").write_text("")
    (programs / "chromedriver").chmod(0o755)
    path = f"{programs}:{tree.env['PATH']}"
    env = {**tree.env, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for _ in range(2):
        subprocess.run([tree.root / ".ci/run"], env=env, check=True, capture_output=True)
    assert tree.built() == 1


def test_readme_and_makefile_name_the_same_size():
    said = re.search(r"^setup:.*, (\d+ GB)\)$", (ROOT / "Makefile").read_text(), re.M)
    assert said
    assert said[1] in (ROOT / "README.md").read_text("utf-8")
