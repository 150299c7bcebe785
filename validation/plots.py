"""Plots of recorded runs, for `make results`, the README and the model card; the plot of
`make power`.

Covers: maj@k with bands, accuracy, agreement against correctness, seconds per problem, what early
stopping saves; what a future run could tell apart. Does not cover: their numbers (`plot_data`,
`power`).

A plot leaves out runs that do not have the data for it (candidates aborted, no truths, no times)
and says so in its title.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from common.files import whole
from validation.plot_data import (
    PlotRun,
    agreement_rows,
    band,
    majority_curves,
    rate,
    savings_rows,
    whole_seeds,
)

SIZE = (7.2, 4.2)
"""Inches; at the resolution of `save` a PNG of 1080 x 630."""
COLOURS = ("#1f5fbf", "#c2571a", "#2a8a4a", "#8a4fb8", "#b8304f", "#5d6673")
# --- The plots ---


def majority(runs: Sequence[PlotRun]) -> Figure:
    """Plot maj@k over k with 95% bands (Student's t over problems)."""
    figure, axes = _axes("candidates k", "share of problems right")
    _log_ticks(axes, 2, (1.0,))
    left_out: list[str] = []
    for run, colour in _coloured(runs):
        curves = majority_curves(run)
        if curves is None:
            left_out.append(run.name)
            continue
        places = list(range(1, curves.shape[1] + 1))
        low, high = band(curves)
        axes.fill_between(places, low, high, color=colour, alpha=0.12, linewidth=0)
        axes.plot(places, curves.mean(axis=0), color=colour, label=run.name)
        axes.plot(places, np.stack([low, high], axis=1), color=colour, linewidth=0.7, alpha=0.6)
    # A little below 0, where a line would vanish in the axis.
    axes.set_ylim(bottom=-0.01)
    return _finished(figure, axes, "maj@k: what more candidates give", left_out)


def accuracy(runs: Sequence[PlotRun]) -> Figure:
    """Plot each run's accuracy with its 95% interval, and every seed as a dot."""
    figure, axes = _axes("", "share of problems right")
    left_out: list[str] = []
    names: list[str] = []
    for run, colour in _coloured(runs):
        scored = run.scored
        if not len(scored):
            left_out.append(run.name)
            continue
        place = len(names)
        mean, interval = rate(scored)
        axes.bar(place, mean, 0.6, color=colour, alpha=0.5)
        axes.vlines(place, interval.low, interval.high, color=colour, linewidth=2)
        for share in whole_seeds(scored):
            axes.plot(place + 0.12, share, "o", color=colour, markersize=4)
        label = run.name if run.set == run.name else f"{run.name}\n{run.set}"
        names.append(f"{label}\n{scored['problem'].n_unique()} problems")
    axes.set_xticks(range(len(names)), names, fontsize="small")
    axes.set_ylim(0, 1)
    return _finished(figure, axes, "Accuracy of the vote, 95% intervals", left_out, legend=False)


def agreement(runs: Sequence[PlotRun]) -> Figure:
    """Plot how often the answer is right by the share of candidates that voted for it."""
    figure, axes = _axes("share of candidates that voted for the answer", "share right")
    left_out: list[str] = []
    for run, colour in _coloured(runs):
        rows = agreement_rows(run)
        if not rows:
            left_out.append(run.name)
            continue
        places = [row.place for row in rows]
        axes.plot(places, [row.right for row in rows], "-", color=colour, label=run.name)
        for row in rows:
            axes.vlines(row.place, row.interval.low, row.interval.high, color=colour, alpha=0.5)
            axes.plot(row.place, row.right, "o", color=colour, markersize=3 + len(str(row.solves)))
    axes.axvline(20 / 48, color="#888888", linestyle=":", linewidth=1)
    axes.text(20 / 48 + 0.01, 0.02, "20 of 48", color="#888888", fontsize="small")
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return _finished(figure, axes, "How sure is a vote?", left_out)


def seconds(runs: Sequence[PlotRun]) -> Figure:
    """Plot the share of problems that were done within a time."""
    figure, axes = _axes("seconds a problem", "share of problems done")
    _log_ticks(axes, 10, (1.0, 2.0, 5.0))
    left_out: list[str] = []
    for run, colour in _coloured(runs):
        if not run.seconds:
            left_out.append(run.name)
            continue
        times = np.sort(run.seconds)
        shares = np.arange(1, len(times) + 1) / len(times)
        label = f"{run.name} (median {np.median(times):.1f} s)"
        axes.step(times, shares, where="post", color=colour, label=label)
    axes.set_ylim(0, 1.02)
    return _finished(figure, axes, "Time a problem takes", left_out)


def savings(runs: Sequence[PlotRun]) -> Figure:
    """Plot the tokens that rules for stopping early save, and what they change."""
    figure, axes = _axes("", "tokens saved")
    left_out: list[str] = []
    for place, (run, colour) in enumerate(_coloured(runs)):
        if not run.whole or not run.frame["tokens"].sum():
            left_out.append(run.name)
            continue
        width = 0.8 / len(runs)
        for number, (rule, saved, changed) in enumerate(savings_rows(run)):
            at = number + (place - (len(runs) - 1) / 2) * width
            axes.bar(at, saved, 0.9 * width, color=colour, label=run.name if not number else None)
            axes.annotate(f"{changed}", (at, saved), ha="center", va="bottom", fontsize="small")
            axes.set_xticks(range(number + 1), [*_rule_names(axes, number), rule])
    axes.set_ylim(0, 1)
    title = "Tokens saved by stopping early (above: answers changed)"
    return _finished(figure, axes, title, left_out)


def _rule_names(axes: Axes, count: int) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()][:count]


