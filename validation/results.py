"""`make results`: plots of recorded runs as PNG, and one page that shows them all.

Covers: which runs are used, the page with its text. The page needs no server and fetches nothing:
the plots are embedded in it. Does not cover: what the plots show (`plots`, `plot_data`), the
figures of one run (`report`).
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import tyro
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from common.console import user_errors
from common.files import check_folder, write_text
from validation import plots
from validation.plot_data import PlotRun, load_runs, rate, sureness

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "runs/results"
PLACES = ("runs/validate/*.jsonl", "runs/baselines/*.jsonl")
"""Where runs are looked for if none is named."""


class Section(NamedTuple):
    """A plot of the page with what is said of it."""

    name: str
    title: str
    words: str
    draw: Callable[[Sequence[PlotRun]], Figure]


SECTIONS = (
    Section(
        "accuracy",
        "Accuracy by set",
        "A bar a run, with its 95% interval; each dot is a seed that has solved the whole set.",
        plots.accuracy,
    ),
    Section(
        "majority",
        "What more candidates give",
        "maj@k is the chance that the vote of k of the N candidates, drawn without replacement, is "
        "right. The band says how much another set of this kind could differ.",
        plots.majority,
    ),
    Section(
        "agreement",
        "How sure is a vote?",
        "How often the answer is right, by the share of candidates that voted for it. A steep line "
        "means that agreement can be trusted; larger dots stand for more solves.",
        plots.agreement,
    ),
    Section(
        "seconds", "Seconds a problem", "The share of problems done within a time.", plots.seconds
    ),
    Section(
        "savings",
        "What stopping early saves",
        "Stopping once the rest cannot change the vote changes no answer. Bolder rules save more; "
        "the numbers above the bars count the answers that they change.",
        plots.savings,
    ),
)


@dataclass
class ResultsOptions:
    """Plot recorded runs."""

    runs: tyro.conf.UseAppendAction[list[Path]] = field(default_factory=list[Path])
    """A run's file; again for each run. Those of `make validate` and `make bench-baselines` if
    none is given."""
    set: str = ""
    """A set's name or file, for the truths of runs that did not record them."""
    out: Path = OUT
    """Folder for the page and the plots."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ResultsOptions)
    paths = options.runs or [path for place in PLACES for path in sorted(ROOT.glob(place))]
    with user_errors():
        check_folder(options.out)
        runs = load_runs(paths, options.set)
        for run in runs:
            print(_said(run))
        print(f"page  {write(runs, options.out)}")


def _said(run: PlotRun) -> str:
    """Say what a run holds, and how good it is where that is known."""
    solves = run.frame.select("seed", "problem").n_unique()
    said = f"{run.name}: {solves} solves of {run.frame['problem'].n_unique()} problems"
    scored = run.scored
    if not len(scored):
        return f"{said}, no truths known"
    share, interval = rate(scored)
    return f"{said}, {share:.1%} right (95% {interval.low:.1%} to {interval.high:.1%})"


def write(runs: Sequence[PlotRun], out: Path) -> Path:
    """Draw the plots into a folder and write the page beside them; return its path.

    Raises:
        FileError: one of them cannot be written.
    """
    shown: list[dict[str, str]] = []
    for section in SECTIONS:
        path = plots.save(section.draw(runs), out, section.name)
        print(f"plot  {path}", flush=True)
        picture = base64.b64encode(path.read_bytes()).decode("ascii")
        shown.append({"title": section.title, "words": section.words, "picture": picture})
    template = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    ).get_template("results.html")
    page = template.render(
        runs=[_said(run) for run in runs], sureness=sureness(runs, 20, 48), sections=shown
    )
    path = out / "results.html"
    write_text(path, page)
    return path


if __name__ == "__main__":
    main()
