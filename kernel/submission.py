"""The whole run: competition, model, engine and sandbox, and every problem answered in time.

Covers: wiring, each problem's share of the time, and limiting an error to one problem at most. Does
not cover: how a problem is solved (`sc_tir`), talking to the platform (`competition`), what can be
checked beforehand (`preflight`), what is written down (`report`).

This is one of the two places where errors are caught (the other is the sandbox): an exception that
reaches the platform loses every answer.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kernel import sc_tir, voting
from kernel.checks.machine import process_age
from kernel.checks.preflight import Preflight, RunSetup
from kernel.config import CLOCK, Config, ConfigError
from kernel.deadline import Deadline
from kernel.engine.vllm_engine import VllmEngine
from kernel.protocols import AbsentEngine, AbsentSandbox, Engine, Sandbox
from kernel.records import Candidate, Problem, StopReason
from kernel.report import (
    Report,
    answer_key,
    answers_in,
    drawn_seed,
    settings_of,
    writable_folder,
)
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Console, Trace

SEEDS = 2**32
"""Seeds that the clock draws from: its nanoseconds, of which two runs do not start in the same."""
WAITING_SECONDS = 5.0
"""Pause between two progress events while the model loads."""


class NoVoteError(RuntimeError):
    """A run that is not scored has left nothing worth a submission; the message says why."""


def main(settings: Config | Mapping[str, Any]) -> None:
    """Answer the competition that is there with the model that is there.

    Writes `trace.jsonl`, `summary.json` and `engine.log` to the setting `work`, or to a temporary
    folder where that takes no files; the submission file is the platform's to write.

    Args:
        settings: a Config, or values for some of its fields; where they cannot work, a scored
            rerun takes the defaults.

    Raises:
        ConfigError: there is no competition, no model, or a setting that cannot work. A scored
            rerun raises it only without a competition: nobody would ask for answers.
        NoVoteError: no answer of an unscored run is a vote. The submission file is there by then.
    """
    age = process_age()
    preflight = Preflight()
    prepared = preflight.prepare(settings)
    prepared, drawn = seeded(prepared)
    config = prepared.config
    times = config.limit_seconds, config.reserve_seconds, config.problems
    deadline = Deadline(*times, elapsed=age)
    answered = answers_in(config.work / "trace.jsonl", config)
    folder, reason = writable_folder(config.work)
    if reason:
        preflight.notes.append(f"Traces and logs go to {folder}: {reason}.")
    prepared = replace(prepared, config=replace(config, work=folder))
    with Trace(folder / "trace.jsonl", echo=Console()) as trace:
        serve(prepared, preflight, deadline, trace, answered, drawn)


def seeded(prepared: RunSetup) -> tuple[RunSetup, bool]:
    """Return what a run starts with, its seed a number, and whether that was drawn here.

    A run that goes on where another was killed goes on with its seed: the answers given keep.
    """
    config = prepared.config
    if config.seed != CLOCK:
        return prepared, False
    seed = drawn_seed(config.work / "trace.jsonl")
    if seed is None:
        seed = time.time_ns() % SEEDS
    return replace(prepared, config=replace(config, seed=seed)), True


def serve(
    prepared: RunSetup,
    preflight: Preflight,
    deadline: Deadline,
    trace: Trace,
    answered: Mapping[str, int],
    drawn: bool = False,
) -> None:
    """Start engine and sandbox, and answer the competition with them.

    `drawn` says that the seed was drawn from the clock.
    """
    config = prepared.config
    start = {
        "competition": prepared.competition.name,
        "model": prepared.model,
        "settings": settings_of(config),
        "seed": config.seed,
        **({"seed_from": CLOCK} if drawn else {}),
        **preflight.machine.facts(),
    }
    trace.write("run", **start)
    for note in preflight.notes:
        trace.write("note", text=note)
    stop = UserStop(deadline)
    with contextlib.ExitStack() as parts:
        parts.enter_context(stop.heeded())
        engine = open_engine(prepared, trace, preflight)
        parts.callback(close, engine)
        sandbox = open_sandbox(config, trace)
        parts.callback(close, sandbox)
        report = Report(config, engine, sandbox, deadline, trace, start)
        run = SubmissionRun(config, engine, sandbox, deadline, trace, report, answered, stop=stop)
        stop.check()
        with report.summed_up():
            prepared.competition.serve(run.answer)
    # On Kaggle nothing else tells a file of fallback answers from one that is worth a submission.
    if not preflight.scored and (fault := report.no_vote()):
        raise NoVoteError(fault)


class UserStop:
    """Tells the user's Ctrl-C from a KeyboardInterrupt that some library raises, and keeps it.

    An exception alone can be lost: raised while the interpreter runs a callback, as imports do all
    the time, it is printed and ignored.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.asked = False
        """Whether Ctrl-C was pressed."""

    @contextlib.contextmanager
    def heeded(self) -> Generator[None]:
        """Heed Ctrl-C; to be entered in the main thread."""
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def check(self) -> None:
        """Raise the KeyboardInterrupt of a Ctrl-C whose own was lost."""
        if self.asked:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: object) -> None:
        self.asked = True
        # AIMO-2 and -3 ask in another thread, which the exception does not reach.
        self._deadline.expire()
        raise KeyboardInterrupt


