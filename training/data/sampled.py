"""Rows sampled from a model: `make dataset FROM=problems.jsonl`.

Covers: progress with the time left, the table of problems solved in each round. Does not cover: the
rounds (`construction`), judging (`sampling`).
"""

import time
from dataclasses import replace
from typing import Any

from rich.table import Table

from common.console import duration
from common.problems import ProblemRow
from training.data import construction
from training.data.construction import SampledProblem
from training.data.filters import NO_INTEGER
from training.data.gathering import parted
from training.data.rows import Row
from training.data.sources import problems_of
from training.data.workplace import TrainingSet, Workplace, sampled_candidates

SOURCE = "sampled"
TOO_MANY = "more than enough of one problem"


def sampled(place: Workplace) -> TrainingSet:
    """Return the rows that are kept of a model's candidates.

    Raises:
        SourceError: the problems cannot be read, or one is bad.
        ConstructionError: the folder holds another run's samples.
        ServerError: the engine is gone; what was sampled is saved.
    """
    options = place.options
    assert options.problems is not None
    problems = [row for row in problems_of(options.problems) if _is_wanted(place, row)]
    config = replace(place.config, candidates=options.samples, seed=options.seed)
    if options.temperature is not None:
        config = replace(config, temperature=options.temperature)
    path = place.out / construction.FILE
    about = {"model": place.model.name, "seed": options.seed, "temperature": config.temperature}
    parts = problems, config, path, about
    done = sampled_candidates(place, place.model, *parts, _progress(place))
    return _built(place, done, problems)


def _is_wanted(place: Workplace, row: ProblemRow) -> bool:
    """Whether to sample a problem: its truth is an integer, and no validation set has it."""
    if row.truth is None:
        place.sieve.take(NO_INTEGER, SOURCE)
        return False
    return place.sieve.is_clean(row.id, row.problem, SOURCE)


def _progress(place: Workplace) -> construction.Progress:
    """Return what says how far a round is."""
    begun: dict[int, tuple[float, int]] = {}

    def progress(number: int, done: int, of: int, solved: int) -> None:
        start, before = begun.setdefault(number, (time.monotonic(), done - 1))
        left = (time.monotonic() - start) / (done - before) * (of - done)
        place.console.print(
            f"Round {number}: {done} of {of} problems, {solved} solved, about "
            f"{duration(left)} left",
            soft_wrap=True,
        )

    return progress


def _built(place: Workplace, done: list[SampledProblem], problems: list[ProblemRow]) -> TrainingSet:
    """Return the rows that pass the filters, and what the card says of the rounds."""
    too_many = construction.at_most(construction.KEPT)
    rows: list[Row] = []
    for row in construction.rows_of(done, problems, SOURCE):
        if not place.sieve.passes(row):
            continue
        if too_many(row):
            place.sieve.taken[TOO_MANY] += 1
        else:
            rows.append(row)
    rounds = construction.table(done)
    _print_rounds(place, rounds)
    source = {"name": SOURCE, "licence": "its owner's", "from": place.model.name}
    kept, held_out = parted(rows)
    return TrainingSet(kept[: place.options.rows], held_out, [source], about={"rounds": rounds})


def _print_rounds(place: Workplace, rounds: list[dict[str, Any]]) -> None:
    table = Table(*[name.replace("_", " ") for name in rounds[0]], box=None)
    for values in rounds:
        table.add_row(*map(str, values.values()))
    place.console.print(table)
