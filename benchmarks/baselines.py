"""Measures what each part of SC-TIR adds: words only, one code block, code in up to four rounds.

    python -m benchmarks.baselines

The three are settings of the kernel's own solve (`baselines.json`), on the same problems with the
same seeds and N, side by side: all three solve a problem before the next one begins, on one engine,
so that a busy machine slows them equally.

Covers: what `benchmarks/results/baselines.json` holds, and the three runs under `runs/baselines/`,
which `make view`, `make compare` and `make results` read. Does not cover: competition problems,
which are beyond the embedded model: these are one-step problems of the kinds that its worked
examples show, and some other kinds.
"""

import json
import math
import random
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from benchmarks.result import Row, write_result
from benchmarks.scored_run import scored_row
from common import embedded_model
from common.console import console, say
from kernel.checks.preflight import model_settings
from kernel.config import Config
from kernel.engine.vllm_engine import VllmEngine
from kernel.report import settings_of
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Trace
from validation import statistics
from validation.runs.records import read_run
from validation.runs.sets import TruthProblem
from validation.runs.verdicts import Verdict, judged
from validation.validate import Task, work

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = Path(__file__).with_suffix(".json")
OUT = ROOT / "runs/baselines"
CANDIDATES, SEED, EACH = 8, 0, 2
SECONDS = 120.0
"""Most a problem; a candidate's few hundred tokens take a tenth of it."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A way of solving, as settings."""

    name: str
    settings: dict[str, Any]

    @property
    def run(self) -> Path:
        """Return the file that its run goes to."""
        words = "".join(c if c.isalnum() else " " for c in self.name).lower().split()
        return OUT / f"{'-'.join(words)}.jsonl"


def baselines() -> list[Baseline]:
    """Return the three, in the order of what each adds."""
    known = json.loads(SETTINGS.read_text("utf-8"))
    return [Baseline(name, entry["settings"]) for name, entry in known.items()]


def problems() -> list[TruthProblem]:
    """Return the problems, two of each kind, the same at every call."""
    choose = random.Random(11)
    made = [
        TruthProblem(f"{name}-{time}", text, truth, truth % 1000)
        for time in range(1, EACH + 1)
        for name, text, truth in [*_shown_kinds(choose), *_other_kinds(choose)]
    ]
    # 0 is what is answered where nobody votes: it must not be right by chance.
    assert all(problem.answer for problem in made)
    assert len({problem.problem for problem in made}) == len(made)
    return made


