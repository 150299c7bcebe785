"""Judges a run: checks everything that has ever cost somebody a submission, with a sentence for
each.

Covers: how the notebook ended, its install, whether the model answered, the submission as the
scorer reads it, time, disk, size, leftover processes. Does not cover: whether the answers are
right, which with a small model says nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from notebooks.mock import scorer
from notebooks.rehearsal.plan import COMPETITIONS, Outcome, Plan

MAX_NOTEBOOK_BYTES = 900_000
"""Kaggle takes sources below 1 MB; the rest is for what it adds."""
MAX_WORKING_BYTES = 20 * 1000**3
"""What Kaggle keeps of the working folder."""
INSTALLED = "Installed the wheels of"
"""What the first cell says of each wheelhouse that it could install."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    fault: str
    """What is wrong, "" for nothing."""


def check_notebook(path: Path) -> Check:
    """Check the notebook's size."""
    size = path.stat().st_size
    fault = f"{size / 1000:,.0f} kB, {MAX_NOTEBOOK_BYTES / 1000:,.0f} kB at most"
    return Check("notebook size", fault if size > MAX_NOTEBOOK_BYTES else "")


def check_run(plan: Plan, outcome: Outcome, ids: Sequence[str]) -> list[Check]:
    """Check what a run left behind."""
    return [
        Check("ends without an error", outcome.error),
        Check("wheels install offline", install_fault(outcome)),
        Check("the model answers", vote_fault(plan.working / "summary.json")),
        Check("submission file", submission_fault(plan, ids)),
        Check("in time", time_fault(plan, outcome)),
        Check("working folder", folder_fault(plan.working)),
        Check("no process left", "; ".join(outcome.left)),
    ]


def install_fault(outcome: Outcome) -> str:
    """Return why the packages are not there; in a rerun the notebook continues without them."""
    if INSTALLED in outcome.install:
        return ""
    return outcome.install.strip() or outcome.error or "the first cell found no wheelhouse"


def vote_fault(summary: Path) -> str:
    """Return why no answer comes from the model: fallback answers hide a broken engine."""
    try:
        rows = json.loads(summary.read_text("utf-8"))["problems"]
    except (OSError, ValueError, KeyError):
        return f"there is no {summary.name}: the kernel answered nothing"
    if any(row["source"] == "vote" for row in rows):
        return ""
    late = rows and all(row.get("ended") == "deadline" and row.get("tokens") for row in rows)
    why = "the model was too slow for MINUTES here, give it more" if late else "see engine.log"
    return f"none of {len(rows)} answers is a vote, all are fallbacks: {why}"


def submission_fault(plan: Plan, ids: Sequence[str]) -> str:
    """Return what the scorer would stumble over."""
    return _few(scorer.faults(plan.submission, ids, COMPETITIONS[plan.api].max_answer))


def time_fault(plan: Plan, outcome: Outcome) -> str:
    """Return by how much the run was late."""
    late = outcome.seconds - plan.limit_seconds
    return f"{late:.0f} s over its limit of {plan.limit_seconds:.0f} s" if late > 0 else ""


def folder_fault(folder: Path, most: int = MAX_WORKING_BYTES) -> str:
    """Return by how much the working folder is too large."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{size / 1e9:.1f} GB, {most / 1e9:.0f} GB at most" if size > most else ""


def _few(faults: Iterable[str], most: int = 3) -> str:
    """Return the first faults in one line."""
    listed = list(faults)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return "; ".join(listed[:most]) + more
