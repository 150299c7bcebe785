"""Measures the kernel's loop against the reference loop on simulated T4s.

    make bench-simulated_t4

Both loops get the same fifty problems with the same candidates (token counts and answers generated
like recorded ones, see `validation.simulation.generated_shapes`), the same engine (costs, slots,
prefix cache) and four CPUs; six seeds make six sets of candidates. The kernel runs with and without
the decided stop, the reference as described in `reference_loop`, each block at the cost of a cold
interpreter that `bench-sandbox` has measured. What is not known is given as a range: each attention
at both ends and in the middle of what it may reach. Candidates that use code are also raced
separately, since only they are slowed by lock-step's executions. Last, the reference on the engine
of its day: exllama's GPU kernel, which above 24 rows writes the weights out at 16 bits and reads
them again, no prefix cache, and the attention that vLLM had then.

Covers: what `benchmarks/results/simulated_t4.json` holds. Does not cover: real T4s; the costs are
those of `simulation/costs`, and the package's attention at its predicted rate.
"""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from benchmarks import reference_loop
from benchmarks.result import (
    FOLDER,
    Measurement,
    Row,
    print_figures,
    print_rows,
    read_result,
    write_result,
)
from kernel.config import Config
from kernel.records import Completion, Execution, Problem, Request
from validation.simulation.costs import T4, T4_ATTENTION, Costs, GpuKind, Layout
from validation.simulation.engine import SimulatedEngine
from validation.simulation.generated_shapes import generate
from validation.simulation.model_shape import NUMINA
from validation.simulation.run import START_SECONDS, SimulatedRun, answers_changed, simulate
from validation.simulation.sandbox import SimulatedSandbox
from validation.simulation.shapes import ShapedProblem
from validation.simulation.virtual_time import VirtualClock

PROBLEMS, SEEDS, N = 50, range(6), Config().candidates
MANY = 600
"""Candidates of a problem of which `N` use code, a tenth or more of the recorded ones."""
EXLLAMA_ROWS = 24
PUBLISHED_ATTENTION_GB_S = 88.0
"""vLLM's attention before its V1 engine, on a T4: from its issue 1618."""
KAGGLE_CPUS = 4


def cold_seconds() -> float:
    """Return what starting a Python with numpy and sympy costs a CPU, as `bench-sandbox` measured.

    Its pool had as many threads as that machine has CPUs, two.
    """
    rows = read_result(FOLDER / "sandbox.json").rows
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
        """Complete all requests; returns once the last has finished."""
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

    def run_blocks(self, blocks: Sequence[tuple[str, str]]) -> list[Execution]:
        """Run all blocks; returns once the last has ended."""
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
    """The kernel's loop, with and without the decided stop, against the reference's."""

    ours: SimulatedRun
    full: SimulatedRun
    reference: SimulatedReference
    answers: tuple[int, ...]
    """The reference's."""

    def ratio(self, outcome: SimulatedRun) -> float:
        """Return problems per hour over the reference's, both without the start."""
        return self.reference.clock() / 3600 / (outcome.hours - START_SECONDS / 3600)


