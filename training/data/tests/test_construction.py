"""Sampling a set in three rounds: what is asked again, what is kept, and going on after a kill."""

import json
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import ClassVar

import pytest

from common.problems import ProblemRow
from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from kernel.records import Execution, ExecutionStatus
from training.data import construction
from training.data.construction import ConstructionError, configured, construct, rows_of, table
from training.data.filters import Sieve, checks_of
from training.data.overlap import Overlap
from validation.server_engine import ServerEngine, ServerError
from validation.tests.fake_server import Characters, FakeServer

CONFIG = Config(candidates=2, rounds=3, temperature=0.6, max_context=4000, max_new_tokens=500)
PROBLEMS = [
    ProblemRow("easy", "What is the easy one?", 42),
    ProblemRow("late", "What is the late one?", 42),
    ProblemRow("never", "What is the never one?", 42),
    ProblemRow("words", "What is the words one?", 42),
]
STOP = {"stop_reason": "```output"}
ABOUT = {"model": "m", "seed": 0}


class Prints:
    """Prints 42; a block without a closing bracket is a syntax error."""

    report: ClassVar = {}

    def __init__(self):
        self.done = []

    def submit(self, session, code):
        good = code.count("(") == code.count(")")
        status = ExecutionStatus.OK if good else ExecutionStatus.RAISED
        output = "42" if good else "SyntaxError: '(' was never closed"
        self.done.append(Execution(session, status, output, 0.01))

    def poll(self, timeout=0.0):
        done, self.done = self.done, []
        return done

    def close_session(self, session):
        pass


def model(body):
    """Solves the easy one, one only when hot, one never; answers one without code."""
    text = "".join(map(chr, body["prompt"]))
    code = ("Do.\n```python\nprint(6*7)\n```\n```output", STOP)
    if "words" in text:
        return r"\boxed{42}"
    if "\n42\n" in text:
        return r"It is $\boxed{42}$." if "never one" not in text else r"It is $\boxed{7}$."
    if "late" in text and body["temperature"] < 0.7:
        return r"\boxed{1}"
    if "late" in text and "SyntaxError" not in text:
        return ("Do.\n```python\nprint(6*7\n```\n```output", STOP)
    return code


def opened_by(reply, calls):
    @contextmanager
    def opened(widest):
        calls.append(widest.candidates)
        with (
            closing(FakeServer(reply)) as server,
            closing(ServerEngine(server.url, Characters(), 8, pauses=(0.01,))) as engine,
        ):
            yield engine, Prints()

    return opened


def run(path, reply=model, calls=None, about=ABOUT, **options):
    calls = [] if calls is None else calls
    return construct(PROBLEMS, CONFIG, path, about, opened_by(reply, calls), **options)


def test_unsolved_problems_go_into_hotter_rounds_with_more_samples(tmp_path):
    told = []
    done = run(tmp_path / "s.jsonl", progress=lambda *values: told.append(values))
    asked = [(d.round, d.problem, len(d.samples), d.solved) for d in done]
    assert asked == [
        (1, "easy", 2, True),
        (1, "late", 2, False),
        (1, "never", 2, False),
        (1, "words", 2, False),
        (2, "late", 4, True),
        (2, "never", 4, False),
        (2, "words", 4, False),
        (3, "never", 8, False),
        (3, "words", 8, False),
    ]
    rounds = [configured(CONFIG, number) for number in (1, 2, 3)]
    assert [r.temperature for r in rounds] == [0.6, 0.8, 1.0]
    assert len({r.seed for r in rounds}) == 3
    assert told[3] == (1, 4, 4, 1) and told[-1] == (3, 2, 2, 0)
    counted = {(r["round"], r["problems"], r["solved"], r["self_corrections"]) for r in table(done)}
    assert counted == {(1, 4, 1, 0), (2, 3, 1, 4), (3, 2, 0, 0)}


def test_a_set_from_a_clocks_seed_can_be_made_again():
    clock = replace(CONFIG, seed="clock")
    assert configured(clock, 2) == configured(replace(CONFIG, seed=0), 2)


def test_right_paths_become_rows_and_filters_take_the_rest(tmp_path):
    done = run(tmp_path / "s.jsonl")
    sieve = Sieve(checks_of("tir", Encoding(Characters()), CONFIG), Overlap())
    rows = [row for row in rows_of(done, PROBLEMS, "sampled") if sieve.passes(row)]
    # Of equal solutions one is kept; an answer without code is none.
    assert [(row.id, row.recoveries) for row in rows] == [("easy/1/0", 0), ("late/2/0", 1)]
    taken = {name: count for name, count in sieve.taken.items() if count}
    assert taken == {"no code block": 14, "duplicate": 4}
    late = rows[1]
    assert [late.solution[a:b] for a, b in late.failures] == ["print(6*7"]
    assert [late.solution[a:b] for a, b in late.outputs][1] == "\n42\n```\n"


def test_a_run_goes_on_where_it_was_killed_and_asks_nothing_twice(tmp_path):
    whole = run(tmp_path / "whole.jsonl")
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    for cut in (1, 6, len(lines)):
        path, calls = tmp_path / f"{cut}.jsonl", []
        # Killed in the middle of a line.
        path.write_text("".join(lines[:cut]) + (lines[cut][:40] if cut < len(lines) else ""))
        done = run(path, calls=calls)
        assert [(d.round, d.problem, d.samples) for d in done] == [
            (d.round, d.problem, d.samples) for d in whole
        ]
        assert len(calls) == (cut < len(lines))


def test_samples_of_another_run_are_refused(tmp_path):
    path = tmp_path / "s.jsonl"
    run(path)
    with pytest.raises(ConstructionError, match=r"samples with model m, not other: set OUT"):
        run(path, about={**ABOUT, "model": "other"})
    with pytest.raises(ConstructionError, match="samples with problems"):
        construct(PROBLEMS[:1], CONFIG, path, ABOUT, opened_by(model, []))


def test_a_server_that_goes_away_loses_nothing(tmp_path):
    path, asked = tmp_path / "s.jsonl", []

    def reply(body):
        asked.append(body)
        return 503 if len(asked) > 6 else model(body)

    with pytest.raises(ServerError, match="can no longer be used"):
        run(path, reply)
    saved = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["problem"] for line in saved[1:]] == ["easy", "late"]
    assert [(d.round, d.problem) for d in run(path)][:2] == [(1, "easy"), (1, "late")]


def test_no_more_than_some_rows_of_a_problem_are_kept():
    too_many = construction.at_most(2)
    rows = [type("R", (), {"problem": p})() for p in "aabaab"]
    assert [too_many(row) for row in rows] == [False, False, False, True, True, False]
