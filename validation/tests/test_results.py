"""The notebook of results: the committed one is the built one, and it runs on recorded runs."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import nbformat

from validation.results import NOTEBOOK, built, committed
from validation.tests.run_files import RunFile

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments):
    line = [sys.executable, "-m", "validation.results", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=250)


def test_the_committed_notebook_is_the_built_one():
    assert NOTEBOOK.read_text("utf-8") == committed(), "run `make results-notebook`"


def test_it_is_valid_and_holds_no_outputs_and_no_paths():
    notebook = nbformat.reads(committed(), 4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    assert str(ROOT) not in committed()
    assert built([]) == built([])


def test_it_runs_and_leaves_plots(tmp_path):
    file = RunFile(candidates=4)
    for seed in (0, 1):
        for n in range(6):
            answers = [n, n, 9, None] if n % 2 else [3, n, n, n]
            file.votes(f"p{n}", n, answers, n, seed=seed, seconds=1.0 + n)
    run = file.save(tmp_path / "small.jsonl")
    done = command("--runs", run, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    names = {"accuracy", "majority", "agreement", "seconds", "savings"}
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == names
    notebook = json.loads((tmp_path / "out/results.ipynb").read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    pictures = [base64.b64decode(o["data"]["image/png"]) for o in outputs if "data" in o]
    assert len(pictures) == 5 and all(data.startswith(b"\x89PNG") for data in pictures)
    assert any("small: 12 solves of 6 problems" in str(o.get("text")) for o in outputs)


def test_a_users_error_is_one_sentence(tmp_path):
    done = command("--runs", tmp_path / "none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "none is no file" in done.stderr and list(tmp_path.iterdir()) == []
