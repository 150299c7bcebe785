"""Plots the error of each quantized module, from the table that a recipe writes.

Covers: `layers.csv` (layer, module, error) to a PNG: one line per module over the layers. Does not
cover: what the error means; each recipe says so itself (`quantization.layer_error` in the report).
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from common.files import whole

Series = dict[str, list[tuple[int, float]]]


class PlotError(ValueError):
    """A table that cannot be drawn; the message says what to do."""


def read_layers(path: Path) -> Series:
    """Return each module's errors by layer, modules in the order of the table.

    Raises:
        PlotError: the table is missing, empty or of another form.
    """
    series: Series = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                series[row["module"]].append((int(row["layer"]), float(row["error"])))
    except OSError:
        raise PlotError(f"{path} does not exist: quantize first.") from None
    except (KeyError, TypeError, ValueError):
        raise PlotError(f"{path} needs the columns layer, module and error.") from None
    if not series:
        raise PlotError(f"{path} has no rows: this recipe reports no errors.")
    return {name: sorted(points) for name, points in series.items()}


def plot_layers(table: Path, picture: Path, measure: str = "error") -> Path:
    """Draw the table and return the picture's path; the same table gives the same bytes.

    Args:
        table: `layers.csv`.
        picture: PNG to write, whole or not at all.
        measure: what the errors are, for the axis.
    """
    import matplotlib as mpl

    series = read_layers(table)
    # The canvas without a window system; `pyplot` would keep every figure alive.
    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes: Any = figure.subplots()
    for name, points in series.items():
        layers, errors = zip(*points, strict=True)
        axes.plot(layers, errors, marker="o", markersize=3, linewidth=1.2, label=name)
    if min(error for points in series.values() for _, error in points) > 0:
        axes.set_yscale("log")  # modules differ by orders of magnitude
    axes.set_xlabel("layer")
    axes.set_ylabel(measure)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(visible=True, alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    with whole(picture) as scratch:
        figure.savefig(scratch, format="png", dpi=120, metadata={"Software": None})
    return picture


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(
            "Name a table and a picture: python -m quantize.writing.plots layers.csv layers.png"
        )
    try:
        print(plot_layers(Path(sys.argv[1]), Path(sys.argv[2])))
    except PlotError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
