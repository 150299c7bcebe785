"""Runs that answer problems without processes: an engine that boxes 7, a sandbox never used."""

import json
from dataclasses import replace

from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import Completion, Finish
from kernel.report import Report
from kernel.submission import SubmissionRun
from kernel.trace import Trace


class OneAnswerEngine:
    """Boxes 7 for everybody; ready at the third poll, like a model that takes time to load."""

    lost = False
    restarts = 0
    facts = {"vllm": "0"}  # noqa: RUF012

    def __init__(self):
        self.polls, self.waiting = 0, []

    @property
    def ready(self):
        return self.polls >= 3

    def encode(self, text):
        return [ord(c) for c in text]

    def encode_chat(self, messages):
        return self.encode(messages[-1]["content"])

    def submit(self, request):
        self.waiting.append(request.id)

    def abort(self, request_ids):
        self.waiting = [i for i in self.waiting if i not in set(request_ids)]

    def poll(self):
        self.polls += 1
        done, self.waiting = self.waiting, []
        text = r"It is $\boxed{7}$."
        return [Completion(i, text, tuple(self.encode(text)), Finish.END, 20) for i in done]


class NoSandbox:
    """For candidates that write no code."""

    def __init__(self):
        self.report = {"layers": {}, "supervisors": 1}

    def submit(self, session, code):
        raise AssertionError("there is no code to run")

    def close_session(self, session):
        """Nothing to close."""

    def poll(self, timeout=0.0):
        return []


def make_run(tmp_path, answered=None, **settings):
    """Return a run of three problems in a folder, its engine and sandbox simulated."""
    values = {"candidates": 4, "problems": 3, "default_answer": 13, "work": tmp_path, **settings}
    config = replace(Config(), **values)
    parts = OneAnswerEngine(), NoSandbox(), Deadline(60, 0, config.problems)
    return run_of(config, *parts, Trace(tmp_path / "trace.jsonl"), answered)


def run_of(config, engine, sandbox, deadline, trace, answered=None, **more):
    """Return a SubmissionRun on the given parts, with a report of its own."""
    parts = config, engine, sandbox, deadline, trace
    return SubmissionRun(*parts, Report(*parts), answered or {}, **more)


def events(tmp_path):
    """Return the events of the trace in a folder."""
    return [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]


def explode(error):
    """Return a function that raises `error`, whatever it is called with."""

    def raise_it(*args, **kwargs):
        raise error

    return raise_it
