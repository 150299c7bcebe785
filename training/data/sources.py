"""Other people's problems with solutions: files, and sets on the Hugging Face hub.

Covers: JSONL and Parquet with `problem` and `solution` (or `messages`, or GSM8K's `question` and
`answer`), the three sets that are known by name, each fault in a row of a file with its line. Does
not cover: problems from our own families (`generator`), filters, and running code.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl

from common.files import FileError, read_json_lines
from common.problems import ProblemRow
from kernel.answers import extraction
from kernel.config import Config
from training.data.calculator_notes import worked
from training.data.dialect import as_kernel_writes
from training.data.rows import Row

_INTEGER = re.compile(r"[+-]?\d{1,18}(?:\.0*)?")


class SourceError(ValueError):
    """A source that cannot be read; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A set of the hub."""

    repository: str
    licence: str
    configuration: str | None = None


HUB = {
    "numina-cot": Hub("AI-MO/NuminaMath-CoT", "Apache-2.0"),
    "numina-tir": Hub("AI-MO/NuminaMath-TIR", "Apache-2.0"),
    "gsm8k": Hub("openai/gsm8k", "MIT", "main"),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it was read."""

    cells: Mapping[str, Any]
    place: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A row whose program, if it has one, has not run yet."""

    row: Row
    program: str | None = None


def hub_of(name: str) -> Hub | None:
    """Return the hub's set of this name, short or in full."""
    return HUB.get(name) or next((hub for hub in HUB.values() if hub.repository == name), None)


def records(name: str, seed: int) -> Iterator[Record]:
    """Yield a source's rows in an order that the seed decides.

    Raises:
        SourceError: there is no such file, or the hub cannot be reached.
    """
    if hub := hub_of(name):
        yield from _from_hub(hub, seed)
        return
    found = list(file_records(Path(name)))
    random.Random(seed).shuffle(found)
    yield from found


def file_records(path: Path) -> Iterator[Record]:
    """Yield a file's rows in its order.

    Raises:
        SourceError: it is not a JSONL or Parquet file, or cannot be read.
    """
    if path.suffix.lower() not in (".jsonl", ".parquet") or not path.is_file():
        names = ", ".join(["generator", *HUB])
        raise SourceError(f"{path} is neither a JSONL or Parquet file nor one of {names}.")
    try:
        if path.suffix.lower() == ".jsonl":
            for line in read_json_lines(path):
                yield Record(line.value, line.place)
            return
        for number, cells in enumerate(pl.read_parquet(path).iter_rows(named=True), start=1):
            yield Record(cells, f"{path}, row {number}")
    except FileError as error:
        raise SourceError(str(error)) from None
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"{path} is not Parquet: {str(error).splitlines()[0]}.") from None


def _from_hub(hub: Hub, seed: int) -> Iterator[Record]:
    try:
        import datasets

        loaded = datasets.load_dataset(hub.repository, hub.configuration, split="train")
        for number, row in enumerate(loaded.shuffle(seed=seed), start=1):
            yield Record(row, f"{hub.repository}, row {number}")
    except Exception as error:
        # The hub's client raises errors of half a dozen packages; all mean the same to the user.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SourceError(
            f"{hub.repository} cannot be loaded ({reason[:200]}): try again online, or set SOURCE "
            "to a JSONL or Parquet file, or to generator, which needs no network."
        ) from None


def draft(record: Record, number: int, source: str, kind: str, config: Config) -> Draft:
    """Return a row of a training set made of a source's row.

    Raises:
        SourceError: it has no problem, no solution, or no answer.
    """
    cells = record.cells
    turns = _turns(cells)
    problem = _text(cells.get("problem") or cells.get("question") or turns[0])
    solution = _text(cells.get("solution") or turns[1])
    notes = "question" in cells and not solution
    solution = _text(cells.get("answer")) if notes else solution
    for what, text in (("problem", problem), ("solution", solution)):
        if not text.strip():
            raise SourceError(
                f"{record.place}: the {what} is missing: add it or leave the row out."
            )
    name = _text(cells.get("id")) or f"{Path(source).stem}-{number}"
    if notes:
        return _noted(name, problem, solution, source, kind)
    written = as_kernel_writes(solution, config)
    row = Row(
        id=name,
        problem=problem,
        answer=_truth(record, written.text),
        solution=written.text,
        outputs=written.outputs,
        source=source,
        recoveries=written.recoveries,
        failures=written.failures,
    )
    return Draft(row)


def _noted(name: str, problem: str, solution: str, source: str, kind: str) -> Draft:
    """Return a row of GSM8K: in words, or with its notes as the program to run."""
    parts = worked(solution)
    boxed = "" if parts.answer is None else f"\nThe answer is $\\boxed{{{parts.answer}}}$."
    row = Row(name, problem, parts.answer, parts.words + boxed, (), source)
    return Draft(row, parts.program if kind == "tir" else None)


def _truth(record: Record, solution: str) -> int | None:
    """Return the truth: the answer's cell, else what the solution boxes.

    None where it is not an integer; a filter counts those.
    """
    if "answer" not in record.cells:
        if extraction.find_boxed(solution) is None:
            raise SourceError(f"{record.place}: the answer is missing: add it, or box it.")
        return extraction.extract_answer(solution)
    cell = _text(record.cells["answer"]).strip()
    if not cell:
        raise SourceError(f"{record.place}: the answer is missing: add it or drop the row.")
    return int(cell.partition(".")[0]) if _INTEGER.fullmatch(cell) else _boxed(cell)


def _boxed(answer: str) -> int | None:
    return extraction.extract_answer(f"\\boxed{{{answer}}}")


def _turns(cells: Mapping[str, Any]) -> Sequence[str]:
    """Return the first question of a conversation and its answer."""
    found: dict[str, str] = {}
    turns = cells.get("messages")
    for turn in cast(list[Any], turns) if isinstance(turns, list) else []:
        if isinstance(turn, Mapping):
            values = cast(Mapping[str, Any], turn)
            found.setdefault(_text(values.get("role")), _text(values.get("content")))
    return found.get("user", ""), found.get("assistant", "")


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def problems_of(path: Path) -> list[ProblemRow]:
    """Return the problems of a file whose solutions are to be sampled.

    A truth that is not an integer is None.

    Raises:
        SourceError: a row has no problem or no answer, or an id appears twice.
    """
    found: dict[str, ProblemRow] = {}
    for number, record in enumerate(file_records(path), start=1):
        for name in ("problem", "answer"):
            if not _text(record.cells.get(name)).strip():
                raise SourceError(f"{record.place}: the {name} is missing: add it.")
        key = _text(record.cells.get("id")) or f"{path.stem}-{number}"
        if key in found:
            raise SourceError(f"{record.place}: the id {key!r} appears twice.")
        truth = _truth(record, "")
        found[key] = ProblemRow(key, _text(record.cells["problem"]), truth, record.place)
    if not found:
        raise SourceError(f"{path} holds no problems.")
    return list(found.values())
