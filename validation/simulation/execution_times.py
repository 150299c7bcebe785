"""Measures how long blocks of code run, for the simulator.

Run as `python -m validation.simulation.execution_times`.

Covers: running the blocks of logged transcripts (see `replay_code`) in the sandbox, and writing the
seconds that they took. Does not cover: the blocks' outputs.
"""

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox
from validation.replay_code import as_reals, read_traces, replay
from validation.simulation.sandbox import MEASURED

PARTS = 100
"""Quantiles kept: the percentiles, with the shortest and the longest time at the ends."""


@dataclass
class Options:
    """Run the code blocks of a file of transcripts and keep the quantiles of their times."""

    traces: Path
    """JSONL with `problem_id` and `text`."""
    workers: int = 2
    """Blocks at once."""
    out: Path = MEASURED
    """The file written."""


def quantiles(seconds: list[float]) -> list[float]:
    """Return the shortest time, the percentiles and the longest time."""
    inner = statistics.quantiles(seconds, n=PARTS)
    return [round(value, 4) for value in (min(seconds), *inner, max(seconds))]


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(Options)
    if not options.traces.is_file():
        print(f"{options.traces} is not there: name a JSONL file of transcripts.", file=sys.stderr)
        sys.exit(2)
    config = Config(code_workers=options.workers)
    # Every block as the logging program ran it: with sympy's names there.
    traces = list(read_traces(options.traces, as_reals))
    seconds: list[float] = []
    with ForkedSandbox(config) as sandbox:
        for replayed in replay(traces, sandbox):
            seconds.append(replayed.execution.seconds)
            if len(seconds) % 100 == 0:
                print(f"{len(seconds)} blocks run", file=sys.stderr, flush=True)
    found = {"blocks": len(seconds), "limit": config.code_seconds, "quantiles": quantiles(seconds)}
    scratch = options.out.with_suffix(".part")
    scratch.write_text(json.dumps(found) + "\n", "utf-8")
    scratch.replace(options.out)
    print(options.out)


if __name__ == "__main__":
    main()
