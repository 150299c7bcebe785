"""Plots of a training, from its metrics file: the loss over the steps, KTO's rewards and KL.

Covers: one PNG per training; the same file gives the same bytes. Does not cover: comparing models
(`benchmarks.recipe`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import files

Lines = Sequence[dict[str, Any]]


def plot_loss(lines: Lines, picture: Path) -> Path:
    """Draw the loss of the training rows, of the held-out rows, and the learning rate."""
    figure = _figure()
    axes: Any = figure.subplots()
    _curve(axes, lines, "loss", "training rows", alpha=0.35)
    _curve(axes, _smoothed(lines, "loss"), "loss", "training rows, mean of 10 steps")
    _curve(axes, lines, "eval_loss", "held-out rows", marker="o")
    axes.set_ylabel("loss, nats a token")
    axes.set_xlabel("step")
    axes.legend(frameon=False)
    rate = axes.twinx()
    _curve(rate, lines, "learning_rate", "learning rate", color="0.8", linestyle=":")
    rate.set_ylabel("learning rate")
    return _saved(figure, picture)


def plot_rewards(lines: Lines, picture: Path) -> Path:
    """Draw KTO's implicit rewards of good and bad samples with their margin, and the KL below."""
    figure = _figure(height=6.0)
    axes: Any = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    for name, label in (
        ("rewards/chosen", "good samples"),
        ("rewards/rejected", "bad samples"),
        ("rewards/margins", "margin"),
    ):
        _curve(axes[0], _smoothed(lines, name), name, label)
    axes[0].axhline(0, color="0.7", linewidth=0.8)
    axes[0].set_ylabel("implicit reward (mean of 10 steps)")
    axes[0].legend(frameon=False)
    _curve(axes[1], lines, "kl", "KL")
    axes[1].set_ylabel("KL, nats")
    axes[1].set_xlabel("step")
    return _saved(figure, picture)


def _figure(height: float = 4.5) -> Any:
    import matplotlib as mpl

    # The canvas without a window system; `pyplot` would keep every figure alive.
    mpl.use("Agg")
    from matplotlib.figure import Figure

    return Figure(figsize=(8, height), layout="constrained")


def _curve(axes: Any, lines: Lines, name: str, label: str, **style: Any) -> None:
    points = [(line["step"], line[name]) for line in lines if name in line]
    if points:
        steps, values = zip(*points, strict=True)
        axes.plot(steps, values, label=label, linewidth=1.3, markersize=4, **style)


def _smoothed(lines: Lines, name: str, width: int = 10) -> list[dict[str, Any]]:
    """Return the mean of each step and those before it, at most `width`."""
    there = [line for line in lines if name in line]
    return [
        {"step": line["step"], name: sum(w[name] for w in window) / len(window)}
        for end, line in enumerate(there, 1)
        for window in [there[max(0, end - width) : end]]
    ]


def _saved(figure: Any, picture: Path) -> Path:
    with files.whole(picture) as scratch:
        figure.savefig(scratch, format="png", dpi=110, metadata={"Software": None})
    return picture
