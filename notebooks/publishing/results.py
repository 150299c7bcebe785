"""What a commit run reports about itself: votes, fallbacks, restarts, attention, time left.

Covers: reading the run's `summary.json` and `trace.jsonl`, whole or torn, and the table of both.
Does not cover: whether the answers are right.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from common.files import FileError, json_lines

SUMMARY, TRACE = "summary.json", "trace.jsonl"
VOTE = "vote"
"""The kernel's word for an answer that candidates agreed on."""
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Results:
    """A run's results; None where the run does not say."""

    votes: int | None = None
    """Problems answered by vote."""
    fallbacks: int | None = None
    """Problems answered otherwise."""
    restarts: int | None = None
    """Of the engine."""
    attention: str | None = None
    seconds_left: int | None = None
    """Before the reserve, at the end."""

    def table(self) -> Table:
        """Return them for people."""
        table = Table("commit run", "")
        rows: Mapping[str, Any] = {
            "answered by vote": self.votes,
            "fallback answers": self.fallbacks,
            "engine restarts": self.restarts,
            "attention": self.attention,
            "seconds left": self.seconds_left,
        }
        for name, value in rows.items():
            table.add_row(name, UNKNOWN if value is None else str(value))
        return table


def read(folder: Path) -> Results:
    """Read what a run left in `folder`; what is missing or broken there is not known."""
    votes = fallbacks = None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        rows = json.loads((folder / SUMMARY).read_text("utf-8"))["problems"]
        sources = [row["source"] for row in rows]
        votes = sources.count(VOTE)
        fallbacks = len(sources) - votes
    # The last one of each counts: a restarted run appends to the trace.
    ended = {str(event.get("event")): event for event in _events(folder / TRACE)}
    end, ready = ended.get("end", {}), ended.get("ready", {})
    return Results(votes, fallbacks, end.get("restarts"), _attention(ready), end.get("left"))


def _attention(ready: Mapping[str, Any]) -> str | None:
    """Return which attention the engine ran with, and what its profile says of it."""
    engine: Mapping[str, Any] = ready.get("engine") or {}
    notes = [str(note) for note in engine.get("profile") or () if "ttention" in str(note)]
    chosen = engine.get("attention")
    return ": ".join([*([str(chosen)] if chosen else []), *notes]) or None


def _events(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield a trace's events; torn lines are left out."""
    with contextlib.suppress(FileError):
        yield from (line.row for line in json_lines(path) if line.row is not None)
