"""The offline source: the families' problems, and those kept for testing.

Covers: which problems are drawn for training and for tests, so that no test problem's numbers are
trained on; their conversations. Does not cover: families (`families`), texts (`conversations`).

The problems kept for testing are the same whatever the set's kind, size and seed.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from training.data.conversations import SOURCE
from training.data.families.catalogue import families
from training.data.families.family import Family, FamilyProblem
from training.data.overlap import words

KNOWN_PROBLEMS = 260
HELD_OUT_PROBLEMS = 130
DRY_TURNS = 200
"""Turns in which no family had a new problem, after which there are no more."""


@dataclass(frozen=True)
class Reserve:
    """Problems that are never trained on."""

    known: tuple[FamilyProblem, ...]
    """Of families that are trained on, with other numbers."""
    held_out: tuple[FamilyProblem, ...]
    """Of families that are not."""

    @property
    def numbers(self) -> set[tuple[str, tuple[int | str, ...]]]:
        """What no problem for training may be drawn with."""
        return {(posed.family, posed.numbers) for posed in self.known}


def kept_problems() -> Reserve:
    """Return the problems kept for testing, families in turn."""
    return Reserve(
        tuple(itertools.islice(_turns(families(False), "test"), KNOWN_PROBLEMS)),
        tuple(itertools.islice(_turns(families(True), "test"), HELD_OUT_PROBLEMS)),
    )


def training_problems(
    count: int,
    seed: int,
    large: bool,
    kept: Reserve,
    is_clean: Callable[[str, str, str], bool] = lambda number, problem, source: True,
) -> list[FamilyProblem]:
    """Return problems for training, families in turn; fewer where families run dry.

    Args:
        count: how many.
        seed: decides the numbers.
        large: whether every other problem may have numbers too large to calculate by hand.
        kept: whose numbers are not drawn.
        is_clean: whether a problem, by id, text and source, may be used.
    """
    reserved = kept.numbers
    turns = (
        posed
        for posed in _turns(families(False), f"{seed}", large)
        if (posed.family, posed.numbers) not in reserved
        and is_clean(posed.id, posed.problem, SOURCE)
    )
    return list(itertools.islice(turns, count))


def _turns(chosen: list[Family], seed: str, large: bool = True) -> Iterator[FamilyProblem]:
    """Yield a new problem of each family in turn, until none has any."""
    seen: set[tuple[str, ...]] = set()
    dry = 0
    for turn in itertools.count():
        dry += 1
        for family in chosen:
            posed = family.pose(f"{seed}-{turn}", large and turn % 2 == 1)
            key = tuple(words(posed.problem))
            if key not in seen:
                seen.add(key)
                dry = 0
                yield posed
        if dry >= DRY_TURNS:
            return


def watched(kept: Reserve) -> list[FamilyProblem]:
    """Return a problem of each family, held out or not, for the loss that training watches."""
    first: dict[str, FamilyProblem] = {}
    for posed in (*kept.known, *kept.held_out):
        first.setdefault(posed.family, posed)
    return list(first.values())
