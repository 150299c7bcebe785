"""The whole run: competition, model, engine and sandbox, and every problem answered in time.

Covers: wiring, the model's profile, each problem's share of the time, answers kept from a run that
was killed in the same folder, and that an error costs one problem at most. Does not cover: how a
problem is solved (`sc_tir`), or talking to the platform (`competition`).

This is one of the two places where errors are caught (the other is the sandbox): an exception that
reaches the platform loses every answer.
"""

import contextlib
import hashlib
import json
import os
import signal
import time
import traceback
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kernel import competition as competitions
from kernel import console, sc_tir, voting
from kernel.config import Config, ConfigError
from kernel.deadline import Deadline
from kernel.engine import VllmEngine
from kernel.records import Candidate, Problem, Solution
from kernel.sandbox import ForkedSandbox
from kernel.trace import Trace

PROFILE = "profile.json"
"""Settings that belong to a model, in its folder."""
WAITING_SECONDS = 5.0
"""Pause between two progress events while the model loads."""


def main(config: Config) -> None:
    """Answer the competition that is there with the model that is there.

    Writes `trace.jsonl`, `summary.json` and `engine.log` to `config.work`; the submission file is
    the platform's to write.

    Raises:
        ConfigError: there is no competition, no model, or a setting that cannot work.
    """
    competition = competitions.find(config.inputs)
    model = find_model(config)
    config = settle(config, model, competition.convention)
    deadline = Deadline(
        config.limit_seconds, config.reserve_seconds, config.problems, elapsed=process_age()
    )
    config.work.mkdir(parents=True, exist_ok=True)
    path = config.work / "trace.jsonl"
    answered = answers_in(path, config)
    with Trace(path, echo=console.show) as trace:
        trace.write("run", competition=competition.name, model=model, settings=settings(config))
        log = config.work / "engine.log"
        engine = VllmEngine(model, config, log, lambda text: trace.write("engine", text=text))
        with contextlib.closing(engine), ForkedSandbox(config) as sandbox:
            trace.write("sandbox", **sandbox.report)
            run = Run(config, engine, sandbox, deadline, trace, answered)
            with run.ended_by_ctrl_c():
                competition.serve(run.answer)


def find_model(config: Config) -> Path:
    """Return the model's folder: the configured one, or the one mounted under the inputs."""
    if config.model is not None:
        if (config.model / "config.json").is_file():
            return config.model
        raise ConfigError(f"{config.model} is no model: set `model` to a folder with config.json.")
    # Mounted folders may be links into one another: count each model once.
    weights = (path.resolve() for path in config.inputs.rglob("*.safetensors"))
    folders = sorted({w.parent for w in weights if (w.parent / "config.json").is_file()})
    if len(folders) != 1:
        found = ", ".join(map(str, folders)) or "none"
        raise ConfigError(
            f"one model (config.json beside *.safetensors) is needed below {config.inputs}, found "
            f"{found}: attach one model's dataset to the notebook, or set `model`."
        )
    return folders[0]


def settle(config: Config, model: Path, convention: competitions.Convention) -> Config:
    """Return the settings with the model's profile and the competition's convention in place."""
    profile = model / PROFILE
    if profile.is_file():
        config = config.updated(json.loads(profile.read_text("utf-8")))
    return replace(
        config,
        modulus=convention.modulus,
        max_answer=convention.max_answer,
        limit_seconds=min(config.limit_seconds, convention.limit_seconds),
    )


def settings(config: Config) -> dict[str, Any]:
    """Return the settings as JSON values, worked examples by number only."""
    return {**asdict(config), "examples": len(config.examples)}


def process_age() -> float:
    """Return the seconds since this process started: in a notebook, since before its first cell.

    Installing wheels in an earlier cell counts against the platform's limit too.
    """
    # Field 22 of proc(5)'s stat, counted behind the name, which may hold spaces.
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def answer_key(problem: Problem, config: Config) -> str:
    """Return what an earlier run's answer must agree in to be given again."""
    text = f"{problem.id}\n{problem.text}\n{config.seed} {config.modulus} {config.max_answer}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def answers_in(trace: Path, config: Config) -> dict[str, int]:
    """Return the answers, by `answer_key`, in the trace of a run that was killed in this folder."""
    answers: dict[str, int] = {}
    lines = trace.read_bytes().splitlines() if trace.is_file() else []
    for line in lines:
        # A line may be torn; only lines that say "solution" are worth parsing.
        with contextlib.suppress(ValueError):
            if b'"solution"' in line and (event := json.loads(line))["event"] == "solution":
                answers[event["key"]] = event["answer"]
    return {key: answer for key, answer in answers.items() if 0 <= answer <= config.max_answer}