def _shown_kinds(choose: random.Random) -> list[tuple[str, str, int]]:
    """Return a problem (name, text, truth) of each kind that the worked examples show."""
    a, b = choose.randint(2, 20), choose.randint(30, 43)
    base, power, modulus = choose.randint(2, 6), choose.randint(20, 60), choose.choice((7, 13, 19))
    n, zeros, digits = choose.randint(60, 400), choose.randint(15, 40), choose.randint(5, 12)
    g, h, common = choose.randint(3, 9), choose.randint(10, 19), choose.randint(4, 12)
    x, shift = choose.randint(2, 12), choose.randint(3, 20)
    first, second = g * common, h * common
    divisors = sum(n % d == 0 for d in range(1, n + 1))
    trailing = sum(zeros // 5**k for k in range(1, 4))
    of_digits = sum(sum(map(int, str(k))) == digits for k in range(100, 1000))
    remainder = pow(base, power, modulus)
    three_digits = f"How many three-digit positive integers have a digit sum of ${digits}$?"
    power_of = f"What is the remainder when ${base}^{{{power}}}$ is divided by ${modulus}$?"
    divisor = f"What is the greatest common divisor of ${first}$ and ${second}$?"
    return [
        ("sum", f"What is the sum of all integers from ${a}$ to ${b}$?", sum(range(a, b + 1))),
        ("power", power_of, remainder),
        ("divisors", f"How many positive divisors does ${n}$ have?", divisors),
        ("gcd", divisor, math.gcd(first, second)),
        ("zeros", f"How many zeros are at the end of ${zeros}!$?", trailing),
        ("digits", three_digits, of_digits),
        ("equation", f"What is $x$ if $4x + {shift} = x + {shift + 3 * x}$?", x),
    ]


def _other_kinds(choose: random.Random) -> list[tuple[str, str, int]]:
    """Return a problem (name, text, truth) of each kind that they do not show."""
    p, q, even = choose.randint(12, 30), choose.randint(12, 30), 2 * choose.randint(10, 19)
    step, most = choose.randint(3, 9), choose.randint(100, 900)
    primes, n = choose.randint(30, 90), choose.randint(4, 12)
    below = sum(all(k % d for d in range(2, k)) for k in range(2, primes))
    squares = sum(k * k for k in range(1, n + 1))
    multiple = f"What is the least common multiple of ${2 * p}$ and ${even}$?"
    return [
        ("product", f"What is the product of ${p}$ and ${q}$?", p * q),
        ("lcm", multiple, math.lcm(2 * p, even)),
        ("multiples", f"How many multiples of ${step}$ are from $1$ to ${most}$?", most // step),
        ("primes", f"How many prime numbers are less than ${primes}$?", below),
        ("squares", f"What is the sum of the squares of all integers from $1$ to ${n}$?", squares),
    ]


def measure(chosen: list[Baseline], asked: list[TruthProblem]) -> None:
    """Solve every problem in every way; each run goes to its file, the problems beside them."""
    model = embedded_model.ensure()
    shared = replace(
        model_settings(model), candidates=CANDIDATES, seed=SEED, stop_when_decided=False
    )
    configs = [shared.updated(baseline.settings) for baseline in chosen]
    OUT.mkdir(parents=True, exist_ok=True)
    columns = {"id": [p.id for p in asked], "problem": [p.problem for p in asked]}
    pl.DataFrame({**columns, "answer": [p.truth for p in asked]}).write_csv(OUT / "one-step.csv")
    with ExitStack() as open_things:
        traces = [
            open_things.enter_context(begun_trace(baseline, config, model.name))
            for baseline, config in zip(chosen, configs, strict=True)
        ]
        say(f"Loading {model.name} ...")
        engine = VllmEngine(model, shared, OUT / "engine.log", say)
        open_things.callback(engine.close)
        sandbox = open_things.enter_context(ForkedSandbox(shared))
        for number, problem in enumerate(asked, 1):
            for baseline, config, trace in zip(chosen, configs, traces, strict=True):
                say(f"{number} of {len(asked)}, {baseline.name}:")
                if work([Task(SEED, problem)], config, SECONDS, engine, sandbox, trace):
                    raise SystemExit(1)


def begun_trace(baseline: Baseline, config: Config, model: str) -> Trace:
    """Return the trace of a new run, which replaces one that is there."""
    baseline.run.unlink(missing_ok=True)
    trace = Trace(baseline.run)
    about = {"set": "one-step", "model": model, "seeds": 1}
    trace.write("run", **about, settings=settings_of(config), baseline=baseline.name)
    return trace


def row(baseline: Baseline) -> Row:
    """Return a run's figures."""
    run = read_run(baseline.run)
    right = [solve.right for solve in judged(run)]
    every = [candidate for solved in run.solved for candidate in solved.candidates]
    rounds = (each for candidate in every for each in candidate.rounds)
    return {
        "setting": baseline.name,
        **scored_row(right, rounds, len(right)),
        "candidates": CANDIDATES,
        "boxed": sum(candidate.answer is not None for candidate in every),
        "seconds_a_problem": round(sum(s.seconds for s in run.solved) / len(right), 2),
    }


def against_last(chosen: list[Baseline]) -> list[Row]:
    """Return McNemar's test of each run but the last against the last."""
    solves: list[list[Verdict]] = []
    for baseline in chosen:
        found = judged(read_run(baseline.run))
        solves.append(sorted(found, key=lambda solve: solve.solved.problem))
    *others, last = [[solve.right for solve in one] for one in solves]
    return [*({"p_against_last": statistics.mcnemar(one, last).p} for one in others), {}]


def main() -> None:
    """Measure, print the table, write the file."""
    chosen = baselines()
    measure(chosen, problems())
    rows = [{**row(b), **p} for b, p in zip(chosen, against_last(chosen), strict=True)]
    table = Table("setting", "right", "95% interval", "code blocks", "failed", "tokens", "seconds")
    for found in rows:
        table.add_row(
            found["setting"],
            f"{found['right']} of {found['problems']}",
            f"{found['low']:.0%} to {found['high']:.0%}",
            str(found["code_blocks"]),
            str(found["code_blocks_failed"]),
            str(found["tokens_a_problem"]),
            f"{found['seconds_a_problem']:.1f}",
        )
    console().print(table)
    names = ("chain_of_thought", "one_code_block", "sc_tir")
    figures = {f"{name}_right": found["right"] for name, found in zip(names, rows, strict=True)}
    figures |= {"problems": rows[0]["problems"], "candidates": CANDIDATES}
    print(f"runs        {OUT}\nwritten to  {write_result('baselines', figures, rows)}")


if __name__ == "__main__":
    main()
