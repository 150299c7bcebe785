"""Rows from the sources that have solutions: our families, files, sets on the hub.

Covers: how many rows each source gives, running the code of those that have a program, which rows
are held out for the validation loss. Does not cover: sampling solutions (`sampled`).
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from common.console import Progress
from kernel.config import Config
from kernel.protocols import Sandbox
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data import generator, sources
from training.data.conversations import SOURCE, in_words, with_code
from training.data.executions import run_steady
from training.data.families.catalogue import families
from training.data.families.family import FamilyProblem
from training.data.faults import Fault
from training.data.own_errors import own_errors
from training.data.rows import Row, Writing
from training.data.sources import Draft
from training.data.workplace import TrainingSet, Workplace

HELD_OUT_EVERY = 50
"""Of rows from elsewhere, one in this many is held out."""
BATCH = 256
"""Programs of a source that are run together."""


def gathered(place: Workplace) -> TrainingSet:
    """Return the rows of all sources, each with an equal part of those that are wanted.

    Raises:
        SourceError: a source cannot be read, or a row of a file is bad.
    """
    names, wanted = place.options.sources, place.options.rows
    built = TrainingSet([], [], [about(name) for name in names])
    with Progress(place.console) as show:
        for number, name in enumerate(names):
            part = wanted * (number + 1) // len(names) - wanted * number // len(names)
            if name == SOURCE:
                generated(place, part, built, show)
            else:
                read(place, name, part, built, show)
    return built


def about(name: str) -> dict[str, Any]:
    """Return what the card says of a source."""
    if name == SOURCE:
        return {"name": name, "licence": "that of this package", "from": "its own families"}
    if hub := sources.hub_of(name):
        return {"name": name, "licence": hub.licence, "from": hub.repository}
    return {"name": name, "licence": "its owner's", "from": "a file"}


def generated(place: Workplace, count: int, built: TrainingSet, show: Progress) -> None:
    """Add rows of our families, and the problems kept for testing."""
    kept, kind = generator.kept_problems(), place.options.kind
    problems = generator.training_problems(
        count, place.options.seed, kind == "tir", kept, place.sieve.is_clean
    )
    errors = None
    if place.options.errors_of:
        errors = own_errors(place, problems, counting(show, "Trying problems", len(problems)))
    done = conversed([*problems, *generator.watched(kept)], place, show, errors)
    built.rows += [row for row in done[: len(problems)] if place.sieve.passes(row)]
    built.held_out += done[len(problems) :]
    built.known, built.unseen = kept.known, kept.held_out
    built.about["families"] = {
        "trained": [family.name for family in families(False)],
        "held_out": [family.name for family in families(True)],
    }


def conversed(
    problems: list[FamilyProblem],
    place: Workplace,
    show: Progress,
    errors: Mapping[str, Fault] | None,
) -> list[Row]:
    """Return the problems' conversations, saying how far it is."""
    if place.options.kind == "cot":
        return [in_words(posed) for posed in problems]
    bare = replace(place.config, examples=())
    with ForkedSandbox(bare) as sandbox:
        progress = counting(show, "Running code", len(problems))
        return with_code(problems, sandbox, bare, progress, errors)


def read(place: Workplace, name: str, count: int, built: TrainingSet, show: Progress) -> None:
    """Add rows of a file or of a set of the hub, until there are enough or no more."""
    kept, config = list[Row](), replace(place.config, examples=())
    progress = counting(show, f"Reading {name}", count)
    with ForkedSandbox(config) as sandbox:
        drafts = (
            sources.draft(record, number, name, place.options.kind, config)
            for number, record in enumerate(sources.records(name, place.options.seed), start=1)
        )
        for row in executed(drafts, sandbox, config):
            if place.sieve.passes(row):
                kept.append(row)
                progress(len(kept))
            if len(kept) == count:
                break
    rows, held_out = parted(kept)
    built.rows += rows
    built.held_out += held_out


def parted(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows to train on, and those that are held out."""
    held_out = rows[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY] or rows[1:2]
    return [row for row in rows if row not in held_out], held_out


def executed(drafts: Iterable[Draft], sandbox: Sandbox, config: Config) -> Iterator[Row]:
    """Yield the drafts' rows, in order, their programs run."""
    left = iter(drafts)
    while batch := list(itertools.islice(left, BATCH)):
        programs = [[draft.program] for draft in batch if draft.program]
        outputs = iter([done[0].output for done in run_steady(programs, sandbox)])
        for draft in batch:
            yield run_row(draft, next(outputs), config) if draft.program else draft.row


def run_row(draft: Draft, output: str, config: Config) -> Row:
    """Return a draft as a conversation with its program and what that printed."""
    assert draft.program is not None
    writing = Writing(config)
    writing.say("We calculate step by step.")
    writing.ask(draft.program)
    writing.answer(output)
    number = output.strip().removesuffix(".0")
    writing.say(f"The answer is $\\boxed{{{number}}}$.")
    return replace(draft.row, solution=writing.text, outputs=writing.outputs)


def counting(show: Progress, stage: str, total: int) -> Callable[[int], None]:
    """Return what shows how far a stage is, with the time left."""
    start = time.monotonic()

    def progress(done: int) -> None:
        left = (time.monotonic() - start) / done * (total - done)
        # The share is part of the stage's name, so that it is seen in a log as well.
        share = f"{10 * done // total * 10}%"
        show(f"{stage}, {share}: {done} of {total}, about {left:.0f} s left")

    return progress
