"""The trace of a run: one JSON line per event, whole lines only.

Covers: a file that stays valid after SIGKILL or a full disk, and a console line for each event that
somebody waits for. Does not cover: what an event means (`sc_tir` and `report` write them).

A trace is for people: it must never cost an answer. So a failed write is counted and reported once,
and the run goes on.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

Event = Mapping[str, Any]
PASSING = ("progress", "loading")
"""Events of which only the latest matters."""
PROGRESS_SECONDS = 15.0
"""Between two lines of progress where every line stays."""
CLEAR = "\r\x1b[2K"
"""Goes back to the line's begin and clears it: ECMA-48's erase in line."""


class Trace:
    """Writes events to `path`, None for no file, and hands each to `echo`.

    Args:
        path: appended to where it exists, so that a restarted run keeps its history.
        echo: called with each event after it is written.
        now: wall clock, for the `time` of each event in seconds since the epoch.
    """

    def __init__(
        self,
        path: Path | None,
        echo: Callable[[Event], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._echo = echo
        self._now = now
        self.lost = 0
        self._file: int | None = None
        if path is not None:
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            except OSError as error:
                self._report(f"cannot write {path} ({error.strerror})")

    def write(self, event: str, **values: Any) -> None:
        """Write one event with its values; what JSON does not know is written as its `str`."""
        record = {"event": event, "time": round(self._now(), 3), **values}
        # Whatever is wrong with an event or with its echo, the problem at hand goes on.
        try:
            if self._file is not None:
                self._append(json.dumps(record, ensure_ascii=True, default=str).encode() + b"\n")
            if self._echo is not None:
                self._echo(record)
        except Exception as error:
            self._report(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close the file; later events are only echoed."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    def _append(self, line: bytes) -> None:
        """Append a line by one system call, or nothing of it."""
        assert self._file is not None
        try:
            written = os.write(self._file, line)
            if written < len(line):
                # The disk filled up within the line: take the torn half back.
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                self._report("the disk is full")
        except OSError as error:
            self._report(error.strerror)

    def _report(self, reason: str | None) -> None:
        if not self.lost:
            with contextlib.suppress(OSError):
                print(f"The trace is incomplete: {reason}. The run goes on.", file=sys.stderr)
        self.lost += 1

    def __enter__(self) -> "Trace":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


class Console:
    """Prints the events that a person waits for, one line each.

    Progress is one line that is written anew where a terminal is, and elsewhere, where each line
    stays, one line in `PROGRESS_SECONDS`.

    Args:
        out: where lines go; None: the standard output of the moment.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self, out: TextIO | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._out, self._now = out, now
        self._said: float | None = None
        self._open = False
        """Whether the cursor stands behind a line of progress."""

    def __call__(self, event: Event) -> None:
        """Print an event, if anybody waits for it."""
        if (line := describe(event)) is None:
            return
        out = self._out or sys.stdout
        if event["event"] in PASSING:
            self._progress(out, line)
            return
        print(f"{CLEAR if self._open else ''}{line}", file=out, flush=True)
        self._open = False
        self._said = self._now()

    def _progress(self, out: TextIO, line: str) -> None:
        if out.isatty():
            print(f"{CLEAR if self._open else ''}{line}", end="", file=out, flush=True)
            self._open = True
        elif self._said is None or self._now() - self._said >= PROGRESS_SECONDS:
            print(line, file=out, flush=True)
            self._said = self._now()


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
                f"  still running: {event['running']} ({event['executing']} run code), "
                f"votes {event['tally'] or 'none yet'}, {event['left']:.0f} s left"
            )
        case "solution":
            alarm = f"\n  ALARM: {event['alarm']}" if event.get("alarm") else ""
            return (
                f"Problem {event['number']}/{event['of']} {event['problem']}: answer "
                f"{event['answer']} ({event['votes']} of {event['candidates']} votes, "
                f"{event['source']}) after {event['seconds']:.0f} s; {event['left']} s left{alarm}"
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
