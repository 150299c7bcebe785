"""The dry run: the submission kernel answers a mock competition with a small model, on the CPU.

Covers: checking the problem file, laying out inputs as the platform does, running `kernel/` in a
process of its own against the mock API, and the table of results. Does not cover: the notebook, the
wheels and the platform's limits; those are the rehearsal's.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl
import tyro
from rich.table import Table
from rich.text import Text

from common import embedded_model, foreground
from common.console import console, user_errors
from common.files import FileError, check_folder, write_json
from common.problems import ProblemFileError, ProblemRow, load_problems
from kernel.answers import extraction
from kernel.config import Config
from notebooks.mock import scorer

ROOT = Path(__file__).resolve().parents[2]
INPUT = Path("input/competition")
"""Within a dry run's folder: the competition as mounted."""
RESERVE_SHARE = 0.05
"""Of the time limit; a run of minutes needs no quarter of an hour kept back."""
KERNEL = """
import json, sys
from kernel.config import ConfigError
from kernel.submission import NoVoteError, main
try:
    main(json.loads(sys.argv[1]))
except ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
except NoVoteError as error:
    print(error, file=sys.stderr)
    sys.exit({no_vote})
"""
"""What the kernel's process runs; what ends it is one sentence, and settings that cannot work exit
with 2."""
NO_VOTE = 3
"""The kernel's status where no answer is a vote: the results are shown all the same."""
STOP_SECONDS = 10.0
"""How long the kernel may take to end after Ctrl-C before it is killed."""


@dataclass
class DryRunOptions:
    """Answer a mock competition with a small model, on the CPU."""

    problems: Path = ROOT / "common/problems.csv"
    """CSV, JSONL or Parquet file with the columns id, problem and, if known, answer."""
    api: Literal["aimo1", "aimo2", "aimo3"] = "aimo1"
    """The competition's API to speak."""
    candidates: int = 8
    """Attempts at each problem."""
    minutes: float = 10.0
    """The time limit of the run, model loading included."""
    seed: int = 0
    """A different seed gives different attempts."""
    model: Path | None = None
    """The folder of a model that vLLM can load on this machine; the embedded model if not given."""
    out: Path = ROOT / "runs/dry-run"
    """Where submission, trace and summary go; replaced if it exists."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where the kernel failed."""
    options = tyro.cli(DryRunOptions)
    with user_errors(ProblemFileError):
        rows = load_problems(options.problems)
        _check_place(options.out)
    if options.candidates < 1 or options.minutes <= 0:
        print("CANDIDATES must be at least 1, and MINUTES above 0.", file=sys.stderr)
        sys.exit(2)
    print(f"{len(rows)} problems for {options.api}; starting the kernel ...", flush=True)
    model = (options.model or embedded_model.ensure()).resolve()
    out = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    _lay_out(rows, out)
    status = _run_kernel(options, len(rows), model, out)
    if status == 2:
        sys.exit(2)  # the kernel has said why
    if status == foreground.INTERRUPTED:
        print("Stopped.", file=sys.stderr)
        sys.exit(status)
    if status not in (0, NO_VOTE):
        print(f"The kernel ended with {status}: see {out / 'engine.log'}.", file=sys.stderr)
        sys.exit(1)
    _report(rows, out)
    if status == NO_VOTE:
        sys.exit(1)  # the kernel has said why


def _check_place(out: Path) -> None:
    """Refuse a folder that cannot be written, and one with files that no dry run made.

    Raises:
        FileError: with what to do.
    """
    check_folder(out)
    if out.is_dir() and any(out.iterdir()) and not (out / INPUT).is_dir():
        raise FileError(f"{out} holds files that no dry run made: set --out to another folder.")


def _lay_out(rows: list[ProblemRow], out: Path) -> None:
    """Write the competition's input folder, as mounted: the truths stay out of it."""
    folder = out / INPUT
    folder.mkdir(parents=True)
    columns = {"id": [row.id for row in rows], "problem": [row.problem for row in rows]}
    pl.DataFrame(columns).write_csv(folder / "test.csv")


def _run_kernel(options: DryRunOptions, problems: int, model: Path, out: Path) -> int:
    """Run `submission.main` in its own process with the mock API on the path; return its status."""
    settings = {
        "candidates": options.candidates,
        "seed": options.seed,
        "problems": problems,
        "limit_seconds": options.minutes * 60,
        "reserve_seconds": options.minutes * 60 * RESERVE_SHARE,
        "inputs": str(out / "input"),
        "model": str(model),
        "work": str(out),
    }
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "notebooks/mock" / options.api))),
        "MOCK_INPUT": str(out / INPUT),
        # Two busy libraries on two cores wait for each other; the engine sets its own threads.
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [sys.executable, "-c", KERNEL.format(no_vote=NO_VOTE), json.dumps(settings)]
    return foreground.run(command, out, env, STOP_SECONDS)


def _report(rows: list[ProblemRow], out: Path) -> None:
    """Print the table of results, and complete the summary with truths and score."""
    path = out / "summary.json"
    summary: dict[str, Any] = json.loads(path.read_text("utf-8"))
    by_id = {row["problem"]: row for row in summary["problems"]}
    # The truth goes through the same convention as the votes.
    convention = replace(Config(), modulus=summary["modulus"], max_answer=summary["max_answer"])
    submission = next(out.glob("submission.*"))
    asked = scorer.as_read(submission, [row.id for row in rows])
    for row, id_ in zip(rows, asked, strict=True):
        truth = None if row.truth is None else extraction.to_answer(row.truth, convention)
        by_id[str(id_)]["truth"] = truth
    results = [by_id[str(id_)] for id_ in asked]
    known = sum(row.truth is not None for row in rows)
    right = sum(map(_is_right, results))
    summary["score"] = {"right": right, "known": known}
    write_json(path, summary)
    console().print(_table(rows, results))
    print(f"submission  {submission}\ntrace       {out / 'trace.jsonl'}")
    print(f"score       {right} of {known} right")


def _is_right(result: Mapping[str, Any]) -> bool:
    return result["truth"] is not None and result["answer"] == result["truth"]


def _table(rows: Sequence[ProblemRow], results: Sequence[Mapping[str, Any]]) -> Table:
    """Return the results as a table, by the names that the problem file has."""
    table = Table("problem", "answer", "truth", "votes", "candidates", "tokens", "seconds")
    for row, result in zip(rows, results, strict=True):
        table.add_row(
            row.id,
            Text(str(result["answer"]), "green" if _is_right(result) else ""),
            "" if result["truth"] is None else str(result["truth"]),
            str(result["votes"]),
            str(result["candidates"]),
            str(result["tokens"]),
            f"{result['seconds']:.1f}",
        )
    return table


if __name__ == "__main__":
    main()
