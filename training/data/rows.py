"""A row of a training set: one conversation, and which parts of it the kernel wrote.

Covers: the record, its JSON line, building an assistant's text round by round as the kernel would.
Does not cover: where conversations come from (`conversations`, `sources`, `sampling`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from kernel import prompt
from kernel.config import Config

Span = tuple[int, int]
"""Start and end of a part of a text, in characters."""


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation."""

    id: str
    problem: str
    answer: int | None
    """The truth; None only until a filter has removed the row."""
    solution: str
    """The assistant's whole text, exactly as a candidate's in the kernel."""
    outputs: tuple[Span, ...]
    """Parts of the solution that the kernel wrote after the stop string, and not the model."""
    source: str
    family: str | None = None
    recoveries: int = 0
    """Failed blocks that a later block fixed."""
    failures: tuple[Span, ...] = ()
    """Code of the blocks that failed, so that training may leave them out of the loss."""

    def line(self) -> str:
        """Return the row as a JSON line."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def spans_of(pairs: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    """Return spans as JSON holds them: as lists of two."""
    return tuple((start, end) for start, end in pairs)


@dataclass
class Writing:
    """An assistant's text as it grows, with the kernel's part in it."""

    config: Config
    text: str = ""
    outputs: tuple[Span, ...] = ()
    codes: tuple[Span, ...] = ()

    def say(self, words: str) -> None:
        """Add words of the model."""
        self.text += words

    def ask(self, code: str) -> None:
        """Add a block of the model's, up to the stop string where its generation ends."""
        lead = "" if not self.text or self.text.endswith("\n") else "\n"
        self.text += f"{lead}```python\n"
        start = len(self.text)
        self.text += code
        self.codes += ((start, len(self.text)),)
        self.text += f"\n{prompt.FENCE}\n{self.config.stop[0]}"

    def answer(self, output: str) -> None:
        """Add what the kernel writes when the block has run."""
        start = len(self.text)
        self.text += prompt.output_block(self.text, output, self.config.stop)
        self.outputs += ((start, len(self.text)),)


def failures(writing: Writing, failed: Sequence[bool]) -> tuple[Span, ...]:
    """Return the code of the blocks that failed."""
    return tuple(span for span, bad in zip(writing.codes, failed, strict=True) if bad)
