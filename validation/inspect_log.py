"""A recorded run as a log of inspect_ai, which its viewer shows and its reader reads.

Covers: a sample for each solve (an epoch for each seed), with every candidate's rounds and outputs
as messages and the vote as its score; the accuracy with its standard error over problems. Does not
cover: writing the file (`export`).

The log is the JSON form, version 2, that inspect_ai documents. It is written without that package,
which would bring in a hundred others besides vLLM's; a test reads it back with the package where it
is installed.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from scipy import stats

from kernel.records import ExecutionStatus
from validation.runs.records import CandidateRecord, Recording, Round
from validation.runs.verdicts import Verdict, by_problem, verdicts

Json = dict[str, Any]
SCORER = "vote"


def inspect_log(run: Recording) -> Json:
    """Return the log of a run as a JSON value."""
    solves = verdicts(run)
    model = str(run.about.get("model") or "unknown")
    written = datetime.fromtimestamp(run.about.get("time") or run.path.stat().st_mtime, UTC)
    created = written.isoformat(timespec="seconds")
    problems = by_problem(solves)
    name = str(run.about.get("set") or run.path.stem)
    epochs = max(len(of_problem) for of_problem in problems.values())
    usage = {"output_tokens": sum(c.tokens for solve in solves for c in solve.solved.candidates)}
    usage["total_tokens"] = usage["output_tokens"]
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "created": created,
            "task": name,
            "dataset": {"name": name, "samples": len(problems), "sample_ids": list(problems)},
            "model": model,
            "config": {"epochs": epochs},
            "metadata": {"settings": dict(run.settings)},
        },
        "plan": {"name": "SC-TIR", "steps": []},
        "results": _results(solves),
        "stats": {"started_at": created, "completed_at": "", "model_usage": {model: usage}},
        "samples": list(_samples(solves, model)),
    }


def _results(solves: list[Verdict]) -> Json:
    known = by_problem(solve for solve in solves if solve.solved.truth is not None)
    shares = [sum(s.right for s in of_problem) / len(of_problem) for of_problem in known.values()]
    metrics: Json = {}
    if shares:
        metrics["accuracy"] = {"name": "accuracy", "value": sum(shares) / len(shares)}
    if len(shares) > 1:
        metrics["stderr"] = {"name": "stderr", "value": float(stats.sem(shares))}
    scores = [{"name": SCORER, "scorer": SCORER, "metrics": metrics}] if shares else []
    return {"total_samples": len(solves), "completed_samples": len(solves), "scores": scores}


def _samples(solves: list[Verdict], model: str) -> Iterator[Json]:
    epochs: defaultdict[str, int] = defaultdict(int)
    for solve in sorted(solves, key=lambda s: s.solved.seed):
        solved = solve.solved
        epochs[solved.problem] += 1
        answer = f"\\boxed{{{solved.answer}}}"
        said = {"role": "assistant", "content": answer}
        yield {
            "id": solved.problem,
            "epoch": epochs[solved.problem],
            "input": solved.text,
            "target": "" if solved.truth is None else str(solved.truth),
            "messages": list(_messages(solve)),
            "output": {
                "model": model,
                "choices": [{"message": said, "stop_reason": "stop"}],
                "completion": answer,
            },
            "scores": _score(solve),
            "metadata": {
                "seed": solved.seed,
                "tally": {str(bar.answer): bar.votes for bar in solve.bars},
                "ended": solved.ended,
                "alarm": solve.alarm,
            },
            "total_time": solved.seconds,
        }


def _score(solve: Verdict) -> Json:
    if solve.solved.truth is None:
        return {}
    votes = f"{solve.votes} of {len(solve.solved.candidates)} candidates voted for it"
    value = "C" if solve.right else "I"
    return {SCORER: {"value": value, "answer": str(solve.solved.answer), "explanation": votes}}


def _messages(solve: Verdict) -> Iterator[Json]:
    yield {"role": "user", "content": solve.solved.text}
    for candidate in solve.solved.candidates:
        for number, made in enumerate(candidate.rounds, 1):
            yield from _round(candidate, number, made)


def _round(candidate: CandidateRecord, number: int, made: Round) -> Iterator[Json]:
    """Yield what a candidate wrote and what its code gave; the viewer shows no metadata there."""
    last = number == len(candidate.rounds)
    ended = f", {candidate.stop.value}" if last and candidate.stop else ""
    head = f"**Candidate {candidate.index}, round {number}{ended}**"
    yield {"role": "assistant", "content": f"{head}\n\n{made.text}"}
    if made.ran:
        output: Json = {"role": "tool", "function": "python", "content": made.ran.output}
        if made.ran.status is not ExecutionStatus.OK:
            output["error"] = {"type": "unknown", "message": made.ran.status.value}
        yield output
