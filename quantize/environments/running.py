"""Runs a recipe as a process of its own, and follows it.

Covers: the recipe's environment, its job file, a line for each layer with its error and the time
left, what it used (seconds, CPU, memory), ending it when the build ends. Does not cover: what the
recipes do (`recipes/`).
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from common.console import duration
from quantize.environments import environment

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10.0
"""How long a recipe may take to end before it is killed."""

Say = Callable[[str], None]


class RecipeRunError(RuntimeError):
    """A recipe that ended with an error; the message is one sentence with its log."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a recipe is run."""

    module: str
    environment: str | None
    """None: it runs in the package's own."""
    calibrated: bool
    error: str
    """What its layer errors are."""


OUTPUT_ERROR = "squared error of the outputs on the calibration rows, as the library reports it"
WEIGHT_ERROR = "squared error of the weights, relative to their square"

RECIPES: Mapping[str, Recipe] = {
    "gptq": Recipe("gptq", "gptq", True, OUTPUT_ERROR),
    "w8a8": Recipe("w8a8", "w8a8", True, OUTPUT_ERROR),
    "bnb": Recipe("bnb", None, False, WEIGHT_ERROR),
    "round-to-nearest": Recipe("round_to_nearest", None, False, WEIGHT_ERROR),
    "auto-gptq": Recipe("original", "auto-gptq", True, OUTPUT_ERROR),
}


@dataclass(frozen=True, slots=True)
class RecipeRun:
    """What a recipe took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    """Of main memory."""
    gpu_peak_bytes: int
    device: str
    """cuda or cpu."""

    def to_json(self) -> dict[str, Any]:
        """Return what `json.dump` takes."""
        return asdict(self)


def run(recipe: str, job: Mapping[str, Any], folder: Path, say: Say = print) -> RecipeRun:
    """Run a recipe to its end.

    Args:
        recipe: its name.
        job: the fields of `recipes.job.Job`.
        folder: where `job.json` and the log go.
        say: receives a line of progress now and then.

    Raises:
        RecipeRunError: it ended with an error.
        SetupError: its environment could not be made.
    """
    how = RECIPES[recipe]
    python = sys.executable
    if how.environment:
        python = str(environment.python(how.environment, say))
    path = (folder / "job.json").resolve()
    path.write_text(json.dumps(job, indent=1, default=_as_text), "utf-8")
    log = folder / "recipe.log"
    begun = time.monotonic()
    with log.open("wb") as chatter:
        process = _start(python, how.module, path, chatter)
        last, status, usage = _followed(process, chatter, say)
    if status < 0:
        raise RecipeRunError(f"The recipe {recipe} was ended by signal {-status}: start it again.")
    if status:
        raise RecipeRunError(f"The recipe {recipe} failed: {_last_line(log)} Its log is {log}.")
    return RecipeRun(
        seconds=round(time.monotonic() - begun, 1),
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 1),
        peak_bytes=int(last.get("peak_bytes", 0)),
        gpu_peak_bytes=int(last.get("gpu_peak_bytes", 0)),
        device=str(last.get("device", "cpu")),
    )


def _start(python: str, module: str, job: Path, chatter: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [python, "-m", f"quantize.recipes.{module}", str(job)],
        cwd=job.parent,  # GPTQModel writes its logs where it is started
        env=_variables(Path(python).parent),
        stdout=subprocess.PIPE,
        stderr=chatter,
        start_new_session=True,
    )


def _variables(programs: Path) -> dict[str, str]:
    """Return the environment variables: the environment's programs (ninja) come first."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    path = os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath)))
    quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "TQDM_MININTERVAL": "5"}
    return {**kept, **quiet, "PATH": path, "PYTHONPATH": str(ROOT)}


def _as_text(value: object) -> str:
    """Return a path that is right wherever the recipe is started."""
    return str(value.resolve() if isinstance(value, Path) else value)


def _followed(
    process: "subprocess.Popen[bytes]", chatter: BinaryIO, say: Say
) -> tuple[dict[str, Any], int, resource.struct_rusage]:
    """Pass a recipe's progress on; return its last line, its status and what it used."""
    last: dict[str, Any] = {}
    clock = LayerClock()
    try:
        for line in process.stdout or ():
            if not line.startswith(b"{"):
                chatter.write(line)  # a library that prints while it is imported
                continue
            last = json.loads(line)
            if "note" in last:
                say(f"  {last['note']}")
            elif "layer" in last:
                say(f"  {clock.line(last)}")
        # wait4 tells what the process and all it waited for have used; Popen.wait would not.
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        _end(process)
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return last, process.returncode, usage


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a recipe with all its processes: politely, then whatever is left of its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


class LayerClock:
    """Tells the time left from the layers seen in this run.

    Args:
        now: the clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._first: float | None = None
        self._seen = 0

    def line(self, progress: Mapping[str, Any]) -> str:
        """Return the line for a layer that is done."""
        number, of = progress["layer"] + 1, progress["of"]
        error = progress.get("error")
        text = f"layer {number} of {of}"
        if error is not None:
            text += f", error {error:.2e}"
        if self._first is None:
            # The first layer holds the start and, at first use, a compiler: it tells nothing.
            self._first = self._now()
        else:
            self._seen += 1
            each = (self._now() - self._first) / self._seen
            text += f", about {duration(each * (of - number))} left"
        return text


def _last_line(log: Path) -> str:
    """Return the error at a log's end, without the exception's name."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return "it said nothing."
    name, _, sentence = lines[-1].strip().rpartition("RecipeError: ")
    return (sentence if name else lines[-1].strip())[:500].rstrip(".") + "."
