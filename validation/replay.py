"""`make replay`: what a recorded run would have scored under other rules, without a GPU.

Covers: runs of `make validate` and `make dry-run`, transcripts of other programs, and files of
answers only; ten rules, or those of the given N and M, and whether a rule's lead over the kernel's
own is more than luck, corrected for having tried ten. Does not cover: what candidates would have
written next: N and M can only fall.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tyro
from rich.table import Table

from common.console import console, user_errors
from common.files import json_lines, write_json
from kernel.config import Config
from validation import permutation, statistics
from validation.runs.ballots import ballots
from validation.runs.records import Recording, RunError, check_there, read_run
from validation.runs.sets import load_set
from validation.runs.transcripts import answer_ballots, read_transcripts
from validation.scoring import SOLVE, rules, score

ROOT = Path(__file__).resolve().parent.parent
SIGNIFICANCE = 0.05


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
    with user_errors():
        frame, config = load(options)
        rows = replay(frame, config)
        print_table(rows, frame)
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
    """Return a recorded run by what its first line is; None for a file of answers only.

    Raises:
        RunError, FileError: the file is none that can be read.
    """
    check_there(path)
    first = next(json_lines(path), None)
    row = first.value if first and isinstance(first.value, dict) else {}
    if "event" in row or "gold" not in row:
        return read_run(path)
    return read_transcripts(path, group) if "text" in row else None


def replay(frame: pl.DataFrame, config: Config) -> list[dict[str, Any]]:
    """Return each rule's figures; shares are means over the problems whose truth is known.

    `p` is that of `permutation.corrected` over all rules against the first, the kernel's own.
    """
    most: int = frame.select(pl.col("candidate").max() + 1).item()
    tried = rules(most)
    scores = [score(frame, rule, config).sort(SOLVE) for rule in tried]
    shares = np.array([_shares(scored)["correct"].to_list() for scored in scores])
    chances = permutation.corrected(shares[1:] - shares[0]) if shares.size else [None] * len(tried)
    tokens = int(frame["tokens"].sum())
    return [
        {"rule": rule.name, **_figures(scored, scores[0], tokens), "p": p}
        for rule, scored, p in zip(tried, scores, [None, *chances], strict=False)
    ]


def _shares(scored: pl.DataFrame) -> pl.DataFrame:
    """Return each problem's share of right solves, and how many solves it has."""
    known = scored.drop_nulls("correct").group_by("problem", maintain_order=True)
    return known.agg(pl.col("correct").mean(), solves=pl.len())


def _figures(scored: pl.DataFrame, kernel: pl.DataFrame, tokens: int) -> dict[str, Any]:
    """Return what a rule gives, beside what the kernel's own does."""
    known = scored.drop_nulls("correct")
    problems = _shares(scored)
    shares = problems["correct"].to_list()
    interval = statistics.over_problems(shares, problems["solves"].to_list())
    return {
        "right": int(known["correct"].sum()),
        "solves": len(known),
        "accuracy": sum(shares) / len(shares) if shares else None,
        "interval": [interval.low, interval.high],
        "changed": int((scored["answer"] != kernel["answer"]).sum()),
        "tokens_heard": int(scored["tokens"].sum()) / tokens if tokens else None,
    }


def print_table(rows: list[dict[str, Any]], frame: pl.DataFrame) -> None:
    """Print the rules side by side."""
    solves = frame.select(SOLVE).n_unique()
    print(f"{len(frame)} candidates in {solves} solves of {frame['problem'].n_unique()} problems")
    table = Table("rule", "right", "of", "accuracy", "95% interval", "changed", "tokens", "p")
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
            "" if row["p"] is None else f"{row['p']:.2g}",
        )
    console().print(table)
    print(verdict(rows))


def verdict(rows: list[dict[str, Any]]) -> str:
    """Say in one sentence which rules are more than luck."""
    kernel, *others = rows
    if kernel["accuracy"] is None:
        return "No truth is known: name the SET."
    found = [row for row in others if row["p"] < SIGNIFICANCE]
    tried = f"p counts that {len(others)} rules were tried at once (maximum over random signs)"
    if not found:
        return f"No rule can be told from the kernel's own: {tried}."
    said = [
        f"{row['rule']} ({100 * (row['accuracy'] - kernel['accuracy']):+.1f} points)"
        for row in found
    ]
    return f"More than luck against the kernel's own: {', '.join(said)}; {tried}."


if __name__ == "__main__":
    main()
