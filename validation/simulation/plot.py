"""Draws simulated runs: how full the engine was over the hours, and where each problem ended.

Covers: a PNG. Does not cover: the figures (`simulate`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from common.files import whole
from kernel.records import Solution
from validation.simulation.occupancy import Occupancy

BINS = 240
"""Points of a curve over the whole run."""


class Timeline(NamedTuple):
    """What is drawn of a run."""

    occupancy: Occupancy
    solutions: Sequence[Solution]


def curve(run: Timeline, bins: int = BINS) -> tuple[list[float], list[float]]:
    """Return the hours and, for each, the mean number of sequences in the batch."""
    spans = run.occupancy.spans
    end = max((span.start + span.seconds for span in spans), default=1.0)
    width = end / bins
    filled = [0.0] * bins
    for span in spans:
        start, stop = span.start, span.start + span.seconds
        while start < stop:
            place = min(bins - 1, int(start / width))
            # The last bin takes whatever rounding leaves over.
            edge = stop if place == bins - 1 else min(stop, (place + 1) * width)
            if edge <= start:
                break
            filled[place] += span.decoding * (edge - start)
            start = edge
    return [width * (n + 0.5) / 3600 for n in range(bins)], [value / width for value in filled]


def plot(runs: Mapping[str, Timeline], path: Path) -> None:
    """Write the picture, whole or not at all."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 1, figsize=(9, 6), sharex=True, layout="constrained")
    for name, run in runs.items():
        axes[0].plot(*curve(run), label=name, linewidth=1)
        ends: list[float] = [0.0]
        for solution in run.solutions:
            ends.append(ends[-1] + solution.seconds / 3600)
        axes[1].step(ends, range(len(ends)), where="post", label=name)
    axes[0].set_ylabel("sequences in the batch")
    axes[1].set_ylabel("problems answered")
    axes[1].set_xlabel("hours")
    for axis in axes:
        axis.legend()
        axis.grid(alpha=0.3)
    with whole(path) as scratch:
        figure.savefig(scratch, dpi=120)
    pyplot.close(figure)
