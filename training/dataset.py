"""`make dataset`: builds a training set for a stage, and its data card.

Covers: the options, the order of the work, user errors as one sentence. Does not cover: sources,
families, filters and sampling, which are in `training/data/`.

    python -m training.dataset --kind tir --rows 2500 --out runs/data/tir
    python -m training.dataset --kind cot --sources gsm8k my-problems.jsonl
    python -m training.dataset --kind tir --from problems.jsonl --engine-url http://localhost:8000

writes `train.jsonl`, `heldout.jsonl` (for the validation loss), the test problems
`problems-known.jsonl` and `problems-heldout.jsonl` where the generator is a source, and
`dataset.json`. With `--from`, samples are kept in `samples.jsonl`, from which an interrupted run
resumes.
"""

import sys
import time
from pathlib import Path

import tyro

from common.console import heed_ctrl_c
from common.files import FileError
from kernel.config import ConfigError
from training.data.construction import ConstructionError
from training.data.gathering import gathered
from training.data.options import DatasetOptions
from training.data.sampled import sampled
from training.data.sources import SourceError
from training.data.workplace import BuildError, prepared, write
from validation.runs.sets import SetError
from validation.server_engine import ServerError


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where the engine is gone, 130 on Ctrl-C."""
    options = tyro.cli(DatasetOptions)
    heed_ctrl_c()
    try:
        print(build(options))
    except (BuildError, SourceError, SetError, ConfigError, ConstructionError, FileError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except ServerError as error:
        # A server that cannot be reached at all is an error of the same kind: nothing is lost.
        print(f"{error} What was sampled is saved: run the same command again.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped. What was sampled is saved: run the same command again.", file=sys.stderr)
        sys.exit(130)


def build(options: DatasetOptions) -> Path:
    """Build the set and return the path of its card.

    Raises:
        BuildError: an option cannot be used, or no row is left.
        SourceError, SetError, ConfigError, ConstructionError: see their modules.
        ServerError: the engine is gone; what was sampled is saved.
    """
    start = time.monotonic()
    place = prepared(options)
    built = sampled(place) if options.problems else gathered(place)
    path = write(place, built)
    place.console.print(f"{time.monotonic() - start:.0f} s.")
    return path


if __name__ == "__main__":
    main()
