"""Measures one thread of the CPU engine against as many as there are CPUs, idle and busy.

    make bench-threads

For each number type two engines with the embedded model are open side by side, and one computes at
a time: they take turns of some seconds, so that whatever else runs affects both equally. Busy means
one extra process per CPU that does nothing but count.

Covers: tokens a second and their ratio, with the machine's load at each turn. Does not cover:
GPUs, and prompts (decoding only).
"""

import contextlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from benchmarks.real_engine import settings, until_ready
from benchmarks.result import Row, print_figures, write_result
from common import embedded_model
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import Request

THREADS = (1, os.cpu_count() or 1)
TYPES = ("float32", "bfloat16")
SEQUENCES = 16
TURN_SECONDS = 12.0
TURNS = 3
VARIABLE = "OMP_NUM_THREADS"


@contextlib.contextmanager
def opened(dtype: str, threads: int) -> Generator[VllmEngine]:
    """Give an engine once it is ready."""
    config = settings()
    config = replace(config, engine={**config.engine, "dtype": dtype})
    before = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "engine.log"
        os.environ[VARIABLE] = str(threads)
        engine = VllmEngine(embedded_model.ensure(), config, log, print)
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
        with contextlib.closing(engine):
            until_ready(engine, log)
            yield engine


def turn(engine: VllmEngine, name: str) -> float:
    """Return the tokens a second of a turn, counted between two beats of the engine."""
    prompt = tuple(engine.encode("Count upwards: one, two, three,"))
    names = [f"{name}/{number}" for number in range(SEQUENCES)]
    for number, request in enumerate(names):
        engine.submit(Request(request, prompt, 1500, 1.0, 1.0, (), number))
    first = _next_beat(engine, engine.generated_tokens)
    begun, counted = time.monotonic(), engine.generated_tokens
    while time.monotonic() - begun < TURN_SECONDS:
        engine.poll()
    _next_beat(engine, engine.generated_tokens)
    seconds = time.monotonic() - first
    rate = (engine.generated_tokens - counted) / seconds
    engine.abort(names)
    return rate


def _next_beat(engine: VllmEngine, before: int) -> float:
    """Wait until the engine reports further tokens; return when it did."""
    while engine.generated_tokens == before:
        if engine.lost:
            raise RuntimeError("The engine was lost.")
        engine.poll()
    return time.monotonic()


@contextlib.contextmanager
def others(busy: bool) -> Generator[None]:
    """Keep every CPU busy, if so."""
    spinning = [
        multiprocessing.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)
    ]
    for process in spinning if busy else []:
        process.start()
    try:
        yield
    finally:
        for process in spinning if busy else []:
            process.kill()
            process.join()


def _spin() -> None:
    while True:
        pass


def measure() -> list[Row]:
    """Return a row for each turn."""
    rows: list[Row] = []
    for dtype in TYPES:
        with opened(dtype, THREADS[0]) as one, opened(dtype, THREADS[1]) as all_threads:
            for busy in (False, True):
                with others(busy):
                    for number in range(TURNS):
                        pair = list(zip(THREADS, (one, all_threads), strict=True))
                        for threads, engine in pair[:: 1 if number % 2 else -1]:
                            rate = turn(engine, f"{busy}{number}")
                            load = round(os.getloadavg()[0], 1)
                            row = {"dtype": dtype, "busy": busy, "threads": threads}
                            rows.append({**row, "tokens_per_second": round(rate, 1), "load": load})
                            print(rows[-1], flush=True)
    return rows


def figures(rows: list[Row]) -> dict[str, float]:
    """Return how much faster all threads are than one, by type and load: medians' ratios."""
    found: dict[str, float] = {}
    for dtype in TYPES:
        for busy in (False, True):
            rates = [
                statistics.median(
                    row["tokens_per_second"]
                    for row in rows
                    if (row["dtype"], row["busy"], row["threads"]) == (dtype, busy, threads)
                )
                for threads in THREADS
            ]
            name = f"all_threads_over_one_{dtype}_{'busy' if busy else 'idle'}"
            found[name] = round(rates[1] / rates[0], 2)
    return found


def main() -> None:
    """Measure and write the file."""
    rows = measure()
    print_figures(figures(rows))
    print(f"written to {write_result('threads', figures(rows), rows)}")


if __name__ == "__main__":
    main()
