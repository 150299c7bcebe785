"""The whole run: competition, model, engine and sandbox, and every problem answered in time.

Covers: wiring, each problem's share of the time, and that an error costs one problem at most; in a
scored rerun also an error before the first question. Does not cover: how a problem is solved
(`sc_tir`), talking to the platform (`competition`), what can be told beforehand (`preflight`).

This is one of the two places where errors are caught (the other is the sandbox): an exception that
reaches the platform loses every answer.
"""

import contextlib
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kernel import competition as competitions
from kernel import console, machine, sc_tir, voting
from kernel.absent import AbsentEngine, AbsentSandbox
from kernel.config import Config, ConfigError
from kernel.deadline import Deadline
from kernel.engine import VllmEngine
from kernel.journal import answer_key, answers_in, writable_folder, write_json
from kernel.preflight import Preflight
from kernel.records import Candidate, Problem, Solution, StopReason
from kernel.sandbox import ForkedSandbox
from kernel.trace import Trace

REPEATED = "repeated"
"""The source of an answer that an earlier run in the same folder gave."""
WAITING_SECONDS = 5.0
"""Pause between two progress events while the model loads."""


def main(settings: Config | Mapping[str, Any]) -> None:
    """Answer the competition that is there with the model that is there.

    Writes `trace.jsonl`, `summary.json` and `engine.log` to the setting `work`, or to a temporary
    folder where that takes no files; the submission file is the platform's to write.

    Args:
        settings: a Config, or values for some of its fields, which a scored rerun can mend.

    Raises:
        ConfigError: there is no competition, no model, or a setting that cannot work. A scored
            rerun raises it only without a competition: nobody would ask for answers.
    """
    age = machine.process_age()
    preflight = Preflight()
    config = preflight.configure(settings)
    competition = competitions.find(config.inputs)
    model = preflight.find_model(config)
    config = preflight.settle(config, model, competition.convention)
    if model is not None:
        config = preflight.check_model(config, model)
    times = config.limit_seconds, config.reserve_seconds, config.problems
    deadline = Deadline(*times, elapsed=age)
    answered = answers_in(config.work / "trace.jsonl", config)
    folder, reason = writable_folder(config.work)
    config = replace(config, work=folder)
    with Trace(folder / "trace.jsonl", echo=console.show) as trace:
        start = {
            "competition": competition.name,
            "model": model,
            "settings": settings_of(config),
            "seed": config.seed,
            **machine.facts(),
        }
        trace.write("run", **start)
        moved = [f"Traces and logs go to {folder}: {reason}."] if reason else []
        for note in [*preflight.notes, *moved]:
            trace.write("note", text=note)
        trace.write("engine", text="Starting the engine, and loading the tokenizer ...")
        engine = open_engine(model, config, trace, preflight)
        with contextlib.closing(engine), contextlib.closing(open_sandbox(config, trace)) as sandbox:
            run = Run(config, engine, sandbox, deadline, trace, answered, start)
            with run.ended_by_ctrl_c(), run.summed_up():
                competition.serve(run.answer)


def open_engine(
    model: Path | None, config: Config, trace: Trace, preflight: Preflight
) -> VllmEngine | AbsentEngine:
    """Start the engine; where it cannot even be started, refuse, or do without if scored."""
    if model is None:
        return AbsentEngine()
    log = config.work / "engine.log"
    try:
        return VllmEngine(model, config, log, lambda text: trace.write("engine", text=text))
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        fault = f"the tokenizer or the engine's process of {model} does not start: {reason}"
        preflight.refuse(ConfigError(fault))
        trace.write("note", text=f"{fault} Every problem gets its fallback answer.")
        return AbsentEngine()


