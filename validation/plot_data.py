"""What the plots of recorded runs show, as numbers.

Covers: loading runs of any kind (`make validate`, `make dry-run`, transcripts, answers only), maj@k
curves with their bands, accuracy, agreement against correctness, what early stopping saves. Does
not cover: drawing (`plots`), the report on one run (`report`).

Every interval treats the solves of one problem with several seeds as one case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from kernel.config import Config
from kernel.records import StopReason
from validation import statistics
from validation.replay import ReplayOptions, load, recording
from validation.report import with_set
from validation.runs.ballots import ballots
from validation.runs.records import Recording, RunError
from validation.scoring import Rule, score
from validation.statistics import Floats, Interval

AGREEMENT = (0.0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0)
"""Ends of the classes of agreement: sixths, so that 20 of 48 lies inside of one."""


@dataclass(frozen=True, slots=True)
class PlotRun:
    """A run ready to be plotted."""

    name: str
    set: str
    config: Config
    frame: pl.DataFrame
    """Its ballots."""
    seconds: tuple[float, ...] = ()
    """Of each solve; () where the file has no times."""
    whole: bool = True
    """Whether every candidate ran to its own end; else maj@k and savings are unknown."""

    @property
    def scored(self) -> pl.DataFrame:
        """A row for each solve with a known truth, under the kernel's own rule."""
        return score(self.frame, Rule("kernel"), self.config).drop_nulls("correct")


def load_run(path: Path, set_name: str = "", group: int = 48) -> PlotRun:
    """Return a run from its file.

    Raises:
        RunError: the file is none that can be read.
        SetError: the set for the truths cannot be used.
    """
    run = recording(path, group)
    name = path.parent.name if path.stem == "trace" else path.name.partition(".")[0]
    if run is None:
        frame, config = load(ReplayOptions(path, group=group))
        return PlotRun(name, name, config, frame)
    run = with_set(run, set_name)
    timed = run.about.get("event") != "transcripts"
    return PlotRun(
        name,
        str(run.about.get("set") or name),
        run.config,
        ballots(run),
        tuple(solved.seconds for solved in run.solved) if timed else (),
        _whole(run),
    )


def _whole(run: Recording) -> bool:
    reasons = {c.stop for solved in run.solved for c in solved.candidates}
    return StopReason.DECIDED not in reasons


def load_runs(paths: Iterable[Path], set_name: str = "") -> list[PlotRun]:
    """Return the runs of several files.

    Raises:
        RunError: there are none, or one cannot be read.
        SetError: the set for the truths cannot be used.
    """
    found = [load_run(path, set_name) for path in paths]
    if not found:
        raise RunError("There is nothing to plot: name runs, or make one with `make validate`.")
    return found


def majority_curves(run: PlotRun) -> Floats | None:
    """Return maj@k of each problem, a mean over its seeds: problems x N; None if not to be had."""
    solves = run.frame.drop_nulls("truth").group_by("seed", "problem", maintain_order=True)
    by_problem: dict[str, list[Floats]] = {}
    sizes: set[int] = set()
    for (_, problem), solve in solves:
        sizes.add(len(solve))
        # Where nobody voted, the kernel takes the integers that code printed for votes.
        voted = "boxed" if solve["boxed"].count() else "printed"
        votes = solve[voted].drop_nulls().value_counts()
        tally = dict(zip(votes[voted].to_list(), votes["count"].to_list(), strict=True))
        silent = len(solve) - sum(tally.values())
        curve = statistics.majority_at_k(tally, silent, solve["truth"][0])
        by_problem.setdefault(str(problem), []).append(curve)
    if not run.whole or not sizes:
        return None
    # A last solve with fewer candidates has no curve of the full length.
    most = max(sizes)
    full = [[curve for curve in curves if len(curve) == most] for curves in by_problem.values()]
    return np.array([np.mean(curves, axis=0) for curves in full if curves])


def band(curves: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the 95% intervals of the mean curve, for each k over problems."""
    ends = [statistics.clustered(shares.tolist()) for shares in curves.T]
    return np.array([end.low for end in ends]), np.array([end.high for end in ends])


def whole_seeds(scored: pl.DataFrame) -> list[float]:
    """Return the share of right solves of each seed that has solved every problem that any has."""
    problems = scored["problem"].n_unique()
    seeds = scored.group_by("seed").agg(pl.col("correct").mean(), solved=pl.len()).sort("seed")
    return seeds.filter(pl.col("solved") == problems)["correct"].to_list()


def rate(scored: pl.DataFrame) -> tuple[float, Interval]:
    """Return the accuracy and its interval: each problem counts once, as in `report`."""
    rows = scored.group_by("problem").agg(pl.col("correct").mean(), solves=pl.len())
    shares = rows["correct"].to_list()
    interval = statistics.over_problems(shares, rows["solves"].to_list())
    return sum(shares) / len(shares), interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """The solves whose answers have about the same share of the candidates."""

    low: float
    high: float
    place: float
    """Mean share of votes."""
    solves: int
    right: float
    interval: Interval


def agreement_rows(run: PlotRun) -> list[Agreement]:
    """Return the classes of agreement that have solves in them, least sure first.

    Solves without any vote are left out: what they answer is a fallback.
    """
    scored = run.scored.with_columns(share=pl.col("votes") / pl.col("candidates"))
    scored = scored.filter(pl.col("votes") > 0)
    if not run.whole:
        # Aborted candidates would have voted too: their share is not known.
        return []
    found: list[Agreement] = []
    for low, high in pairwise(AGREEMENT):
        last = high == AGREEMENT[-1]
        above = pl.col("share") >= low
        members = scored.filter(above & (pl.lit(last) | (pl.col("share") < high)))
        if len(members):
            right, interval = rate(members)
            place = float(members.select(pl.col("share").mean()).item())
            found.append(Agreement(low, high, place, len(members), right, interval))
    return found


def sureness(runs: Sequence[PlotRun], votes: int = 20, of: int = 48) -> list[str]:
    """Say for each run how often an answer with about so many votes was right."""
    said: list[str] = []
    for run in runs:
        rows = [row for row in agreement_rows(run) if row.low <= votes / of < row.high]
        if rows:
            row = rows[0]
            interval = f"95% {row.interval.low:.0%} to {row.interval.high:.0%}"
            text = f"right {row.right:.0%} of the time ({interval}; {row.solves} solves)"
            said.append(f"{run.name}: {row.low:.0%} to {row.high:.0%} of the votes: {text}")
        else:
            said.append(f"{run.name}: no vote was like {votes} of {of}")
    return said


def savings_rows(run: PlotRun) -> list[tuple[str, float, int]]:
    """Return for each rule: its name, the share of tokens it saves, answers it changes."""
    most: int = run.frame.select(pl.col("candidate").max() + 1).item()
    rules = [
        Rule("when decided", when_decided=True),
        Rule("first to N/4 votes", first_to=max(1, most // 4)),
        Rule("first to N/8 votes", first_to=max(1, most // 8)),
        Rule("only N/2", candidates=max(1, most // 2)),
    ]
    full = score(run.frame, Rule("kernel"), run.config).sort("seed", "problem")
    found: list[tuple[str, float, int]] = []
    for rule in rules:
        scored = score(run.frame, rule, run.config).sort("seed", "problem")
        heard = float(scored["tokens"].sum()) / float(full["tokens"].sum())
        changed = int((scored["answer"] != full["answer"]).sum())
        found.append((rule.name, 1 - heard, changed))
    return found
