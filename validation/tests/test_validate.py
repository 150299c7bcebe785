"""Validation end to end: a server that is played, the kernel's solve, stopping and resuming."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from common.console import duration
from kernel import sc_tir
from kernel.config import Config, ConfigError
from kernel.records import Candidate, Execution, ExecutionStatus, Problem
from kernel.trace import Trace
from validation.report import report
from validation.runs.records import RunError, read_run
from validation.runs.sets import TruthProblem
from validation.server_engine import ServerEngine
from validation.tests.fake_server import Characters, FakeServer
from validation.validate import (
    SeededTrace,
    Task,
    ValidateOptions,
    configured,
    locked,
    resumed,
    work,
)

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Config(candidates=3, stop_when_decided=False)
TASKS = [
    Task(seed, TruthProblem(str(n), f"What is {n}?", n, n)) for seed in (0, 1) for n in range(3)
]
ABOUT = {"set": "s", "model": "m", "settings": {"candidates": 3, "seed": 0}}


class NoSandbox:
    """Prints 42 whatever the code."""

    def __init__(self):
        self.waiting = []

    def submit(self, session, code):
        self.waiting.append(Execution(session, ExecutionStatus.OK, "42", 0.01))

    def poll(self, timeout=0.0):
        done, self.waiting = self.waiting, []
        return done

    def close_session(self, session):
        pass


def boxes_the_number(body):
    """Box the number in the problem `What is 7?`."""
    text = "".join(map(chr, body["prompt"]))
    return rf"\boxed{{{text[len('What is ') : text.index('?')]}}}"


def run(path, tasks, reply, config=CONFIG):
    with closing(FakeServer(reply)) as server, Trace(path) as trace:
        trace.write("run", **ABOUT)
        engine = ServerEngine(server.url, Characters(), 4, pauses=(0.01,))
        with closing(engine):
            status = work(tasks, config, 60.0, engine, NoSandbox(), trace)
    return status, server.bodies


def test_all_is_solved_and_recorded_with_seeds_of_its_own(tmp_path, capsys):
    status, bodies = run(tmp_path / "r.jsonl", TASKS, boxes_the_number)
    recorded = read_run(tmp_path / "r.jsonl")
    assert (status, recorded.torn, recorded.unfinished) == (0, 0, 0)
    assert {(s.seed, s.problem, s.answer) for s in recorded.solved} == {
        (task.seed, task.problem.id, task.problem.truth) for task in TASKS
    }
    assert report(recorded)["accuracy"] == 1
    expected = {
        sc_tir.request_seed(
            Config(seed=task.seed), Problem(task.problem.id, ""), Candidate(index, ())
        )
        for task in TASKS
        for index in range(3)
    }
    assert {body["seed"] for body in bodies} == expected and len(expected) == 18
    said = capsys.readouterr().out
    assert "6/6 seed 1, problem 2: 2 (truth 2), 3 of 3 votes" in said and "left" in said


def test_code_runs_and_its_output_reaches_the_server(tmp_path):
    def reply(body):
        text = "".join(map(chr, body["prompt"]))
        if "42\n```" in text:
            return r"\boxed{42}"
        return "```python\nprint(42)\n```\n```output", {"stop_reason": "```output"}

    task = Task(0, TruthProblem("p", "What?", 42, 42))
    assert run(tmp_path / "r.jsonl", [task], reply)[0] == 0
    figures = report(read_run(tmp_path / "r.jsonl"))
    assert (figures["accuracy"], figures["code_blocks"], figures["pass_at_1"]) == (1, 3, 1)


def test_a_server_that_goes_away_costs_nothing_that_is_finished(tmp_path, capsys):
    path, asked = tmp_path / "r.jsonl", []

    def reply(body):
        asked.append(body)
        return 503 if len(asked) > 8 else boxes_the_number(body)

    assert run(path, TASKS, reply)[0] == 1
    assert "Finished solves are saved: run the same command again." in capsys.readouterr().err
    done = resumed(path, ABOUT)
    assert done == {(0, "0"), (0, "1")}
    left = [task for task in TASKS if (task.seed, task.problem.id) not in done]
    assert run(path, left, boxes_the_number)[0] == 0
    recorded = read_run(path)
    assert Counter((s.seed, s.problem) for s in recorded.solved) == {
        (t.seed, t.problem.id): 1 for t in TASKS
    }
    assert report(recorded)["accuracy"] == 1


def test_a_server_that_dies_in_the_middle_of_an_answer_costs_nothing_finished(tmp_path, capsys):
    """The connection breaks with the answer half read, and nobody listens any more."""
    path, asked = tmp_path / "r.jsonl", []

    def reply(body):
        asked.append(body)
        if len(asked) > 4:
            server.http.socket.close()
            raise ConnectionAbortedError
        return boxes_the_number(body)

    with Trace(path) as trace:
        trace.write("run", **ABOUT)
        server = FakeServer(reply)
        server.http.handle_error = lambda *_: None
        with closing(ServerEngine(server.url, Characters(), 4, pauses=(0.01, 0.01))) as engine:
            status = work(TASKS, CONFIG, 60.0, engine, NoSandbox(), trace)
        server.http.shutdown()
    said = capsys.readouterr().err
    assert status == 1 and "can no longer be used" in said
    assert "Finished solves are saved: run the same command again." in said
    done = resumed(path, ABOUT)
    assert done == {(0, "0")}
    left = [task for task in TASKS if (task.seed, task.problem.id) not in done]
    assert run(path, left, boxes_the_number)[0] == 0
    recorded = read_run(path)
    assert Counter((s.seed, s.problem) for s in recorded.solved) == {
        (t.seed, t.problem.id): 1 for t in TASKS
    }
    # What was cut off is counted, and was begun again.
    assert (recorded.torn, recorded.unfinished) == (0, 1)


def test_a_server_that_calls_every_request_bad_is_no_score_of_zero(tmp_path, capsys):
    assert run(tmp_path / "r.jsonl", TASKS, lambda body: 400)[0] == 1
    assert "failed on problem 0" in capsys.readouterr().err
    assert read_run(tmp_path / "r.jsonl").solved == ()


def test_a_half_written_line_is_kept_apart_from_what_follows(tmp_path):
    path = tmp_path / "r.jsonl"
    run(path, TASKS[:2], boxes_the_number)
    path.write_bytes(path.read_bytes()[:-30])
    done = resumed(path, ABOUT)
    assert done == {(0, "0")}
    assert run(path, TASKS[1:], boxes_the_number)[0] == 0
    recorded = read_run(path)
    assert (len(recorded.solved), recorded.torn) == (6, 1)


def test_other_settings_do_not_mix(tmp_path):
    path = tmp_path / "r.jsonl"
    run(path, TASKS[:1], boxes_the_number)
    with pytest.raises(RunError, match="with candidates 3, not 5: set OUT"):
        resumed(path, {**ABOUT, "settings": {"candidates": 5}})
    with pytest.raises(RunError, match="with set s, not t"):
        resumed(path, {**ABOUT, "set": "t"})


def test_two_writers_are_refused(tmp_path):
    path = tmp_path / "r.jsonl"
    with locked(path), pytest.raises(RunError, match="another process"), locked(path):
        pass
    with locked(path):
        assert resumed(path, ABOUT) == set()


def test_events_carry_the_seed(tmp_path):
    with Trace(tmp_path / "r.jsonl") as trace:
        SeededTrace(trace, 7).write("stopped", answer=3)
    event = json.loads((tmp_path / "r.jsonl").read_text())
    assert (event["event"], event["seed"], event["answer"]) == ("stopped", 7, 3)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (90, "2 min"), (3600, "1 h 0 min"), (7300, "2 h 2 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def command(*arguments):
    return [sys.executable, "-m", "validation.validate", *map(str, arguments)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--set", "amd"), "amd is neither a set"),
        (("--seeds", 0), "SEEDS and PROBLEMS must be at least 1"),
        (("--model", "nowhere"), "nowhere is not a model"),
        (("--set", "common/problems.csv", "--engine-url", "127.0.0.1:9"), "does not answer"),
    ],
)
def test_a_users_error_is_one_sentence(arguments, sentence, tmp_path):
    line = command(*arguments, "--out", tmp_path / "r.jsonl")
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_the_command_can_be_interrupted_and_resumed(tmp_path):
    """With the real sandbox and the embedded model's tokenizer; only the server is played."""
    asked, hold = [], threading.Event()

    def reply(body):
        asked.append(body["seed"])
        if len(asked) > 7 and not hold.is_set():
            reached.set()
            hold.wait(60)
        return r"\boxed{820}"

    reached = threading.Event()
    out = tmp_path / "run.jsonl"
    with closing(FakeServer(reply)) as server:
        line = command("--set", "common/problems.csv", "--seeds", 2, "--problems", 3)
        line += ["--candidates", "3", "--engine-url", server.url, "--out", str(out)]
        first = subprocess.Popen(line, cwd=ROOT, stdout=-1, stderr=-1, text=True)
        assert reached.wait(120), first.communicate(timeout=10)
        first.send_signal(signal.SIGINT)
        _, complained = first.communicate(timeout=60)
        assert first.returncode == 130, complained
        assert "Finished solves are saved" in complained and "Traceback" not in complained
        hold.set()
        second = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert second.returncode == 0, second.stderr
    assert "6 solves, 2 done before" in second.stdout
    recorded = read_run(out)
    assert Counter((s.seed, s.problem) for s in recorded.solved) == {
        (seed, problem): 1 for seed in (0, 1) for problem in ("sum", "product", "divisors")
    }
    # Asked again was only what was cut off, with the very same seeds.
    repeated = [seed for seed, times in Counter(asked).items() if times > 1]
    assert len(set(asked)) == 18 and 1 <= len(repeated) <= 3
    assert "33.3%" in second.stdout


def test_a_system_prompt_that_the_template_drops_ends_before_anything_long(tmp_path, monkeypatch):
    monkeypatch.setattr("kernel.checks.chat.load_tokenizer", lambda model: Characters())
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "profile.json").write_text(json.dumps({"system_prompt": "Be brief."}))
    assert configured(ValidateOptions(), tmp_path).system_prompt == "Be brief."
    monkeypatch.setattr(Characters, "apply_chat_template", lambda self, turns, **_: "the same")
    with pytest.raises(ConfigError, match="drops a system prompt"):
        configured(ValidateOptions(), tmp_path)


def test_a_run_with_a_system_prompt_is_not_resumed_without(tmp_path):
    path = tmp_path / "r.jsonl"
    told = {**ABOUT, "settings": {**ABOUT["settings"], "system_prompt": "Be brief."}}
    with Trace(path) as trace:
        trace.write("run", **told)
    assert resumed(path, told) == set()
    for now in (ABOUT, {**told, "settings": {**told["settings"], "system_prompt": "Be long."}}):
        with pytest.raises(RunError, match="holds a run with system_prompt Be brief"):
            resumed(path, now)
