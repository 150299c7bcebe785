"""Validation sets: problems with known answers, by name or from a file, checked as they load.

Covers: the four internal sets of the winning team by name (downloaded once through `datasets`, kept
as Parquet in the cache), any local CSV, JSONL or Parquet file, and the checks that a run depends
on: the set's size, an id for each problem, a truth for each problem, truths in the set's range.
Does not cover: the file formats and the faults of single rows (`notebooks.problems`).

Some copies of these sets number each year's problems from 0, so an id stands there several times
with different problems. The repetitions become `7-2`, `7-3`: a seed and a vote belong to one id.
"""

import csv
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from kernel import extraction
from kernel.config import Config
from notebooks.embedded_model import cache_folder
from notebooks.problems import ProblemFileError, ProblemRow, load_problems


class SetError(ValueError):
    """A validation set that cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Known:
    """A published set, and what must hold of it."""

    repository: str
    """Name on the Hugging Face hub."""
    count: int
    lowest: int | None = None
    """Smallest truth possible; None where the source has no bound."""
    highest: int | None = None


KNOWN = {
    "amc": Known("AI-MO/aimo-validation-amc", 83),
    # An AIME answer is an integer from 0 to 999 by the contest's rules.
    "aime": Known("AI-MO/aimo-validation-aime", 90, 0, 999),
    "math4": Known("AI-MO/aimo-validation-math-level-4", 754),
    "math5": Known("AI-MO/aimo-validation-math-level-5", 721),
}


@dataclass(frozen=True, slots=True)
class TruthProblem:
    """A problem of a set, and its truth in the competition's convention."""

    id: str
    problem: str
    truth: int
    """As published."""
    answer: int | None
    """The truth as the vote would have to give it; None where the convention has no such answer."""


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """A checked set."""

    name: str
    problems: tuple[TruthProblem, ...]
    renumbered: int = 0
    """Ids that had to be made unique."""

    @property
    def unreachable(self) -> int:
        """Problems whose truth no answer of the competition can express."""
        return sum(problem.answer is None for problem in self.problems)


def load_set(name: str, config: Config) -> ProblemSet:
    """Return the set of this name, or the one in the file of this path.

    Raises:
        SetError: there is no such set or file, it cannot be fetched, or a check fails.
    """
    known = KNOWN.get(name)
    path = fetched(name, known) if known else Path(name)
    if not known and not path.is_file():
        raise SetError(f"{name} is neither a set ({', '.join(KNOWN)}) nor a file of problems.")
    return load_file(path, config, name if known else path.stem, known)


def load_file(path: Path, config: Config, name: str, known: Known | None = None) -> ProblemSet:
    """Return the set in a file, held to what is known of it.

    Raises:
        SetError: a row is bad or has no truth, or the set is not what it should be.
    """
    try:
        repeated = _repeated(path)
        rows = _load_renumbered(path) if repeated else load_problems(path)
    except ProblemFileError as error:
        raise SetError(str(error)) from None
    if known and len(rows) != known.count:
        raise SetError(f"{path} holds {len(rows)} problems, but {name} has {known.count}.")
    problems = tuple(_checked(row, n, path, config, known) for n, row in enumerate(rows, 1))
    return ProblemSet(name, problems, repeated)


def _checked(
    row: ProblemRow, number: int, path: Path, config: Config, known: Known | None
) -> TruthProblem:
    """Return the row with its truth in the convention that the votes go through too."""
    if row.truth is None:
        raise SetError(f"{path}, problem {number} (id {row.id!r}): the answer is missing.")
    low, high = (known.lowest, known.highest) if known else (None, None)
    if (low is not None and row.truth < low) or (high is not None and row.truth > high):
        raise SetError(
            f"{path}, problem {number} (id {row.id!r}): the answer {row.truth} is not from {low} "
            f"to {high}."
        )
    answer = extraction.to_answer(row.truth, config)
    return TruthProblem(row.id, row.problem, row.truth, answer)


# --- Ids that stand there several times ---


def _repeated(path: Path) -> int:
    """Return how many rows repeat an earlier id with another problem; 0 also for a bad file."""
    rows = _cells(path)
    ids = Counter(row["id"] for row in rows)
    # The same row twice is a fault that the loader shall name.
    distinct = len({(row["id"], row["problem"]) for row in rows})
    return len(rows) - len(ids) if distinct == len(rows) else 0


def _load_renumbered(path: Path) -> list[ProblemRow]:
    """Load a copy of the file in which each id stands once."""
    seen: Counter[str | None] = Counter()
    rows = _cells(path)
    taken = {row["id"] for row in rows}
    for row in rows:
        seen[row["id"]] += 1
        if (times := seen[row["id"]]) > 1:
            row["id"] = unique = f"{row['id']}-{times}"
            if unique in taken:
                raise SetError(f"{path}: the id {unique!r} is taken: give each problem its own id.")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "unique.parquet"
        pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String)).write_parquet(copy)
        try:
            return load_problems(copy)
        except ProblemFileError as error:
            raise ProblemFileError(str(error).replace(str(copy), str(path))) from None


_COLUMNS = ("id", "problem", "answer")


def _cells(path: Path) -> list[dict[str, str | None]]:
    """Return the three columns as text; [] for a file that the loader will refuse anyway."""
    try:
        rows = _READERS[path.suffix.lower()](path)
        return [
            {name: None if row.get(name) is None else str(row[name]) for name in _COLUMNS}
            for row in rows
        ]
    except (KeyError, AttributeError, OSError, ValueError, csv.Error, pl.exceptions.PolarsError):
        return []


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def _jsonl_rows(path: Path) -> list[dict[str, object]]:
    lines = path.read_text("utf-8-sig").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def _parquet_rows(path: Path) -> list[dict[str, object]]:
    return pl.read_parquet(path).to_dicts()


_READERS = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}


# --- Download ---


def fetched(name: str, known: Known) -> Path:
    """Return the set's Parquet file in the cache, downloading it the first time.

    Raises:
        SetError: it is not in the cache and cannot be downloaded.
    """
    path = cache_folder() / "sets" / f"{name}.parquet"
    if path.is_file():
        return path
    try:
        import datasets  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise SetError(
            f"{name} is downloaded with the package `datasets`, which is not installed: run "
            "`make setup`, or give the path of a file."
        ) from None
    print(f"Downloading {known.repository} ...", flush=True)
    try:
        frame: Any = datasets.load_dataset(known.repository, split="train").to_polars()
    except Exception as error:
        # The hub's client raises errors of half a dozen packages; all mean the same to the user.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SetError(
            f"{known.repository} cannot be downloaded ({reason[:200]}): try again online, or give "
            "the path of a file."
        ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    frame.write_parquet(scratch)
    scratch.replace(path)
    return path
