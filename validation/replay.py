"""`make replay`: what a recorded run would have scored under other rules, without a GPU.

Covers: runs of `make validate` and `make dry-run`, transcripts of other programs, and files of
answers only; ten rules, or those of the given N and M. Does not cover: what candidates would have
written next: N and M can only fall.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import tyro
from rich.console import Console
from rich.table import Table

from kernel.config import Config
from kernel.report import write_json
from validation import statistics
from validation.runs.ballots import ballots
from validation.runs.records import Recording, RunError, check_there, read_run
from validation.runs.sets import SetError, load_set
from validation.runs.transcripts import answer_ballots, read_transcripts
from validation.scoring import SOLVE, rules, score

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Options:
    """Score a recorded run under other rules."""

    run: Path
    """A run's JSONL, or transcripts of another program (.jsonl, .jsonl.gz)."""
    n: int | None = None
    """Only the first N candidates of each problem."""
    m: int | None = None
    """Only the first M rounds of each candidate."""
    set: str = ""
    """A set's name or file, for the truths of a run that does not know them."""
    group: int = 48
    """Candidates a solve, where transcripts do not say."""
    out: Path = ROOT / "runs/replay"
    """Folder for the JSON with all figures."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(Options)
    try:
        frame, config = load(options)
    except (RunError, SetError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    rows = replay(frame, config)
    print_table(rows, frame)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{options.run.name.partition('.')[0]}.json"
    write_json(path, {"run": str(options.run), "n": options.n, "m": options.m, "rules": rows})
    print(f"figures  {path}")


def load(options: Options) -> tuple[pl.DataFrame, Config]:
    """Return the ballots that the options ask for, and the convention they were read by.

    Raises:
        RunError: the file is none that can be replayed, or N or M cannot be had.
        SetError: the set for the truths cannot be used.
    """
    if options.group < 1:
        raise RunError(f"GROUP is {options.group}: set it to at least 1.")
    run = recording(options.run, options.group)
    if run is None:
        config = Config()
        frame = answer_ballots(options.run, config, options.group)
        if options.m is not None:
            # A candidate that needed more rounds had boxed nothing when they were over.
            reached = pl.col("executions") < options.m
            frame = frame.with_columns(boxed=pl.when(reached).then("boxed"))
    else:
        config = run.config
        if options.set:
            known = load_set(options.set, config).problems
            run = run.with_truths({problem.id: problem.truth for problem in known})
        frame = ballots(run, options.m)
        if run.torn or run.unfinished:
            print(f"{options.run}: {run.torn} torn lines, {run.unfinished} unfinished problems.")
    return _first(frame, options), config


def _first(frame: pl.DataFrame, options: Options) -> pl.DataFrame:
    """Return the ballots of the first N candidates."""
    if options.n is None:
        return frame
    most = frame.select(pl.col("candidate").max() + 1).item()
    if not 1 <= options.n <= most:
        raise RunError(f"N is {options.n}, but {options.run} holds {most} candidates a problem.")
    return frame.filter(pl.col("candidate") < options.n)


def recording(path: Path, group: int) -> Recording | None:
    """Return a recorded run by what its first line is; None for a file of answers only."""
    check_there(path)
    if path.name.endswith(".gz"):
        return None
    with path.open("rb") as lines:
        try:
            first = json.loads(lines.readline())
        except ValueError:
            first = {}
    if "event" in first or "gold" not in first:
        return read_run(path)
    return read_transcripts(path, group) if "text" in first else None


def replay(frame: pl.DataFrame, config: Config) -> list[dict[str, Any]]:
    """Return each rule's figures; shares are of the solves whose truth is known."""
    most: int = frame.select(pl.col("candidate").max() + 1).item()
    baseline: pl.DataFrame | None = None
    found: list[dict[str, Any]] = []
    all_tokens = int(frame["tokens"].sum())
    for rule in rules(most):
        scored = score(frame, rule, config).sort(SOLVE)
        baseline = scored if baseline is None else baseline
        known = scored.drop_nulls("correct")
        right = int(known["correct"].sum())
        # Solves of one problem are no independent cases: as many count as there are problems.
        problems = known["problem"].n_unique()
        interval = statistics.wilson(right / max(1, len(known)) * problems, problems)
        found.append(
            {
                "rule": rule.name,
                "right": right,
                "solves": len(known),
                "accuracy": right / len(known) if len(known) else None,
                "interval": [interval.low, interval.high],
                "changed": int((scored["answer"] != baseline["answer"]).sum()),
                "tokens_heard": int(scored["tokens"].sum()) / all_tokens if all_tokens else None,
            }
        )
    return found


def print_table(rows: list[dict[str, Any]], frame: pl.DataFrame) -> None:
    """Print the rules side by side."""
    solves = frame.select(SOLVE).n_unique()
    print(f"{len(frame)} candidates in {solves} solves of {frame['problem'].n_unique()} problems")
    table = Table("rule", "right", "of", "accuracy", "95% interval", "answers changed", "tokens")
    for row in rows:
        low, high = row["interval"]
        unknown = row["accuracy"] is None
        table.add_row(
            row["rule"],
            str(row["right"]),
            str(row["solves"]),
            "" if unknown else f"{row['accuracy']:.1%}",
            "" if unknown else f"{low:.1%} to {high:.1%}",
            str(row["changed"]),
            "" if row["tokens_heard"] is None else f"{row['tokens_heard']:.0%}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