def open_sandbox(config: Config, trace: Trace) -> ForkedSandbox | AbsentSandbox:
    """Start the sandbox; boxed answers without code still count where there is none."""
    try:
        return ForkedSandbox(config)
    except OSError as error:
        trace.write("note", text=f"The sandbox does not start ({error}): no code is run.")
        return AbsentSandbox()


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings as JSON values, worked examples by number only."""
    return {**asdict(config), "examples": len(config.examples)}


@dataclass
class Run:
    """Answers problems one after the other, whatever happens to any one of them."""

    config: Config
    engine: VllmEngine | AbsentEngine
    sandbox: ForkedSandbox | AbsentSandbox
    deadline: Deadline
    trace: Trace
    answered: Mapping[str, int]
    """Answers of an earlier run in the same folder, by `answer_key`."""
    start: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is known of the run from its start, for the trace."""
    now: Callable[[], float] = time.monotonic
    """Paces progress events while the model loads, in seconds."""
    solved: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """A row for each problem, as in the summary."""
    totalled: int = -1
    """Problems counted in the totals written last."""
    told: bool = False
    """Whether the line for post-mortems is written."""
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
            return self._repeat(problem, self.answered[key])
        self._wait_for_engine()
        self._tell_start()
        share = self.deadline.begin()
        self.trace.write(
            "problem",
            problem=problem.id,
            number=len(self.solved) + 1,
            of=self.config.problems,
            share=round(share, 1),
            text=problem.text,
        )
        if share <= 0:
            # No candidate could take a step: what is left of the time is the platform's.
            solution = voting.conclude(problem.id, [], self.config, StopReason.DEADLINE, 0.0)
        else:
            parts = self.engine, self.sandbox, self.deadline, self.trace
            solution = sc_tir.solve(problem, self.config, *parts, candidates)
        self._record(solution, key)
        return solution.answer

    def _repeat(self, problem: Problem, answer: int) -> int:
        """Give the answer of an earlier run again; it has no votes of this one."""
        row: dict[str, Any] = {"problem": problem.id, "answer": answer, "source": REPEATED}
        self.trace.write("repeated", problem=problem.id, answer=answer)
        row |= {"ended": None, "votes": 0, "candidates": 0, "tally": {}, "tokens": 0, "seconds": 0}
        self.solved.append(row)
        self._write_summary()
        return answer

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
        begun = said = self.now()
        while not (self.engine.ready or self.engine.lost) and self.deadline.share() > 0:
            self.engine.poll()
            self.sandbox.poll()
            if self.now() - said >= WAITING_SECONDS:
                said = self.now()
                self.trace.write("loading", seconds=round(said - begun))

    def _tell_start(self, ended: bool = False) -> None:
        """Write, once it is all known, the line with everything that a post-mortem needs."""
        self.sandbox.poll()
        if not self.told and (ended or "layers" in self.sandbox.report):
            self.told = True
            engine, sandbox = self.engine.facts, self.sandbox.report
            self.trace.write("ready", **{**self.start, "engine": engine, "sandbox": sandbox})

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
        self._write_summary()
        if len(self.solved) == self.config.problems:
            self._tell_end()

    def _write_summary(self) -> None:
        """Write the summary: after each problem, since `serve` need not return (AIMO-2, -3)."""
        convention = {"modulus": self.config.modulus, "max_answer": self.config.max_answer}
        write_json(self.config.work / "summary.json", {**convention, "problems": self.solved})

    def _tell_end(self) -> None:
        """Write the totals, once for each number of problems."""
        if self.totalled == len(self.solved):
            return
        self.totalled = len(self.solved)
        self.trace.write(
            "end",
            problems=len(self.solved),
            sources=Counter(str(row["source"]) for row in self.solved),
            tokens=sum(row["tokens"] for row in self.solved),
            restarts=self.engine.restarts,
            supervisors=self.sandbox.report.get("supervisors"),
            seconds=round(self.deadline.elapsed(), 1),
            left=round(self.deadline.remaining() - self.config.reserve_seconds),
            lost_lines=self.trace.lost,
        )

    @contextlib.contextmanager
    def summed_up(self) -> Generator[None]:
        """Write the totals at the end, whatever ends the run."""
        try:
            yield
        finally:
            self._tell_start(ended=True)
            self._tell_end()

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
