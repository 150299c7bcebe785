"""A simulated run: the kernel's own solve, deadline and vote on a simulated engine and sandbox.

Covers: solving problems of known shapes one after the other in virtual time, and the totals. Does
not cover: what the costs and the shapes are (`costs`, `shapes`), the command (`simulate`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kernel import sc_tir
from kernel.answers import extraction
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import Problem, Solution, StopReason
from kernel.trace import Trace
from validation.simulation.costs import Costs
from validation.simulation.engine import SimulatedEngine
from validation.simulation.occupancy import Occupancy
from validation.simulation.sandbox import SimulatedSandbox
from validation.simulation.shapes import ShapedProblem
from validation.simulation.virtual_time import VirtualClock

START_SECONDS = 300.0
"""Gone of the limit before the first problem: wheels, and loading the model from Kaggle's disk."""


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """What one simulated run came to."""

    hours: float
    solutions: tuple[Solution, ...]
    right: int
    tokens: int
    steps: int
    preempted: int
    occupancy: Occupancy

    def reached(self) -> int:
        """Return how many problems got to vote: none is left over once the time is up."""
        return sum(bool(s.tally) for s in self.solutions)

    def cut_off(self) -> int:
        """Return how many votes were cut off by the deadline of their problem."""
        return sum(s.ended is StopReason.DEADLINE for s in self.solutions)

    def figures(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {
            "hours": round(self.hours, 3),
            "problems": len(self.solutions),
            "problems_reached": self.reached(),
            "problems_cut_off": self.cut_off(),
            "right": self.right,
            "tokens": self.tokens,
            "tokens_per_second": round(self.tokens / (self.hours * 3600), 1),
            "idle_share": round(self.occupancy.idle_share, 5),
            "empty_share": round(self.occupancy.empty_share, 5),
            "half_empty_share": round(self.occupancy.half_empty_share, 5),
            "preempted": self.preempted,
        }


def simulate(
    problems: list[ShapedProblem],
    config: Config,
    costs: Costs,
    report: Callable[[str], None] = lambda text: None,
) -> SimulatedRun:
    """Solve the problems one after the other in virtual time."""
    clock = VirtualClock()
    engine = SimulatedEngine(
        costs, clock, min(config.slots, config.candidates + config.extra_candidates)
    )
    sandbox = SimulatedSandbox(clock, config.code_workers, config.code_seconds)
    engine.occupancy.waiting = lambda: sandbox.pending
    sandbox.idle = engine.occupancy.note
    times = config.limit_seconds, config.reserve_seconds, len(problems)
    deadline = Deadline(*times, elapsed=START_SECONDS, now=clock)
    solutions: list[Solution] = []
    right = 0
    for problem in problems:
        engine.begin(problem)
        sandbox.begin(problem)
        deadline.begin()
        asked = Problem(problem.id, "")
        solution = sc_tir.solve(asked, config, engine, sandbox, deadline, Trace(None, now=clock))
        solutions.append(solution)
        truth = None if problem.truth is None else extraction.to_answer(problem.truth, config)
        right += solution.answer == truth
        report(f"{len(solutions)} of {len(problems)}: {deadline.elapsed() / 3600:.2f} h")
    tokens = engine.generated_tokens
    done = tuple(solutions)
    hours = deadline.elapsed() / 3600
    return SimulatedRun(
        hours, done, right, tokens, engine.steps, engine.preempted, engine.occupancy
    )


def answers_changed(ours: SimulatedRun, full: SimulatedRun) -> int:
    """Count the problems whose answer a full vote would have changed.

    Those that the deadline cut off in either run say nothing: there the votes differ, not the rule.
    """
    pairs = zip(ours.solutions, full.solutions, strict=True)
    return sum(
        a.answer != b.answer for a, b in pairs if StopReason.DEADLINE not in (a.ended, b.ended)
    )
