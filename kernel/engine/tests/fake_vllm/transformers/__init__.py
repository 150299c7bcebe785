"""A stand-in for transformers beside the fake vLLM: a tokenizer with one token a character.

An id is the code point plus 10; 2 ends a turn. `FAKE_TOKENIZER=broken` makes loading fail.
"""

import os
from types import SimpleNamespace

__version__ = "0.0.0+fake"


class AutoTokenizer:
    """See the module."""

    added_tokens_decoder = {2: SimpleNamespace(content="<|end|>", special=True)}  # noqa: RUF012

    @classmethod
    def from_pretrained(cls, folder):
        """Give one, whatever the folder holds."""
        if os.environ.get("FAKE_TOKENIZER") == "broken":
            raise OSError(f"{folder} holds no tokenizer, says the fake")
        return cls()

    def encode(self, text, *, add_special_tokens):
        """One id a character."""
        return [ord(c) + 10 for c in text]

    def decode(self, token_ids, *, skip_special_tokens):
        """The reverse of `encode`."""
        return "".join("" if i == 2 else chr(i - 10) for i in token_ids)

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        """Each turn behind its role."""
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in conversation)
