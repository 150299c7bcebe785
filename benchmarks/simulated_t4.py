"""Measures the kernel's loop beside the reference loop on simulated T4s.

    make bench-simulated_t4

Both loops get the same fifty problems with the same candidates (token counts and answers generated
like recorded ones, see `validation.simulation.generated_shapes`), the same engine (costs, slots,
prefix cache) and four CPUs. The kernel runs with and without the decided stop, the reference as
described in `reference_loop`, each block at the cost of a cold interpreter that `bench-sandbox` has
measured.

Covers: what `benchmarks/results/simulated_t4.json` holds. Does not cover: real T4s; the costs are
those of `validation.simulation.costs`.
"""

import json
import statistics
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import reference_loop
from benchmarks.result import FOLDER, write_result
from kernel.config import Config
from kernel.records import Completion, Execution, Problem, Request
from validation.simulation.costs import T4, Costs, Gpu, Layout
from validation.simulation.engine import SimulatedEngine
from validation.simulation.generated_shapes import generate
from validation.simulation.model_shape import NUMINA
from validation.simulation.run import START_SECONDS, Outcome, answers_changed, simulate
from validation.simulation.sandbox import SimulatedSandbox
from validation.simulation.shapes import ShapedProblem
from validation.simulation.virtual_time import VirtualClock

PROBLEMS, SEED = 50, 0
KAGGLE_CPUS = 4


def cold_seconds() -> float:
    """Return what starting a Python with numpy and sympy costs a CPU, as `bench-sandbox` measured.

    Its pool had as many threads as that machine has CPUs, two.
    """
    rows = json.loads((FOLDER / "sandbox.json").read_text("utf-8"))["rows"]
    rates = next(row for row in rows if row.get("way") == "fresh interpreter")["blocks_per_second"]
    return 2 / statistics.median(rates)


@dataclass
class SimulatedReference:
    """The reference loop on the simulated engine, in virtual time."""

    config: Config
    costs: Costs
    prefix_cache: bool = True
    """Off, as in the vLLM of the published loop's day; on, as for the kernel."""

    def __post_init__(self) -> None:
        """Start at time 0 with nothing running."""
        self.clock = VirtualClock()
        slots = self.config.candidates
        self.engine = SimulatedEngine(self.costs, self.clock, slots, prefix_cache=self.prefix_cache)
        self.sandbox = SimulatedSandbox(
            self.clock, KAGGLE_CPUS, self.config.code_seconds, cold_seconds()
        )
        self.sandbox.idle = self.engine.occupancy.note
        self.engine.occupancy.waiting = lambda: self._barred + self.sandbox.pending
        self._barred = 0
        self.wasted = 0

    def generate(self, requests: list[Request]) -> list[Completion]:
        """Complete all requests; nobody goes on before the last has finished."""
        done: dict[str, Completion] = {}
        for request in requests:
            self.engine.submit(request)
        while len(done) < len(requests):
            done |= {completion.request_id: completion for completion in self.engine.poll()}
            # Those with another round before them wait for the stragglers of this one.
            self._barred = sum(
                completion.text.endswith("```output") for completion in done.values()
            )
        self._barred = 0
        return [done[request.id] for request in requests]

    def run_blocks(self, blocks: Any) -> list[Execution]:
        """Run all blocks; nobody goes on before the last has ended."""
        done: dict[str, Execution] = {}
        for session, code in blocks:
            self.sandbox.submit(session, code)
        while len(done) < len(blocks):
            done |= {execution.session: execution for execution in self.sandbox.poll(3600.0)}
        return [done[session] for session, _ in blocks]

    def solve(self, problem: ShapedProblem) -> int:
        """Solve one problem and return the answer."""
        self.engine.begin(problem)
        self.sandbox.begin(problem)
        parts = self.engine.encode, self.generate, self.run_blocks
        asked = Problem(problem.id, "")
        found = reference_loop.solve(asked, self.config, self.engine.encode_chat([]), *parts)
        self.wasted += found.wasted_tokens
        return found.answer


@dataclass(frozen=True, slots=True)
class Race:
    """The kernel's loop, with and without the decided stop, beside the reference's."""

    ours: Outcome
    full: Outcome
    reference: SimulatedReference
    answers: tuple[int, ...]
    """The reference's."""

    def ratio(self, outcome: Outcome) -> float:
        """Return problems per hour over the reference's, both without the start."""
        return self.reference.clock() / 3600 / (outcome.hours - START_SECONDS / 3600)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return what is worth keeping of each loop."""
        occupancy = self.reference.engine.occupancy
        other = zip(self.answers, self.full.solutions, strict=True)
        reference = {
            "hours": round((self.reference.clock() + START_SECONDS) / 3600, 3),
            "tokens": self.reference.engine.generated_tokens,
            "wasted_tokens": self.reference.wasted,
            "idle_share": round(occupancy.idle_share, 4),
            "empty_share": round(occupancy.empty_share, 4),
            "half_empty_share": round(occupancy.half_empty_share, 4),
            "other_answers": sum(answer != solution.answer for answer, solution in other),
        }
        ours, full = self.ours.figures(), self.full.figures()
        return [
            {"race": name, "loop": "kernel, decided stop", **ours, "ratio": self.ratio(self.ours)},
            {"race": name, "loop": "kernel, full vote", **full, "ratio": self.ratio(self.full)},
            {"race": name, "loop": "reference", **reference},
        ]


def race(gpu: Gpu, problems: list[ShapedProblem], prefix_cache: bool = True) -> Race:
    """Run all three loops on one kind of GPU."""
    config = Config(problems=len(problems))
    costs = Costs(gpu, NUMINA, Layout(2, 1, 8))
    ours = simulate(problems, config, costs)
    full = simulate(problems, replace(config, stop_when_decided=False), costs)
    reference = SimulatedReference(config, costs, prefix_cache)
    return Race(ours, full, reference, tuple(reference.solve(problem) for problem in problems))


def measure() -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Return the result file's figures and rows."""
    problems = generate(PROBLEMS, Config().candidates, SEED)
    races = {
        "Triton attention": race(T4, problems),
        "Triton attention, reference without prefix cache": race(T4, problems, False),
        "attention as fast as memory": race(replace(T4, attention_gb_s=T4.weight_gb_s), problems),
    }
    first, fast = races["Triton attention"], races["attention as fast as memory"]
    figures = {
        "problems_per_hour_ratio": round(first.ratio(first.ours), 2),
        "problems_per_hour_ratio_full_vote": round(first.ratio(first.full), 2),
        "problems_per_hour_ratio_fast_attention": round(fast.ratio(fast.ours), 2),
        "idle_share": round(max(r.ours.occupancy.idle_share for r in races.values()), 4),
        "hours_50_problems": round(first.ours.hours, 2),
        "answers_changed": sum(answers_changed(r.ours, r.full) for r in races.values()),
    }
    rows = [row for name, run in races.items() for row in run.rows(name)]
    return figures, [*rows, {"cold_seconds": round(cold_seconds(), 3), "cpus": KAGGLE_CPUS}]


def main() -> None:
    """Measure, print the figures, write the file."""
    figures, rows = measure()
    for name, value in figures.items():
        print(f"{name:<36}{value:>10}")
    for row in rows:
        print("  " + ", ".join(f"{name} {value}" for name, value in row.items()))
    print(f"written to {write_result('simulated_t4', figures, rows)}")


if __name__ == "__main__":
    main()
