"""The model's own samples for KTO: its candidates on problems it was trained on, right or wrong.

Covers: the problems of a training set as a file, a run's candidates as conversations with the spans
that the kernel wrote, their labels, which of them are used and in what order. Does not cover:
sampling (`evaluation`), training on them (`kto`).
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import files
from kernel.answers.extraction import to_answer
from kernel.config import Config
from kernel.prompt import output_block
from kernel.records import StopReason
from training.rows import Row
from training.settings import TrainingError
from validation.runs.records import CandidateRecord, Recording

CUT_OFF = {StopReason.ENGINE_FAILED, StopReason.DECIDED, StopReason.DEADLINE, None}
"""Candidates that were ended from outside say nothing about the model."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion of the model, and whether its answer was the truth."""

    row: Row
    good: bool


def write_problems(train: Path, out: Path, most: int | None) -> Path:
    """Write the problems of a training set that have an answer, each once; return `out`.

    Raises:
        TrainingError: none has.
    """
    found: dict[str, str] = {}
    for line in files.read_json_lines(train):
        row = line.value
        if row.get("answer") is not None and row["problem"] not in found:
            cells = {name: row.get(name) for name in ("id", "problem", "answer")}
            found[row["problem"]] = json.dumps({**cells, "id": row.get("id") or str(len(found))})
    if not found:
        raise TrainingError(f"{train} has no row with an answer: KTO needs the truth.")
    files.write_text(out, "".join(line + "\n" for line in list(found.values())[:most]))
    return out


def labelled(run: Recording) -> list[Sample]:
    """Return the run's candidates that ended by themselves, with their labels."""
    config = run.config
    return [
        Sample(row_of(solved.text, candidate, config), candidate.answer == truth)
        for solved in run.solved
        if solved.truth is not None
        for truth in [to_answer(solved.truth, config)]
        for candidate in solved.candidates
        if candidate.stop not in CUT_OFF and candidate.tokens
    ]


def row_of(problem: str, candidate: CandidateRecord, config: Config) -> Row:
    """Return a candidate's text as the kernel had it, and the spans that the kernel wrote."""
    text, spans = "", list[tuple[int, int]]()
    for made in candidate.rounds:
        text += made.text
        if made.ran:
            block = output_block(text, made.ran.output, config.stop)
            spans.append((len(text), len(text) + len(block)))
            text += block
    return Row(problem, text, tuple(spans))


def chosen(samples: Sequence[Sample], most: int | None, seed: int) -> list[Sample]:
    """Return the samples to train on, good and bad spread evenly over the order.

    Of more than `most`, half are good and half bad where there are enough of each. A batch without
    good samples would tell only what to avoid.

    Raises:
        TrainingError: there is none of one kind.
    """
    mixed = list(samples)
    random.Random(seed).shuffle(mixed)
    good, bad = ([s for s in mixed if s.good is kind] for kind in (True, False))
    if not good or not bad:
        raise TrainingError(
            f"{len(good)} of {len(mixed)} samples are right: KTO needs right and wrong ones; use "
            "other problems, or another temperature."
        )
    if most is not None and most < len(mixed):
        of_good = max(min(len(good), most // 2), most - len(bad))
        good, bad = good[:of_good], bad[: most - of_good]
    return [sample for _, _, sample in sorted([*_placed(good), *_placed(bad)], key=_place)]


def _placed(samples: Sequence[Sample]) -> Iterator[tuple[float, bool, Sample]]:
    for number, sample in enumerate(samples):
        yield (number + 0.5) / len(samples), sample.good, sample


def _place(entry: tuple[float, bool, Sample]) -> tuple[float, bool]:
    return entry[:2]


def weights(good: int, bad: int) -> tuple[float, float]:
    """Return the weights of good and bad samples under which both kinds count the same.

    Source: K. Ethayarajh et al., KTO (2024), equation 8; the larger kind keeps the weight 1.
    """
    return (bad / good, 1.0) if good < bad else (1.0, good / bad)