def open_engine(prepared: RunSetup, trace: Trace, preflight: Preflight) -> Engine:
    """Start the engine; where it cannot even be started, refuse, or do without if scored."""
    model, config = prepared.model, prepared.config
    if model is None:
        return AbsentEngine()
    trace.write("engine", text="Starting the engine, and loading the tokenizer ...")
    log = config.work / "engine.log"
    try:
        return VllmEngine(model, config, log, lambda text: trace.write("engine", text=text))
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        fault = f"the tokenizer or the engine's process of {model} does not start: {reason}"
        preflight.refuse(ConfigError(fault))
        trace.write("note", text=f"{fault} Every problem gets its fallback answer.")
        return AbsentEngine()


def open_sandbox(config: Config, trace: Trace) -> Sandbox:
    """Start the sandbox; boxed answers without code still count where there is none."""
    try:
        return ForkedSandbox(config)
    except OSError as error:
        trace.write("note", text=f"The sandbox does not start ({error}): no code will be run.")
        return AbsentSandbox()


def close(part: Engine | Sandbox) -> None:
    """Close engine or sandbox at the end; by then the answers are out, so no error counts."""
    with contextlib.suppress(Exception):
        part.close()


@dataclass
class SubmissionRun:
    """Answers problems one after the other, whatever happens to any one of them."""

    config: Config
    engine: Engine
    sandbox: Sandbox
    deadline: Deadline
    trace: Trace
    report: Report
    answered: Mapping[str, int] = field(default_factory=dict[str, int])
    """Answers of an earlier run in the same folder, by `answer_key`."""
    now: Callable[[], float] = time.monotonic
    """Paces progress events while the model loads, in seconds."""
    stop: UserStop | None = None
    """Tells the user's Ctrl-C from errors; None: nobody is there to press it."""

    def answer(self, problem: Problem) -> int:
        """Return the answer to one problem, in time; raises nothing but the user's Ctrl-C."""
        candidates: list[Candidate] = []
        self.report.asked += 1
        try:
            return self._solve(problem, candidates)
        except BaseException as error:
            # A library's SystemExit or KeyboardInterrupt is no reason to lose the submission.
            if self.stop and self.stop.asked:
                raise
            return self._rescue(problem, candidates, error)

    def _solve(self, problem: Problem, candidates: list[Candidate]) -> int:
        """Return the answer; if this raises, `candidates` holds their latest states."""
        key = answer_key(problem, self.config)
        if key in self.answered:
            self.report.repeated(problem, self.answered[key])
            return self.answered[key]
        self._wait_for_engine()
        self.sandbox.poll()
        self.report.ready()
        share = self.deadline.begin()
        self.report.begun(problem, share)
        if share <= 0:
            # No candidate could take a step: what is left of the time is the platform's.
            solution = voting.conclude(problem.id, [], self.config, StopReason.DEADLINE, 0.0)
        else:
            parts = self.engine, self.sandbox, self.deadline, self.trace
            solution = sc_tir.solve(problem, self.config, *parts, candidates)
        self.report.solved(solution, key)
        return solution.answer

    def _rescue(self, problem: Problem, candidates: list[Candidate], error: BaseException) -> int:
        """Return the best answer that the candidates allow after an error."""
        answer = self.config.default_answer
        with contextlib.suppress(BaseException):
            self.report.failed(problem, error)
        with contextlib.suppress(BaseException):
            key, seconds = answer_key(problem, self.config), self.deadline.spent()
            if key in self.answered:
                return self.answered[key]
            solution = voting.conclude(problem.id, candidates, self.config, None, seconds)
            answer = solution.answer
            self.report.solved(solution, key)
        return answer

    def _wait_for_engine(self) -> None:
        """Wait until the model is loaded or given up, or the time for problems is over."""
        begun = said = self.now()
        while not (self.engine.ready or self.engine.lost) and self.deadline.share() > 0:
            self.engine.poll()
            self.sandbox.poll()
            if self.now() - said >= WAITING_SECONDS:
                said = self.now()
                self.report.loading(said - begun)
