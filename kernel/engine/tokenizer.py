"""From text to token ids and back, for the model that generates.

Covers: loading the model's tokenizer, text that is not Unicode or that spells the model's special
tokens, and ids that decode to exactly a completion's text. Does not cover: what the prompt says
(`prompt`), and generating (`engine`).
"""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

LONGEST_STOP_TOKENS = 12
"""Ids at a completion's end that may have to give way so that they decode to its text."""


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that is used here."""

    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]: ...  # noqa: D102
    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...  # noqa: D102
    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str: ...  # noqa: D102
    def apply_chat_template(self, conversation: Any, **options: Any) -> str: ...  # noqa: D102


def load_tokenizer(model: Path) -> Tokenizer:
    """Load the tokenizer of a model's folder."""
    # By name: the package is large, slow to import, and without types.
    transformers: Any = importlib.import_module("transformers")
    return transformers.AutoTokenizer.from_pretrained(str(model))


def special_tokens(tokenizer: Tokenizer) -> list[str]:
    """Return the texts that the tokenizer turns into control tokens wherever they stand."""
    added = tokenizer.added_tokens_decoder.values()
    return [token.content for token in added if token.special and len(token.content) > 1]


def plain(text: str, specials: Iterable[str]) -> str:
    """Return `text` without lone surrogates, and so that it spells no special token.

    A problem or an output that contains `<|im_end|>` must not end the turn: a space behind its
    first character leaves it readable and makes it ordinary text.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    for special in specials:
        text = text.replace(special, f"{special[0]} {special[1:]}")
    return text


class Encoding:
    """Text to ids as every engine gives them, for one tokenizer.

    Args:
        tokenizer: the model's.
        arguments: values for variables of its chat template.
    """

    def __init__(self, tokenizer: Tokenizer, arguments: Mapping[str, Any] | None = None) -> None:
        self.tokenizer = tokenizer
        self._arguments = dict(arguments or {})
        self.specials = special_tokens(tokenizer)

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`; special tokens and lone surrogates in it become ordinary."""
        return self.tokenizer.encode(plain(text, self.specials), add_special_tokens=False)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return a conversation's ids; only the template's own special tokens count as such."""
        turns = [{k: plain(text, self.specials) for k, text in turn.items()} for turn in messages]
        text = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, **self._arguments
        )
        return self.tokenizer.encode(text, add_special_tokens=False)


def matching_ids(text: str, ids: Sequence[int], tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return ids that decode to exactly `text`, keeping as many of `ids` as possible.

    The engine's ids hold the end-of-turn token that the text leaves out, and the whole of a token
    in whose middle a stop string ended.
    """
    for kept in range(len(ids), max(-1, len(ids) - LONGEST_STOP_TOKENS), -1):
        head = tokenizer.decode(ids[:kept], skip_special_tokens=True)
        if text.startswith(head):
            # An end-of-turn token decodes to nothing: it must go all the same.
            while kept and tokenizer.decode(ids[kept - 1 : kept], skip_special_tokens=True) == "":
                kept -= 1
            tail = tokenizer.encode(text[len(head) :], add_special_tokens=False)
            return (*ids[:kept], *tail)
    return tuple(tokenizer.encode(text, add_special_tokens=False))
