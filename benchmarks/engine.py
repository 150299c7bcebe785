"""Measures the kernel's loop against the reference loop on the real engine, in one run.

    make bench-engine                    the embedded model, all problems of the dry run
    make bench-engine MODEL=path         another model, such as one that `make recipe` has made
    make bench-engine PROBLEMS=2         the first two

Three loops drive the same vLLM process (48 candidates, 4 rounds, the limits of the model's profile)
through the same problems with the same seeds: the kernel with the decided stop, with the full vote,
and the reference. They take turns, problem by problem, and swap the order for every other problem,
since what the prefix cache keeps from one loop helps the next. An interrupted run resumes with the
first problem that not all three have solved.

A busy machine hurts the reference's cold interpreters and not the engine, so the load is watched:
before the run begins, and what others use during each problem; `load` is the largest. Above 1.5 the
result says so and is not shown. The ratios are of summed seconds; their intervals come from
resampling problems.

Covers: what `benchmarks/results/engine.json` holds. Does not cover: accuracy; a model that a laptop
can run has little.
"""

import hashlib
import json
import os
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import tyro

from benchmarks import reference_loop
from benchmarks.real_engine import Bench, opened
from benchmarks.result import Measurement, Row, print_figures, print_rows, write_result
from benchmarks.shares import OthersCpu, Shares, WatchedEngine, WatchedSandbox
from common import embedded_model
from common.console import user_errors
from common.files import write_json
from kernel import sc_tir, voting
from kernel.checks import machine
from kernel.checks.preflight import model_settings
from kernel.config import ConfigError
from kernel.engine.cpu import read_cpu
from kernel.protocols import Engine
from kernel.records import Completion, Execution, Problem, Request
from kernel.trace import Event, Trace

LOOPS = ("kernel, decided stop", "kernel, full vote", "reference")
DRAWS = 2000
KEPT = Path(__file__).resolve().parent.parent / "runs/bench-engine"
"""What a run that was cut off has measured, a file for each machine, model, settings and kernel."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Race the kernel's loop and the reference on the real engine."""

    model: Path | None = None
    """The model's folder; the embedded model if not given."""
    problems: int | None = None
    """This many of the dry run's first problems, at least 1; all ten if not given."""

    def check(self) -> None:
        """Refuse what cannot be raced.

        Raises:
            ConfigError: no problem is asked for.
        """
        if self.problems is not None and self.problems < 1:
            raise ConfigError(f"PROBLEMS is {self.problems}: set it to at least 1.")


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


def run_kernel(bench: Bench, problem: Problem, stop: bool) -> Row:
    """Solve a problem with the kernel's loop; return its row."""
    config = replace(bench.config, stop_when_decided=stop)
    watch = VoteWatch(config.candidates)
    trace = Trace(None, echo=watch.see)
    shares = Shares()
    engine: Any = WatchedEngine(bench.engine, shares)
    sandbox: Any = WatchedSandbox(bench.sandbox, shares)
    begun = time.monotonic()
    deadline = bench.deadline()
    solution = sc_tir.solve(problem, config, engine, sandbox, deadline, trace)
    changed = not stop and watch.decided is not None and watch.decided != solution.answer
    return {
        "loop": LOOPS[0] if stop else LOOPS[1],
        "problem": problem.id,
        "seconds": round(time.monotonic() - begun, 2),
        "tokens": solution.generated_tokens,
        "executions": sum(candidate.executions for candidate in solution.candidates),
        "answer": solution.answer,
        "votes": sum(solution.tally.values()),
        "ended": solution.ended,
        "answer_changed": changed,
        **shares.shares(),
    }


def generate_all(engine: Engine, requests: list[Request]) -> list[Completion]:
    """Complete all requests on the engine; returns once the last has finished."""
    done: dict[str, Completion] = {}
    for request in requests:
        engine.submit(request)
    while len(done) < len(requests):
        done |= {completion.request_id: completion for completion in engine.poll()}
    return [done[request.id] for request in requests]


@dataclass
class WatchedPythons:
    """The reference's pool of fresh Pythons, whose blocks are counted as outstanding."""

    pool: reference_loop.ColdPythons
    shares: Shares

    def __call__(self, blocks: Sequence[tuple[str, str]]) -> list[Execution]:
        """See ColdPythons."""
        self.shares.note()
        self.shares.sessions |= {session for session, _ in blocks}
        done = self.pool(blocks)
        self.shares.note()
        self.shares.sessions.clear()
        return done


def run_reference(bench: Bench, problem: Problem) -> Row:
    """Solve a problem with the reference loop; return its row."""
    shares = Shares()
    engine: Any = WatchedEngine(bench.engine, shares)
    begun = time.monotonic()
    ids = reference_loop.chat_ids(problem, bench.config, engine.encode_chat)
    pool = reference_loop.ColdPythons(bench.config)
    parts = partial(generate_all, engine), WatchedPythons(pool, shares)
    found = reference_loop.solve(problem, bench.config, ids, engine.encode, *parts)
    return {
        "loop": LOOPS[2],
        "problem": problem.id,
        "seconds": round(time.monotonic() - begun, 2),
        "tokens": found.generated_tokens,
        "wasted_tokens": found.wasted_tokens,
        "executions": pool.blocks,
        "execution_seconds": round(pool.seconds, 2),
        "rounds": found.rounds,
        "answer": found.answer,
        "votes": sum(found.tally.values()),
        **shares.shares(),
    }


