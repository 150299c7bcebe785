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
        case "engine" | "note":
            return str(event["text"])
        case "ready":
            return _ready(event)
        case "end":
            sources = ", ".join(f"{n} by {source}" for source, n in event["sources"].items())
            return (
                f"{event['problems']} problems answered ({sources or 'none'}) in "
                f"{event['seconds']:.0f} s: {event['tokens']} tokens, {event['restarts']} engine "
                f"restarts, {event['lost_lines']} trace lines lost."
            )
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


def _ready(event: Mapping[str, Any]) -> str:
    """Return the line with what the run stands on."""
    versions, settings = event["versions"], event["settings"]
    vllm = event["engine"].get("vllm", "none")
    gpus = ", ".join(f"{g['name']} {g['memory_mib']} MiB" for g in event["gpus"]) or "no GPU"
    layers = event["sandbox"].get("layers", {})
    return (
        f"Kernel {versions['kernel']}, Python {versions['python']}, vLLM {vllm} on {gpus}; "
        f"{settings['candidates']} candidates, {settings['rounds']} rounds, temperature "
        f"{settings['temperature']}, seed {settings['seed']}; sandbox layers {layers}"
    )
