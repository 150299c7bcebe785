"""`make view`: a recorded run as traces that a person can read.

Covers: runs of `make validate` and `make dry-run`, the notebook's `trace.jsonl`, transcripts with
text; a whole run as one HTML page, or one problem in the terminal. Does not cover: files of answers
only, and figures over a whole run (`report`, `make results`).
"""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.progress import Progress

from common.console import console, user_errors
from common.files import check_writable, whole
from kernel.config import ConfigError
from validation.replay import recording
from validation.report import with_set
from validation.runs.records import Recording, RunError
from validation.runs.verdicts import verdicts
from validation.viewer.render import page
from validation.viewer.terminal import terminal

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class ViewOptions:
    """Write a recorded run as one HTML page, or show one of its problems here."""

    run: str = ""
    """A run's JSONL, or transcripts of another program with their text."""
    problem: str = ""
    """A problem's id: show it in the terminal instead."""
    seed: int | None = None
    """The problem's solve with this seed; the first if not given."""
    candidate: int | None = None
    """Only this candidate of the problem."""
    set: str = ""
    """A set's name or file, for the truths of a run that did not record them."""
    group: int = 48
    """Candidates per solve, where transcripts do not say."""
    out: Path | None = None
    """The page's file; if not given, beside the run, or under runs/view for transcripts."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ViewOptions)
    with user_errors(ConfigError):
        if options.out:
            check_writable(options.out)
        run = readable(options)
        if options.problem:
            show(run, options)
        else:
            path = write_page(run, options.out or default_page(run))
            size = path.stat().st_size / 1000
            print(f"page  {path}  ({size:,.0f} kB, {len(run.solved)} solves)")


def readable(options: ViewOptions) -> Recording:
    """Return the run that the options name, with what truths there are.

    Raises:
        RunError: there is none, or it holds no text.
        SetError: the set for the truths cannot be used.
    """
    if options.group < 1:
        raise RunError(f"GROUP is {options.group}: set it to at least 1.")
    path = Path(options.run)
    run = recording(path, options.group)
    if run is None:
        raise RunError(f"{path} holds answers without their text: there is nothing to read.")
    if not run.solved:
        raise RunError(f"{path} holds no finished problem yet.")
    return with_set(run, options.set)


def default_page(run: Recording) -> Path:
    """Return the page's place: transcripts may lie where nothing else should be written."""
    if run.about.get("event") == "transcripts":
        return ROOT / "runs/view" / f"{run.path.stem}.html"
    return run.path.with_suffix(".html")


def write_page(run: Recording, path: Path) -> Path:
    """Write the page whole or not at all, with progress."""
    with (
        whole(path) as scratch,
        Progress(console=console(stderr=True), transient=True) as bar,
        scratch.open("w", encoding="utf-8") as file,
    ):
        task = bar.add_task("Writing the page", total=len(run.solved))
        file.writelines(page(run, lambda done, _: bar.update(task, completed=done)))
    return path


def show(run: Recording, options: ViewOptions) -> None:
    """Print one solve.

    Raises:
        RunError: the run has no such problem, seed or candidate.
    """
    found = [v for v in verdicts(run) if v.solved.problem == options.problem]
    if not found:
        known = ", ".join(dict.fromkeys(solved.problem for solved in run.solved))
        raise RunError(f"{run.path} has no problem {options.problem!r}; it has {known:.200}.")
    if options.seed is not None:
        seeds = ", ".join(str(v.solved.seed) for v in found)
        found = [v for v in found if v.solved.seed == options.seed]
        if not found:
            raise RunError(f"{options.problem} was not solved with seed {options.seed}: {seeds}.")
    verdict = found[0]
    if options.candidate is not None and all(
        c.index != options.candidate for c in verdict.solved.candidates
    ):
        raise RunError(f"{options.problem} has no candidate {options.candidate}.")
    shown = console()
    for part in terminal(verdict, options.candidate):
        shown.print(part)


if __name__ == "__main__":
    main()