def measure(model: Path, most: int | None, kept: Path) -> Measurement:
    """Return the result file's figures and rows.

    Args:
        model: its folder.
        most: problems at most.
        kept: the file of what was measured before the run was cut off.
    """
    before = os.getloadavg()[0]
    raced: dict[str, dict[str, Any]] = {}
    if kept.is_file():
        raced = json.loads(kept.read_text("utf-8"))
    with opened(model) as bench:
        warm_up(bench)
        problems = bench.problems[:most]
        for number, problem in enumerate(problems):
            if problem.id in raced:
                continue
            others = OthersCpu()
            rows = [race(bench, problem, loop) for loop in LOOPS[:: -1 if number % 2 else 1]]
            raced[problem.id] = {"load": max(before, others.cpus()), "rows": rows}
            write_json(kept, raced)
    ran = [raced[problem.id] for problem in problems]
    rows = [row for each in ran for row in each["rows"]]
    sums = [summed(loop, own) for loop, own in by_loop(rows)]
    found = figures(rows, max(each["load"] for each in ran))
    return Measurement(found, [{"model": named(model)}, *sums, *rows])


def kept_file(model: Path) -> Path:
    """Return where a run keeps what it has measured, until it is whole.

    Raises:
        ConfigError: the folder is not a model, or its profile cannot work.
    """
    settings = asdict(model_settings(model))
    about = [str(read_cpu()), str(model.resolve()), settings, machine.kernel_digest()]
    digest = hashlib.sha256(json.dumps(about, default=str).encode()).hexdigest()
    return KEPT / f"{digest[:12]}.json"


def race(bench: Bench, problem: Problem, loop: str) -> Row:
    """Solve a problem with a loop; return its row."""
    print(f"{problem.id}: {loop} ...", file=sys.stderr, flush=True)
    if loop == LOOPS[2]:
        row = run_reference(bench, problem)
    else:
        row = run_kernel(bench, problem, loop == LOOPS[0])
    print(row, file=sys.stderr, flush=True)
    return row


def named(model: Path) -> str:
    """Return what a model is called, without the folders of this machine."""
    folder = model.resolve()
    if folder == embedded_model.ensure().resolve():
        return "the embedded model"
    return "/".join(folder.parts[-2:]) if folder.name == "model" else folder.name


def by_loop(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return each loop's rows."""
    return [(loop, [row for row in rows if row["loop"] == loop]) for loop in LOOPS]


def summed(loop: str, rows: Sequence[Row]) -> Row:
    """Return a loop's seconds a problem, and what its time went to."""
    seconds = sum(row["seconds"] for row in rows)
    shares = {
        kind: round(sum(row[kind] * row["seconds"] for row in rows) / seconds, 3)
        for kind in ("generating", "executing", "both", "neither")
    }
    return {"loop": loop, "seconds": round(seconds / len(rows), 1), **shares}


def figures(rows: Sequence[Row], load: float) -> dict[str, float]:
    """Return the figures: ratios with their intervals over problems."""
    seconds: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        seconds[row["loop"]][row["problem"]] = row["seconds"]
    found: dict[str, float] = {}
    for loop, name in zip(LOOPS, ("", "_full_vote"), strict=False):
        ratio, low, high = ratio_of(seconds[LOOPS[2]], seconds[loop])
        values = {"": ratio, "_low": low, "_high": high}
        for end, value in values.items():
            found[f"problems_per_hour_ratio{name}{end}"] = round(value, 2)
    return {
        **found,
        "answers_changed": sum(bool(row.get("answer_changed")) for row in rows),
        "problems": len(seconds[LOOPS[0]]),
        "load": round(load, 1),
    }


def ratio_of(theirs: dict[str, float], ours: dict[str, float]) -> tuple[float, float, float]:
    """Return the ratio of summed seconds, with its 95% interval from resampling problems."""
    names = sorted(ours)
    choose = random.Random(0)

    def ratio(drawn: Sequence[str]) -> float:
        return sum(theirs[name] for name in drawn) / sum(ours[name] for name in drawn)

    drawn = sorted(ratio(choose.choices(names, k=len(names))) for _ in range(DRAWS))
    cuts = statistics.quantiles(drawn, n=40)
    return ratio(names), cuts[0], cuts[-1]


def warm_up(bench: Bench) -> None:
    """Let vLLM compile what it compiles at first use, and the sandbox start."""
    config = replace(bench.config, candidates=8, rounds=2)
    problem = Problem("warm-up", "What is $3 + 4$?")
    deadline = bench.deadline()
    sc_tir.solve(problem, config, bench.engine, bench.sandbox, deadline, Trace(None))


def main() -> None:
    """Measure, print the figures, write the file."""
    options = tyro.cli(EngineOptions)
    model = options.model or embedded_model.ensure()
    with user_errors(ConfigError):
        options.check()
        kept = kept_file(model)
    found, rows = measure(model, options.problems, kept)
    print_figures(found)
    print_rows(rows)
    print(f"written to {write_result('engine', found, rows)}")
    kept.unlink()


if __name__ == "__main__":
    main()
