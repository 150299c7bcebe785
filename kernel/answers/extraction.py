r"""Finds in a model's text what the solve loop acts on: code to run, boxed answer, printed integer.

Covers: the one place to ask from, and the competition's convention for answers. Does not cover: how
it is found (`code_blocks`, `boxes`, `latex_integer`, `printed`), running code (`sandbox`), voting.
Nothing here raises, whatever the text.
"""

from kernel.answers.boxes import find_boxed
from kernel.answers.code_blocks import MAX_TEXT, pending_code
from kernel.answers.latex_integer import evaluate_integer
from kernel.answers.printed import printed_integer
from kernel.config import Config

__all__ = [
    "MAX_TEXT",
    "extract_answer",
    "find_boxed",
    "pending_code",
    "printed_integer",
    "to_answer",
]


def extract_answer(text: str) -> int | None:
    r"""Return the exact integer in the last box of `text`, without modulo; None without one.

    Only the last box counts: an earlier one was withdrawn.
    """
    content = find_boxed(text)
    return None if content is None else evaluate_integer(content)


def to_answer(value: int, config: Config) -> int | None:
    """Apply the competition's convention: modulo (Python's `%`, so -1 is 999), then the range."""
    if config.modulus is not None:
        value %= config.modulus
    return value if 0 <= value <= config.max_answer else None
