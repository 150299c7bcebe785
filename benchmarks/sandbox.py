"""Measures the sandbox against the reference way of running model code, in one run.

    make bench-sandbox

The reference way, as public kernels do it: every block is written to a file and run by a fresh
`python3`, with numpy and sympy imported first, in a pool of as many threads as there are CPUs. Both
ways run 48 sessions of 4 trivial blocks (the reference way one block of each, since none costs less
than another); the sandbox is then measured block by block, idle, and after 1,000 sessions of which
one in ten misbehaves.

Covers: what `benchmarks/results/sandbox.json` holds. Does not cover: how fast a block's code is.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.result import Measurement, print_figures, print_rows, write_result
from kernel.config import Config
from kernel.records import Execution
from kernel.sandbox.forked_sandbox import ForkedSandbox

SESSIONS, BLOCKS = 48, 4
ROUNDS = 3
"""Each way is measured this often, in turns, and the median counts."""
LATENCY_BLOCKS = 300
LIFETIMES = 1000
MISBEHAVIOUR = (
    "import os\nos._exit(1)",
    "import ctypes\nctypes.string_at(0)",
    "import subprocess\nsubprocess.Popen(['sleep', '900'])",
    "import os\nos.closerange(0, 70000)",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "open('file', 'w').write('x' * 10**6)",
    "x = bytearray(10**10)",
)


def trivial(step: int) -> str:
    """Return a block whose own work is nothing."""
    return f"x = {step}\nprint(x + 1)"


@contextmanager
def sandbox() -> Generator[ForkedSandbox]:
    """Give a sandbox whose supervisor has started."""
    with ForkedSandbox(Config(code_workers=os.cpu_count() or 1)) as opened:
        opened.submit("first", "1")
        while not opened.poll(1.0):
            pass
        opened.close_session("first")
        yield opened


def finish(opened: ForkedSandbox, count: int = 1) -> list[Execution]:
    """Wait for so many executions."""
    done: list[Execution] = []
    while len(done) < count:
        done += opened.poll(60.0)
    return done


def measure_sandbox(opened: ForkedSandbox) -> float:
    """Return blocks per second on 48 sessions x 4 trivial blocks, opening and closing included."""
    start = time.perf_counter()
    left = {f"session {n}": BLOCKS for n in range(SESSIONS)}
    for name in left:
        opened.submit(name, trivial(0))
    while left:
        for execution in opened.poll(60.0):
            name = execution.session
            left[name] -= 1
            if left[name]:
                opened.submit(name, trivial(left[name]))
            else:
                del left[name]
                opened.close_session(name)
    return SESSIONS * BLOCKS / (time.perf_counter() - start)


def measure_reference() -> float:
    """Return blocks per second of a fresh interpreter a block, on one block a session."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        start = time.perf_counter()
        list(pool.map(_run_fresh, [Path(folder) / f"{n}.py" for n in range(SESSIONS)]))
        return SESSIONS / (time.perf_counter() - start)


def _run_fresh(path: Path) -> None:
    path.write_text(f"import numpy as np\nimport sympy as sp\n{trivial(0)}\n")
    subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)


def measure_latency(opened: ForkedSandbox) -> list[float]:
    """Return milliseconds from submit to execution of trivial blocks in one session."""
    times: list[float] = []
    for step in range(LATENCY_BLOCKS):
        start = time.perf_counter()
        opened.submit("latency", trivial(step))
        finish(opened)
        times.append(1000 * (time.perf_counter() - start))
    opened.close_session("latency")
    return times


def measure_idle(opened: ForkedSandbox) -> list[float]:
    """Return the private memory, in MiB, of 48 sessions that are open and have run one block."""
    for n in range(SESSIONS):
        opened.submit(f"idle {n}", trivial(n))
    finish(opened, SESSIONS)
    sizes = [_private_mib(pid) for pid in _sessions(opened)]
    for n in range(SESSIONS):
        opened.close_session(f"idle {n}")
    return sizes


def _private_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def _sessions(opened: ForkedSandbox) -> list[int]:
    """Return the processes that the sandbox's supervisor has started."""
    return [pid for pid, parent in _parents().items() if parent == opened.supervisor]


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
    return parents


def measure_left(opened: ForkedSandbox) -> int:
    """Return how many processes are left of 1,000 sessions of which one in ten misbehaves."""
    choose = random.Random(0)
    waiting, running = list(range(LIFETIMES)), 0
    while waiting or running:
        while waiting and running < SESSIONS:
            bad = choose.random() < 0.1
            code = choose.choice(MISBEHAVIOUR) if bad else trivial(0)
            opened.submit(f"life {waiting.pop()}", code)
            running += 1
        for execution in opened.poll(60.0):
            opened.close_session(execution.session)
            running -= 1
    opened.submit("last", "1")
    finish(opened)
    opened.close_session("last")
    end = time.monotonic() + 10
    while _sessions(opened) and time.monotonic() < end:
        time.sleep(0.05)
    return len(_sessions(opened))


def measure_rates(opened: ForkedSandbox) -> tuple[list[float], list[float]]:
    """Return blocks per second of the sandbox and of the reference way, measured in turns."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}: throughput", file=sys.stderr, flush=True)
        ours.append(measure_sandbox(opened))
        theirs.append(measure_reference())
    return ours, theirs


def measure() -> Measurement:
    """Return the result file's figures and rows."""
    with sandbox() as opened:
        ours, theirs = measure_rates(opened)
        print("latency, memory, and what is left", file=sys.stderr, flush=True)
        latency = measure_latency(opened)
        idle = measure_idle(opened)
        left = measure_left(opened)
        layers = opened.report["layers"]
    figures = {
        "blocks_per_second_ratio": round(statistics.median(ours) / statistics.median(theirs), 1),
        "trivial_block_p50_ms": round(statistics.median(latency), 2),
        "idle_session_private_mib": round(statistics.median(idle), 2),
        "left_processes": left,
    }
    rows = [
        {"way": "sandbox", "blocks_per_second": [round(value, 1) for value in ours]},
        {"way": "fresh interpreter", "blocks_per_second": [round(value, 2) for value in theirs]},
        {"trivial_block_p99_ms": round(statistics.quantiles(latency, n=100)[98], 2)},
        {"idle_sessions": SESSIONS, "largest_private_mib": round(max(idle), 2)},
        {"isolation": layers},
    ]
    return Measurement(figures, rows)


def main() -> None:
    """Measure, print the table, write the file."""
    figures, rows = measure()
    print_figures(figures)
    print_rows(rows)
    print(f"written to {write_result('sandbox', figures, rows)}")


if __name__ == "__main__":
    main()
