"""What a command prints while it works: lines, durations for people, and progress.

Covers: lines that appear at once, durations, a console that never takes what a user names for
markup, texts of the form "stage: how far", updated in place on a terminal and one line per stage
where output is kept, ending a command on a user's error, and Ctrl-C while it waits. Does not cover:
progress bars counted in bytes.
"""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from common.files import FileError

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


def console(stderr: bool = False, width: int | None = None) -> "Console":
    """Return a console that shows texts as they are: `[final]` and `:x:` in a name stay that.

    Args:
        stderr: write there.
        width: in characters; the terminal's if not given.
    """
    from rich.console import Console

    return Console(stderr=stderr, width=width, markup=False, emoji=False)


def heed_ctrl_c() -> None:
    """Let Ctrl-C end a wait for another process or thread; to be called in the main thread.

    The handler that polars installs when it is imported has the operating system resume such waits
    (SA_RESTART), so that the command would learn of Ctrl-C once the other process has ended.
    """
    signal.siginterrupt(signal.SIGINT, True)


@contextmanager
def user_errors(*kinds: type[Exception]) -> Generator[None]:
    """End the command with exit status 2 and one sentence on an error of one of these kinds.

    A file that cannot be read or written is one in any case.
    """
    try:
        yield
    except (FileError, *kinds) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


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
        from rich.text import Text

        stage = text.partition(":")[0]
        if self._console.is_terminal:
            # As a Text: a status takes a plain string for markup, whatever its console.
            self._status.update(Text(text))
        elif stage != self._stage:
            self._console.print(text, soft_wrap=True, markup=False, highlight=False)
        self._stage = stage