def detectable(figures: Mapping[str, Any]) -> Figure:
    """Plot the smallest difference that can be shown over seeds, a colour a size of set.

    Args:
        figures: of `power.plan`.
    """
    figure, axes = _axes("seeds of each system", "smallest difference shown")
    _log_ticks(axes, 2, (1.0,))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(_points))
    axes.yaxis.set_minor_locator(NullLocator())
    for number, (size, by_seeds) in enumerate(figures["detectable"].items()):
        colour = COLOURS[number % len(COLOURS)]
        for kind, style in enumerate(("-", ":")):
            found = [(seeds, both[kind]) for seeds, both in by_seeds.items() if both[kind]]
            label = f"{size} problems" if kind == 0 else None
            if found:
                axes.plot(*zip(*found, strict=True), style, color=colour, label=label)
    axes.axhline(figures["points"] / 100, color="#888888", linewidth=1)
    title = "What can be told apart (80% power): on these problems, dotted on others"
    return _finished(figure, axes, title, [])


# --- What they share ---


def _coloured(runs: Sequence[PlotRun]) -> list[tuple[PlotRun, str]]:
    return [(run, COLOURS[number % len(COLOURS)]) for number, run in enumerate(runs)]


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    # Not through pyplot: nothing is kept open, and nothing depends on a display.
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _log_ticks(axes: Axes, base: int, steps: Sequence[float]) -> None:
    """Make the x axis logarithmic with plain numbers."""
    axes.set_xscale("log", base=base)
    axes.xaxis.set_major_locator(LogLocator(base, steps))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.xaxis.set_minor_locator(NullLocator())


def _finished(
    figure: Figure, axes: Axes, title: str, left_out: Sequence[str], legend: bool = True
) -> Figure:
    if left_out:
        title += f"\nnot to be had from {', '.join(left_out)}"
    axes.set_title(title, loc="left", fontsize="medium")
    if legend and axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize="small")
    return figure


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write a plot as PNG and return its path.

    Raises:
        FileError: it cannot be written.
    """
    path = folder / f"{name}.png"
    with whole(path) as scratch:
        figure.savefig(scratch, dpi=150)
    return path


def _points(value: float, place: int) -> str:
    return f"{100 * value:g} points"


def _plain(value: float, place: int) -> str:
    return f"{value:g}"
