"""`make validate`: the kernel's own solve on every problem of a set, with several seeds.

Covers: the run file (see `records`), seeds, progress with the time left, stopping and resuming
without losing or repeating a problem. Does not cover: the local engine or a server's (`engine`),
what the figures mean (`report`, printed at the end).

`sc_tir.request_seed` makes a candidate's seed from run seed, problem id, candidate and round, so
neither order nor resuming changes what is asked of the engine. All candidates run to their end
unless told otherwise: only then can one run give maj@k for every k.
"""

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from common import embedded_model
from common.console import duration, heed_ctrl_c
from common.files import FileError, check_writable
from kernel import sc_tir
from kernel.checks.chat import settings_faults
from kernel.checks.preflight import model_settings
from kernel.config import Config, ConfigError
from kernel.deadline import Deadline
from kernel.protocols import Engine, Sandbox
from kernel.records import Problem, StopReason
from kernel.report import WHERE_SET, row_of, settings_of
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.trace import Trace
from validation import report, side_by_side
from validation.engine import opened, wait_until_loaded
from validation.runs.records import Recording, RunError, read_run
from validation.runs.sets import (
    CompetitionName,
    ProblemSet,
    SetError,
    TruthProblem,
    in_convention,
    load_set,
)
from validation.server_engine import ServerError

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class ValidateOptions:
    """Solve every problem of a set with several seeds."""

    set: str = "amc"
    """amc, aime, math4, math5, aime25, aime26, aimo2, aimo3, or a CSV, JSONL or Parquet file."""
    competition: CompetitionName | None = None
    """Whose answer convention applies; the set's own, else AIMO-1's (modulo 1,000)."""
    seeds: int = 5
    """Runs over the whole set."""
    seed: int = 0
    """The first seed; the others follow it."""
    candidates: int | None = None
    """N; as configured if not given."""
    rounds: int | None = None
    """M; as configured if not given."""
    seconds: float = 630.0
    """Time limit per problem: a fiftieth of nine hours minus the reserve."""
    problems: int | None = None
    """Only this many of the set's first problems."""
    at_once: int = 1
    """Problems solved side by side: faster with small models, but seconds per problem then say
    little."""
    stop_when_decided: bool = False
    """Abort candidates that cannot change the vote: faster, but no maj@k."""
    model: Path | None = None
    """The model's folder (its tokenizer and profile are needed with a server too); the embedded
    model if not given."""
    engine_url: str = ""
    """An OpenAI-compatible server that runs the model, instead of an engine here."""
    served: str = ""
    """The model's name on that server, if it serves several."""
    out: Path | None = None
    """The run's file; resumed where it exists."""


@dataclass(frozen=True, slots=True)
class Task:
    """One problem with one seed."""

    seed: int
    problem: TruthProblem


