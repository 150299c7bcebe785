"""README and docs tell the truth: their figures, their commands, their links."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import result_pages
from benchmarks.readme import CELL, ROOT, paths, priced, rendered

PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths()}
WHOLE = "\n".join(PAGES.values())
TARGETS = sorted(set(re.findall(r"\bmake ([a-z][a-z0-9_-]+)", WHOLE)))
PROSE = {"sense", "sure", "such", "what", "when", "whether", "it", "the", "room", "up", "a"}
"""Words behind "make" that are not targets."""


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_is_the_result_files(page):
    assert rendered(PAGES[page]) == PAGES[page], "run `make readme`"


def test_the_notebooks_last_cell_has_the_price_of_the_result_file():
    text = CELL.read_text("utf-8")
    assert priced(text) == text, "run `make readme` and `make notebook`"
    assert '"extra_candidates": 96' in text and " h in place of " in text


def test_every_block_of_figures_has_a_result():
    names = re.findall(r"<!-- figures:(\w+) -->", WHOLE)
    assert set(names) - {"summary"} == set(result_pages.PAGES)
    assert "Not measured" not in WHOLE


def test_a_figure_that_changes_changes_its_page(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.readme.FOLDER", tmp_path)
    assert "Not measured." in rendered(PAGES["docs/faults.md"])


def test_the_readme_is_short():
    assert PAGES["README.md"].count("\n") <= 140


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in PROSE])
def test_every_make_target_named_exists(target):
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_every_path_leads_somewhere(page):
    place = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page])
    assert [link for link in links if not (place / link).exists()] == []
    named = re.findall(
        r"`((?:common|kernel|notebooks|quantize|training|validation|benchmarks|docs)/[\w./]+)`",
        PAGES[page],
    )
    missing = [path for path in named if not (ROOT / path).exists() and "LOG" not in path]
    assert missing == []


def test_every_module_of_the_top_of_kernel_is_on_the_map():
    page = PAGES["docs/layout.md"]
    names = {path.stem for path in (ROOT / "kernel").glob("*.py")}
    assert {name for name in names if not re.search(rf"\b{name}\b", page)} == set()
    rooms = {path.name for path in Path(ROOT).iterdir() if list(path.glob("*.py"))}
    assert {room for room in rooms if f"    {room}/" not in page} == set()
