"""From a conversation to token ids and labels: exactly what the kernel would have in its context.

Covers: the prompt through the model's chat template, the solution with its end of turn, and which
tokens are learnt. Does not cover: packing (TRL's), reading rows (`rows`).

The kernel tokenizes piece by piece: the prompt, each completion, each output block. So does this,
which makes the mask exact: no token lies across the border of an output block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from kernel.prompt import messages
from training.rows import Row

IGNORED = -100
"""The label of a token that is not learnt."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One conversation. `own` marks what the model itself has to write."""

    ids: NDArray[np.int32]
    own: NDArray[np.bool_]
    prompt: int
    """How many of them are the prompt."""

    def labels(self, mask_outputs: bool) -> NDArray[np.int32]:
        """Return what is learnt: every token, or the model's own alone."""
        return np.where(self.own, self.ids, IGNORED) if mask_outputs else self.ids


def encode(row: Row, encoding: Encoding, end: int) -> Tokens:
    """Return a row's tokens.

    Args:
        row: the conversation.
        encoding: the model's.
        end: the token that ends a turn; the model has to write it too.
    """
    prompt = encoding.encode_chat(messages(row.problem, Config()))
    ids, own = list(prompt), [False] * len(prompt)
    for text, is_own in pieces(row.solution, row.outputs):
        part = encoding.encode(text)
        ids += part
        own += [is_own] * len(part)
    return Tokens(np.array([*ids, end], np.int32), np.array([*own, True]), len(prompt))


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
