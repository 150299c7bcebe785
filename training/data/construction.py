"""Makes a tool-integrated set from a model's own solutions to problems whose answers are known.

Covers: three rounds, in which problems that are still unsolved are sampled again, more often and at
a higher temperature; a file from which a killed run resumes; which candidates become rows; the
table of problems solved by round. Does not cover: sampling a problem (`sampling`), filters
(`filters`).
Source: the pipeline of NuminaMath's TIR set, in ToRA's style (rationale, program, output, repeat;
wrong answers discarded; three rounds).
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.files import json_lines
from common.problems import ProblemRow
from kernel.config import Config
from kernel.protocols import Engine, Sandbox
from training.data.rows import Row
from training.data.sampling import JudgedCandidate, sample, sample_of

ROUNDS = 3
FILE = "samples.jsonl"
MORE_SAMPLES = 2
"""Times as many candidates in each next round."""
HOTTER = 0.2
"""Added to the temperature in each next round."""
KEPT = 4
"""Most solutions kept of a problem, so that easy ones do not make up the set."""

Progress = Callable[[int, int, int, int], None]
"""Called with the round, its problems done, all of its problems, and those solved."""
Open = Callable[[Config], contextlib.AbstractContextManager[tuple[Engine, Sandbox]]]
"""Opens an engine that holds as many candidates as the configuration has."""


class ConstructionError(ValueError):
    """Samples of another run, which this one cannot resume; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class SampledProblem:
    """A problem's candidates of one round."""

    round: int
    problem: str
    samples: tuple[JudgedCandidate, ...]

    @property
    def solved(self) -> bool:
        """Whether a candidate is right and may be kept."""
        return any(usable(found) for found in self.samples)


def usable(found: JudgedCandidate) -> bool:
    """Whether a candidate may be kept: right, with code, and its last block worked."""
    return found.right and bool(found.failed) and not found.last_failed


def configured(config: Config, number: int) -> Config:
    """Return the settings of a round, counted from 1; `config` has those of the first.

    A seed that the clock would draw is 0: a set can be made again.
    """
    seed = 0 if isinstance(config.seed, str) else config.seed
    return replace(
        config,
        candidates=config.candidates * MORE_SAMPLES ** (number - 1),
        temperature=round(config.temperature + HOTTER * (number - 1), 3),
        seed=seed * ROUNDS + number,
    )


def construct(
    problems: Sequence[ProblemRow],
    config: Config,
    path: Path,
    about: Mapping[str, Any],
    opened: Open,
    at_once: int = 1,
    progress: Progress = lambda number, done, of, solved: None,
    rounds: int = ROUNDS,
) -> list[SampledProblem]:
    """Return all rounds' candidates, sampling what the file does not hold yet.

    Args:
        problems: each with its truth.
        config: of the first round; its profile's worked examples are shown to the model.
        path: gets each problem's candidates as a line as soon as they are there.
        about: what must be the same for the file to be resumed.
        opened: opens engine and sandbox; not called where nothing is left to do.
        at_once: problems solved side by side.
        progress: told how far a round is.
        rounds: how often a problem that is still unsolved is sampled.

    Raises:
        ConstructionError: the file holds another run's samples.
        ServerError: the engine is gone; what is sampled is in the file.
    """
    about = {**about, "problems": _digest(problems), "candidates": config.candidates}
    done = resumed(path, about)
    with contextlib.ExitStack() as stack:
        parts: tuple[Engine, Sandbox] | None = None
        for number in range(1, rounds + 1):
            left, total, before = _left(problems, done, number)
            if left and parts is None:
                parts = stack.enter_context(opened(configured(config, rounds)))
            if parts:
                settings = configured(config, number)
                for new in _sampled(left, settings, number, path, parts, at_once):
                    done.append(new)
                    before += 1
                    solved = sum(d.solved for d in done if d.round == number)
                    progress(number, before, total, solved)
    return done


