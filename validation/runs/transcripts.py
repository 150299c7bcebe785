"""Transcripts of other programs as ballots and recorded candidates: one row per candidate.

Covers: JSONL, also gzipped, with `problem_id`, `gold` and either `text` (the whole transcript, code
and output blocks in it) or `answer` (what it boxed, no text). Rows of one problem are grouped in
file order into solves of `group` candidates, each with a seed of its own. Does not cover: times,
which such files lack, and token counts; where there are none, characters are counted instead.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl

from common.files import Line, read_json_lines
from kernel.answers import extraction
from kernel.answers.latex_integer import evaluate_integer
from kernel.config import Config
from kernel.records import ExecutionStatus, Finish
from validation.runs.ballots import SCHEMA
from validation.runs.records import (
    MOST,
    BlockRecord,
    CandidateRecord,
    Recording,
    Round,
    RunError,
    SolveRecord,
)

CHARACTERS_A_TOKEN = 3.5
"""Of mathematics and code, about."""
_OUTPUT = re.compile(r"```output[ \t]*\r?\n(.*?)\n?[ \t]*```", re.S)
_FENCE = "```output"
_FAILED = re.compile(r"^\s*(Traceback\b|[\w.]*(Error|Exception|Timeout)\b)", re.M | re.I)


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a transcript file, all of the kind that the first one is.

    Raises:
        RunError: the file holds none, or a line has not the columns needed.
        FileError: the file cannot be read, or a line is not a JSON object.
    """
    found: list[dict[str, Any]] = []
    wanted = ""
    for line in read_json_lines(path):
        wanted = wanted or ("text" if "text" in line.value else "answer")
        found.append(_row(line, wanted))
    if not found:
        raise RunError(f"{path} holds no transcripts.")
    return found


def _row(line: Line, wanted: str) -> dict[str, Any]:
    """Return a line's row with gold as an integer; `wanted` is the column that it must have."""
    row: dict[str, Any] = dict(line.value)
    if "problem_id" not in row or "gold" not in row:
        raise RunError(f"{line.place}: this is not a transcript with problem_id and gold.")
    if not isinstance(row["problem_id"], str | int):
        raise RunError(f"{line.place}: problem_id is neither text nor a number.")
    row["problem_id"] = str(row["problem_id"])
    row["gold"] = _gold(row["gold"])
    if row["gold"] is None:
        raise RunError(f"{line.place}: gold is not an integer.")
    if not isinstance(row.get(wanted), str):
        raise RunError(f"{line.place}: the {wanted} is missing or no text.")
    for name in ("generated_tokens", "output_tokens"):
        if name in row and not _are_counts(row[name]):
            raise RunError(f"{line.place}: {name} is not a list of counts.")
    return row


def _gold(value: Any) -> int | None:
    """Return a truth as an integer: 52, 52.0 or text such as "109,000"; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else evaluate_integer(value)


def _are_counts(values: Any) -> bool:
    """Tell whether a value is a list of token counts that a table can hold."""
    if not isinstance(values, list):
        return False
    return all(type(count) is int and 0 <= count < MOST for count in cast(list[Any], values))


def read_transcripts(path: Path, group: int) -> Recording:
    """Return the transcripts of a file with `text` as a recorded run."""
    grouped: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for seed, row in _seeded(rows(path), group):
        grouped[seed, row["problem_id"]].append(row)
    solved = tuple(_solved(problem, seed, members) for (seed, problem), members in grouped.items())
    return Recording(path, {"rounds": 1000}, {"event": "transcripts"}, solved)


def _seeded(all_rows: Sequence[dict[str, Any]], group: int) -> Iterator[tuple[int, dict[str, Any]]]:
    seen: Counter[str] = Counter()
    for row in all_rows:
        problem = row["problem_id"]
        yield seen[problem] // group, row
        seen[problem] += 1


def _solved(problem: str, seed: int, members: Sequence[Mapping[str, Any]]) -> SolveRecord:
    candidates = tuple(
        CandidateRecord(index, split_rounds(row["text"]), time=float(index))
        for index, row in enumerate(members)
    )
    text = str(members[0].get("problem", ""))
    return SolveRecord(problem, seed, text, members[0]["gold"], 0, None, 0.0, candidates)


def split_rounds(text: str) -> tuple[Round, ...]:
    """Return a transcript's rounds: each ends at an output fence, the last at the text's end."""
    found: list[Round] = []
    start = 0
    for match in _OUTPUT.finditer(text):
        written = text[start : match.start()] + _FENCE
        output = match[1]
        status = ExecutionStatus.RAISED if _FAILED.search(output) else ExecutionStatus.OK
        ran = BlockRecord(extraction.pending_code(written) or "", status, output, 0.0)
        found.append(Round(written, Finish.STOP, _tokens(written), ran=ran))
        start = match.end()
    if rest := text[start:]:
        found.append(Round(rest.removeprefix("\n"), Finish.END, _tokens(rest)))
    return tuple(found)


def _tokens(text: str) -> int:
    return round(len(text) / CHARACTERS_A_TOKEN)


def answer_ballots(path: Path, config: Config, group: int) -> pl.DataFrame:
    """Return the ballots of a file that has answers and token counts but no text."""
    return ballots_of_answers(rows(path), config, group)


def ballots_of_answers(
    all_rows: Sequence[dict[str, Any]], config: Config, group: int
) -> pl.DataFrame:
    """Return ballots from rows with problem_id, gold, answer and, if known, generated_tokens."""
    # Few answers differ: each is evaluated once.
    values = {answer: evaluate_integer(answer) for answer in {row["answer"] for row in all_rows}}
    seen: Counter[tuple[int, str]] = Counter()
    ballots: list[tuple[Any, ...]] = []
    for seed, row in _seeded(all_rows, group):
        problem, value = row["problem_id"], values[row["answer"]]
        index = seen[seed, problem]
        seen[seed, problem] += 1
        answer = None if value is None else extraction.to_answer(value, config)
        generated = row.get("generated_tokens") or [0]
        truth = extraction.to_answer(row["gold"], config)
        negative = value is not None and value < 0
        executions = len(generated) - 1
        ballots.append(
            (seed, problem, truth, index, index, answer, None, negative, executions, sum(generated))
        )
    return pl.DataFrame(ballots, schema=SCHEMA, orient="row")
