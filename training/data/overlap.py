"""Decontamination: training problems that are also in a validation set.

Covers: problems that share 13 words in a row with one in a set, and short ones with identical
words; which set, problem and words it was. Does not cover: the same problem in other words, for
which nobody has a reliable rule. Source of the 13: the decontamination of GPT-3's and later models'
training texts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common import problems as problem_files
from common.embedded_model import cache_folder
from common.problems import ProblemFileError, load_problems
from kernel.config import Config
from validation.runs.sets import KNOWN, SetError, load_set

WORDS = 13
DRY_RUN = Path(problem_files.__file__).with_name("problems.csv")
"""The dry run's ten problems, which every set is checked against."""
_WORD = re.compile(r"[a-z]+|\d+")

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Where else a problem occurs."""

    set: str
    id: str
    """Of the problem in that set."""
    words: str
    """What both have in common."""


def words(text: str) -> list[str]:
    """Return the words and numbers of a text, without case, signs and LaTeX's backslashes."""
    return _WORD.findall(text.lower())


def grams(text: str) -> set[Gram]:
    """Return each run of 13 words; a shorter text is one run."""
    found = words(text)
    if len(found) < WORDS:
        return {tuple(found)}
    return {tuple(found[i : i + WORDS]) for i in range(len(found) - WORDS + 1)}


class Overlap:
    """An index of sets' problems by their runs of words."""

    def __init__(self) -> None:
        self._index: dict[Gram, tuple[str, str]] = {}
        self.sets: dict[str, int] = {}
        """Problems by set."""

    def add(self, name: str, problems: Iterable[tuple[str, str]]) -> None:
        """Add a set's problems, each as id and text."""
        for number, text in problems:
            self.sets[name] = self.sets.get(name, 0) + 1
            for gram in grams(text):
                self._index.setdefault(gram, (name, number))

    def match(self, problem: str) -> Match | None:
        """Return where else a problem occurs, None if nowhere."""
        for gram in sorted(grams(problem)):
            if gram in self._index:
                return Match(*self._index[gram], " ".join(gram))
        return None


def overlap_with(names: Iterable[str]) -> tuple[Overlap, list[str]]:
    """Return the index of the dry run's problems and of sets, and the sets that are not here.

    Args:
        names: names or files of validation sets, which must be readable; for none, the named sets
            that have been downloaded.

    Raises:
        SetError: a set that was asked for cannot be read.
    """
    index, missing = Overlap(), list[str]()
    index.add("dry run", _texts(DRY_RUN))
    wanted = list(names)
    for name in wanted or KNOWN:
        if not wanted and not (cache_folder() / "sets" / f"{name}.parquet").is_file():
            missing.append(name)
        elif name in KNOWN:
            index.add(name, ((p.id, p.problem) for p in load_set(name, Config()).problems))
        else:
            index.add(Path(name).stem, _texts(Path(name)))
    return index, missing


def _texts(path: Path) -> list[tuple[str, str]]:
    """Return a file's problems; their truths do not matter here."""
    try:
        return [(row.id, row.problem) for row in load_problems(path, number_repeated=True)]
    except ProblemFileError as error:
        raise SetError(str(error)) from None
