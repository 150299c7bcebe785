"""`make replay`: what a recorded run would have scored under other rules, without a GPU.

Covers: runs of `make validate` and `make dry-run`, transcripts of other programs, and files of
answers only; ten rules, or those for the given N and M, and whether a rule's lead over the kernel's
own is more than luck, corrected for having tried ten. Does not cover: what candidates would have
written next: N and M can only be lowered, and extra candidates come from a run that has more than
N.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tyro
from rich.table import Table

from common.console import console, user_errors
from common.files import check_folder, json_lines, write_json
from kernel.config import Config
from validation import permutation, statistics
from validation.report import with_set
from validation.runs.ballots import ballots
from validation.runs.records import Recording, RunError, check_there, read_run
from validation.runs.transcripts import answer_ballots, read_transcripts
from validation.scoring import SOLVE, Rule, rules, score

ROOT = Path(__file__).resolve().parent.parent
SIGNIFICANCE = 0.05


@dataclass
class ReplayOptions:
    """Score a recorded run under other rules."""

    run: Path
    """A run's JSONL, or transcripts of another program (.jsonl, .jsonl.gz)."""
    n: int | None = None
    """Only the first N candidates of each problem."""
    m: int | None = None
    """Only the first M rounds of each candidate."""
    set: str = ""
    """A set's name or file, for the truths of a run that did not record them."""
    extra: int = 0
    """Of the recorded candidates beyond N (48 if not given), most that are heard where a vote is
    open; compared with N and with all."""
    extra_group: int = 24
    """Extra candidates that start together."""
    group: int | None = None
    """Candidates a solve, where transcripts do not say: 48, or N and EXTRA together."""
    out: Path = ROOT / "runs/replay"
    """Folder for the JSON with all figures."""


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ReplayOptions)
    with user_errors():
        check_folder(options.out)
        frame, config = load(options)
        rows = replay(frame, config, extra_rules(options))
        print_table(rows, frame)
        path = options.out / f"{options.run.name.partition('.')[0]}.json"
        write_json(path, {**_about(options), "rules": rows})
        print(f"figures  {path}")


def _about(options: ReplayOptions) -> dict[str, Any]:
    about = {"run": str(options.run), "n": options.n, "m": options.m}
    return {**about, "extra": options.extra} if options.extra else about


def extra_rules(options: ReplayOptions) -> list[Rule]:
    """Return the rules that are tried for extra candidates: N, and N with extras."""
    if not options.extra:
        return []
    first = first_candidates(options)
    most = first + options.extra
    return [
        Rule(f"N = {first}", candidates=first),
        Rule(
            f"N = {first} to {most}",
            candidates=first,
            extra=options.extra,
            group=options.extra_group,
        ),
    ]


def first_candidates(options: ReplayOptions) -> int:
    """Return N of a run with extra candidates: the kernel's own if not given."""
    return Config().candidates if options.n is None else options.n


def load(options: ReplayOptions) -> tuple[pl.DataFrame, Config]:
    """Return the ballots that the options ask for, and the convention they were read by.

    Raises:
        RunError: the file is none that can be replayed, or N or M cannot be had.
        SetError: the set for the truths cannot be used.
    """
    group = _group(options)
    run = recording(options.run, group)
    if run is None:
        config = Config()
        frame = answer_ballots(options.run, config, group)
        if options.m is not None:
            # A candidate that needed more rounds had boxed nothing when they were over.
            reached = pl.col("executions") < options.m
            frame = frame.with_columns(boxed=pl.when(reached).then("boxed"))
    else:
        run = with_set(run, options.set)
        config = run.config
        frame = ballots(run, options.m)
        if run.torn or run.unfinished:
            print(f"{options.run}: {run.torn} torn lines, {run.unfinished} unfinished problems.")
    return _first(frame, options), config


def _group(options: ReplayOptions) -> int:
    """Return the candidates of a solve.

    Raises:
        RunError: a number of candidates is none.
    """
    if options.extra < 0:
        raise RunError(f"EXTRA is {options.extra}: set it to 0 for none, or higher.")
    both = first_candidates(options) + options.extra
    group = options.group if options.group is not None else both if options.extra else 48
    for name, value in (("GROUP", group), ("EXTRA_GROUP", options.extra_group)):
        if value < 1:
            raise RunError(f"{name} is {value}: set it to at least 1.")
    return group


def _first(frame: pl.DataFrame, options: ReplayOptions) -> pl.DataFrame:
    """Return the ballots of the first N candidates, and of the extra ones."""
    if options.n is None and not options.extra:
        return frame
    most = frame.select(pl.col("candidate").max() + 1).item()
    wanted = first_candidates(options)
    if not 1 <= wanted <= most:
        raise RunError(f"N is {wanted}, but {options.run} holds {most} candidates a problem.")
    if wanted + options.extra > most:
        raise RunError(
            f"N = {wanted} and EXTRA = {options.extra} are {wanted + options.extra} candidates a "
            f"problem, but {options.run} holds {most}: lower one of them."
        )
    return frame.filter(pl.col("candidate") < wanted + options.extra)


def recording(path: Path, group: int) -> Recording | None:
    """Return a recorded run by what its first line is; None for a file of answers only.

    Raises:
        RunError, FileError: the file is none that can be read.
    """
    check_there(path)
    first = next(json_lines(path), None)
    row = (first.row if first else None) or {}
    if "event" in row or "gold" not in row:
        return read_run(path)
    return read_transcripts(path, group) if "text" in row else None


def replay(frame: pl.DataFrame, config: Config, more: Sequence[Rule] = ()) -> list[dict[str, Any]]:
    """Return each rule's figures, the ten's and those of `more`.

    Shares are means over the problems whose truth is known. `p` is that of `permutation.corrected`
    over all rules against the first, the kernel's own.
    """
    most: int = frame.select(pl.col("candidate").max() + 1).item()
    tried = [*rules(most), *more]
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
        return "No truth is known: name the set with SET=."
    found = [row for row in others if row["p"] < SIGNIFICANCE]
    tried = f"p is corrected for {len(others)} rules tried at once (maximum over random signs)"
    if not found:
        return f"No rule can be told from the kernel's own: {tried}."
    said = [
        f"{row['rule']} ({100 * (row['accuracy'] - kernel['accuracy']):+.1f} points)"
        for row in found
    ]
    return f"More than luck against the kernel's own: {', '.join(said)}; {tried}."


if __name__ == "__main__":
    main()
