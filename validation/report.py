"""The report on a validation run: how good, how sure, and where it was lost.

Covers: the figures as one JSON value and as tables: accuracy with intervals, spread over seeds,
pass@1, pass@N, maj@k, votes lost with the truth among them, stop reasons, failed code, tokens and
seconds. Does not cover: comparing runs (`compare`), other rules (`replay`).

    python -m validation.report RUN.jsonl [--set SET]

maj@k and pass@k take the votes that stand in the record. Where a run aborted candidates because
the vote was decided, these have no vote, and the report says that the two are not to be had.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from kernel import voting
from kernel.answers import extraction
from kernel.config import Config
from kernel.records import ExecutionStatus, StopReason
from kernel.report import write_json
from validation import statistics
from validation.runs.records import Recording, RunError, Solved, read_run
from validation.runs.sets import SetError, load_set


@dataclass
class Options:
    """Report on a recorded run."""

    run: tyro.conf.Positional[Path]
    """The run's JSONL."""
    set: str = ""
    """A set's name or file, for the truths of a run that does not know them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A solve against its truth; all answers in the competition's convention."""

    solved: Solved
    truth: int | None
    tally: dict[int, int]

    @property
    def right(self) -> bool:
        """Whether the answer given is the truth."""
        return self.solved.answer == self.truth

    @property
    def lost(self) -> bool:
        """Whether the truth had votes, but the vote went to another answer."""
        return not self.right and self.truth in self.tally


def outcomes(run: Recording, config: Config) -> list[Outcome]:
    """Return the solves whose truth is known."""
    return [
        Outcome(s, extraction.to_answer(s.truth, config), voting.tally(_answers(s)))
        for s in run.solved
        if s.truth is not None
    ]


def _answers(solved: Solved) -> list[int | None]:
    return [candidate.answer for candidate in solved.candidates]


def by_problem(judged: Sequence[Outcome]) -> dict[str, float]:
    """Return each problem's share of right answers over its seeds."""
    right: dict[str, list[bool]] = {}
    for outcome in judged:
        right.setdefault(outcome.solved.problem, []).append(outcome.right)
    return {problem: sum(values) / len(values) for problem, values in right.items()}


def by_seed(judged: Sequence[Outcome]) -> dict[int, int]:
    """Return the right answers of each seed that has solved every problem that any has."""
    problems = {outcome.solved.problem for outcome in judged}
    seeds = Counter(outcome.solved.seed for outcome in judged)
    right = Counter(outcome.solved.seed for outcome in judged if outcome.right)
    return {seed: right[seed] for seed in sorted(seeds) if seeds[seed] == len(problems)}


def report(run: Recording) -> dict[str, Any]:
    """Return all figures of a run as JSON values; times are seconds.

    Raises:
        RunError: no problem with a known truth is finished.
    """
    config = run.config
    judged = outcomes(run, config)
    if not judged:
        raise RunError(
            f"{run.path} holds no finished problem with a truth: finish one, or name the SET."
        )
    right = sum(outcome.right for outcome in judged)
    shares = by_problem(judged)
    seeds = by_seed(judged)
    return {
        "run": str(run.path),
        "set": run.about.get("set"),
        "model": run.about.get("model"),
        "problems": len(shares),
        "solves": len(judged),
        "torn_lines": run.torn,
        "unfinished": run.unfinished,
        "accuracy": right / len(judged),
        "wilson_95": asdict(statistics.wilson(sum(shares.values()), len(shares))),
        "bootstrap_over_problems_95": asdict(statistics.bootstrap_mean(list(shares.values()))),
        "right_by_seed": {str(seed): count for seed, count in seeds.items()},
        "over_seeds": asdict(statistics.spread(list(seeds.values()))) if seeds else None,
        "truth_among_votes_but_lost": sum(outcome.lost for outcome in judged),
        "without_a_vote": sum(not outcome.tally for outcome in judged),
        **_curves(judged),
        **_candidates(judged),
    }


def _curves(judged: Sequence[Outcome]) -> dict[str, Any]:
    """Return pass@1, pass@N and maj@k, means over the solves."""
    sizes = {len(outcome.solved.candidates) for outcome in judged}
    # A candidate aborted as no longer needed has no vote, though it might have had one.
    aborted = any(c.stop is StopReason.DECIDED for o in judged for c in o.solved.candidates)
    count = min(sizes)
    if aborted or len(sizes) > 1 or not count:
        reason = "candidates were aborted once the vote was decided" if aborted else "sizes differ"
        return {"candidates": max(sizes), "curves_missing": reason}
    passed = np.zeros(count)
    majority = np.zeros(count)
    for outcome in judged:
        hits = outcome.tally.get(outcome.truth, 0) if outcome.truth is not None else 0
        passed += [statistics.pass_at_k(count, hits, k) for k in range(1, count + 1)]
        if hits and outcome.truth is not None:
            silent = count - sum(outcome.tally.values())
            majority += statistics.majority_at_k(outcome.tally, silent, outcome.truth)
    exact = count <= statistics.EXACT_MOST
    return {
        "candidates": count,
        "pass_at_1": float(passed[0] / len(judged)),
        "pass_at_n": float(passed[-1] / len(judged)),
        "pass_at_k": (passed / len(judged)).round(6).tolist(),
        "maj_at_k": (majority / len(judged)).round(6).tolist(),
        "maj_at_k_by": "exact count" if exact else f"{statistics.RESAMPLES} draws",
    }


