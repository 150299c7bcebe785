"""`make results`: the notebook `results.ipynb`, executed on recorded runs, and its plots as PNG.

Covers: building the notebook from the cells below, the same at every build; executing a copy with
the runs put in; `--build`, which rewrites the committed one. Does not cover: what the plots show
(`validation.plots`, `validation.plot_data`).
"""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import tyro
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config as TraitConfig

from validation.plot_data import load_runs
from validation.runs.records import RunError
from validation.runs.sets import SetError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks/results.ipynb"
OUT = ROOT / "runs/results"
PLACES = ("runs/validate/*.jsonl", "runs/baselines/*.jsonl")
"""Where runs are looked for if none is named."""
SECONDS = 600
"""Most a cell may take."""

SETUP = """\
from pathlib import Path

from IPython.display import Image

from validation import plot_data, plots

RUNS = {runs}  # files of `make validate`, traces, transcripts
SET = {set!r}  # a set's name or file, for runs that do not know the truths
OUT = Path({out!r})

runs = plot_data.load_runs(map(Path, RUNS), SET)
for run in runs:
    solves = run.frame.select("seed", "problem").n_unique()
    print(f"{{run.name}}: {{solves}} solves of {{run.frame['problem'].n_unique()}} problems")"""

PLOT = """\
Image(plots.save(plots.{name}(runs), OUT, "{name}"))"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the notebook; its id is its name."""

    id: str
    text: str
    code: bool = False


def cells(runs: list[str], set_name: str, out: str) -> list[Cell]:
    """Return the notebook's cells for these runs."""
    setup = SETUP.format(runs=json.dumps(runs), set=set_name, out=out)
    return [
        Cell(
            "title",
            "# Results of validation\n\nWhat recorded runs say about a submission. `make results "
            "RUNS=...` executes this notebook on the runs named and writes each plot as PNG. Every "
            "interval is a 95% one and counts the seeds of a problem as one case.",
        ),
        Cell("setup", setup, code=True),
        Cell(
            "about-accuracy",
            "## Accuracy by set\n\nA bar a run, with Wilson's interval; each dot is a seed that "
            "has solved the whole set.",
        ),
        Cell("accuracy", PLOT.format(name="accuracy"), code=True),
        Cell(
            "about-majority",
            "## What more candidates give\n\nmaj@k is the chance that the vote of k of the N "
            "candidates, drawn without replacement, is right. The band resamples problems: it says "
            "how much another set of this kind could differ.",
        ),
        Cell("majority", PLOT.format(name="majority"), code=True),
        Cell(
            "about-agreement",
            "## How sure is a vote?\n\nHow often the answer is right, by the share of candidates "
            "that voted for it. A steep line means that agreement can be trusted; larger dots "
            "stand for more solves.",
        ),
        Cell("agreement", PLOT.format(name="agreement"), code=True),
        Cell("sureness", 'print("\\n".join(plot_data.sureness(runs, 20, 48)))', code=True),
        Cell("about-seconds", "## Seconds a problem\n\nThe share of problems done within a time."),
        Cell("seconds", PLOT.format(name="seconds"), code=True),
        Cell(
            "about-savings",
            "## What stopping early saves\n\nThe kernel stops once the rest cannot change the "
            "vote: that changes no answer. Bolder rules save more, and the numbers above the bars "
            "count the answers that they change.",
        ),
        Cell("savings", PLOT.format(name="savings"), code=True),
    ]


def built(runs: list[str], set_name: str = "", out: str = "runs/results") -> Any:
    """Return the notebook, without outputs."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in cells(runs, set_name, out):
        make = nbformat.v4.new_code_cell if cell.code else nbformat.v4.new_markdown_cell
        notebook.cells.append(make(cell.text, id=cell.id))
    return notebook


def committed() -> str:
    """Return the text of the notebook as it stands in the tree: no runs, no outputs."""
    return nbformat.writes(built([])) + "\n"


@dataclass
class Options:
    """Execute the notebook of results on recorded runs."""

    runs: tyro.conf.UseAppendAction[list[Path]] = field(default_factory=list[Path])
    """A run's file; again for each run. Those of `make validate` and `make bench-baselines` if
    none is given."""
    set: str = ""
    """A set's name or file, for the truths of runs that do not know them."""
    out: Path = OUT
    """Where the executed copy and the plots go."""
    build: bool = False
    """Only rewrite notebooks/results.ipynb from its source here."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where a cell failed."""
    options = tyro.cli(Options)
    if options.build:
        _write(NOTEBOOK, committed())
        print(f"notebook  {NOTEBOOK}")
        return
    try:
        paths = options.runs or [path for place in PLACES for path in sorted(ROOT.glob(place))]
        load_runs(paths, options.set)
    except (RunError, SetError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    try:
        execute([path.resolve() for path in paths], options.set, options.out.resolve())
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def execute(runs: list[Path], set_name: str, out: Path) -> Path:
    """Execute the notebook on the runs; return the path of the executed copy.

    Raises:
        CellExecutionError: a cell failed.
    """
    print(f"Executing results.ipynb on {len(runs)} runs ...", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    notebook = built([str(run) for run in runs], set_name, str(out))
    # The notebook imports this checkout, wherever it is executed.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        # Not over TCP: ports can be taken, and anybody on the machine could read along.
        config=TraitConfig({"KernelManager": {"transport": "ipc"}}),
        resources={"metadata": {"path": str(ROOT)}},
        on_cell_start=lambda cell, cell_index: print(f"  {cell['id']}", flush=True),
    )
    client.execute()
    path = out / NOTEBOOK.name
    _write(path, nbformat.writes(notebook) + "\n")
    for plot in sorted(out.glob("*.png")):
        print(f"plot      {plot}")
    print(f"notebook  {path}")
    return path


def _write(path: Path, text: str) -> None:
    scratch = path.with_suffix(".ipynb.part")
    scratch.write_text(text, "utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    main()
