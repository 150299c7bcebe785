"""Validation sets: problems with known answers, by name or from a file, checked as they load.

Covers: the four internal sets of the winning team and later years of AIME by name (downloaded once
through `datasets`, kept as Parquet in the cache), the ten reference problems of AIMO-2 and AIMO-3
from the competitions' own files (through Kaggle's client, with your account), any local CSV, JSONL
or Parquet file; the convention that a set's answers follow; and the checks that a run depends on:
the set's size, an id for each problem, a truth for each problem, truths in the set's range. Does
not cover: the file formats and the faults of single rows (`common.problems`).

Some copies of these sets number each year's problems from 0, so an id appears several times with
different problems. The repetitions become `7-2`, `7-3`, since a seed and a vote belong to one id.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from common.embedded_model import cache_folder
from common.files import FileError, whole
from common.problems import ProblemFileError, ProblemRow, load_problems
from kernel.answers import extraction
from kernel.competition import COMPETITIONS
from kernel.config import Config

CLIENT = (sys.executable, "-P", "-c", "from kaggle.cli import main; main()")
"""Kaggle's own client; `-P` keeps names of the folder it runs in from hiding its own."""


class SetError(FileError):
    """A validation set that cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A published set, and what must hold of it."""

    repository: str
    """Name on the Hugging Face hub, or of the competition on Kaggle."""
    count: int
    lowest: int | None = None
    """Smallest truth possible; None where the source has no bound."""
    highest: int | None = None
    split: str = "train"
    """Of the hub's data set."""
    id_column: str = "id"
    """What it calls the problems' ids."""
    competition: str = ""
    """Whose own problems these are, and whose convention therefore holds; "" for nobody's."""


INTERNAL = {
    "amc": KnownSet("AI-MO/aimo-validation-amc", 83),
    # An AIME answer is an integer from 0 to 999 by the contest's rules.
    "aime": KnownSet("AI-MO/aimo-validation-aime", 90, 0, 999),
    "math4": KnownSet("AI-MO/aimo-validation-math-level-4", 754),
    "math5": KnownSet("AI-MO/aimo-validation-math-level-5", 721),
}
LATER = {
    "aime25": KnownSet("math-ai/aime25", 30, 0, 999, split="test"),
    "aime26": KnownSet("MathArena/aime_2026", 30, 0, 999, id_column="problem_idx"),
}
PRIZE = "ai-mathematical-olympiad-progress-prize-"
REFERENCE = {
    "aimo2": KnownSet(f"{PRIZE}2", 10, 0, 999, competition="AIMO-2"),
    "aimo3": KnownSet(f"{PRIZE}3", 10, 0, 99_999, competition="AIMO-3"),
}
KNOWN = {**INTERNAL, **LATER, **REFERENCE}
REFERENCE_FILE = "reference.csv"
"""What both competitions call their file of problems with answers."""
CompetitionName = Literal["AIMO-1", "AIMO-2", "AIMO-3"]


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
        raise SetError(
            f"{name} is neither a set ({', '.join(INTERNAL)}), one of later years "
            f"({', '.join(LATER)}) or of a competition's own problems ({', '.join(REFERENCE)}), "
            "nor a file of problems."
        )
    try:
        return load_file(path, config, name if known else path.stem, known)
    except SetError as error:
        if known:
            # What was downloaded is not what was published: the next try downloads it again.
            path.unlink()
            raise SetError(str(error).replace(str(path), known.repository)) from None
        raise


def load_file(path: Path, config: Config, name: str, known: KnownSet | None = None) -> ProblemSet:
    """Return the set in a file, held to what is known of it.

    Raises:
        SetError: a row is bad or has no truth, or the set is not what it should be.
    """
    try:
        rows = load_problems(path, number_repeated=True)
    except ProblemFileError as error:
        raise SetError(str(error)) from None
    if known and len(rows) != known.count:
        raise SetError(f"{path} holds {len(rows)} problems, but {name} has {known.count}.")
    return ProblemSet(name, tuple(_checked(row, config, known) for row in rows))


def _checked(row: ProblemRow, config: Config, known: KnownSet | None) -> TruthProblem:
    """Return the row with its truth in the convention that the votes go through too."""
    place = f"{row.place} (id {row.id!r})"
    if row.truth is None:
        raise SetError(f"{place}: the answer is missing.")
    low, high = (known.lowest, known.highest) if known else (None, None)
    if (low is not None and row.truth < low) or (high is not None and row.truth > high):
        raise SetError(f"{place}: the answer {row.truth} is not from {low} to {high}.")
    answer = extraction.to_answer(row.truth, config)
    return TruthProblem(row.id, row.problem, row.truth, answer)


def convention(competition: str) -> dict[str, int | None]:
    """Return the settings that say what a competition takes for an answer."""
    found = next(each.convention for each in COMPETITIONS if each.name == competition)
    return {"modulus": found.modulus, "max_answer": found.max_answer}


def in_convention(config: Config, name: str, competition: str | None = None) -> Config:
    """Return the settings with the convention of a set, or of the competition that is named.

    Raises:
        SetError: the set is another competition's own.
    """
    own = KNOWN[name].competition if name in KNOWN else ""
    if own and competition and convention(own) != convention(competition):
        raise SetError(f"{name} has the answers of {own}, not of {competition}: leave COMPETITION.")
    wanted = own or competition
    return config.updated(convention(wanted)) if wanted else config


# --- Download ---


def fetched(name: str, known: KnownSet) -> Path:
    """Return the set's Parquet file in the cache, downloading it the first time.

    Raises:
        SetError: it is not in the cache and cannot be downloaded.
    """
    path = cache_folder() / "sets" / f"{name}.parquet"
    if path.is_file():
        return path
    print(f"Downloading {known.repository} ...", flush=True)
    frame = _reference(known) if known.competition else _from_hub(name, known)
    with whole(path) as scratch:
        frame.write_parquet(scratch)
    return path


def _reference(known: KnownSet) -> pl.DataFrame:
    """Return the problems in a competition's own file, fetched by Kaggle's client."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / REFERENCE_FILE
        command = (*CLIENT, "competitions", "download", known.repository, "-f", path.name)
        done = subprocess.run((*command, "-p", folder, "-q"), capture_output=True, text=True)
        if not path.is_file() and (packed := path.with_name(f"{path.name}.zip")).is_file():
            shutil.unpack_archive(packed, folder)
        if not path.is_file():
            raise SetError(
                f"{REFERENCE_FILE} of {known.repository} cannot be downloaded "
                f"({_said(done.stdout + done.stderr)}): join the competition with the account of "
                "your Kaggle credential, or give the path of that file."
            )
        return pl.read_csv(path, infer_schema_length=0)


def _said(text: str) -> str:
    """Return the client's reason."""
    if "Authentication required" in text:
        return "there is no Kaggle credential"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200].rstrip(".") if lines else "Kaggle's client says nothing"


def _from_hub(name: str, known: KnownSet) -> pl.DataFrame:
    """Return a set of the Hugging Face hub."""
    try:
        import datasets
    except ImportError:
        raise SetError(
            f"{name} is downloaded with the package `datasets`, which is not installed: run "
            "`make setup`, or give the path of a file."
        ) from None
    try:
        frame = datasets.load_dataset(known.repository, split=known.split).to_polars()
    except Exception as error:
        # The hub's client raises errors of half a dozen packages; all mean the same to the user.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SetError(
            f"{known.repository} cannot be downloaded ({reason[:200]}): try again online, or give "
            "the path of a file."
        ) from None
    return frame.rename({known.id_column: "id"})
