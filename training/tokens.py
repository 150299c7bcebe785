"""From a conversation to token ids and labels: exactly what the kernel would have in its context.

Covers: the prompt through the model's chat template, the solution with its end of turn, and which
tokens are learnt. Does not cover: packing (TRL's), reading rows (`rows`).

The kernel tokenizes piece by piece: the prompt, each completion, each output block. This does the
same, which makes the mask exact: no token crosses the boundary of an output block.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from kernel.prompt import messages
from training.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

IGNORED = -100
"""The label of a token that is not learnt."""
_ERROR = re.compile(r"[\w.]*(?:Error|Exception|Interrupt|Exit|Iteration)\b(?::|$)")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One conversation. `own` marks what the model itself has to write."""

    ids: NDArray[np.int32]
    own: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    """Those of rounds whose code failed."""
    prompt: int
    """How many of them are the prompt."""

    def learnt(self, mask_outputs: bool, mask_failed: bool) -> NDArray[np.bool_]:
        """Tell which tokens are learnt: all, or the model's own alone; and failed code or not."""
        learnt = self.own if mask_outputs else np.ones_like(self.own)
        return learnt & ~self.failed if mask_failed else learnt

    def labels(self, mask_outputs: bool, mask_failed: bool = False) -> NDArray[np.int32]:
        """Return the ids where they are learnt, and `IGNORED` elsewhere."""
        return np.where(self.learnt(mask_outputs, mask_failed), self.ids, IGNORED)


def encode(row: Row, encoding: Encoding, end: int) -> Tokens:
    """Return a row's tokens.

    Args:
        row: the conversation.
        encoding: the model's.
        end: the token that ends a turn; the model has to write it too.
    """
    prompt = encoding.encode_chat(messages(row.problem, Config()))
    ids, own, failed = list(prompt), [False] * len(prompt), [False] * len(prompt)
    parts = list(pieces(row.solution, row.outputs))
    for (text, is_own), (after, next_own) in zip(parts, [*parts[1:], ("", True)], strict=True):
        part = encoding.encode(text)
        ids += part
        own += [is_own] * len(part)
        failed += [is_own and not next_own and is_error(after)] * len(part)
    marks = (np.array([*own, True]), np.array([*failed, False]))
    return Tokens(np.array([*ids, end], np.int32), *marks, len(prompt))


def encode_all(rows: Sequence[Row], tokenizer: "PreTrainedTokenizer") -> list[Tokens]:
    """Return the tokens of rows, in their order; the tokenizer has an end-of-turn token."""
    encoding, end = Encoding(tokenizer), tokenizer.eos_token_id
    assert end is not None
    return [encode(row, encoding, end) for row in rows]


def is_error(output: str) -> bool:
    """Tell whether an output block shows code that failed: its last line names an exception."""
    lines = [line for line in output.removesuffix("```\n").rstrip().splitlines() if line.strip()]
    return bool(lines) and _ERROR.match(lines[-1].strip()) is not None


def pieces(text: str, outputs: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a solution in order, and whether the model wrote each."""
    start = 0
    for begin, end in outputs:
        if begin > start:
            yield text[start:begin], True
        if end > begin:
            yield text[begin:end], False
        start = end
    if start < len(text):
        yield text[start:], True
