"""The report on a validation run: how good, how sure, and where it was lost.

Covers: the figures as one JSON value: accuracy with its interval, spread over seeds, where the
variance comes from, what a leaderboard may show, pass@k, pass^k and maj@k, how alike candidates
err, votes lost with the truth among them, alarms, stop reasons, failed code, tokens and seconds.
Does not cover: the tables (`report_table`), comparing runs (`compare`), other rules (`replay`).

    python -m validation.report RUN.jsonl [SECOND.jsonl] [--set SET]

For two runs of one submission it also gives the score that AIMO-3 gives them together (`twice`).

Every problem counts the same in every share, however many of its seeds are finished. The curves and
the correlation use the recorded votes. Where a run aborted candidates because the vote was decided,
these have no vote, and the report says that the figures are unavailable.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from common.console import user_errors
from common.files import check_writable, write_json
from kernel.records import ExecutionStatus, StopReason
from validation import statistics, variance
from validation.report_table import print_report
from validation.runs.records import Recording, RunError, read_run
from validation.runs.sets import in_convention, load_set
from validation.runs.verdicts import Verdict, by_problem, judged
from validation.statistics import Floats
from validation.twice import print_twice, twice

Problems = Mapping[str, Sequence[Verdict]]
"""The solves of each problem."""


@dataclass
class ReportOptions:
    """Report on a recorded run."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """The run's JSONL, or those of two runs of one submission."""
    set: str = ""
    """A set's name or file, for the truths of a run that did not record them."""


def report(run: Recording) -> dict[str, Any]:
    """Return all figures of a run as JSON values; times are seconds.

    Raises:
        RunError: no problem with a known truth is finished.
    """
    solves = judged(run)
    if not solves:
        raise RunError(
            f"{run.path} holds no finished problem with a truth: finish one, or name the SET."
        )
    problems = by_problem(solves)
    return {
        "run": str(run.path),
        "set": run.about.get("set"),
        "model": run.about.get("model"),
        "problems": len(problems),
        "solves": len(solves),
        "torn_lines": run.torn,
        "unfinished": run.unfinished,
        **_score(problems),
        "truth_among_votes_but_lost": sum(solve.lost for solve in solves),
        "without_a_vote": sum(not solve.voters for solve in solves),
        "right_without_a_vote": sum(solve.right and not solve.voters for solve in solves),
        "alarms": [
            {"problem": solve.solved.problem, "seed": solve.solved.seed, "alarm": solve.alarm}
            for solve in solves
            if solve.alarm
        ],
        **_voting(problems),
        **_candidates(solves),
    }


def right_solves(problems: Problems) -> tuple[list[int], list[int]]:
    """Return of each problem how many solves are right, and how many there are."""
    right = [sum(solve.right for solve in solves) for solves in problems.values()]
    return right, [len(solves) for solves in problems.values()]


def by_seed(problems: Problems) -> dict[int, int]:
    """Return the right answers of each seed that has solved every problem that any has."""
    solves = [solve for of_problem in problems.values() for solve in of_problem]
    seeds = Counter(solve.solved.seed for solve in solves)
    right = Counter(solve.solved.seed for solve in solves if solve.right)
    return {seed: right[seed] for seed in sorted(seeds) if seeds[seed] == len(problems)}


def _score(problems: Problems) -> dict[str, Any]:
    """Return how good the vote is, how sure that is, and where its variance comes from."""
    right, counts = right_solves(problems)
    shares = [r / n for r, n in zip(right, counts, strict=True)]
    parts = variance.components(right, counts)
    seeds = by_seed(problems)
    repeated = [
        [statistics.pass_hat_k(n, r, k) for r, n in zip(right, counts, strict=True)]
        for k in range(1, min(counts) + 1)
    ]
    return {
        "accuracy": float(np.mean(shares)),
        "accuracy_95": asdict(statistics.over_problems(shares, counts)),
        "accuracy_95_by": "Wilson" if max(counts) == 1 else "Student's t over problems",
        "right_by_seed": {str(seed): count for seed, count in seeds.items()},
        "over_seeds": asdict(statistics.spread(list(seeds.values()))) if seeds else None,
        "variance": {"between_problems": parts.between, "sampling": parts.sampling},
        "leaderboard": [
            asdict(variance.leaderboard(shares, parts.sampling, runs)) for runs in (1, 2)
        ],
        "vote_pass_hat_k": [float(np.mean(shares)) for shares in repeated],
    }


def _voting(problems: Problems) -> dict[str, Any]:
    """Return what candidates are worth: the curves over k, and how alike they err."""
    every = [solve for solves in problems.values() for solve in solves]
    sizes = {len(solve.solved.candidates) for solve in every}
    # A candidate aborted as no longer needed has no vote, though it might have had one.
    aborted = any(c.stop is StopReason.DECIDED for solve in every for c in solve.solved.candidates)
    if aborted or len(sizes) > 1 or not min(sizes):
        reason = "candidates were aborted once the vote was decided" if aborted else "sizes differ"
        return {"candidates": max(sizes), "curves_missing": reason}
    count = min(sizes)
    right = [sum(solve.true_votes for solve in solves) for solves in problems.values()]
    trials = [count * len(solves) for solves in problems.values()]
    alike = variance.components(right, trials).correlation
    return {
        "candidates": count,
        **_curves(problems, count),
        "correlation": alike,
        "effective_votes": None if alike is None else variance.effective_votes(count, alike),
        "wrong_votes_agree": wrong_votes_agree(problems),
    }


