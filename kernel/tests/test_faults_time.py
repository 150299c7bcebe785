"""The time limit, on a clock of its own: engines and sandboxes of wild speeds, 10,000 schedules.

Two in three runs may start extra candidates where a vote is open.

The real `SubmissionRun`, `sc_tir.solve` and `Deadline` run; engine, sandbox and clock are
simulated. An engine step and a sandbox wait are the granularity: the run looks at the clock between
them, so a problem may pass its share by one of each, and the run its limit less the reserve too.
"""

import heapq
import itertools
import math
import random
import time
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from kernel.answers.tests.answering import run_of
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import Completion, Execution, ExecutionStatus, Finish, Problem
from kernel.trace import Trace

SCHEDULES = 10_000
ENCODED = {}
CODE = "```python\nprint(6*7)\n```\n```output"
FAILURE = ("", Finish.FAILED)
TEXTS = [
    (CODE, Finish.STOP),
    (r"It is $\boxed{7}$.", Finish.END),
    (r"It is $\boxed{8}$.", Finish.END),
    ("so we go on", Finish.LENGTH),
]


class Clock:
    """Virtual seconds."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


class SimulatedEngine:
    """Finishes each request after a random time, or never; one in ten is lost on the way.

    Each poll takes one step of virtual time.
    """

    restarts, facts = 0, {}

    def __init__(self, draw, clock, load, step, limit):
        self.draw, self.clock, self.load, self.step = draw, clock, load, step
        self.slow = draw.choice([0.01, 1, 30, 1000])
        self.silent = draw.random() < 0.1
        self.dies = limit * draw.random() if draw.random() < 0.1 else math.inf
        self.due, self.numbers = [], itertools.count()

    @property
    def ready(self):
        return self.clock.time >= self.load

    @property
    def lost(self):
        return self.clock.time >= self.dies

    def encode(self, text):
        return ENCODED.setdefault(text, [1] * (len(text) // 8))

    def encode_chat(self, messages):
        return self.encode(messages[-1]["content"])

    def submit(self, request):
        done = self.clock.time + self.step + self.slow * self.draw.random()
        done = math.inf if self.silent else done
        heapq.heappush(self.due, (done, next(self.numbers), request.id))

    def abort(self, request_ids):
        gone = set(request_ids)
        self.due = [entry for entry in self.due if entry[2] not in gone]
        heapq.heapify(self.due)

    def poll(self):
        # A jump to the next event would skip looks at the clock; a long step bounds their number.
        self.clock.time += self.step
        done = []
        while self.due and (self.lost or self.due[0][0] <= self.clock.time):
            text, finish = FAILURE if self.lost else self.draw.choice(TEXTS)
            name = heapq.heappop(self.due)[2]
            done.append(Completion(name, text, tuple(self.encode(text)), finish, 9))
        return done


class SimulatedSandbox:
    """Takes anything from no time to for ever for a block."""

    report = {"layers": {}}  # noqa: RUF012

    def __init__(self, draw, clock, step):
        self.draw, self.clock, self.step = draw, clock, step
        self.slow, self.due = draw.choice([0.01, 5, 500]), {}

    def submit(self, session, code):
        self.due[session] = self.clock.time + self.slow * self.draw.random()

    def close_session(self, session):
        self.due.pop(session, None)

    def poll(self, timeout=0.0):
        self.clock.time += self.step if timeout else 0.0
        done = [session for session, due in self.due.items() if due <= self.clock.time]
        for session in done:
            del self.due[session]
        return [Execution(session, ExecutionStatus.OK, "42", 0.1) for session in done]


class Shares(Deadline):
    """A Deadline that notes what each problem was given."""

    def __init__(self, *args, **kwargs):
        self.given = []
        super().__init__(*args, **kwargs)

    def begin(self):
        share = super().begin()
        self.given.append(share)
        return share


@dataclass
class Schedule:
    """One random run: its time, its machine's speed, and the promises that it is held to."""

    draw: random.Random
    clock: Clock
    problems: int
    limit: float
    reserve: float
    step: float
    """The longest look apart."""
    load: float
    """Seconds until the model is loaded."""

    @classmethod
    def random(cls, seed):
        """Draw one: mostly few problems, so that ten thousand take a minute."""
        draw = random.Random(seed)
        problems = 50 if draw.random() < 0.01 else draw.randint(1, 8)
        limit = draw.choice([10.0, 600.0, 18_000.0, 32_400.0])
        reserve = limit * draw.choice([0.0, 0.05, 0.5])
        step = (limit - reserve) / draw.choice([25, 60]) / problems
        load = draw.choice([0.0, 0.2, 2.0]) * limit * draw.random()
        return cls(draw, Clock(), problems, limit, reserve, step, load)

    @property
    def over(self):
        """How far a problem may pass its share: a step, and as much again while code runs."""
        return 2 * self.step

    def usable(self):
        """Return the time left before the reserve."""
        return self.limit - self.reserve - self.clock.time

    def run(self, tmp_path):
        """Return the real Run on the simulated machine, its Deadline noting what it gives."""
        times = self.limit, self.reserve, self.problems
        config = replace(
            Config(),
            candidates=self.draw.randint(1, 3),
            extra_candidates=self.draw.choice([0, 2, 6]),
            extra_group=self.draw.randint(1, 3),
            problems=self.problems,
            rounds=2,
            default_answer=13,
            limit_seconds=self.limit,
            reserve_seconds=self.reserve,
            work=tmp_path,
        )
        engine = SimulatedEngine(self.draw, self.clock, self.load, self.step, self.limit)
        sandbox = SimulatedSandbox(self.draw, self.clock, self.step)
        deadline = Shares(*times, now=self.clock)
        return run_of(config, engine, sandbox, deadline, Trace(None), now=self.clock)

    def minimum(self):
        """Return the least share there is; loading the model is nobody's time."""
        return max(0.0, self.limit - self.reserve - self.load - self.over) / self.problems

    def borne(self, number):
        """Return what problems before the given one may have taken from its share.

        Each may have passed its own by `over`, and the platform paused for a step behind it; the
        problems behind it bear that together.
        """
        passed = self.over + self.step
        return sum(passed / (self.problems - earlier) for earlier in range(1, number + 1))