class SeededTrace(Trace):
    """Writes to a run's trace with the seed in each event."""

    def __init__(self, run: Trace, seed: int) -> None:
        super().__init__(None)
        self._run = run
        self._seed = seed

    def write(self, event: str, **values: Any) -> None:
        """Write one event."""
        self._run.write(event, seed=self._seed, **values)


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where the engine is gone, 130 on Ctrl-C."""
    options = tyro.cli(ValidateOptions)
    heed_ctrl_c()
    try:
        sys.exit(_command(options))
    except (SetError, FileError, ConfigError, ServerError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _command(options: ValidateOptions) -> int:
    check_writable(options.out or ROOT / "runs/validate/run.jsonl")
    model = options.model or embedded_model.ensure()
    config = in_convention(configured(options, model), options.set, options.competition)
    chosen = load_set(options.set, config)
    tasks = all_tasks(options, chosen)
    path = options.out or ROOT / "runs/validate" / f"{chosen.name}-{model.name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path):
        about = {"set": chosen.name, "model": str(model), "settings": settings_of(config)}
        done = resumed(path, about)
        with Trace(path) as trace:
            trace.write("run", **about, seeds=options.seeds, problems=len(chosen.problems))
            left = [task for task in tasks if (task.seed, task.problem.id) not in done]
            print(f"{chosen.name}: {len(tasks)} solves, {len(tasks) - len(left)} done before")
            if chosen.unreachable:
                print(f"{chosen.unreachable} truths are outside the competition's answers.")
            status = 0
            if left:
                many, url, served = options.at_once, options.engine_url, options.served
                loading = opened(model, config, path, many, url, served)
                with loading as engine, ForkedSandbox(config) as sandbox:
                    parts = (engine, sandbox, trace)
                    status = work(left, config, options.seconds, *parts, at_once=many)
    figures = report.report(read_run(path)) if status == 0 or done else None
    if figures:
        report.print_report(figures)
    print(f"run  {path}")
    return status


def configured(options: ValidateOptions, model: Path) -> Config:
    """Return the settings: the kernel's, then the model's profile, then the options.

    Raises:
        ConfigError: there is no model, or a value cannot work.
    """
    config = model_settings(model)
    counts = (options.seeds, options.problems or 1, options.at_once)
    if min(counts) < 1 or options.seconds <= 0:
        raise ConfigError("SEEDS and PROBLEMS must be at least 1, and SECONDS above 0.")
    if faults := settings_faults(model, config):
        raise ConfigError(next(iter(faults.values())))
    return replace(
        config,
        candidates=options.candidates or config.candidates,
        rounds=options.rounds or config.rounds,
        stop_when_decided=options.stop_when_decided,
    )


def all_tasks(options: ValidateOptions, chosen: ProblemSet) -> list[Task]:
    """Return what there is to do, seed by seed, so that whole seeds are done early."""
    problems = chosen.problems[: options.problems]
    seeds = range(options.seed, options.seed + options.seeds)
    return [Task(seed, problem) for seed in seeds for problem in problems]


@contextlib.contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the run's file for this process; two writers would repeat each other's problems."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{path} is being written by another process: set OUT.") from None
        yield


def resumed(path: Path, about: dict[str, Any]) -> set[tuple[int, str]]:
    """Return the solves that are done in a file, made ready for more to be appended.

    Raises:
        RunError: the file holds a run of another set, model or settings.
    """
    if not path.stat().st_size:
        return set()
    run = read_run(path)
    _check_same(run, json.loads(json.dumps(about, default=str)))
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")  # what was half written stays a line of its own
    if run.torn or run.unfinished:
        print(f"{path}: {run.torn} torn lines and {run.unfinished} unfinished solves are left out.")
    return {(solved.seed, solved.problem) for solved in run.solved}


def _check_same(run: Recording, about: dict[str, Any]) -> None:
    before = {**run.about, **run.settings}
    now = {**about, **about["settings"]}
    for name in sorted({*now, *WHERE_SET} - {"settings", "seed"}):
        if before.get(name) != now.get(name):
            raise RunError(
                f"{run.path} holds a run with {name} {before.get(name)}, not {now.get(name)}: set "
                "OUT to another file."
            )


def work(
    left: list[Task],
    config: Config,
    seconds: float,
    engine: Engine,
    sandbox: Sandbox,
    trace: Trace,
    now: Callable[[], float] = time.monotonic,
    at_once: int = 1,
) -> int:
    """Solve all that is left; return the exit status. What is finished is in the file at once."""
    try:
        wait_until_loaded(engine)
        start, right = now(), 0

        def solve(place: int, engine: Engine, sandbox: Sandbox) -> bool:
            number = place + 1
            return _solve(left[place], number, len(left), config, seconds, engine, sandbox, trace)

        results = side_by_side.each(len(left), at_once, engine, sandbox, solve)
        for number, is_right in enumerate(results, 1):
            right += is_right
            if trace.lost:
                raise ServerError("The run's file can no longer be written: free some space.")
            remaining = (now() - start) / number * (len(left) - number)
            print(f"  {right} of {number} right, about {duration(remaining)} left", flush=True)
    except ServerError as error:
        print(f"{error} Finished solves are saved: run the same command again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Finished solves are saved: run the same command again.", file=sys.stderr)
        return 130
    return 0


def _solve(
    task: Task,
    number: int,
    of: int,
    config: Config,
    seconds: float,
    engine: Engine,
    sandbox: Sandbox,
    trace: Trace,
) -> bool:
    """Solve one problem, write its events and tell whether the vote is right."""
    deadline = Deadline(seconds, 0.0, 1)
    share = deadline.begin()
    known, seeded = task.problem, SeededTrace(trace, task.seed)
    progress = {"problem": known.id, "number": number, "of": of}
    seeded.write("problem", **progress, share=share, text=known.problem, truth=known.truth)
    problem = Problem(known.id, known.problem)
    seeded_config = replace(config, seed=task.seed)
    solution = sc_tir.solve(problem, seeded_config, engine, sandbox, deadline, seeded)
    failed = [c.stop is StopReason.ENGINE_FAILED for c in solution.candidates]
    # An answer without the engine's part in it would be saved as the model's.
    if all(failed) or (any(failed) and engine.lost):
        raise ServerError(f"The engine failed on problem {known.id}: see its log.")
    row = row_of(solution)
    seeded.write("solution", **{**progress, **row})
    print(
        f"{number}/{of} seed {task.seed}, problem {known.id}: {solution.answer} (truth "
        f"{known.answer}), {solution.votes} of {config.candidates} votes, {solution.seconds:.0f} s"
    )
    if row["alarm"]:
        print(f"  ALARM: {row['alarm']}")
    return solution.answer == known.answer


if __name__ == "__main__":
    main()