@dataclass
class Run:
    """Answers problems one after the other, whatever happens to any one of them."""

    config: Config
    engine: VllmEngine
    sandbox: ForkedSandbox
    deadline: Deadline
    trace: Trace
    answered: Mapping[str, int]
    """Answers of an earlier run in the same folder, by `answer_key`."""
    solved: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """A row for each problem, as in the summary."""
    interrupted: bool = False
    """Whether the user pressed Ctrl-C."""

    def answer(self, problem: Problem) -> int:
        """Return the answer to one problem, in time; raises nothing but the user's Ctrl-C."""
        candidates: list[Candidate] = []
        try:
            return self._solve(problem, candidates)
        except BaseException as error:
            # A library's SystemExit or KeyboardInterrupt is no reason to lose the submission.
            if self.interrupted:
                raise
            return self._rescue(problem, candidates, error)

    def _solve(self, problem: Problem, candidates: list[Candidate]) -> int:
        """Return the answer; if this raises, `candidates` holds their latest states."""
        key = answer_key(problem, self.config)
        if key in self.answered:
            self.trace.write("repeated", problem=problem.id, answer=self.answered[key])
            return self.answered[key]
        self._wait_for_engine()
        share = self.deadline.begin()
        self.trace.write(
            "problem",
            problem=problem.id,
            number=len(self.solved) + 1,
            of=self.config.problems,
            share=round(share, 1),
            text=problem.text,
        )
        solution = sc_tir.solve(
            problem, self.config, self.engine, self.sandbox, self.deadline, self.trace, candidates
        )
        self._record(solution, key)
        return solution.answer

    def _rescue(self, problem: Problem, candidates: list[Candidate], error: BaseException) -> int:
        """Return the best answer that the candidates allow after an error."""
        answer = self.config.default_answer
        with contextlib.suppress(BaseException):
            text = "".join(traceback.format_exception(error))
            self.trace.write("error", problem=problem.id, error=text)
        with contextlib.suppress(BaseException):
            seconds = self.deadline.spent()
            solution = voting.conclude(problem.id, candidates, self.config, None, seconds)
            answer = solution.answer
            self._record(solution, answer_key(problem, self.config))
        return answer

    def _wait_for_engine(self) -> None:
        """Wait until the model is loaded or given up, or the time for problems is over."""
        begun = said = time.monotonic()
        while not (self.engine.ready or self.engine.lost) and self.deadline.share() > 0:
            self.engine.poll()
            if time.monotonic() - said >= WAITING_SECONDS:
                said = time.monotonic()
                self.trace.write("loading", seconds=round(said - begun))

    def _record(self, solution: Solution, key: str) -> None:
        """Write the solution to the trace, and the summary so far to its file."""
        row = {
            "problem": solution.problem_id,
            "answer": solution.answer,
            "source": solution.source,
            "ended": solution.ended,
            "votes": solution.votes,
            "candidates": len(solution.candidates),
            "tally": solution.tally,
            "tokens": solution.generated_tokens,
            "seconds": round(solution.seconds, 2),
        }
        self.solved.append(row)
        self.trace.write(
            "solution",
            **row,
            key=key,
            number=len(self.solved),
            of=self.config.problems,
            left=round(self.deadline.remaining() - self.config.reserve_seconds),
        )
        # After each problem: AIMO-2 and -3 may end the process instead of returning from `serve`.
        convention = {"modulus": self.config.modulus, "max_answer": self.config.max_answer}
        write_json(self.config.work / "summary.json", {**convention, "problems": self.solved})

    @contextlib.contextmanager
    def ended_by_ctrl_c(self) -> Generator[None]:
        """Tell the user's Ctrl-C from a KeyboardInterrupt that some library raises."""

        def interrupt(number: int, frame: object) -> None:
            self.interrupted = True
            # AIMO-2 and -3 ask in another thread, which the exception does not reach.
            self.deadline.expire()
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all; a full disk costs the file, not the run."""
    scratch = path.with_name(f"{path.name}.part")
    try:
        scratch.write_text(json.dumps(value, indent=1), "utf-8")
        scratch.replace(path)
    except OSError as error:
        print(f"Cannot write {path} ({error.strerror}). The run goes on.", flush=True)
