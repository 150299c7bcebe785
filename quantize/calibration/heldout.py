"""Held-out texts: what a quantized model is compared on, and never calibrated on.

Covers: this package's own texts (`heldout/maths.jsonl`, TIR conversations; `heldout/general.jsonl`,
prose), the test split of `AI-MO/NuminaMath-TIR` through `datasets`, any local JSONL file, and
cutting them into windows of tokens. Does not cover: calibration texts (`calibration`), scoring
(`compare`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.files import FileError, Line, read_json_lines

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

OWN = Path(__file__).parent / "heldout"
NUMINA = "AI-MO/NuminaMath-TIR"
DOMAINS = ("maths", "general")
MAX_ROWS = 64
"""Rows taken of a long source: some 40,000 tokens, enough for KL to settle in its third digit."""


class HeldOutError(FileError):
    """A source that cannot be read; the message says what to do."""


@dataclass(frozen=True)
class HeldOut:
    """One text: a conversation, put through the model's chat template, or plain prose."""

    domain: str
    messages: tuple[tuple[str, str], ...] = ()
    """Role and content of each turn; none for prose."""
    text: str = ""


@dataclass(frozen=True)
class Window:
    """A stretch of one text that a model scores at once."""

    domain: str
    ids: tuple[int, ...]


def own() -> list[HeldOut]:
    """Return this package's texts of both domains."""
    return [text for domain in DOMAINS for text in read(OWN / f"{domain}.jsonl", domain)]


def held_out(maths: str = "", general: str = "") -> list[HeldOut]:
    """Return the texts of both domains.

    Args:
        maths: a JSONL file, or `numina` for its test split; this package's own texts if not given.
        general: a JSONL file; this package's own texts if not given.

    Raises:
        HeldOutError: they cannot be read.
    """
    first = numina() if maths == "numina" else read(Path(maths or OWN / "maths.jsonl"), "maths")
    return first + read(Path(general or OWN / "general.jsonl"), "general")


def read(path: Path, domain: str, rows: int = MAX_ROWS) -> list[HeldOut]:
    """Return up to `rows` texts of a JSONL file.

    A row has `messages`, or `problem` and `solution`, or `text`.

    Raises:
        HeldOutError: the file is missing, empty or has a row of another form.
    """
    if not path.is_file():
        raise HeldOutError(f"{path} does not exist: name a JSONL file of held-out texts.")
    texts: list[HeldOut] = []
    try:
        for line in read_json_lines(path):
            if len(texts) < rows:
                texts.append(_local_text(line, domain))
    except FileError as error:
        raise HeldOutError(str(error)) from None
    if not texts:
        raise HeldOutError(f"{path} has no rows: give it at least one text.")
    return texts


def numina(rows: int = MAX_ROWS) -> list[HeldOut]:
    """Return conversations of NuminaMath-TIR's test split, which the source model never saw.

    Raises:
        HeldOutError: the hub cannot be reached and has not been before.
    """
    from datasets import load_dataset

    try:
        table = load_dataset(NUMINA, split="test")
    except Exception as error:  # the hub client raises a dozen kinds
        raise HeldOutError(
            f"{NUMINA} cannot be loaded ({type(error).__name__}): go online once, or name a JSONL "
            "file of held-out texts."
        ) from None
    return [_text(row, "maths") for row in table.select(range(min(rows, len(table))))]


def _local_text(line: Line, domain: str) -> HeldOut:
    try:
        return _text(line.value, domain)
    except (ValueError, KeyError, TypeError, AttributeError):
        form = "`messages`, `problem` and `solution`, or `text`"
        raise HeldOutError(f"{line.place}: a row needs {form}.") from None


def _text(row: dict[str, Any], domain: str) -> HeldOut:
    """Turn one row into a text."""
    if row.get("messages"):
        turns = tuple((str(turn["role"]), str(turn["content"])) for turn in row["messages"])
    elif "problem" in row:
        turns = (("user", str(row["problem"])), ("assistant", str(row["solution"])))
    else:
        turns = ()
    text = "" if turns else str(row["text"])
    if not turns and not text.strip():
        raise ValueError("an empty text")
    return HeldOut(domain, turns, text)


def digest(texts: Sequence[HeldOut]) -> str:
    """Return the SHA-256 that identifies the texts that were scored."""
    parts = [[text.domain, text.messages, text.text] for text in texts]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def windows(
    texts: Sequence[HeldOut], tokenizer: "PreTrainedTokenizer", length: int, most: int | None = None
) -> list[Window]:
    """Cut the texts into windows of at most `length` tokens; none crosses from text to text.

    Args:
        texts: of any domains.
        tokenizer: transformers' tokenizer of the original model.
        length: tokens; a rest below two tokens has nothing to predict and is dropped.
        most: tokens of each domain, taken from its first texts; None: all.
    """
    cut: list[Window] = []
    taken: Counter[str] = Counter()
    for text in texts:
        ids = _ids(text, tokenizer)
        if most is not None:
            ids = ids[: most - taken[text.domain]]
        taken[text.domain] += len(ids)
        for start in range(0, len(ids), length):
            if len(piece := ids[start : start + length]) > 1:
                cut.append(Window(text.domain, tuple(piece)))
    return cut


def _ids(text: HeldOut, tokenizer: "PreTrainedTokenizer") -> list[int]:
    """Encode as the kernel does: the template writes its own special tokens."""
    if not text.messages:
        return tokenizer(text.text)["input_ids"]
    turns = [{"role": role, "content": content} for role, content in text.messages]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False)
    return tokenizer(rendered, add_special_tokens=False)["input_ids"]
