"""Measures how long blocks of code run, for the simulator.

Run as `python -m validation.simulation.execution_times --run RUN.jsonl`.

Covers: the seconds that a recorded run's code blocks took in the sandbox, as quantiles. Does not
cover: blocks in other programs' transcripts, whose times nobody measured.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path

import tyro

from common.console import user_errors
from common.files import write_json
from validation.runs.records import Recording, RunError, read_run
from validation.simulation.sandbox import MEASURED

PARTS = 100
"""Quantiles kept: the percentiles, with the shortest and the longest time at the ends."""


@dataclass
class ExecutionTimesOptions:
    """Keep the quantiles of the times that a recorded run's code blocks took."""

    run: Path
    """A run's JSONL."""
    out: Path = MEASURED
    """The file written; the simulator reads the default one."""


def quantiles(seconds: list[float]) -> list[float]:
    """Return the shortest time, the percentiles and the longest time."""
    inner = statistics.quantiles(seconds, n=PARTS)
    return [round(value, 4) for value in (min(seconds), *inner, max(seconds))]


def seconds_of(run: Recording) -> list[float]:
    """Return the seconds of all of a run's code blocks.

    Raises:
        RunError: there are too few for quantiles.
    """
    candidates = [candidate for solved in run.solved for candidate in solved.candidates]
    found = [r.ran.seconds for candidate in candidates for r in candidate.rounds if r.ran]
    if len(found) < PARTS:
        raise RunError(f"{run.path} holds {len(found)} code blocks: give a run with {PARTS}.")
    return found


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(ExecutionTimesOptions)
    with user_errors():
        run = read_run(options.run)
        seconds = seconds_of(run)
        found = {
            "source": f"the code blocks of {options.run.name}",
            "blocks": len(seconds),
            "limit": run.config.code_seconds,
            "quantiles": quantiles(seconds),
        }
        write_json(options.out, found, indent=None)
        print(options.out)


if __name__ == "__main__":
    main()
