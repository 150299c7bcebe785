"""One solve of a run in the terminal.

Covers: problem, tally as bars, and each candidate's rounds with code, output and why it stopped.
Does not cover: formulas, which stay LaTeX; whole runs (`viewer/render`).

The text is hostile here too: rich's own markup in it stays text, and escape sequences, which can
control a terminal, are removed.
"""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from kernel.records import ExecutionStatus
from validation.runs.records import CandidateRecord, Round
from validation.runs.verdicts import Bar, Verdict
from validation.viewer.formulas import printable
from validation.viewer.render import MOST_BARS, pieces

WIDEST_BAR = 40
"""Characters of a bar that all candidates voted for."""


def terminal(verdict: Verdict, candidate: int | None = None) -> Iterator[RenderableType]:
    """Yield what to print of a solve.

    Args:
        verdict: the solve.
        candidate: the only one to be shown in full; None for all.
    """
    solved = verdict.solved
    yield Rule(Text(printable(f"{solved.problem}, seed {solved.seed}")))
    yield Text(printable(solved.text or "The run's file does not have the problem's text."))
    yield Text()
    yield Text(_outcome(verdict), style="bold")
    yield _tally(verdict)
    for attempted in solved.candidates:
        if candidate is None or attempted.index == candidate:
            yield from _candidate(attempted)


def _outcome(verdict: Verdict) -> str:
    """Say what was answered, and whether it is right."""
    solved = verdict.solved
    said = f"answer {solved.answer}"
    if verdict.wrong:
        said += f", truth {solved.truth if verdict.truth is None else verdict.truth}"
    elif verdict.right:
        said += ", right"
    if not verdict.voters:
        said += ", a fallback: nobody voted"
    elif verdict.undecided:
        said += ", undecided"
    return f"{said}, ended by {solved.ended.value}" if solved.ended else said


def _tally(verdict: Verdict) -> Table:
    solved = verdict.solved
    table = Table("answer", "votes", "", box=None)
    count = max(1, len(solved.candidates))
    for bar in verdict.bars[:MOST_BARS]:
        length = -(-WIDEST_BAR * bar.votes // count)
        style = "green" if bar.true else "yellow" if bar.answer == solved.answer else "dim"
        table.add_row(str(bar.answer), str(bar.votes), Text("█" * length + _mark(bar), style))
    if rest := verdict.bars[MOST_BARS:]:
        table.add_row("others", str(sum(bar.votes for bar in rest)), f"{len(rest)} answers")
    table.add_row("no vote", str(verdict.silent), "")
    return table


def _mark(bar: Bar) -> str:
    return " truth" if bar.true else ""


def _candidate(attempted: CandidateRecord) -> Iterator[RenderableType]:
    vote = "no vote" if attempted.answer is None else f"votes {attempted.answer}"
    why = attempted.stop.value if attempted.stop else "still running"
    title = f"#{attempted.index}: {vote}, {why}, {attempted.tokens} tokens, {attempted.time:.1f} s"
    yield Rule(Text(title), style="dim")
    for made in attempted.rounds:
        yield from _round(made)


def _round(made: Round) -> Iterator[RenderableType]:
    for piece in pieces(made):
        if piece.is_code:
            yield Syntax(piece.text, "python", theme="ansi_dark", background_color="default")
        else:
            yield Text(piece.text)
    if made.ran:
        fine = made.ran.status is ExecutionStatus.OK
        title = f"output: {made.ran.status.value}, {made.ran.seconds:.2f} s"
        yield Text(title, style="dim" if fine else "red")
        yield Text(printable(made.ran.output), style="cyan")
