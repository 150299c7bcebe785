"""What a command tells while it works: lines, times for people, and progress.

Covers: lines that appear at once, durations, and texts of the form "stage: how far", in place on a
terminal and one line a stage where output is kept. Does not cover: bars of what is counted in
bytes.
"""

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """Print a line at once, also where the output is a file, exactly as it is."""
    print(text, flush=True)


def duration(seconds: float) -> str:
    """Return a time for people."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


class Progress:
    """Shows texts while a `with` block lasts; call it with each."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._status = console.status("")
        self._stage = ""

    def __enter__(self) -> "Progress":
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def __call__(self, text: str) -> None:
        """Show `text`; where output is kept, only the first of each stage."""
        stage = text.partition(":")[0]
        if self._console.is_terminal:
            self._status.update(text)
        elif stage != self._stage:
            self._console.print(text, soft_wrap=True, markup=False, highlight=False)
        self._stage = stage
