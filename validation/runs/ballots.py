"""Ballots: one row per candidate, with what it boxed and printed, for scoring with polars.

Covers: reading a recorded candidate again through the kernel's own pure steps, under today's
extraction rules and for fewer rounds than were run. Does not cover: counting (`scoring`).

Token ids are not recorded, so the record is trusted on whether a candidate had filled its context;
and rounds that were never run cannot be made up, so M can only be lowered.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import polars as pl

from kernel import sc_tir
from kernel.answers import extraction
from kernel.config import Config
from kernel.records import Candidate, Completion, Execution, StopReason
from validation.runs.records import CandidateRecord, Recording, RunError, SolveRecord

SCHEMA: dict[str, Any] = {
    "seed": pl.Int64,
    "problem": pl.String,
    "truth": pl.Int64,
    "candidate": pl.Int64,
    "order": pl.Int64,
    "boxed": pl.Int64,
    "printed": pl.Int64,
    "negative": pl.Boolean,
    "executions": pl.Int64,
    "tokens": pl.Int64,
}
"""Answers and truths are the competition's; `order` is by when the candidate stopped; `negative`
says that the integer boxed was below 0 before the convention."""

ENDLESS = 1 << 30
"""A context that never fills up: where it did is known from the record."""


def ballots(run: Recording, rounds: int | None = None) -> pl.DataFrame:
    """Return the ballots of a run, read as if there had been `rounds` rounds.

    Raises:
        RunError: the run had fewer rounds, or no problem is finished.
    """
    config = run.config
    if rounds is not None and not 1 <= rounds <= config.rounds:
        raise RunError(
            f"M is {rounds}, but {run.path} was recorded with {config.rounds} rounds: fewer can be "
            "replayed, others must be run."
        )
    if not run.solved:
        raise RunError(f"{run.path} holds no finished problem.")
    config = replace(config, max_context=ENDLESS, rounds=rounds or config.rounds)
    rows = [row for solved in run.solved for row in _rows(solved, config)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _rows(solved: SolveRecord, config: Config) -> Iterable[tuple[Any, ...]]:
    truth = None if solved.truth is None else extraction.to_answer(solved.truth, config)
    ordered = sorted(solved.candidates, key=lambda c: (c.time, c.index))
    for order, recorded in enumerate(ordered):
        candidate = read_again(recorded, config)
        value = None
        if candidate.stop is not StopReason.DECIDED:
            value = extraction.extract_answer(candidate.text)
        yield (
            solved.seed,
            solved.problem,
            truth,
            recorded.index,
            order,
            None if value is None else extraction.to_answer(value, config),
            candidate.printed,
            value is not None and value < 0,
            candidate.executions,
            candidate.generated_tokens,
        )


def read_again(recorded: CandidateRecord, config: Config) -> Candidate:
    """Return the candidate as the kernel's steps make it of the recorded rounds."""
    candidate = Candidate(recorded.index, ())
    for made in recorded.rounds:
        completion = Completion("", made.text, (), made.finish, made.tokens)
        candidate = sc_tir.after_generation(candidate, completion, config)
        if candidate.stop is not None or made.ran is None:
            break
        execution = Execution("", made.ran.status, made.ran.output, made.ran.seconds)
        candidate = sc_tir.after_execution(candidate, execution, lambda _: (), config)
        if candidate.stop is not None:
            break
    if candidate.running:
        reason = recorded.stop or StopReason.NO_ANSWER
        candidate = sc_tir.stopped(candidate, reason, config)
    return candidate
