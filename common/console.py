"""Progress of a command: in place on a terminal, one line a stage where output is kept.

Covers: texts of the form "stage: how far". Does not cover: bars of what is counted in bytes.
"""

from types import TracebackType

from rich.console import Console


class Progress:
    """Shows texts while a `with` block lasts; call it with each."""

    def __init__(self, console: Console) -> None:
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
            self._console.print(text, soft_wrap=True)
        self._stage = stage