def _left(
    problems: Sequence[ProblemRow], done: Sequence[SampledProblem], number: int
) -> tuple[list[ProblemRow], int, int]:
    """Return what a round still has to do, how many problems it has, and how many are done."""
    solved = {d.problem for d in done if d.round < number and d.solved}
    here = {d.problem for d in done if d.round == number}
    wanted = [row for row in problems if row.id not in solved]
    left = [row for row in wanted if row.id not in here]
    return left, len(wanted), len(wanted) - len(left)


def _sampled(
    left: list[ProblemRow],
    config: Config,
    number: int,
    path: Path,
    parts: tuple[Engine, Sandbox],
    at_once: int,
) -> Iterator[SampledProblem]:
    for row, samples in sample(left, config, *parts, at_once=at_once):
        with path.open("a", encoding="utf-8") as file:
            values = {"round": number, "problem": row.id}
            lines = [json.loads(found.line()) for found in samples]
            file.write(json.dumps({**values, "samples": lines}) + "\n")
        yield SampledProblem(number, row.id, tuple(samples))


def resumed(path: Path, about: Mapping[str, Any]) -> list[SampledProblem]:
    """Return what a file holds, and make the file ready for more.

    Raises:
        ConstructionError: it is a run with other problems, model or settings.
        FileError: it cannot be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [line for line in json_lines(path) if not line.fault] if path.is_file() else []
    if not lines:
        path.write_text(json.dumps({"run": about}) + "\n", "utf-8")
        return []
    before: Mapping[str, Any] = lines[0].value.get("run", {})
    for name, value in about.items():
        if before.get(name) != value:
            raise ConstructionError(
                f"{path} holds samples with {name} {before.get(name)}, not {value}: set OUT to "
                "another folder."
            )
    if not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")  # what was half written stays a line of its own
    return [
        SampledProblem(v["round"], v["problem"], tuple(map(sample_of, v["samples"])))
        for v in (line.value for line in lines[1:])
    ]


def rows_of(
    done: Sequence[SampledProblem], problems: Sequence[ProblemRow], source: str
) -> Iterator[Row]:
    """Yield each right candidate as a row, self-corrections first, for the filters to choose."""
    by_id = {row.id: row for row in problems}
    for part in done:
        problem = by_id[part.problem]
        right = [found for found in part.samples if found.right]
        for found in sorted(right, key=lambda s: (-s.recoveries, s.index)):
            yield Row(
                id=f"{problem.id}/{part.round}/{found.index}",
                problem=problem.problem,
                answer=problem.truth,
                solution=found.text,
                outputs=found.outputs,
                source=source,
                recoveries=found.recoveries,
                failures=found.failures,
            )


def at_most(count: int) -> Callable[[Row], bool]:
    """Return a filter that takes the rows of a problem beyond its first `count`."""
    seen: dict[str, int] = {}

    def check(row: Row) -> bool:
        seen[row.problem] = seen.get(row.problem, 0) + 1
        return seen[row.problem] > count

    return check


def table(done: Sequence[SampledProblem]) -> list[dict[str, Any]]:
    """Return for each round: problems, solved ones, candidates, right ones, self-corrections."""
    rounds: list[dict[str, Any]] = []
    for number in range(1, ROUNDS + 1):
        parts = [part for part in done if part.round == number]
        samples = [found for part in parts for found in part.samples]
        rounds.append(
            {
                "round": number,
                "problems": len(parts),
                "solved": sum(part.solved for part in parts),
                "candidates": len(samples),
                "right": sum(found.right for found in samples),
                "wrong": sum(not found.right for found in samples),
                "saw_an_error": sum(any(found.failed) for found in samples),
                "self_corrections": sum(found.right and found.recoveries > 0 for found in samples),
            }
        )
    return rounds


def _digest(problems: Sequence[ProblemRow]) -> str:
    text = json.dumps([(row.id, row.problem, row.truth) for row in problems])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
