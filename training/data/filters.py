r"""What a row must satisfy to be trained on, and how many rows each filter removes.

Covers: each filter as a function of a row, their order, counts by source. Does not cover: building
rows. A row is counted under the first filter that removes it.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from kernel import prompt
from kernel.answers import extraction
from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from training.data.overlap import Overlap, words
from training.data.rows import Row

NO_INTEGER = "no integer answer"
NOT_THE_TRUTH = "boxed answer is not the truth"
NO_CODE = "no code block"
LAST_FAILED = "last block failed"
UNUSED = "boxes without using its output"
OVER_CONTEXT = "over the context"
DUPLICATE = "duplicate"
CONTAMINATED = "shares words with a validation set"

Check = Callable[[Row], bool]
"""Whether a row is taken out."""

_FAILED = re.compile(
    r"[\w.]*(?:Error|Exception|Exit|Interrupt|Iteration|Warning)(?::|$)|Crash:|\[no output"
    r"|The session was ended:"
)
_NUMBER = re.compile(r"\d+")


def no_integer(row: Row) -> bool:
    """Whether nothing is boxed that the kernel reads as an integer."""
    return extraction.extract_answer(row.solution) is None


def not_the_truth(row: Row) -> bool:
    """Whether the boxed integer is another than the truth, or there is no truth."""
    return extraction.extract_answer(row.solution) != row.answer


def no_code(row: Row) -> bool:
    """Whether no block has run."""
    return not row.outputs


def last_failed(row: Row) -> bool:
    """Whether the last block ended in an error or printed nothing."""
    return not row.outputs or failed(_output(row))


def failed(output: str) -> bool:
    """Whether an output is an error's, or no output at all."""
    last = output.rstrip().rpartition("\n")[2].strip()
    return not last or _FAILED.match(last) is not None


def unused(row: Row) -> bool:
    """Whether the answer does not come from the last output.

    It does where the text after the output boxes a number of the output, or takes one up.
    """
    if not row.outputs:
        return True
    after = row.solution[row.outputs[-1][1] :]
    if extraction.find_boxed(after) is None:
        return True
    return not set(_NUMBER.findall(_output(row))) & set(_NUMBER.findall(after))


def _output(row: Row) -> str:
    """Return what the last block printed, without its fences."""
    text = row.solution[slice(*row.outputs[-1])].strip()
    return text.removesuffix(prompt.FENCE).removeprefix(f"{prompt.FENCE}output").strip()


def tokens(row: Row, encoding: Encoding, config: Config) -> int:
    """Return how many tokens prompt and solution have together."""
    asked = encoding.encode_chat(prompt.messages(row.problem, config))
    return len(asked) + len(encoding.encode(row.solution))


def over_context(encoding: Encoding, config: Config) -> Check:
    """Return the filter of rows that a candidate's context does not hold."""
    return lambda row: tokens(row, encoding, config) > config.max_context


def duplicate() -> Check:
    """Return the filter of rows that were there before: the same problem with the same solution.

    Solutions are compared by their words and numbers, since spacing makes no second solution.
    """
    seen: set[tuple[str, ...]] = set()

    def check(row: Row) -> bool:
        key = (*words(row.problem), "", *words(row.solution))
        known = key in seen
        seen.add(key)
        return known

    return check


class Sieve:
    """Applies filters in order and counts what each takes.

    Args:
        checks: filters by name.
        index: of the validation sets, whose filter comes last.
    """

    def __init__(self, checks: Sequence[tuple[str, Check]], index: Overlap) -> None:
        self._checks = checks
        self._index = index
        self.read: Counter[str] = Counter()
        """Rows by source."""
        self.taken: Counter[str] = Counter({name: 0 for name, _ in checks} | {CONTAMINATED: 0})
        """Rows by filter."""
        self.contaminated: list[dict[str, Any]] = []
        """Each row that a validation set holds too, and where."""

    def passes(self, row: Row) -> bool:
        """Return whether a row passes every filter; count it."""
        for name, check in self._checks:
            if check(row):
                self.take(name, row.source)
                return False
        clean = self.is_clean(row.id, row.problem, row.source)
        self.read[row.source] += clean
        return clean

    def take(self, name: str, source: str) -> None:
        """Count a row that a filter of this name takes."""
        self.read[source] += 1
        self.taken[name] += 1

    def is_clean(self, number: str, problem: str, source: str) -> bool:
        """Return whether no validation set has a problem; count and list it where it does."""
        match = self._index.match(problem)
        if match:
            self.take(CONTAMINATED, source)
            self.contaminated.append({"row": number, "problem": problem, **asdict(match)})
        return match is None

    def emptied(self) -> str:
        """Return one sentence that says how many rows each filter removed."""
        took = ", ".join(f"{name} {n}" for name, n in self.taken.most_common() if n)
        return f"No row of {sum(self.read.values())} passes: {took or 'there was none'}."


def checks_of(kind: str, encoding: Encoding, config: Config) -> list[tuple[str, Check]]:
    """Return the filters of a kind of set, in order."""
    code = [(NO_CODE, no_code), (LAST_FAILED, last_failed), (UNUSED, unused)]
    return [
        (NO_INTEGER, no_integer),
        (NOT_THE_TRUTH, not_the_truth),
        *(code if kind == "tir" else []),
        (OVER_CONTEXT, over_context(encoding, config)),
        (DUPLICATE, duplicate()),
    ]
