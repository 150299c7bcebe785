"""Sampling: the kernel's solve on a server that is played, and what is told of each candidate."""

import json
from contextlib import closing, contextmanager

import pytest

from common.problems import ProblemRow
from kernel import sc_tir
from kernel.config import Config
from kernel.records import Candidate, Problem, StopReason
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data.sampling import sample, sample_of
from validation.server_engine import ServerEngine, ServerError
from validation.tests.fake_server import Characters, FakeServer

PROBLEMS = [ProblemRow("six", "What is 6 times 7?", 42), ProblemRow("two", "What is 1 + 1?", 2)]
CONFIG = Config(candidates=2, rounds=3, max_context=2000, max_new_tokens=500)
STOP = {"stop_reason": "```output"}
WRONG = "Multiply.\n```python\nprint(6*7\n```\n```output"
RIGHT = "Close it.\n```python\nprint(6*7)\n```\n```output"


def mends(body):
    """A model that forgets a bracket, mends it, and boxes what it sees; sure of 1 + 1."""
    text = "".join(map(chr, body["prompt"]))
    if "1 + 1" in text:
        return r"It is $\boxed{2}$."
    if "\n42\n" in text:
        return r"So it is $\boxed{42}$."
    return (RIGHT if "SyntaxError" in text else WRONG), STOP


@contextmanager
def engine_of(reply):
    with (
        closing(FakeServer(reply)) as server,
        closing(ServerEngine(server.url, Characters(), 8, pauses=(0.01,))) as engine,
    ):
        yield engine


@pytest.fixture(scope="module")
def sandbox():
    with ForkedSandbox(CONFIG) as opened:
        yield opened


@pytest.mark.parametrize("at_once", [1, 2])
def test_candidates_are_judged_with_their_outputs_and_failures(sandbox, at_once):
    with engine_of(mends) as engine:
        found = sample(PROBLEMS, CONFIG, engine, sandbox, at_once=at_once)
        done = {row.id: samples for row, samples in found}
    assert set(done) == {"six", "two"}
    for found in done["six"]:
        assert (found.answer, found.right, found.stop) == (42, True, StopReason.ANSWERED)
        assert (found.failed, found.recoveries, found.last_failed) == ((True, False), 1, False)
        assert [found.text[a:b] for a, b in found.failures] == ["print(6*7"]
        first, second = (found.text[a:b] for a, b in found.outputs)
        assert "SyntaxError" in first and first.endswith("\n```\n") and second == "\n42\n```\n"
        # What the kernel did not write is exactly what the model did.
        (a, b), (c, d) = found.outputs
        said = [found.text[:a], found.text[b:c], found.text[d:]]
        assert said == [WRONG, RIGHT, r"So it is $\boxed{42}$."]
        assert sample_of(json.loads(found.line())) == found
    assert [(s.answer, s.right, s.failed) for s in done["two"]] == [(2, True, ())] * 2


def test_a_wrong_answer_a_last_failed_block_and_none_at_all(sandbox):
    second = sc_tir.request_seed(CONFIG, Problem("six", ""), Candidate(1, ()))

    def reply(body):
        return (WRONG, STOP) if body["seed"] == second else r"\boxed{41}"

    config = Config(candidates=2, rounds=1, max_context=2000, max_new_tokens=500)
    with engine_of(reply) as engine:
        ((_, (wrong, broken)),) = sample(PROBLEMS[:1], config, engine, sandbox)
    assert (wrong.answer, wrong.right, wrong.failed, wrong.last_failed) == (41, False, (), False)
    assert (broken.answer, broken.right, broken.failed) == (None, False, (True,))
    assert broken.last_failed and broken.recoveries == 0


def test_a_server_that_goes_away_says_so(sandbox):
    asked = []

    def reply(body):
        asked.append(body)
        return 503 if len(asked) > 2 else r"\boxed{42}"

    finished = []
    with engine_of(reply) as engine, pytest.raises(ServerError, match="can no longer be used"):
        for row, _ in sample(PROBLEMS, CONFIG, engine, sandbox):
            finished.append(row.id)
    assert finished == ["six"]
