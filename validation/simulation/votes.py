"""Votes without an engine: what a number of candidates yields in answers and costs in tokens.

Above 300 lines, since all rules share one clock and one set of slots.

Covers: the kernel's rules (decided, clear, stop risk, extra candidates in groups) on candidates
whose lengths and answers are known, thousands of votes a second; runs of many problems, resampled,
with intervals. Does not cover: hours (`comparison` has them from the simulator), and deadlines:
every vote ends by itself.

The clock counts decode steps: each candidate that has a slot gets one token a step, as in an engine
whose steps all take the same time. Prefill, preemption and code take none.
"""

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kernel import voting
from kernel.answers import extraction
from kernel.answers.latex_integer import evaluate_integer
from kernel.config import Config
from validation.simulation.generated_shapes import families, generate
from validation.simulation.shapes import Shape, ShapedProblem, draw, load_shapes
from validation.statistics import Interval

RECORDED = 10_724
"""Answers of each family: a fifth of the 53,620 that the families are fitted to."""


@dataclass(frozen=True, slots=True)
class Number:
    """How many candidates a problem gets; the fields are those of `kernel.config`."""

    candidates: int = 48
    extra_candidates: int = 0
    extra_group: int = 24
    stop_risk: float = 0.0
    deviations: float = voting.CLEAR_DEVIATIONS
    """Of a lead that is clear; the kernel's own if not given."""

    @property
    def most(self) -> int:
        """The most candidates a problem may get."""
        return self.candidates + self.extra_candidates

    @property
    def name(self) -> str:
        """The number for people."""
        if not self.extra_candidates:
            return f"N = {self.candidates}"
        return f"N = {self.candidates} to {self.most}"


FIXED = (48, 96, 144, 192)
"""Numbers of candidates that are compared with N = 48 and extras."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One candidate that will have been generated: its tokens and its vote."""

    tokens: int
    answer: int | None


@dataclass(frozen=True, slots=True)
class Ballot:
    """One problem's candidates, in the order in which they start."""

    truth: int | None
    heard: tuple[Heard, ...]


@dataclass(frozen=True, slots=True)
class Vote:
    """What one vote came to."""

    right: bool
    answer: int | None
    started: int
    tokens: int
    steps: int
    """Decode steps until it ended."""
    chance: float
    """The bound on the chance that the rest would have changed it; 0 where they could not."""


def ballot(problem: ShapedProblem, config: Config) -> Ballot:
    """Return a problem's candidates as the kernel would hear them in its rounds."""
    truth = None if problem.truth is None else extraction.to_answer(problem.truth, config)
    values = {shape.answer: _value(shape.answer, config) for shape in problem.shapes}
    heard = (_heard(shape, values[shape.answer], config) for shape in problem.shapes)
    return Ballot(truth, tuple(heard))


def _value(answer: str, config: Config) -> int | None:
    value = evaluate_integer(answer) if answer else None
    return None if value is None else extraction.to_answer(value, config)


def _heard(shape: Shape, value: int | None, config: Config) -> Heard:
    """Return a candidate; one that needs more rounds than there are has boxed nothing."""
    within = len(shape.generated) <= config.rounds
    return Heard(sum(shape.generated[: config.rounds]), value if within else None)


@dataclass
class _Poll:
    """A vote while it runs."""

    number: Number
    heard: Sequence[Heard]
    slots: int

    def __post_init__(self) -> None:
        self.votes: dict[int, int] = {}
        self.decoding: list[tuple[int, int, int]] = []
        self.now = self.begun = self.asked = self.tokens = 0

    def outstanding(self) -> int:
        """Return how many of the candidates asked for have not voted."""
        return self.asked - self.begun + len(self.decoding)

    def ask(self, count: int) -> None:
        """Ask for further candidates; those beyond the slots wait."""
        self.asked += count
        self.fill()

    def fill(self) -> None:
        while self.begun < self.asked and len(self.decoding) < self.slots:
            end = self.now + self.heard[self.begun].tokens
            heapq.heappush(self.decoding, (end, self.begun, self.now))
            self.begun += 1

    def next_vote(self) -> None:
        """Let the next candidate end."""
        self.now, index, _ = heapq.heappop(self.decoding)
        self.tokens += self.heard[index].tokens
        answer = self.heard[index].answer
        if answer is not None:
            self.votes[answer] = self.votes.get(answer, 0) + 1
        self.fill()

    def group(self) -> int:
        """Return how many extra candidates the kernel would start, see `sc_tir`."""
        left = self.number.most - self.asked
        if left <= 0 or voting.clear(self.votes, self.number.deviations):
            return 0
        return min(left, self.number.extra_group)


