"""How long a function takes on a machine that others use too."""

import time
from collections.abc import Callable

RUNS = 25


def least_milliseconds(function: Callable[[str], object], text: str) -> float:
    """Return the processor time of the fastest of many runs: noise only ever adds.

    What is fast on a quiet machine needs one run; a crowded machine, which may take a processor
    away for tenths of a second and still count them, gets more chances.
    """
    times: list[float] = []
    for _ in range(RUNS):
        started = time.process_time()
        function(text)
        times.append(time.process_time() - started)
        if times[-1] < 0.05:
            break
    return min(times) * 1000
