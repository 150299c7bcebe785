"""The real vLLM with the embedded model, killed in the middle of a problem."""

import os
import signal
import time

import pytest

from common import embedded_model
from kernel import sc_tir
from kernel.checks.preflight import Preflight
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import AnswerSource, Problem
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Trace

PROBLEM = Problem("p", "What is the sum of all integers from $1$ to $100$?")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_problem_is_voted_on_though_vllm_is_killed_while_it_generates(tmp_path):
    model, killed = embedded_model.ensure(), []
    values = {"candidates": 4, "max_new_tokens": 160, "stop_when_decided": False}
    profile = Preflight(scored=False)._json(model / "profile.json")
    config = Config().updated({**profile, **values, "work": str(tmp_path)})
    engine = VllmEngine(model, config, tmp_path / "engine.log", print)
    poll = engine.poll

    def poll_and_kill():
        done = poll()
        if not killed and engine.generated_tokens > 8:
            killed.append(engine._process.pid)
            os.killpg(killed[0], signal.SIGKILL)
        return done

    try:
        end = time.monotonic() + 300
        while not engine.ready:
            assert time.monotonic() < end and not engine.lost
            engine.poll()
        engine.poll = poll_and_kill
        deadline = Deadline(500, 0, 1)
        deadline.begin()
        with ForkedSandbox(config) as sandbox, Trace(tmp_path / "trace.jsonl") as trace:
            solution = sc_tir.solve(PROBLEM, config, engine, sandbox, deadline, trace)
    finally:
        engine.close()
    assert killed and engine.restarts == 1
    assert solution.source is AnswerSource.VOTE
    assert solution.ended is None
    assert engine.facts["torch"] and engine.facts["gpus"] == []
