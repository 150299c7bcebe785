"""The documentation says what the sources say, and the same sources give the same bytes."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from common import manifest
from kernel.config import Config
from notebooks.packaging import settings
from notebooks.publishing import archive
from notebooks.publishing.archive import ArchiveError, entry_points, tree

MAKEFILE = """
.PHONY: help
help: ## List the targets
	@echo "## no help text"

.PHONY: run
run: $(READY) ## Run it, once (see below) (SEED= MODE=a|b)
	@$(PY) -m rooms.first --seed "$(SEED)"
	@$(PY) -m rooms.second && $(PY) -m rooms.first

hidden: $(READY)
	@$(PY) -m rooms.hidden

bench-%: $(READY) ## Measure NAME
	@$(PY) -m benchmarks.$*
"""


def test_entry_points_are_the_targets_with_a_help_text() -> None:
    found = entry_points(MAKEFILE)
    assert [each.target for each in found] == ["help", "run", "bench-%"]
    assert found[1].help == "Run it, once (see below)"
    assert found[1].options == "SEED= MODE=a|b"
    assert found[1].modules == ("rooms.first", "rooms.second")
    assert found[0].modules == ()


def test_entry_points_are_those_that_make_help_lists() -> None:
    # Without the variables of a make that runs these tests: it would print folders, too.
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
    env = {name: value for name, value in os.environ.items() if name not in outer}
    command = ["make", "help"]
    listed = subprocess.run(command, cwd=archive.ROOT, env=env, capture_output=True, text=True)
    names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
    makefile = (archive.ROOT / "Makefile").read_text()
    assert [each.target for each in entry_points(makefile)] == names
    assert {"setup", "package", "publish", "submit", "archive"} <= set(names)


def test_the_tree_names_each_folder_once() -> None:
    files = ["a/b/c.py", "README.md", "a/b.py", "a/b/d.py", "z/b/e.py"]
    assert tree(files) == [
        "README.md",
        "a/",
        "    b/",
        "        c.py",
        "        d.py",
        "    b.py",
        "z/",
        "    b/",
        "        e.py",
    ]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    wheels = tmp_path / "dist" / "wheels"
    wheels.mkdir(parents=True)
    (wheels / "one-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (wheels / "notes.txt").write_text("no wheel")
    manifest.write(wheels)
    (tmp_path / "dist" / "model").mkdir()
    (tmp_path / "dist" / "model" / "README.md").write_text("# The card")
    (tmp_path / "dist" / "model" / "profile.json").write_text('{"temperature": 0.7}')
    return tmp_path / "dist"


def test_the_archive_says_what_the_sources_say(dist: Path) -> None:
    folder = archive.archive(archive.ROOT, dist)
    values = json.loads((folder / "SETTINGS.json").read_text())
    assert Config().updated(values["run"]) == Config(), "the settings can be read back"
    assert values["model"] == {"temperature": 0.7}
    assert values["kaggle"]["competition"] == settings.load().competition
    digest = manifest.read(dist / "wheels")["one-1.0-py3-none-any.whl"].sha256
    assert (folder / "wheels.txt").read_text() == f"{digest}  one-1.0-py3-none-any.whl\n"
    assert (folder / "model_card.md").read_text() == "# The card"
    for name in archive.LOCKS:
        copied = (folder / Path(name).name).read_bytes()
        assert copied == (archive.ROOT / name).read_bytes()
    hardware = (folder / "hardware_and_seeds.md").read_text()
    assert settings.load().kernel.image in hardware
    measured = json.loads((archive.ROOT / "benchmarks/results/sandbox.json").read_text())
    assert f"sandbox.json` | {measured['machine']} | {measured['date']} |" in hardware
    assert f"seed is {Config().seed}" in hardware and "`request_seed`" in hardware
    page = (folder / "README.md").read_text()
    assert [path.name for path in folder.iterdir() if f"`{path.name}`" not in page] == ["README.md"]
    assert "The model card: run" not in page and "The list of wheels: run" not in page


def test_the_same_sources_give_the_same_bytes_and_no_path_of_here(dist: Path) -> None:
    first = {path.name: path.read_bytes() for path in archive.archive(archive.ROOT, dist).iterdir()}
    again = {path.name: path.read_bytes() for path in archive.archive(archive.ROOT, dist).iterdir()}
    assert first == again
    assert not any(str(archive.ROOT).encode() in data for data in first.values())


def test_without_a_package_it_says_what_is_missing(tmp_path: Path) -> None:
    folder = archive.archive(archive.ROOT, tmp_path / "dist")
    page = (folder / "README.md").read_text()
    assert "run `make package`, then `make archive` again" in page
    assert "run `make quantize`, then `make archive` again" in page
    assert not (folder / "wheels.txt").exists()


def test_a_tree_without_git_is_walked(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for name in ("kernel/a.py", "dist/x", "kernel/__pycache__/a.pyc", "Makefile"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert archive.tracked(root) == ["Makefile", "kernel/a.py"]
    shutil.copytree(archive.ROOT / "notebooks" / "wheels", root / "notebooks" / "wheels")
    shutil.copy(archive.ROOT / "notebooks" / "kaggle.toml", root / "notebooks")
    with pytest.raises(ArchiveError, match=r"requirements\.txt is needed for the archive"):
        archive.archive(root, tmp_path / "dist")
