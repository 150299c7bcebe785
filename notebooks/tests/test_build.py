"""The notebook: equal to the kernel, in layer order, and at work in an empty folder."""

import ast
import os
import shutil
import sys
from pathlib import Path

import nbformat
import polars as pl
import pytest
from nbclient import NotebookClient

from notebooks import build
from notebooks.mock import scorer

KERNEL = build.ROOT / "kernel"


def test_the_committed_notebook_equals_a_fresh_build():
    fresh = build.notebook(build.submission_cells())
    assert build.NOTEBOOK.read_text("utf-8") == fresh, "run `make notebook` and commit the result"


def test_the_notebook_is_valid_and_its_cells_are_new():
    made = nbformat.reads(build.notebook(build.submission_cells()), as_version=4)
    nbformat.validate(made)
    ids = [cell["id"] for cell in made.cells]
    assert len(set(ids)) == len(ids)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def production(kernel: Path) -> dict[str, bytes]:
    """Return a kernel folder's modules, tests left out, by their name in the notebook."""
    paths = [p for p in kernel.rglob("*.py") if "tests" not in p.relative_to(kernel).parts]
    return {str(p.relative_to(kernel).with_suffix("")): p.read_bytes() for p in paths}


def test_every_module_of_the_kernel_is_in_the_notebook():
    assert sorted(build.MODULES) == sorted(production(KERNEL))
    assert len(set(build.MODULES)) == len(build.MODULES)


def imported(module: str) -> set[str]:
    """Return the kernel's modules that a module imports anywhere, as the notebook names them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((KERNEL / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    names = {name.partition(".")[2].replace(".", "/") for name in found if name[:7] == "kernel."}
    return names & set(build.MODULES)


@pytest.mark.parametrize("module", build.MODULES)
def test_a_module_imports_earlier_ones_only(module):
    earlier = build.MODULES[: build.MODULES.index(module)]
    assert imported(module) <= set(earlier)


SHARED = {"child", "config", "records"}
ROOMS = {"engine": SHARED, "sandbox": SHARED}
"""What these rooms may import beside themselves: neither the algorithm nor one another."""


@pytest.mark.parametrize("module", [m for m in build.MODULES if m.partition("/")[0] in ROOMS])
def test_engine_and_sandbox_know_no_problem_and_not_one_another(module):
    room = module.partition("/")[0]
    assert {m for m in imported(module) if m.partition("/")[0] != room} <= ROOMS[room]


def test_the_algorithm_stands_early():
    before = build.MODULES[: build.MODULES.index("sc_tir")]
    assert not [module for module in before if module.startswith(("engine/", "sandbox/"))]
    # Reading answers is long and apart; what else the algorithm needs is read in half an hour.
    lines = [
        (KERNEL / f"{module}.py").read_text("utf-8").count("\n")
        for module in before
        if not module.startswith("answers/")
    ]
    assert sum(lines) <= 1100


def test_the_import_check_sees_every_form_of_import():
    # `submission` imports names of modules, and modules, some under other names.
    assert {"config", "trace", "sc_tir", "checks/machine"} <= imported("submission")


@pytest.mark.timeout(300)
def test_the_notebook_runs_in_an_empty_folder(tmp_path, monkeypatch):
    """Without a model and scored: the answers are fallbacks, and the submission is right."""
    working, inputs = tmp_path / "working", tmp_path / "input"
    working.mkdir()
    inputs.mkdir()
    rows = {"id": [f"0{n}" for n in range(3)], "problem": ["What is 1?"] * 3}
    pl.DataFrame(rows).write_csv(inputs / "test.csv")
    shutil.copytree(build.ROOT / "notebooks/mock/aimo1", tmp_path / "platform")
    variables = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PYTHONPATH": str(tmp_path / "platform"),
        "MOCK_INPUT": str(inputs),
        "KAGGLE_IS_COMPETITION_RERUN": "1",
    }
    notebook = nbformat.reads(build.notebook(build.submission_cells()), as_version=4)
    spec = tmp_path / "jupyter/kernels/own"
    spec.mkdir(parents=True)
    argv = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (spec / "kernel.json").write_text(f'{{"argv": {argv}, "display_name": "x", "language": "x"}}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    client = NotebookClient(
        notebook, timeout=240, kernel_name="own", resources={"metadata": {"path": str(working)}}
    )
    client.execute(env=variables)
    assert production(working / "kernel") == production(KERNEL)
    assert scorer.faults(working / "submission.csv", rows["id"], 999) == []
    assert not list(Path(working).glob("*.part"))