def _curves(problems: Problems, count: int) -> dict[str, Any]:
    """Return pass@k, pass^k and maj@k for k = 1 to N, means over problems."""
    places = range(1, count + 1)
    passed, passed_all, majority = (np.zeros((len(problems), count)) for _ in range(3))
    for number, solves in enumerate(problems.values()):
        for solve in solves:
            hits = solve.true_votes
            passed[number] += [statistics.pass_at_k(count, hits, k) for k in places]
            passed_all[number] += [statistics.pass_hat_k(count, hits, k) for k in places]
            majority[number] += _majority(solve, count)
    counts = [len(solves) for solves in problems.values()]
    curves = [curve / np.array(counts)[:, None] for curve in (passed, passed_all, majority)]
    pass_at, pass_hat, maj = (curve.mean(axis=0) for curve in curves)
    ends = [statistics.over_problems(shares.tolist(), counts) for shares in curves[2].T]
    exact = count <= statistics.EXACT_MOST
    return {
        "pass_at_1": float(pass_at[0]),
        "pass_at_n": float(pass_at[-1]),
        "pass_at_k": pass_at.round(6).tolist(),
        "pass_hat_k": pass_hat.round(6).tolist(),
        "maj_at_k": maj.round(6).tolist(),
        "maj_at_k_95": [[round(end.low, 6), round(end.high, 6)] for end in ends],
        "maj_at_k_by": "exact count" if exact else f"{statistics.RESAMPLES} draws",
    }


def _majority(solve: Verdict, count: int) -> Floats:
    """Return maj@k of one solve."""
    if solve.truth is None:
        return np.zeros(count)
    curve = statistics.majority_at_k(solve.tally, count - solve.voters, solve.truth)
    return curve.round(12)  # what is certain is exactly 0 or 1


def wrong_votes_agree(problems: Problems) -> float | None:
    """Return how likely two wrong votes of one solve are the same; None where no solve has two.

    A solve's share is of its pairs of wrong votes; a problem's is the mean over its solves that
    have one.
    """
    found: list[float] = []
    for solves in problems.values():
        wrong = [[bar.votes for bar in solve.bars if not bar.true] for solve in solves]
        shares = [
            sum(votes * (votes - 1) for votes in bars) / (sum(bars) * (sum(bars) - 1))
            for bars in wrong
            if sum(bars) > 1
        ]
        found += [float(np.mean(shares))] if shares else []
    return float(np.mean(found)) if found else None


def _candidates(solves: Sequence[Verdict]) -> dict[str, Any]:
    """Return what became of the candidates and their code."""
    every = [candidate for solve in solves for candidate in solve.solved.candidates]
    blocks = [made.ran for candidate in every for made in candidate.rounds if made.ran]
    failed = Counter(ran.status.value for ran in blocks if ran.status is not ExecutionStatus.OK)
    stops = Counter(candidate.stop.value for candidate in every if candidate.stop)
    seconds = [solve.solved.seconds for solve in solves]
    return {
        "stop_reasons": dict(stops.most_common()),
        "code_blocks": len(blocks),
        "code_blocks_failed": dict(failed.most_common()),
        "tokens_a_problem": sum(candidate.tokens for candidate in every) / len(solves),
        "seconds_a_problem": sum(seconds) / len(solves),
        "longest_seconds": max(seconds),
    }


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ReportOptions)
    with user_errors():
        if not 1 <= len(options.runs) <= 2:
            raise RunError(f"RUN names {len(options.runs)} runs: give one, or two of a submission.")
        runs = [with_set(read_run(path), options.set) for path in options.runs]
        for run in runs:
            check_writable(run.path.with_suffix(".report.json"))
        together = twice(*runs) if len(runs) == 2 else None
        for run in runs:
            figures = report(run)
            if together is not None:
                figures["twice"] = together.figures()
            print_report(figures)
            path = run.path.with_suffix(".report.json")
            write_json(path, figures)
            print(f"figures  {path}")
        if together is not None:
            print_twice(together, [path.name for path in options.runs])


def with_set(run: Recording, name: str) -> Recording:
    """Return the run with the truths of a set where it knows none; "" for no set.

    Raises:
        RunError: the run's answers follow another convention than the set's.
        SetError: there is no such set.
    """
    if not name:
        return run
    own = in_convention(run.config, name)
    if "max_answer" not in run.settings:
        # Transcripts of other programs say nothing of any convention: the set's holds.
        values = {"modulus": own.modulus, "max_answer": own.max_answer}
        run = replace(run, settings={**run.settings, **values})
    elif run.config != own:
        raise RunError(
            f"{run.path} was recorded with answers from 0 to {run.config.max_answer}, but those of "
            f"{name} go to {own.max_answer}: record it with that set or COMPETITION."
        )
    known = load_set(name, own).problems
    return run.with_truths({problem.id: problem.truth for problem in known})


if __name__ == "__main__":
    main()