def play(seed, tmp_path, events=None):
    """Run one schedule and hold it to its promises; return whether its reserve was reached."""
    schedule = Schedule.random(seed)
    run, clock = schedule.run(tmp_path), schedule.clock
    if events is not None:
        run.trace = Trace(None, echo=lambda event: events.update([event["event"]]))
    given, pauses, carried = run.deadline.given, 0.0, 0.0
    for number in range(schedule.problems):
        pause = schedule.draw.choice([0.0, 0.0, schedule.step])  # the platform takes its time
        clock.time += pause
        pauses += pause
        before, usable, real = clock.time, schedule.usable(), time.perf_counter()
        assert 0 <= run.answer(Problem(str(number), "What?")) <= 999
        share, took = given[-1], clock.time - before
        row = run.report.rows[number + 1]
        if usable <= 0:
            # The reserve is reached: the default, at once.
            assert (share, took, row["ended"], row["answer"]) == (0, 0, "deadline", 13)
            assert time.perf_counter() - real < 1
            continue
        loading = took - run.deadline.spent()  # before its share began
        assert took - loading <= share + schedule.over
        assert schedule.usable() >= -schedule.over
        assert share >= schedule.minimum() * (1 - 1e-9) - schedule.borne(number)
        if number:
            # What earlier problems left is in this share and those behind it, to the second.
            assert share == pytest.approx(usable / (schedule.problems - number))
            assert share >= given[-2] + (carried - pause) / (schedule.problems - number) - 1e-6
        # A problem that is cut off was given all of it: what is carried over can be used.
        assert row["ended"] != "deadline" or took - loading >= share * (1 - 1e-9)
        carried = share - (took - loading)
    assert clock.time <= schedule.limit - schedule.reserve + schedule.over + pauses
    rows = run.report.rows.values()
    assert [row["problem"] for row in rows] == [str(n) for n in range(schedule.problems)]
    return clock.time >= schedule.limit - schedule.reserve


@pytest.mark.slow
def test_no_schedule_passes_the_limit_or_starves_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr("kernel.report.write_json", lambda path, value: None)
    events = Counter()
    reached = sum(play(seed, tmp_path, events) for seed in range(SCHEDULES))
    # The schedules are wild enough: some run out of time, some do not; many votes stay open.
    assert 0.1 < reached / SCHEDULES < 0.9
    assert events["extra"] > SCHEDULES


@pytest.mark.parametrize(
    "broken",
    [
        lambda whole, self: whole(self) * 1.2,
        lambda whole, self: whole(self) * 0.8,
        lambda whole, self: min(whole(self), self._limit / 60),
        lambda whole, self: whole(self) + self._reserve / 10,
    ],
    ids=["greedy", "stingy", "no carry-over", "into the reserve"],
)
def test_the_schedules_find_a_wrong_share(tmp_path, monkeypatch, broken):
    monkeypatch.setattr("kernel.report.write_json", lambda path, value: None)
    whole = Deadline.share
    monkeypatch.setattr(Deadline, "share", lambda self: broken(whole, self))
    with pytest.raises(AssertionError):
        for seed in range(300):
            play(seed, tmp_path)
