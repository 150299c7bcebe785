"""Exports: the log by its own reader where there is one, trackers by a stand-in for theirs."""

import json
import math
import os
import subprocess
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest

from common.files import write_json
from validation.export import ExportOptions, readable, track
from validation.inspect_log import inspect_log
from validation.runs.records import RunError, read_run
from validation.tests.run_files import CODE, RunFile

ROOT = Path(__file__).resolve().parents[2]
READER = os.environ.get("AIMO_INSPECT_PYTHON", sys.executable if find_spec("inspect_ai") else "")
"""A Python with inspect_ai; it need not be in this environment."""
READ = """
import json, sys
from inspect_ai.log import read_eval_log
log = read_eval_log(sys.argv[1])
print(json.dumps({
    "status": log.status, "model": log.eval.model, "epochs": log.eval.config.epochs,
    "metrics": {name: m.value for name, m in log.results.scores[0].metrics.items()},
    "samples": [[s.id, s.epoch, s.target, s.scores["vote"].value, s.scores["vote"].answer,
                 [m.role for m in s.messages], s.output.completion] for s in log.samples],
    "errors": [m.error.message for s in log.samples for m in s.messages
               if m.role == "tool" and m.error],
}))
"""


@pytest.fixture
def run(tmp_path):
    file = RunFile(candidates=2)
    for seed in (3, 8):
        file.problem("a", 5, seed)
        file.candidate(0, (CODE.format(5), "5"), r"So \boxed{5}.", answer=5)
        file.candidate(1, (CODE.format("x"), "NameError: x", "raised"), "?", reason="no_answer")
        file.solution(5)
    file.votes("b", 7, [7, 8], 8, seed=3)
    return file.save(tmp_path / "run.jsonl")


def test_the_log_by_hand(run):
    log = inspect_log(read_run(run))
    assert (log["version"], log["status"], log["eval"]["config"]) == (2, "success", {"epochs": 2})
    samples = {(s["id"], s["epoch"]): s for s in log["samples"]}
    assert list(samples) == [("a", 1), ("b", 1), ("a", 2)]
    assert samples["a", 2]["metadata"]["seed"] == 8
    assert samples["b", 1]["scores"]["vote"]["value"] == "I"
    roles = [message["role"] for message in samples["a", 1]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "assistant", "tool", "assistant"]
    metrics = log["results"]["scores"][0]["metrics"]
    assert metrics["accuracy"]["value"] == 0.5
    assert metrics["stderr"]["value"] == pytest.approx(0.5)  # of 1 and 0: sqrt(1/2) / sqrt(2)


def test_a_run_without_truths_has_no_scores(tmp_path):
    file = RunFile()
    file.votes("a", None, [1], 1)
    log = inspect_log(read_run(file.save(tmp_path / "r.jsonl")))
    assert log["results"]["scores"] == [] and log["samples"][0]["scores"] == {}


@pytest.mark.skipif(
    not READER, reason="inspect_ai is not installed; AIMO_INSPECT_PYTHON may name a Python with it"
)
def test_inspect_ai_reads_the_log(run, tmp_path):
    path = tmp_path / "log.json"
    write_json(path, inspect_log(read_run(run)))
    done = subprocess.run([READER, "-c", READ, path], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["status"], read["model"], read["epochs"]) == ("success", "/m", 2)
    assert read["metrics"] == {"accuracy": 0.5, "stderr": pytest.approx(0.5)}
    assert [sample[:5] for sample in read["samples"]] == [
        ["a", 1, "5", "C", "5"],
        ["b", 1, "7", "I", "8"],
        ["a", 2, "5", "C", "5"],
    ]
    assert read["samples"][1][5:] == [["user", "assistant", "assistant"], r"\boxed{8}"]
    assert read["errors"] == ["raised"] * 2


class Tracker(types.ModuleType):
    """Stands in for trackio and wandb: keeps what their three functions are called with."""

    def __init__(self):
        super().__init__("trackio")
        self.started, self.logged, self.finished = None, [], False

    def init(self, **values):
        self.started = values

    def log(self, values, step):
        assert step == len(self.logged)
        assert all(isinstance(v, int | float) and math.isfinite(v) for v in values.values())
        self.logged.append(values)

    def finish(self):
        self.finished = True


def test_a_tracker_gets_every_solve_and_the_report(run, monkeypatch):
    tracker = Tracker()
    monkeypatch.setitem(sys.modules, "trackio", tracker)
    assert track(read_run(run), "trackio", "p") == 3
    assert tracker.started["project"] == "p" and tracker.started["config"]["set"] == "s"
    assert [values.get("right_so_far") for values in tracker.logged[:3]] == [1, 1, 2 / 3]
    assert tracker.logged[3]["report/accuracy"] == 0.5 and tracker.finished


def test_a_tracker_that_is_not_there_is_named(run):
    with pytest.raises(RunError, match="no_such_tracker is not installed"):
        track(read_run(run), "no_such_tracker", "p")


def test_the_command_writes_the_log(run, tmp_path):
    path = tmp_path / "out/log.json"
    line = [sys.executable, "-m", "validation.export", "--run", str(run), "--out", str(path)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout and len(json.loads(path.read_text())["samples"]) == 3


def test_answers_without_text_are_refused(tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.write_text(json.dumps({"problem_id": "a", "gold": 1, "answer": "1"}) + "\n")
    with pytest.raises(RunError, match="answers without their text"):
        readable(ExportOptions(answers))
