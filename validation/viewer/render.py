"""A run as one HTML page that needs no server and fetches nothing.

Covers: the page's data and writing it; looks and behaviour are in `page/`. Each solve's candidates
are packed (gzip, base64) into the page and unpacked when a reader opens them, so that thousands
stay quick to load. Does not cover: reading runs, the terminal (`viewer/terminal`).

All text is escaped by the templates or by `formulas`; beyond that the page's own policy forbids
every script but its own, by hash, and every request.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from validation import statistics
from validation.runs.records import Recording, Round
from validation.runs.verdicts import Verdict, by_problem, failed_blocks, verdicts
from validation.viewer.formulas import printable, rich_html

FOLDER = Path(__file__).parent / "page"
MOST_BARS = 12
"""Answers shown of a tally; the rest is summed up."""

_BLOCK = re.compile(r"^[ \t]*```+[ \t]*(\w*)[ \t]*\n(.*?)(?:^[ \t]*```+|\Z)", re.S | re.M)
_OUTPUT_FENCE = re.compile(r"\s*```+\s*output\s*\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a completion."""

    text: str
    is_code: bool = False


def pieces(made: Round) -> list[Piece]:
    """Return a completion's prose and code blocks in their order."""
    text = printable(_OUTPUT_FENCE.sub("", made.text))
    found: list[Piece] = []
    end = 0
    for block in _BLOCK.finditer(text):
        found += _prose(text[end : block.start()])
        found.append(Piece(block[2].rstrip("\n"), is_code=True))
        end = block.end()
    return [*found, *_prose(text[end:])]


def _prose(text: str) -> Iterator[Piece]:
    if text.strip().strip("`"):
        yield Piece(text.strip("\n"))


def page(run: Recording, progress: Callable[[int, int], None] | None = None) -> Iterator[str]:
    """Yield the page piece by piece; large runs need not be held twice.

    Args:
        run: what to show.
        progress: called with the number of solves that are ready, and of all.
    """
    shown = verdicts(run)
    style, script = ((FOLDER / name).read_text("utf-8") for name in ("page.css", "page.js"))
    templates = _templates()
    candidates = templates.get_template("candidates.html")

    def packed(verdict: Verdict) -> str:
        html = candidates.render(verdict=verdict).encode("utf-8")
        # No time in the header: the same run gives the same page.
        return base64.b64encode(gzip.compress(html, 6, mtime=0)).decode("ascii")

    def solves() -> Iterator[tuple[Verdict, str]]:
        for number, verdict in enumerate(shown, 1):
            yield verdict, packed(verdict)
            if progress:
                progress(number, len(shown))

    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    name = printable("/".join(run.path.parts[-2:]))
    values: dict[str, Any] = {
        "name": name,
        "head": head(run, shown),
        "solves": solves(),
        "count": len(shown),
    }
    values |= {"style": Markup(style), "script": Markup(script), "digest": digest}
    values["counts"] = {
        "wrong": sum(verdict.wrong for verdict in shown),
        "undecided": sum(verdict.undecided for verdict in shown),
        "failed": sum(verdict.failed_blocks > 0 for verdict in shown),
    }
    yield from templates.get_template("page.html").generate(values)


def head(run: Recording, shown: list[Verdict]) -> list[tuple[str, str]]:
    """Return what stands at the top: names and values."""
    known = [verdict for verdict in shown if verdict.solved.truth is not None]
    right = sum(verdict.right for verdict in known)
    found = [("solves", str(len(shown)))]
    if known:
        problems = by_problem(known).values()
        shares = [sum(v.right for v in solves) / len(solves) for solves in problems]
        interval = statistics.over_problems(shares, [len(solves) for solves in problems])
        mean = sum(shares) / len(shares)
        percent = f"{mean:.1%}, 95% {interval.low:.1%} to {interval.high:.1%}"
        found.append(("right", f"{right} of {len(known)} ({percent})"))
    if alarms := sum(verdict.alarm is not None for verdict in shown):
        found.append(("candidates empty or identical", f"in {alarms} solves"))
    about: list[tuple[str, Any]] = [
        ("set", run.about.get("set")),
        ("model", Path(str(run.about.get("model") or "")).name),
        ("candidates (N)", run.settings.get("candidates")),
        ("rounds (M)", run.settings.get("rounds") if run.about.get("model") else None),
        ("temperature", run.settings.get("temperature")),
        ("torn lines", run.torn),
        ("unfinished", run.unfinished),
    ]
    return found + [(name, printable(str(value))) for name, value in about if value]


def _templates() -> Environment:
    # Always escaped: what a template's name ends in must not decide.
    environment: Any = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"rich": rich_html, "plain": printable}
    environment.globals |= {
        "pieces": pieces,
        "failed_blocks": failed_blocks,
        "most_bars": MOST_BARS,
    }
    return environment