def _candidates(judged: Sequence[Outcome]) -> dict[str, Any]:
    """Return what became of the candidates and their code."""
    every = [candidate for outcome in judged for candidate in outcome.solved.candidates]
    blocks = [made.ran for candidate in every for made in candidate.rounds if made.ran]
    failed = Counter(ran.status.value for ran in blocks if ran.status is not ExecutionStatus.OK)
    stops = Counter(candidate.stop.value for candidate in every if candidate.stop)
    seconds = [outcome.solved.seconds for outcome in judged]
    return {
        "stop_reasons": dict(stops.most_common()),
        "code_blocks": len(blocks),
        "code_blocks_failed": dict(failed.most_common()),
        "tokens_a_problem": sum(candidate.tokens for candidate in every) / len(judged),
        "seconds_a_problem": sum(seconds) / len(judged),
        "longest_seconds": max(seconds),
    }


def print_report(figures: dict[str, Any]) -> None:
    """Print the figures as tables."""
    console = Console()
    score = Table("figure", "value", title=f"{figures['set'] or figures['run']}")
    for name, value in _score_rows(figures):
        score.add_row(name, value)
    console.print(score)
    ends = Table("candidates stopped because", "number", "code blocks", "number")
    stops = list(figures["stop_reasons"].items())
    blocks = [("run", figures["code_blocks"]), *figures["code_blocks_failed"].items()]
    for n in range(max(len(stops), len(blocks))):
        cells = [*(stops[n : n + 1] or [("", "")]), *(blocks[n : n + 1] or [("", "")])]
        ends.add_row(*(str(cell) for pair in cells for cell in pair))
    console.print(ends)
    if figures["torn_lines"] or figures["unfinished"]:
        console.print(
            f"{figures['torn_lines']} torn lines and {figures['unfinished']} unfinished attempts "
            "are left out."
        )


def _score_rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("problems, solves", f"{figures['problems']}, {figures['solves']}"),
        ("accuracy of the vote", f"{figures['accuracy']:.1%}"),
        ("  95% (Wilson, over problems)", _range(figures["wilson_95"])),
        ("  95% (bootstrap over problems)", _range(figures["bootstrap_over_problems_95"])),
    ]
    if seeds := figures["over_seeds"]:
        sd = "" if seeds["sd"] is None else f" ± {seeds['sd']:.2f}"
        value = f"{seeds['mean']:.1f}{sd} of {figures['problems']} ({seeds['count']} whole)"
        rows.append(("right, over seeds", value))
    rows.append(("truth among the votes, but lost", str(figures["truth_among_votes_but_lost"])))
    if figures["without_a_vote"]:
        rows.append(("nobody voted: answered by a fallback", str(figures["without_a_vote"])))
    n = figures["candidates"]
    if "pass_at_1" in figures:
        rows += [
            (f"pass@1, pass@{n}", f"{figures['pass_at_1']:.1%}, {figures['pass_at_n']:.1%}"),
            (f"maj@k ({figures['maj_at_k_by']})", _steps(figures["maj_at_k"])),
        ]
    else:
        rows.append(("pass@k, maj@k", f"not to be had: {figures['curves_missing']}"))
    rows.append(("tokens a problem", f"{figures['tokens_a_problem']:,.0f}"))
    seconds = f"{figures['seconds_a_problem']:.1f}, {figures['longest_seconds']:.1f}"
    return [*rows, ("seconds a problem, longest", seconds)]


def _range(interval: dict[str, float]) -> str:
    return f"{interval['low']:.1%} to {interval['high']:.1%}"


def _steps(curve: Sequence[float]) -> str:
    """Return the curve at 1, 2, 4, 8, ... and its end."""
    places = sorted({2**n for n in range(len(curve).bit_length())} | {len(curve)})
    return ", ".join(f"{k}: {curve[k - 1]:.1%}" for k in places if k <= len(curve))


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(Options)
    try:
        run = with_set(read_run(options.run), options.set)
        figures = report(run)
    except (RunError, SetError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print_report(figures)
    path = options.run.with_suffix(".report.json")
    write_json(path, figures)
    print(f"figures  {path}")


def with_set(run: Recording, name: str) -> Recording:
    """Return the run with the truths of a set where it knows none; "" for no set."""
    if not name:
        return run
    known = load_set(name, run.config).problems
    return run.with_truths({problem.id: problem.truth for problem in known})


if __name__ == "__main__":
    main()