def race(
    gpu: GpuKind,
    problems: list[ShapedProblem],
    prefix_cache: bool = True,
    other: GpuKind | None = None,
    rebuilds_above: int | None = None,
) -> Race:
    """Run all three loops; the reference on the same engine unless told otherwise.

    Args:
        gpu: the kernel's GPUs.
        problems: with the candidates that all loops get.
        prefix_cache: whether the reference's engine has one.
        other: the reference's GPUs, where another engine makes them another speed.
        rebuilds_above: rows above which the reference's engine unpacks weights.
    """
    config = Config(problems=len(problems))
    costs = Costs(gpu, NUMINA, Layout(2, 1, 8))
    ours = simulate(problems, config, costs)
    full = simulate(problems, replace(config, stop_when_decided=False), costs)
    theirs = replace(costs, gpu=other or gpu, rebuilds_above=rebuilds_above)
    reference = SimulatedReference(config, theirs, prefix_cache)
    return Race(ours, full, reference, tuple(reference.solve(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a race is run with, over all seeds."""

    attention: str
    """A name of `T4_ATTENTION`."""
    gb_s: float
    with_code: bool = False
    """Whether only candidates that use code take part."""
    published: bool = False
    """Whether the reference runs on the engine of the published loop's day."""

    def race(self, seed: int) -> Race:
        """Run it with one seed's transcripts."""
        problems = coded(seed) if self.with_code else generate(PROBLEMS, N, seed)
        gpu = replace(T4, attention_gb_s=self.gb_s)
        if not self.published:
            return race(gpu, problems)
        old = replace(T4, attention_gb_s=PUBLISHED_ATTENTION_GB_S)
        return race(gpu, problems, False, old, EXLLAMA_ROWS)


def coded(seed: int) -> list[ShapedProblem]:
    """Return problems all of whose candidates use code: the first `N` such of many."""
    problems = generate(PROBLEMS, MANY, seed)
    chosen = [
        replace(problem, shapes=tuple(shape for shape in problem.shapes if shape.outputs)[:N])
        for problem in problems
    ]
    if short := next((p.id for p in chosen if len(p.shapes) < N), None):
        raise ValueError(f"problem {short} has too few candidates with code: raise MANY")
    return chosen


def settings() -> list[Setting]:
    """Return all settings: each attention over its range, what uses code apart, the old engine."""
    found: list[Setting] = []
    for name in ("triton", "own"):
        span = T4_ATTENTION[name]
        found += [Setting(name, gb_s) for gb_s in (span.low, span.typical, span.high)]
        found += [Setting(name, gb_s, with_code=True) for gb_s in (span.low, span.typical)]
        found.append(Setting(name, span.typical, published=True))
    return found


def summed(setting: Setting, races: list[Race]) -> Row:
    """Return a setting's row: means over the seeds, and the ratios' extremes."""
    ratios = [run.ratio(run.ours) for run in races]
    full = [run.ratio(run.full) for run in races]
    reference = [(run.reference.clock() + START_SECONDS) / 3600 for run in races]
    return {
        **asdict(setting),
        "hours": round(statistics.mean(run.ours.hours for run in races), 3),
        "hours_full_vote": round(statistics.mean(run.full.hours for run in races), 3),
        "hours_reference": round(statistics.mean(reference), 3),
        "ratio": round(statistics.mean(ratios), 3),
        "ratio_low": round(min(ratios), 3),
        "ratio_high": round(max(ratios), 3),
        "ratio_full_vote": round(statistics.mean(full), 3),
        "idle_share": round(max(run.ours.occupancy.idle_share for run in races), 4),
        "half_empty_share": round(
            statistics.mean(run.ours.occupancy.half_empty_share for run in races), 3
        ),
        "answers_changed": sum(answers_changed(run.ours, run.full) for run in races),
    }


def measure() -> Measurement:
    """Return the result file's figures and rows."""
    rows: list[Row] = []
    for number, setting in enumerate(settings(), 1):
        print(f"{number} of {len(settings())}: {setting}", file=sys.stderr, flush=True)
        rows.append(summed(setting, [setting.race(seed) for seed in SEEDS]))
    notes = {"cold_seconds": round(cold_seconds(), 3), "cpus": KAGGLE_CPUS, "seeds": len(SEEDS)}
    return Measurement(figures(rows), [*rows, notes])


def figures(rows: list[Row]) -> dict[str, float]:
    """Return what others read. Without a suffix: what runs today, vLLM's Triton attention."""

    def row(attention: str, end: str = "typical", **more: bool) -> Row:
        gb_s = getattr(T4_ATTENTION[attention], end)
        wanted = {"with_code": False, "published": False, **more}
        wanted |= {"attention": attention, "gb_s": gb_s}
        return next(r for r in rows if all(r[key] == value for key, value in wanted.items()))

    today, own = row("triton"), row("own")
    return {
        "problems_per_hour_ratio": today["ratio"],
        "problems_per_hour_ratio_low": row("triton", "low")["ratio_low"],
        "problems_per_hour_ratio_high": row("triton", "high")["ratio_high"],
        "problems_per_hour_ratio_full_vote": today["ratio_full_vote"],
        "problems_per_hour_ratio_own_attention": own["ratio"],
        "problems_per_hour_ratio_own_attention_low": row("own", "low")["ratio_low"],
        "problems_per_hour_ratio_own_attention_high": row("own", "high")["ratio_high"],
        "problems_per_hour_ratio_with_code": row("triton", with_code=True)["ratio"],
        "problems_per_hour_ratio_own_attention_with_code": row("own", with_code=True)["ratio"],
        "problems_per_hour_ratio_published": row("triton", published=True)["ratio"],
        "problems_per_hour_ratio_own_attention_published": row("own", published=True)["ratio"],
        "idle_share": max(r["idle_share"] for r in rows),
        "hours_50_problems": today["hours"],
        "hours_50_problems_own_attention": own["hours"],
        "answers_changed": sum(r["answers_changed"] for r in rows),
    }


def main() -> None:
    """Measure, print the figures, write the file."""
    found, rows = measure()
    print_figures(found)
    print_rows(rows)
    print(f"written to {write_result('simulated_t4', found, rows)}")


if __name__ == "__main__":
    main()
