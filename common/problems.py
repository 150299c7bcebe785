"""Load and check a file of problems: `id`, `problem`, and `answer` where it is known.

Covers: CSV (UTF-8, with or without byte-order mark), JSONL and Parquet, told apart by suffix; other
columns are ignored, including those without a name. Every fault is one sentence with the file and,
where it has lines, the line on which the row begins. Does not cover: whether an answer is within
the competition's range.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common.files import FileError, read_json_lines

_INTEGER = re.compile(r"[+-]?[0-9]+(\.0*)?", re.ASCII)
"""`142.0` too: a column with gaps comes out of pandas as floats."""
_FORMS: Mapping[str, tuple[type, ...]] = {"id": (str, int, float), "problem": (str,)}
"""What a cell of these columns may be."""


class ProblemFileError(FileError):
    """A problem file that cannot be used; the message is one sentence with file and line."""


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """One problem, and its true answer if the file gives one."""

    id: str
    problem: str
    truth: int | None
    place: str = field(default="", compare=False)
    """File and line, for who finds fault with it later."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A row as read: its cells by column, and its place in the file."""

    cells: Mapping[str, Any]
    place: str


def load_problems(path: Path, number_repeated: bool = False) -> list[ProblemRow]:
    """Return the problems of `path`, in its order.

    Args:
        path: the file.
        number_repeated: whether an id that appears again with another problem becomes `7-2`,
            `7-3` and so on, instead of being refused.

    Raises:
        ProblemFileError: the file is missing, broken or empty; a column is missing; an id stands
            twice; an id or a problem is empty; a truth is not an integer.
    """
    readers = {".csv": _csv_records, ".jsonl": _jsonl_records, ".parquet": _parquet_records}
    if path.suffix.lower() not in readers:
        raise ProblemFileError(f"{path} must end in one of {', '.join(readers)}.")
    if not path.is_file():
        raise ProblemFileError(f"{path} is not a file: give the path of a problem file.")
    rows = [_checked(record) for record in readers[path.suffix.lower()](path)]
    if not rows:
        raise ProblemFileError(f"{path} holds no problems.")
    if number_repeated:
        rows = _numbered(rows)
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise ProblemFileError(f"{row.place}: the id {row.id!r} appears twice.")
        seen.add(row.id)
    return rows


def _numbered(rows: Sequence[ProblemRow]) -> list[ProblemRow]:
    """Return the rows with repeated ids numbered; the same row again stays, as the fault it is."""
    taken = {row.id for row in rows}
    texts: set[tuple[str, str]] = set()
    times: Counter[str] = Counter()
    found: list[ProblemRow] = []
    for row in rows:
        if (row.id, row.problem) not in texts:
            texts.add((row.id, row.problem))
            times[row.id] += 1
            if times[row.id] > 1:
                unique = f"{row.id}-{times[row.id]}"
                if unique in taken:
                    raise ProblemFileError(
                        f"{row.place}: the id {row.id!r} is repeated and {unique!r} is taken: give "
                        "each problem its own id."
                    )
                row = replace(row, id=unique)
        found.append(row)
    return found


def _checked(record: _Record) -> ProblemRow:
    """Turn a record into a problem, or say what is wrong with it."""
    for column in ("id", "problem"):
        if column not in record.cells:
            raise ProblemFileError(f"{record.place}: the column {column!r} is missing.")
        cell = _decoded(record.cells[column], f"{record.place}: the {column}")
        if not _text(cell).strip():
            raise ProblemFileError(f"{record.place}: the {column} is empty.")
        if type(cell) not in _FORMS[column]:
            raise ProblemFileError(f"{record.place}: the {column} is {_kind(cell)}, not a text.")
    return ProblemRow(
        _text(_decoded(record.cells["id"])).strip(),
        _text(_decoded(record.cells["problem"])),
        _truth(_decoded(record.cells.get("answer"), f"{record.place}: the answer"), record.place),
        record.place,
    )


def _decoded(cell: Any, what: str = "") -> Any:
    """Return a cell, as text where it is binary: some programs write text so into Parquet.

    Raises:
        ProblemFileError: the bytes are not text; `what` begins the sentence.
    """
    if not isinstance(cell, bytes):
        return cell
    try:
        return cell.decode()
    except UnicodeDecodeError:
        raise ProblemFileError(f"{what} is binary and not UTF-8 text.") from None


def _kind(cell: Any) -> str:
    """Name what a cell holds, as whoever wrote the file would."""
    kinds = {"list": "a list", "dict": "an object", "bool": "a truth value"}
    return kinds.get(name := type(cell).__name__, f"of type {name}")


def _text(cell: Any) -> str:
    """Return a cell as text; "" for a gap, which is NaN in a column of floats."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell)


def _truth(cell: Any, place: str) -> int | None:
    """Return a truth as an exact integer; None for an empty cell."""
    text = _text(cell).strip()
    if not text or text.lower() == "nan":
        return None
    if isinstance(cell, bool) or not _INTEGER.fullmatch(text):
        raise ProblemFileError(f"{place}: the answer {_text(cell)[:40]!r} is not an integer.")
    try:
        return int(text.partition(".")[0])
    except ValueError:
        # Python refuses to read thousands of digits, since that takes quadratic time.
        raise ProblemFileError(f"{place}: the answer has too many digits to read.") from None


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ProblemFileError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProblemFileError(f"{path}, line {line}: this is not UTF-8 text.") from None


def _csv_records(path: Path) -> Iterator[_Record]:
    text = _text_of(path)
    # The module's default refuses a long problem; no cell is longer than the file.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            place, line = f"{path}, line {line}", reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = _checked_header([name.strip() for name in cells], place)
            elif len(cells) < len(header) or any(map(str.strip, cells[len(header) :])):
                raise ProblemFileError(f"{place}: {len(cells)} cells, not {len(header)}.")
            else:
                yield _Record(dict(zip(header, cells, strict=False)), place)
    except csv.Error as error:
        raise ProblemFileError(f"{path}, line {line}: this is not CSV: {error}.") from None


def _checked_header(header: list[str], place: str) -> list[str]:
    """Check the columns here, so that a file with nothing but a header is told of them too."""
    for column in ("id", "problem"):
        if column not in header:
            raise ProblemFileError(f"{place}: the column {column!r} is missing.")
    if doubled := {name for name in ("id", "problem", "answer") if header.count(name) > 1}:
        raise ProblemFileError(f"{place}: the column {min(doubled)!r} appears twice.")
    return header


def _jsonl_records(path: Path) -> Iterator[_Record]:
    try:
        for line in read_json_lines(path):
            yield _Record(line.value, line.place)
    except FileError as error:
        raise ProblemFileError(str(error)) from None


def _parquet_records(path: Path) -> Iterator[_Record]:
    import polars as pl  # only here, so that the room needs nothing

    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ProblemFileError(f"{path} is not Parquet: {reason}.") from None
    _checked_header(frame.columns, str(path))
    for number, cells in enumerate(frame.iter_rows(named=True), start=1):
        yield _Record(cells, f"{path}, row {number}")
