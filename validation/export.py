"""`make export`: hands a recorded run to other programs' viewers: inspect_ai, trackio, wandb.

Covers: a log that `inspect view` shows, written without inspect_ai; each solve and the report's
figures as a run in trackio or wandb, where that is installed. Does not cover: accounts and servers,
which are up to those programs (`WANDB_MODE=offline` keeps wandb's data here).
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from common.console import user_errors
from common.files import check_writable, write_json
from validation.inspect_log import inspect_log
from validation.replay import recording
from validation.report import report, with_set
from validation.runs.records import Recording, RunError
from validation.runs.verdicts import verdicts

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class ExportOptions:
    """Hand a recorded run to another program."""

    run: Path
    """A run's JSONL, or transcripts of another program with their text."""
    to: Literal["inspect", "trackio", "wandb"] = "inspect"
    """Which program."""
    set: str = ""
    """A set's name or file, for the truths of a run that did not record them."""
    out: Path | None = None
    """inspect: the log's file; under runs/inspect if not given."""
    project: str = "aimo-submission"
    """trackio, wandb: the project that the run goes to."""
    group: int = 48
    """Candidates per solve, where transcripts do not say."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ExportOptions)
    with user_errors():
        if options.to == "inspect" and options.out:
            check_writable(options.out)
        run = readable(options)
        if options.to == "inspect":
            path = options.out or ROOT / "runs/inspect" / f"{run.path.stem}.json"
            write_json(path, inspect_log(run), indent=None)
            print(f"log  {path}  (inspect view --log-dir {path.parent})")
        else:
            print(f"{track(run, options.to, options.project)} solves logged to {options.to}")


def readable(options: ExportOptions) -> Recording:
    """Return the run that the options name.

    Raises:
        RunError: there is none, or it holds no text or no finished problem.
        SetError: the set for the truths cannot be used.
    """
    if options.group < 1:
        raise RunError(f"GROUP is {options.group}: set it to at least 1.")
    run = recording(options.run, options.group)
    if run is None:
        raise RunError(f"{options.run} holds answers without their text: there is nothing to show.")
    if not run.solved:
        raise RunError(f"{options.run} holds no finished problem yet.")
    return with_set(run, options.set)


def track(run: Recording, program: str, project: str) -> int:
    """Log a run to a program with wandb's interface; return how many solves.

    Raises:
        RunError: the program is not installed.
    """
    try:
        tracker: Any = importlib.import_module(program)
    except ImportError:
        raise RunError(
            f"{program} is not installed: `pip install {program}` into this environment."
        ) from None
    about = {"model": str(run.about.get("model")), "set": str(run.about.get("set"))}
    tracker.init(project=project, name=run.path.stem, config={**about, **run.settings})
    right = known = 0
    for step, solve in enumerate(verdicts(run)):
        count = max(1, len(solve.solved.candidates))
        values: dict[str, float] = {
            "seconds": solve.solved.seconds,
            "tokens": sum(c.tokens for c in solve.solved.candidates),
            "share_of_votes": solve.votes / count,
            "alarm": int(solve.alarm is not None),
        }
        if solve.solved.truth is not None:
            known, right = known + 1, right + solve.right
            values |= {"right": int(solve.right), "right_so_far": right / known}
        tracker.log(values, step=step)
    if known:
        tracker.log(_scalars(report(run)), step=len(run.solved))
    tracker.finish()
    return len(run.solved)


def _scalars(figures: Mapping[str, Any]) -> dict[str, float]:
    """Return the report's numbers, its interval among them."""
    found = {f"report/{k}": v for k, v in figures.items() if type(v) in (int, float)}
    low, high = figures["accuracy_95"]["low"], figures["accuracy_95"]["high"]
    return {**found, "report/accuracy_low": low, "report/accuracy_high": high}


if __name__ == "__main__":
    main()
