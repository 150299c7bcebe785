"""Measures how long ten rules take on 53,620 answers, reading included.

    make bench-replay

The answers are generated like recorded ones (`validation.simulation.generated_shapes`), in solves
of 48, and read from a gzipped file as a user's would be.

Covers: what `benchmarks/results/replay.json` holds. Does not cover: reading transcripts' texts.
"""

import gzip
import json
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.result import Measurement, print_figures, write_result
from kernel.config import Config
from validation.replay import replay
from validation.runs.transcripts import answer_ballots
from validation.simulation.generated_shapes import generate

ROOT = Path(__file__).resolve().parent.parent
PROBLEMS, ANSWERS, GROUP = 5, 53_620, 48


def write_answers(path: Path, count: int) -> None:
    """Write a file of answers, the same at every call."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for problem in generate(PROBLEMS, count // PROBLEMS, seed=0):
            for shape in problem.shapes:
                row = {"problem_id": problem.id, "gold": problem.truth, "answer": shape.answer}
                file.write(json.dumps({**row, "generated_tokens": shape.generated}) + "\n")


def load(config: Config, count: int = ANSWERS) -> tuple[pl.DataFrame, float]:
    """Return the ballots, and the seconds that reading them took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl.gz"
        write_answers(path, count)
        start = time.perf_counter()
        return answer_ballots(path, config, GROUP), time.perf_counter() - start


def measure() -> Measurement:
    """Return the result file's figures and rows."""
    config = Config()
    frame, read_seconds = load(config)
    start = time.perf_counter()
    rows = replay(frame, config)
    seconds = read_seconds + time.perf_counter() - start
    figures = {"seconds": round(seconds, 2), "rules": len(rows), "answers": len(frame)}
    notes = {"read_seconds": round(read_seconds, 2), "solves_of": GROUP}
    return Measurement(figures, [notes, *rows])


def main() -> None:
    """Measure, print the figures, write the file."""
    figures, rows = measure()
    print_figures(figures)
    for row in rows[1:]:
        print(f"  {row['rule']:<26}{row['right']:>6} of {row['solves']} right")
    print(f"written to {write_result('replay', figures, rows).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
