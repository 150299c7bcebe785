"""What a training prints and writes while it runs.

Covers: `metrics.jsonl` (one line per step), a line for people with loss and time left, stopping at
a loss that is not a number, Ctrl-C without losing anything. Does not cover: pictures (`plots`),
checkpoints (the trainer's), what the figures mean.
"""

import json
import math
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from common import files

METRICS = "metrics.jsonl"
LEFT_OUT = {"total_flos", "train_runtime", "train_samples_per_second", "train_steps_per_second"}
SAY_SECONDS = 10.0
"""Between two lines for people where nobody watches a terminal."""


class LossError(ArithmeticError):
    """A loss or gradient that is not a number: what follows could not be trusted."""


class Progress(TrainerCallback):
    """Writes and says how far a training is.

    Args:
        folder: of the run.
        tokens: of all steps together, for the speed.
        now: the clock, in seconds.
    """

    def __init__(
        self, folder: Path, tokens: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = folder / METRICS
        self._tokens = tokens
        self._now = now
        self._begun = 0.0
        self._first = 0
        self._said = -math.inf
        self._before: dict[int, Any] = {}
        self.stopped = False
        """Whether Ctrl-C or SIGTERM has asked it to stop."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Forget what was written of steps that are done again."""
        keep_steps(self._path, state.global_step)
        self._begun, self._first = self._now(), state.global_step
        for name in (signal.SIGINT, signal.SIGTERM):
            self._before[name] = signal.signal(name, self._stop)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Give the signals back."""
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Save and stop where that was asked for."""
        if self.stopped:
            control.should_save = control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Write a step's line; end at a loss that is not a number, before it can be saved."""
        values = {name: value for name, value in (logs or {}).items() if name not in LEFT_OUT}
        if not state.is_world_process_zero or not ({"loss", "eval_loss"} & set(values)):
            return
        seconds = self._now() - self._begun
        line = {"step": state.global_step, **values, "seconds": round(seconds, 2)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        check(state.global_step, values)
        self._say(state, values, seconds)

    def _say(self, state: TrainerState, values: Mapping[str, Any], seconds: float) -> None:
        last = state.global_step == state.max_steps
        if self._now() - self._said < SAY_SECONDS and not last and "loss" in values:
            return
        self._said = self._now()
        done = max(1, state.global_step - self._first)
        left = seconds / done * (state.max_steps - state.global_step)
        speed = self._tokens / max(1, state.max_steps) * done / max(seconds, 1e-9)
        loss = values.get("loss", values.get("eval_loss", math.nan))
        kind = "loss" if "loss" in values else "loss on held-out rows"
        print(
            f"step {state.global_step} of {state.max_steps}, {kind} {loss:.4f}, "
            f"{speed:.0f} tokens/s, about {left / 60:.0f} min left",
            flush=True,
        )

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ask for a stop after this step; a second Ctrl-C is not waited for."""
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        print("Stopping after this step; what is done is kept.", flush=True)


def check(step: int, values: Mapping[str, Any]) -> None:
    """Refuse figures that are not numbers.

    Raises:
        LossError: with the step.
    """
    for name in ("loss", "grad_norm"):
        value = values.get(name)
        if value is not None and not math.isfinite(float(value)):
            what = "loss" if name == "loss" else "gradient"
            raise LossError(
                f"The {what} of step {step} is not a number: training stopped, and the last good "
                "checkpoint is kept; resume from it with a lower learning rate."
            )


def keep_steps(path: Path, last: int) -> None:
    """Drop the lines of `path` after step `last`, and any that is torn."""
    kept = [line for line in read(path) if line["step"] <= last]
    if path.is_file():
        files.write_json_lines(path, kept)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a metrics file in order; [] where there is none."""
    if not path.is_file():
        return []
    # A torn line is the last one of a killed run.
    values = [line.value for line in files.json_lines(path)]
    return [value for value in values if isinstance(value, dict) and "step" in value]
