"""Whole runs of the kernel in a process of its own, on the fake vLLM, to be broken from outside.

Covers: laying out inputs and a model folder, starting `submission.main` against a mock API, finding
its processes, reading what it left. Does not cover: which faults there are (`test_faults_run` and
`benchmarks/faults.py`). The vLLM, torch and transformers here are fakes; the kernel, its sandbox,
its processes and files are the real ones.
"""

import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from kernel.checks.tests.model_folders import model_folder

ROOT = Path(__file__).resolve().parents[2]
FAKE = ROOT / "kernel/engine/tests/fake_vllm"
BOXED = "So \\boxed{5}."
CODED = "```python\nprint(sum(range(4)))\n```\n```output"
BROKEN = """
import functools, importlib, itertools
*path, last = "{name}".split(".")
holder = functools.reduce(getattr, path, importlib.import_module("kernel.{module}"))
whole, calls = getattr(holder, last), itertools.count(1)
def broken(*args, **kwargs):
    if next(calls) % {every} == 0:
        print("INJECTED", flush=True)
        raise {error}
    return whole(*args, **kwargs)
setattr(holder, last, broken)
"""
CODE = """
import json, sys
{prelude}
from kernel.config import ConfigError
from kernel.submission import main
try:
    main(json.loads(sys.argv[1]))
except ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


def broken(module: str, name: str, error: str, every: int) -> str:
    """Return a prelude that makes a function of the kernel raise at every so manieth call."""
    return BROKEN.format(module=module, name=name, error=error, every=every)


@dataclass
class FaultRun:
    """One run in a folder; may be started again there after it was killed."""

    folder: Path
    plan: tuple[str, ...] = ("ok",)
    """What each start of the fake vLLM does, see there."""
    text: str = BOXED
    """What every candidate writes."""
    problems: list[str] = field(default_factory=lambda: [f"What is {n} + 5?" for n in range(50)])
    api: str = "aimo1"
    settings: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    prelude: str = ""
    """Python run in the kernel's process before `main`."""
    wrap: tuple[str, ...] = ()
    """Command in front of the process's own."""
    process: subprocess.Popen | None = None

    def __post_init__(self):
        inputs = self.folder / "input"
        inputs.mkdir(parents=True)
        (self.folder / "out").mkdir()
        rows = [(f"p{n}", text) for n, text in enumerate(self.problems)]
        with open(inputs / "test.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("id", "problem"), *rows])
        model_folder(self.folder / "model")
        (self.folder / "plan").write_text("\n".join(self.plan))
        self.begun = time.monotonic()

    @property
    def out(self):
        """Where the submission goes, and the trace unless the settings say otherwise."""
        return self.folder / "out"

    def start(self):
        """Start the kernel's process."""
        settings = {
            "candidates": 4,
            "problems": len(self.problems),
            "limit_seconds": 120,
            "reserve_seconds": 10,
            "engine_step_seconds": 3,
            "code_seconds": 2,
            "inputs": str(self.folder / "input"),
            "model": str(self.folder / "model"),
            "work": str(self.out),
            **self.settings,
        }
        paths = (ROOT, FAKE, ROOT / "notebooks/mock" / self.api)
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "MOCK_INPUT": str(self.folder / "input"),
            "FAKE_VLLM_PLAN": str(self.folder / "plan"),
            "FAKE_VLLM_TEXT": self.text,
            **self.env,
        }
        code = CODE.format(prelude=self.prelude)
        command = [*self.wrap, sys.executable, "-c", code, json.dumps(settings)]
        self.log = open(self.folder / "log", "ab")  # noqa: SIM115 - as long as the process
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            command, env=env, cwd=self.out, stdout=self.log, stderr=self.log
        )
        return self

    def wait(self, seconds: float = 150) -> int:
        """Wait for the end; return the exit status."""
        try:
            return self.process.wait(seconds)
        finally:
            self.seconds = time.monotonic() - self.begun
            self.stop()

    def stop(self):
        """Kill the process if it still runs."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the trace's events so far, those of one kind if named."""
        path = self.out / "trace.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        events = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in events if kind in (None, event["event"])]

    def until(self, count: int, kind: str = "solution", seconds: float = 90) -> None:
        """Wait until the trace has so many events of a kind."""
        end = time.monotonic() + seconds
        while len(self.events(kind)) < count:
            assert time.monotonic() < end and self.process.poll() is None, self.output()
            time.sleep(0.02)

    def child(self, module: str, seconds: float = 30) -> int:
        """Return the id of the kernel's child process that runs `module`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for stat in Path("/proc").glob("[0-9]*/stat"):
                try:
                    parent = int(stat.read_text().rpartition(")")[2].split()[1])
                    line = (stat.parent / "cmdline").read_text()
                except OSError:
                    continue
                if parent == self.process.pid and module in line:
                    return int(stat.parent.name)
            time.sleep(0.05)
        raise AssertionError(f"no child runs {module}: {self.output()}")

    def answers(self):
        """Return the submission's answers by problem, {} where there is none."""
        for path, read in (
            ("submission.csv", pl.read_csv),
            ("submission.parquet", pl.read_parquet),
        ):
            if (self.out / path).exists():
                return dict(read(self.out / path).iter_rows())
        return {}

    def valid(self):
        """Return how many problems have a valid answer."""
        largest = 99_999 if self.api == "aimo3" else 999
        answers = self.answers()
        ids = [f"p{n}" for n in range(len(self.problems))]
        return sum(type(answers.get(i)) is int and 0 <= answers[i] <= largest for i in ids)

    def engine_log(self):
        """Return what the engine's processes printed."""
        path = self.out / "engine.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def output(self):
        """Return what the kernel printed."""
        return (self.folder / "log").read_text("utf-8", "replace")
