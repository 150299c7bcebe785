"""Measures what the kernel's own code costs: CPU time, memory, and the time until it serves.

    make bench-overhead

- CPU time of the kernel's process (scheduling, extraction, voting, tracing, tokens to text and
  back) while the real engine (vLLM, the embedded model) solves a problem with 48 candidates and the
  full vote: over the wall time, and over the tokens generated.
- The same with more tokens than a CPU can generate: fifty problems with candidates like recorded
  ones on the simulated engine, with the real sandbox and trace.
- Memory of the kernel's process after 10 and after 50 such problems.
- Seconds from starting Python to the moment the kernel serves, with the model still loading.

Covers: what `benchmarks/results/overhead.json` holds. Does not cover: vLLM's own overhead, and the
installation of wheels, which only Kaggle does.
"""

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.real_engine import PROBLEMS, opened
from benchmarks.result import Measurement, Row, print_figures, print_rows, write_result
from common import embedded_model
from common.problems import load_problems
from kernel import sc_tir
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import Problem
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Trace
from validation.simulation.costs import T4, Costs, Layout
from validation.simulation.engine import SimulatedEngine
from validation.simulation.model_shape import NUMINA
from validation.simulation.shapes import Shape, ShapedProblem
from validation.simulation.virtual_time import VirtualClock

ROOT = Path(__file__).resolve().parent.parent
LAST = 50
"""Problems solved for the memory; it is read first after a fifth of them."""
STARTS = 3
SERVING = """
import json, sys, time
from kernel import competition, submission
from kernel.checks import machine
found = competition.find
class Shown:
    def __init__(self, inputs):
        self.found = found(inputs)
    def __getattr__(self, name):
        return getattr(self.found, name)
    def serve(self, answer):
        print("SERVING", machine.process_age(), flush=True)
competition.find = Shown
try:
    submission.main(json.loads(sys.argv[1]))
except submission.NoVoteError:
    pass  # nobody asked it anything
"""


def measure_real() -> Row:
    """Return CPU and wall seconds of one problem on the real engine."""
    with (
        opened(every=10) as bench,
        tempfile.TemporaryDirectory() as folder,
        Trace(Path(folder) / "trace.jsonl") as trace,
    ):
        config = bench.config.updated({"stop_when_decided": False})
        parts = bench.engine, bench.sandbox, bench.deadline(), trace
        cpu, wall = time.process_time(), time.monotonic()
        solution = sc_tir.solve(bench.problems[0], config, *parts)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return {
        "measured": "real engine, one problem, 48 candidates, full vote",
        "cpu_seconds": round(cpu, 3),
        "wall_seconds": round(wall, 1),
        "tokens": solution.generated_tokens,
        "executions": sum(candidate.executions for candidate in solution.candidates),
        "load_seconds": round(bench.load_seconds, 1),
    }


def shaped(number: int, candidates: int) -> ShapedProblem:
    """Return a problem whose candidates have up to four rounds of a few hundred tokens."""
    choose = random.Random(number)
    shapes: list[Shape] = []
    for _ in range(candidates):
        rounds = choose.choice((1, 2, 2, 3, 4))
        generated = tuple(choose.randrange(50, 500) for _ in range(rounds))
        answer = str(choose.choice((7, 7, 7, 12, 30)))
        shapes.append(Shape(generated, (5,) * (rounds - 1), answer))
    return ShapedProblem(str(number), 7, tuple(shapes))


def measure_many() -> Row:
    """Return CPU and memory over many problems on the simulated engine, the rest being real."""
    config = Config(stop_when_decided=False)
    solves: list[SimulatedSolve] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ForkedSandbox(config) as sandbox,
        Trace(Path(folder) / "trace.jsonl") as trace,
    ):
        for number in range(LAST):
            solves.append(solve_simulated(number, config, sandbox, trace))
            if (number + 1) % 10 == 0:
                print(f"{number + 1} of {LAST} problems", file=sys.stderr, flush=True)
    cpu, tokens = sum(solve.cpu_seconds for solve in solves), sum(s.tokens for s in solves)
    first, last = solves[LAST // 5 - 1].resident_mib, solves[-1].resident_mib
    return {
        "measured": "simulated engine, real sandbox and trace, 48 candidates, full vote",
        "problems": LAST,
        "tokens": tokens,
        "cpu_seconds": round(cpu, 2),
        "ms_per_token": round(1000 * cpu / tokens, 5),
        "mib_after_10": round(first, 1),
        "mib_after_50": round(last, 1),
        "growth_mib": round(last - first, 1),
    }


class SimulatedSolve(NamedTuple):
    """What one problem took on the simulated engine."""

    cpu_seconds: float
    tokens: int
    resident_mib: float
    """Of the process, afterwards."""


def solve_simulated(
    number: int, config: Config, sandbox: ForkedSandbox, trace: Trace
) -> SimulatedSolve:
    """Solve a problem on the simulated engine, in virtual time, with the real sandbox and trace."""
    clock = VirtualClock()
    engine = SimulatedEngine(Costs(T4, NUMINA, Layout(2, 1, 8)), clock, config.candidates)
    engine.begin(shaped(number, config.candidates))
    deadline = Deadline(24 * 3600.0, 0.0, 1, now=clock)
    deadline.begin()
    begun = time.process_time()
    sc_tir.solve(Problem(str(number), ""), config, engine, sandbox, deadline, trace)
    cpu = time.process_time() - begun
    return SimulatedSolve(cpu, engine.generated_tokens, _resident_mib())


def _resident_mib() -> float:
    """Return the process's resident memory, garbage collected."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure_start() -> Row:
    """Return the seconds from a fresh Python until the kernel serves the competition."""
    seconds = [round(_start_seconds(), 1) for _ in range(STARTS)]
    return {"measured": "seconds until it serves", "seconds": seconds}


def _start_seconds() -> float:
    """Start the kernel once, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "input" / "competition"
        inputs.mkdir(parents=True)
        row = load_problems(PROBLEMS)[0]
        (inputs / "test.csv").write_text(f'id,problem\n{row.id},"{row.problem}"\n', "utf-8")
        model = str(embedded_model.ensure())
        settings = {"inputs": str(inputs.parent), "model": model, "work": folder}
        paths = map(str, (ROOT, ROOT / "notebooks/mock/aimo1"))
        env = {"PYTHONPATH": os.pathsep.join(paths), "MOCK_INPUT": str(inputs)}
        done = subprocess.run(
            [sys.executable, "-c", SERVING, json.dumps(settings)],
            env={**os.environ, **env},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    line = next(line for line in done.stdout.splitlines() if line.startswith("SERVING"))
    return float(line.split()[1])


def measure() -> Measurement:
    """Return the result file's figures and rows."""
    start = measure_start()
    print(start, file=sys.stderr, flush=True)
    many = measure_many()
    print(many, file=sys.stderr, flush=True)
    real = measure_real()
    figures = {
        "cpu_share": round(real["cpu_seconds"] / real["wall_seconds"], 4),
        "ms_per_token_event": round(1000 * real["cpu_seconds"] / real["tokens"], 4),
        "memory_growth_mib": many["growth_mib"],
        "seconds_until_serving": statistics.median(start["seconds"]),
    }
    return Measurement(figures, [real, many, start])


def main() -> None:
    """Measure, print the figures, write the file."""
    figures, rows = measure()
    print_figures(figures)
    print_rows(rows)
    print(f"written to {write_result('overhead', figures, rows)}")


if __name__ == "__main__":
    main()
