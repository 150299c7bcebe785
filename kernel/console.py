"""Progress for people: the trace's events that somebody waits for, one line each.

Covers: which events are shown, and how. Does not cover: the trace file, which has all of them
(`trace`).
"""

from collections.abc import Mapping
from typing import Any


def show(event: Mapping[str, Any]) -> None:
    """Print the events that a person waits for, one line each."""
    line = describe(event)
    if line is not None:
        print(line, flush=True)


def describe(event: Mapping[str, Any]) -> str | None:
    """Return an event as a line for people, None for those that only the trace needs."""
    match event["event"]:
        case "run":
            return f"{event['competition']} with the model {event['model']}"
        case "engine":
            return str(event["text"])
        case "loading":
            return f"Loading the model, {event['seconds']} s so far ..."
        case "problem":
            return (
                f"Problem {event['number']}/{event['of']} {event['problem']}: "
                f"up to {event['share']:.0f} s"
            )
        case "progress":
            return (
                f"  {event['running']} candidates running ({event['executing']} run code), "
                f"votes {event['tally'] or 'none yet'}, {event['left']:.0f} s left"
            )
        case "solution":
            return (
                f"Problem {event['number']}/{event['of']} {event['problem']}: answer "
                f"{event['answer']} ({event['votes']} of {event['candidates']} votes, "
                f"{event['source']}) after {event['seconds']:.0f} s; {event['left']} s left"
            )
        case "error":
            return (
                f"Problem {event['problem']} hit an error and gets what is there:\n{event['error']}"
            )
        case _:
            return None