def vote(heard: Ballot, number: Number, slots: int = 48) -> Vote:
    """Hold one vote as `sc_tir.solve` does: decided or over, then extras where it is open."""
    poll = _Poll(number, heard.heard, slots)
    poll.ask(number.candidates)
    chance = 0.0
    while True:
        outstanding = poll.outstanding()
        ended = not outstanding or voting.decided(poll.votes, outstanding)
        if not ended and number.stop_risk:
            chance = voting.overturn_chance(poll.votes, outstanding)
            ended = chance < number.stop_risk
        if ended and (more := poll.group()):
            poll.ask(more)
        elif ended:
            break
        else:
            poll.next_vote()
    cut = sum(poll.now - begun for _, _, begun in poll.decoding)
    undecided = outstanding and not voting.decided(poll.votes, outstanding)
    answer = voting.majority(poll.votes)
    right = answer is not None and answer == heard.truth
    return Vote(
        right, answer, poll.asked, poll.tokens + cut, poll.now, chance if undecided else 0.0
    )


# --- Populations ---


def own_problems(answers: int = RECORDED, seed: int = 0) -> list[ShapedProblem]:
    """Return the package's own problems, one a family, with so many candidates each."""
    return generate(len(families()), answers, seed)


def recorded_problems(path: Path) -> list[ShapedProblem]:
    """Return the problems of a file of shapes, each with all its candidates.

    Raises:
        ShapesError: there is no such file, or it holds other rows.
    """
    by_problem = load_shapes(path)
    return [
        problem
        for name in sorted(by_problem)
        for problem in draw({name: by_problem[name]}, 1, len(by_problem[name]), seed=0)
    ]


Population = Callable[[random.Random, int], list[Ballot]]
"""Draws a run's problems with so many candidates each."""


def as_recorded(pool: Sequence[Ballot], problems: int) -> Population:
    """Return the population of the pool's problems in turn, no candidate twice in a problem."""

    def drawn(choose: random.Random, most: int) -> list[Ballot]:
        asked = (pool[number % len(pool)] for number in range(problems))
        return [Ballot(each.truth, tuple(choose.sample(each.heard, most))) for each in asked]

    return drawn


def half_easier(pool: Sequence[Ballot], problems: int) -> Population:
    """Return a population every other of whose problems is easier.

    There the truth has a share of the candidates drawn evenly from 20% to 100%; the others are
    wrong or silent as the pool's are. Each candidate is one of the pool's.
    """

    def easier(each: Ballot, choose: random.Random, most: int) -> Ballot:
        share = choose.uniform(0.2, 1.0)
        right = [heard for heard in each.heard if heard.answer == each.truth]
        others = [heard for heard in each.heard if heard.answer != each.truth]
        picks = (right if choose.random() < share else others for _ in range(most))
        return Ballot(each.truth, tuple(choose.choice(pick) for pick in picks))

    def drawn(choose: random.Random, most: int) -> list[Ballot]:
        made: list[Ballot] = []
        for number in range(problems):
            each = pool[number // 2 % len(pool)]
            if number % 2:
                made.append(easier(each, choose, most))
            else:
                made.append(Ballot(each.truth, tuple(choose.sample(each.heard, most))))
        return made

    return drawn


# --- Runs ---


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a number of candidates came to in many runs of the same problems."""

    right: NDArray[np.int64]
    """A row a run, a column a problem; 0 or 1."""
    tokens: NDArray[np.int64]
    started: NDArray[np.int64]

    def a_run(self) -> NDArray[np.int64]:
        """Return the right answers of each run."""
        return self.right.sum(axis=1)

    def figures(self, base: "Outcomes") -> dict[str, float]:
        """Return means over the runs, the range of 95% of them, and the gain over `base`."""
        low, high = np.quantile(self.a_run(), (0.025, 0.975), method="inverted_cdf")
        gain = self.a_run() - base.a_run()
        sure = mean_interval(gain)
        return {
            "right": round(float(self.a_run().mean()), 2),
            "right_low": int(low),
            "right_high": int(high),
            "gain": round(float(gain.mean()), 2),
            "gain_low": round(sure.low, 2),
            "gain_high": round(sure.high, 2),
            "candidates": round(float(self.started.mean()), 1),
            "tokens": round(float(self.tokens.sum(axis=1).mean())),
        }


def mean_interval(values: NDArray[np.int64]) -> Interval:
    """Return Student's t interval of the mean of one value a run."""
    if len(values) < 2 or not np.ptp(values):
        return Interval(float(values.mean()), float(values.mean()))
    ends = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    return Interval(float(ends[0]), float(ends[1]))


def outcomes(
    population: Population,
    numbers: Sequence[Number],
    runs: int,
    seed: int = 0,
    slots: int = 48,
    report: Callable[[int], None] = lambda run: None,
) -> Mapping[Number, Outcomes]:
    """Vote in many runs; every number of candidates gets the same ones, as far as they go."""
    most = max(number.most for number in numbers)
    found: dict[Number, list[list[Vote]]] = {number: [] for number in numbers}
    for run in range(runs):
        ballots = population(random.Random(f"{seed}/{run}"), most)
        for number in numbers:
            found[number].append([vote(each, number, slots) for each in ballots])
        report(run + 1)
    return {number: _outcomes(votes) for number, votes in found.items()}


def _outcomes(runs: Sequence[Sequence[Vote]]) -> Outcomes:
    tables = [[(v.right, v.tokens, v.started) for v in run] for run in runs]
    right, tokens, started = np.moveaxis(np.array(tables, np.int64), 2, 0)
    return Outcomes(right, tokens, started)
