"""Scores a model between stages: the kernel's own solve on a file of problems.

Covers: the same settings for every model that is compared, each with its own prompt; the results of
a run. Does not cover: the solving and the run's file (`validation.validate`), comparing (`choose`).
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import files, foreground
from kernel.checks.preflight import PROFILE, profile_of
from training.settings import Evaluation, TrainingError

ROOT = Path(__file__).resolve().parent.parent
SIDE_BY_SIDE = 48
"""Candidates that a small model's engine decodes at once: many times faster on a CPU than 8."""
SECONDS = 3600.0
"""Most a problem. A competition's limit is for one problem at a time on its own machine; beside
others on a busy laptop it would cut answers off, and compare machines instead of models."""
WORDS = {"rounds": 1, "stop": ["```"]}
"""Settings under which no code is run: a candidate ends where it opens a block."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """One evaluation: a model on a set, in a way."""

    name: str
    """Of its files: `tir-known`."""
    model: Path
    problems: Path
    most: int
    """Only this many of the first problems."""
    settings: Mapping[str, Any]
    """In place of what the model's profile says."""


def command(scored: Scoring, how: Evaluation, folder: Path, engine_url: str = "") -> list[str]:
    """Return the command that does it, once `viewed` has made its model's folder."""
    at_once = max(1, SIDE_BY_SIDE // how.candidates)
    return [
        *(sys.executable, "-m", "validation.validate"),
        *("--set", str(scored.problems), "--problems", str(scored.most)),
        *("--model", str(folder / "models" / scored.name)),
        *("--candidates", str(how.candidates), "--seeds", str(how.seeds)),
        *("--at-once", str(at_once), "--seconds", str(SECONDS)),
        *("--out", str(run_file(scored.name, folder))),
        *("--engine-url", engine_url),
    ]


def run_file(name: str, folder: Path) -> Path:
    """Return where a run's record goes."""
    return folder / f"{name}.jsonl"


def done_file(name: str, folder: Path) -> Path:
    """Return where the report of a finished run lies."""
    return folder / f"{name}.report.json"


def evaluate(scored: Scoring, how: Evaluation, folder: Path, engine_url: str = "") -> Path:
    """Solve, or resume where that was cut off; return the run's file.

    Raises:
        TrainingError: solving ended early.
    """
    if not done_file(scored.name, folder).is_file():
        viewed(scored, how, folder)
        solve = command(scored, how, folder, engine_url)
        status = foreground.run(solve, ROOT)
        if status == 0:
            report = [sys.executable, "-m", "validation.report", str(run_file(scored.name, folder))]
            status = foreground.run(report, ROOT)
        if status:
            raise TrainingError(
                f"The evaluation {scored.name} ended early: run the same command again."
            )
    return run_file(scored.name, folder)


def viewed(scored: Scoring, how: Evaluation, folder: Path) -> Path:
    """Make a folder that shows the model under the evaluation's settings, and return it."""
    view = folder / "models" / scored.name
    if view.exists():
        shutil.rmtree(view)
    view.mkdir(parents=True)
    for path in scored.model.iterdir():
        if path.is_file() and path.name != PROFILE:
            (view / path.name).symlink_to(path.resolve())
    shared = {"temperature": how.temperature, "rounds": how.rounds}
    files.write_json(view / PROFILE, {**profile_of(scored.model), **shared, **scored.settings})
    return view
