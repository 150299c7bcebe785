"""Measures how long ten rules take on 53,620 recorded answers, reading included.

    python -m benchmarks.replay

The answers are those of `trace_shapes.jsonl.gz` where that file is (AIMO_SHARED_DATA names its
folder), else as many synthetic ones: a log-normal spread of wrong answers around a truth, a quarter
without answer, in solves of 48.

Covers: what `benchmarks/results/replay.json` holds. Does not cover: reading transcripts' texts.
"""

import os
import random
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import result
from kernel.config import Config
from validation.replay import replay
from validation.runs.transcripts import answer_ballots, ballots_of_answers

ROOT = Path(__file__).resolve().parent.parent
RECORDED = Path(os.environ.get("AIMO_SHARED_DATA", ROOT.parent / "shared/data"))
ANSWERS, GROUP = 53_620, 48


def synthetic(count: int) -> list[dict[str, Any]]:
    """Return rows like recorded ones, the same at every call."""
    choose = random.Random(0)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        gold = 37 * (number % 10) + 11
        answer = gold if choose.random() < 0.25 else int(choose.lognormvariate(4, 2))
        text = "" if choose.random() < 0.25 else str(answer)
        generated = [choose.randrange(50, 900)] * choose.choice((1, 1, 1, 2, 3))
        row = {"problem_id": str(number % 10), "gold": gold, "answer": text}
        rows.append({**row, "generated_tokens": generated})
    return rows


def load(config: Config) -> tuple[pl.DataFrame, str]:
    """Return the ballots and where they come from."""
    path = RECORDED / "trace_shapes.jsonl.gz"
    if path.is_file():
        return answer_ballots(path, config, GROUP), "recorded"
    return ballots_of_answers(synthetic(ANSWERS), config, GROUP), "synthetic"


def measure() -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Return the result file's figures and rows."""
    config = Config()
    start = time.perf_counter()
    frame, source = load(config)
    read = time.perf_counter()
    rows = replay(frame, config)
    end = time.perf_counter()
    figures = {"seconds": round(end - start, 2), "rules": len(rows), "answers": len(frame)}
    about = {"answers": source, "read_seconds": round(read - start, 2), "solves_of": GROUP}
    return figures, [about, *rows]


def main() -> None:
    """Measure, print the figures, write the file."""
    figures, rows = measure()
    for name, value in figures.items():
        print(f"{name:<28}{value:>10}")
    print(f"  {rows[0]['answers']} answers")
    for row in rows[1:]:
        print(f"  {row['rule']:<26}{row['right']:>6} of {row['solves']} right")
    print(f"written to {result.write_result('replay', figures, rows).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
