"""The README tells the truth: its figures, its commands, its map of the tree."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.readme import RENDERERS, rendered

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_figure_is_the_result_files():
    assert rendered(README) == README, "run `make readme`"


def test_every_block_of_figures_has_a_result():
    names = re.findall(r"<!-- figures:(\w+) -->", README)
    assert names
    assert set(names) == set(RENDERERS)
    assert "Not measured" not in README


def test_a_figure_that_changes_changes_the_readme(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.readme.FOLDER", tmp_path)
    assert "Not measured." in rendered(README)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z][a-z_-]+)", README))))
def test_every_make_target_it_names_exists(target):
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_kernel_module_is_on_the_map():
    tree = README[README.index("## What is where") : README.index("## Limits")]
    names = {path.stem for path in (ROOT / "kernel").glob("*.py")}
    missing = {n for n in names if not re.search(rf"\b{n}\b", tree) and not n.startswith("sandbox")}
    assert not missing
