"""The time limit, on a clock of its own: engines and sandboxes of wild speeds, 10,000 schedules.

The real `submission.Run`, `sc_tir.solve` and `Deadline` run; engine, sandbox and clock are
simulated. An engine step and a sandbox wait are the granularity: the run looks at the clock between
them, so a problem may pass its share by one of each, and the run its limit less the reserve too.
"""

import heapq
import itertools
import random
import time
from dataclasses import replace

import pytest

from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import Completion, Execution, ExecutionStatus, Finish, Problem
from kernel.tests.answering import run_of
from kernel.trace import Trace

SCHEDULES = 10_000
ENCODED = {}
CODE = "```python\nprint(6*7)\n```\n```output"
TEXTS = [(CODE, Finish.STOP), (r"It is $\boxed{7}$.", Finish.END), ("so we go on", Finish.LENGTH)]


class Clock:
    """Virtual seconds."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


class SimulatedEngine:
    """Finishes each request after a random time; each poll takes one step of virtual time."""

    lost, restarts, facts = False, 0, {}

    def __init__(self, draw, clock, load, step):
        self.draw, self.clock, self.load, self.step = draw, clock, load, step
        self.slow = draw.choice([0.01, 1, 30, 1000])
        self.silent = draw.random() < 0.1
        self.due, self.numbers = [], itertools.count()

    @property
    def ready(self):
        return self.clock.time >= self.load

    def encode(self, text):
        return ENCODED.setdefault(text, [1] * (len(text) // 8))

    def encode_chat(self, messages):
        return self.encode(messages[-1]["content"])

    def submit(self, request):
        done = self.clock.time + self.step + self.slow * self.draw.random()
        if not self.silent:
            heapq.heappush(self.due, (done, next(self.numbers), request.id))

    def abort(self, request_ids):
        gone = set(request_ids)
        self.due = [entry for entry in self.due if entry[2] not in gone]
        heapq.heapify(self.due)

    def poll(self):
        # A jump to the next event would skip looks at the clock; a long step bounds their number.
        self.clock.time += self.step
        done = []
        while self.due and self.due[0][0] <= self.clock.time:
            text, finish = self.draw.choice(TEXTS)
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


def play(seed, tmp_path):
    """Run one schedule and check all of its promises; return whether its reserve was reached."""
    draw, clock = random.Random(seed), Clock()
    problems = draw.randint(1, 8)
    limit = draw.choice([10.0, 600.0, 18_000.0, 32_400.0])
    reserve = limit * draw.choice([0.0, 0.05, 0.5])
    config = replace(
        Config(),
        candidates=draw.randint(1, 3),
        problems=problems,
        rounds=2,
        default_answer=13,
        limit_seconds=limit,
        reserve_seconds=reserve,
        work=tmp_path,
    )
    # The longest look apart: a step, and at most as much again while code runs.
    step = (limit - reserve) / draw.choice([200, 500])
    load = draw.choice([0.0, 0.2, 2.0]) * limit * draw.random()
    deadline = Shares(limit, reserve, problems, now=clock)
    engine = SimulatedEngine(draw, clock, load, step)
    sandbox = SimulatedSandbox(draw, clock, step)
    run = run_of(config, engine, sandbox, deadline, Trace(None), now=clock)
    over = 2 * step
    minimum, last = None, 0.0
    for number in range(problems):
        clock.time += draw.choice([0.0, 0.0, step])  # the platform takes its time
        before, real = clock.time, time.perf_counter()
        usable = limit - reserve - before
        assert 0 <= run.answer(Problem(str(number), "What?")) <= 999
        took = clock.time - before
        share = deadline.given[-1]
        begun = max(before, min(load + step, clock.time)) if number == 0 else before
        if usable <= 0:
            assert (share, took) == (0, 0)
            assert time.perf_counter() - real < 1
            continue
        if number == 0:
            # Loading the model is nobody's time: the minimum counts from when it is ready.
            minimum = max(0.0, limit - reserve - load - 2 * step) / problems
        assert clock.time - begun <= share + over
        # A problem before may have passed its share, and the platform paused: three steps, which
        # the problems behind it bear together.
        borne = sum(3 * step / (problems - earlier) for earlier in range(1, number + 1))
        assert share >= minimum * (1 - 1e-9) - borne
        if number:
            # What earlier problems left is in the share of this one, to the second.
            assert share == pytest.approx(usable / (problems - number))
            assert share > deadline.given[-2] * (1 - 1e-9) or before - last >= deadline.given[-2]
        last = clock.time - took
    assert clock.time <= max(limit - reserve, before) + over
    assert [row["problem"] for row in run.report.rows.values()] == [str(n) for n in range(problems)]
    return clock.time >= limit - reserve


@pytest.mark.slow
def test_no_schedule_passes_the_limit_or_starves_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr("kernel.report.write_json", lambda path, value: None)
    reached = sum(play(seed, tmp_path) for seed in range(SCHEDULES))
    # The schedules are wild enough: some run out of time, some do not.
    assert 0.1 < reached / SCHEDULES < 0.9
