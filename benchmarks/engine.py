"""Measures the kernel's loop beside the reference loop on the real engine, in one run.

    make bench-engine

Both loops drive the same vLLM process (the embedded model, 48 candidates, 4 rounds, the limits of
its profile) through the same problems with the same seeds, in turns, problem by problem: the
kernel with the decided stop, the kernel with the full vote, then the reference. What the prefix
cache keeps of the earlier ones helps the later, so the reference comes last.

Covers: what `benchmarks/results/engine.json` holds. Does not cover: accuracy; the embedded model
has little.
"""

import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import reference_loop
from benchmarks.real_engine import Bench, opened
from benchmarks.result import write_result
from kernel import sc_tir, voting
from kernel.protocols import Engine
from kernel.records import Completion, Problem, Request
from kernel.trace import Event, Trace


@dataclass
class VoteWatch:
    """Follows a full vote, and keeps what it stood at when it was decided."""

    outstanding: int
    votes: Counter[int] = field(default_factory=Counter[int])
    decided: int | None = None
    """The leader at the first moment at which nothing could change the vote any more."""
    decided_after: float | None = None
    """Seconds until then."""
    begun: float = field(default_factory=time.monotonic)

    def see(self, event: Event) -> None:
        """Take an event of the trace."""
        if event["event"] != "stopped":
            return
        self.outstanding -= 1
        if event["answer"] is not None:
            self.votes[event["answer"]] += 1
        if self.decided is None and voting.decided(self.votes, self.outstanding):
            self.decided = voting.majority(self.votes)
            self.decided_after = time.monotonic() - self.begun


def run_kernel(bench: Bench, problem: Problem, stop: bool) -> dict[str, Any]:
    """Solve a problem with the kernel's loop; return its row."""
    config = replace(bench.config, stop_when_decided=stop)
    watch = VoteWatch(config.candidates)
    trace = Trace(None, echo=watch.see)
    begun = time.monotonic()
    deadline = bench.deadline()
    solution = sc_tir.solve(problem, config, bench.engine, bench.sandbox, deadline, trace)
    changed = not stop and watch.decided is not None and watch.decided != solution.answer
    return {
        "loop": "kernel, decided stop" if stop else "kernel, full vote",
        "problem": problem.id,
        "seconds": round(time.monotonic() - begun, 2),
        "tokens": solution.generated_tokens,
        "executions": sum(candidate.executions for candidate in solution.candidates),
        "answer": solution.answer,
        "votes": sum(solution.tally.values()),
        "ended": solution.ended,
        "answer_changed": changed,
    }


def generate_all(engine: Engine, requests: list[Request]) -> list[Completion]:
    """Complete all requests on the engine; nobody goes on before the last has finished."""
    done: dict[str, Completion] = {}
    for request in requests:
        engine.submit(request)
    while len(done) < len(requests):
        done |= {completion.request_id: completion for completion in engine.poll()}
    return [done[request.id] for request in requests]


def run_reference(bench: Bench, problem: Problem) -> dict[str, Any]:
    """Solve a problem with the reference loop; return its row."""
    engine = bench.engine
    begun = time.monotonic()
    ids = reference_loop.chat_ids(problem, bench.config, engine.encode_chat)
    pool = reference_loop.ColdPythons(bench.config)
    found = reference_loop.solve(
        problem,
        bench.config,
        ids,
        engine.encode,
        lambda requests: generate_all(engine, requests),
        pool,
    )
    return {
        "loop": "reference",
        "problem": problem.id,
        "seconds": round(time.monotonic() - begun, 2),
        "tokens": found.generated_tokens,
        "wasted_tokens": found.wasted_tokens,
        "executions": pool.blocks,
        "execution_seconds": round(pool.seconds, 2),
        "rounds": found.rounds,
        "answer": found.answer,
        "votes": sum(found.tally.values()),
    }


def measure() -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Return the result file's figures and rows."""
    rows: list[dict[str, Any]] = []
    with opened() as bench:
        warm_up(bench)
        for problem in bench.problems:
            for loop in ("decided", "full", "reference"):
                print(f"{problem.id}: {loop} ...", file=sys.stderr, flush=True)
                if loop == "reference":
                    rows.append(run_reference(bench, problem))
                else:
                    rows.append(run_kernel(bench, problem, loop == "decided"))
                print(rows[-1], file=sys.stderr, flush=True)
        seconds = Counter[str]()
        for row in rows:
            seconds[row["loop"]] += row["seconds"]
    reference = seconds["reference"]
    figures = {
        "problems_per_hour_ratio": round(reference / seconds["kernel, decided stop"], 2),
        "problems_per_hour_ratio_full_vote": round(reference / seconds["kernel, full vote"], 2),
        "answers_changed": sum(bool(row.get("answer_changed")) for row in rows),
        "problems": len(bench.problems),
    }
    return figures, rows


def warm_up(bench: Bench) -> None:
    """Let vLLM compile what it compiles at first use, and the sandbox start."""
    config = replace(bench.config, candidates=8, rounds=2)
    problem = Problem("warm-up", "What is $3 + 4$?")
    deadline = bench.deadline()
    sc_tir.solve(problem, config, bench.engine, bench.sandbox, deadline, Trace(None))


def main() -> None:
    """Measure, print the figures, write the file."""
    figures, rows = measure()
    for name, value in figures.items():
        print(f"{name:<36}{value:>10}")
    for row in rows:
        print("  " + ", ".join(f"{name} {value}" for name, value in row.items()))
    print(f"written to {write_result('engine', figures, rows)}")


if __name__ == "__main__":
    main()
