"""Calibration: the TIR conversations that a recipe runs through the model while it quantizes.

Covers: rows of `AI-MO/NuminaMath-TIR` from the hub, of any local JSONL file, or of this package's
own small set; choosing by seed; the model's own chat template; output blocks as the kernel writes
them; a record of what was used, by hash. Does not cover: held-out texts (`heldout`), and making the
package's own set (`calibration/make`).
"""

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from common.files import FileError, read_json_lines, write_json_lines
from kernel import prompt
from kernel.config import Config
from quantize.calibration.make import CONVERSATIONS
from quantize.source.check import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

HUB = "AI-MO/NuminaMath-TIR"
OWN = "own"
MAX_TOKENS = Config().max_context
"""What the kernel never exceeds, a calibration row need not show."""
LEAST_TOKENS = 16
"""Fewer hold no conversation."""
_OUTPUT = re.compile(r"\s*```output\n(.*?)\n?```[ \t]*\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation."""

    problem: str
    solution: str
    place: str
    """Its place in the file, for a fault."""

    @property
    def digest(self) -> str:
        """SHA-256 of problem and solution, as read."""
        return hashlib.sha256(f"{self.problem}\0{self.solution}".encode()).hexdigest()


@dataclass(frozen=True)
class Calibration:
    """The rows that are used."""

    source: str
    seed: int
    rows: tuple[Row, ...]
    ids: tuple[tuple[int, ...], ...]
    """Token ids of each row."""

    def record(self) -> dict[str, Any]:
        """Return what the report says of it."""
        digests = [row.digest for row in self.rows]
        return {
            "source": self.source,
            "seed": self.seed,
            "conversations": len(self.rows),
            "tokens": sum(map(len, self.ids)),
            "sha256": hashlib.sha256("\n".join(digests).encode()).hexdigest(),
            "rows": digests,
        }

    def write(self, path: Path) -> None:
        """Write the token ids, one row a line; whole or not at all."""
        write_json_lines(path, ({"ids": ids} for ids in self.ids))


def gather(
    source: str, tokenizer: "PreTrainedTokenizer", count: int, seed: int, context: int = MAX_TOKENS
) -> Calibration:
    """Return `count` rows of a source, or all of them where it has fewer.

    Args:
        source: `own`, the hub's name of the data set, or the path of a JSONL file with `problem`
            and `solution` (or `messages`) in each row.
        tokenizer: the model's, with a chat template.
        count: how many rows.
        seed: which rows; the same seed chooses the same.
        context: the longest row, in tokens.

    Raises:
        InputError: the source cannot be read, a local row is empty or too long, or none is left.
    """
    limit = min(context, MAX_TOKENS)
    rows = from_hub() if source == HUB else list(from_file(_path(source)))
    random.Random(seed).shuffle(rows)
    kept: list[tuple[Row, tuple[int, ...]]] = []
    # A file's rows are all looked at: a fault in one that was not drawn is still the user's.
    for row in rows:
        if source == HUB and len(kept) == count:
            break
        ids = encoded(row, tokenizer)
        if LEAST_TOKENS <= len(ids) <= limit:
            kept.append((row, ids))
        elif source != HUB:
            raise InputError(
                f"{row.place}: the conversation has {len(ids)} tokens, not {LEAST_TOKENS} to "
                f"{limit}: shorten or remove it."
            )
    if not kept:
        raise InputError(f"{source} holds no conversation: give rows with problem and solution.")
    kept = kept[:count]
    return Calibration(source, seed, tuple(r for r, _ in kept), tuple(i for _, i in kept))


def encoded(row: Row, tokenizer: "PreTrainedTokenizer") -> tuple[int, ...]:
    """Return a row's token ids: question and answer in the model's chat template."""
    chat = [
        {"role": "user", "content": row.problem},
        {"role": "assistant", "content": as_kernel_writes(row.solution)},
    ]
    return tuple(tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False))


def as_kernel_writes(solution: str, config: Config | None = None) -> str:
    """Return a solution with each output block as the kernel would have written it."""
    config = config or Config()
    text, end = "", 0
    for match in _OUTPUT.finditer(solution):
        text += solution[end : match.start()].rstrip() + "\n"
        output = match[1][: config.max_output_chars]
        text += prompt.output_block(text, output, config.stop)
        end = match.end()
    return text + solution[end:].strip()


def from_file(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSONL file.

    Raises:
        InputError: it is not a file, a line is not a JSON object, or a text is missing or empty.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file: give CALIBRATION= a JSONL file, {HUB} or {OWN}.")
    try:
        for line in read_json_lines(path):
            yield _row(line.value, line.place)
    except FileError as error:
        raise InputError(str(error)) from None


def from_hub() -> list[Row]:
    """Return the training rows of NuminaMath-TIR.

    Raises:
        InputError: the hub cannot be reached and nothing is cached.
    """
    try:
        import datasets

        cells = datasets.load_dataset(HUB, split="train")
        return [_row(row, f"{HUB}, row {n}") for n, row in enumerate(cells)]
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{HUB} cannot be loaded ({reason}): name a local JSONL file with CALIBRATION=, or "
            f"CALIBRATION={OWN} for this package's own conversations."
        ) from None


def _row(cells: dict[str, Any], place: str) -> Row:
    texts: Sequence[object] = (cells.get("problem"), cells.get("solution"))
    turns = cells.get("messages")
    last = cast(list[object], turns)[-2:] if isinstance(turns, list) else []
    if not all(texts) and len(last) == 2:
        texts = [_content(turn) for turn in last]
    for name, text in zip(("problem", "solution"), texts, strict=True):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{place}: the {name} is empty: fill it in or remove the row.")
    return Row(str(texts[0]), str(texts[1]), place)


def _content(turn: object) -> object:
    return cast(dict[str, object], turn).get("content") if isinstance(turn, dict) else None


def _path(source: str) -> Path:
    return CONVERSATIONS if source == OWN else Path(source)
