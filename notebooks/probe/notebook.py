"""Builds `probe.ipynb`, to be run once by hand on Kaggle before the first submission.

Covers: the cells (wheels as in the submission, the kernel's modules, the checks of `probe_checks`,
one run). Does not cover: pushing it; attach the wheels and the model to it as for the submission.
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from notebooks.build import CELLS, ROOT, Cell, build, kernel_cells, script_cell

NOTEBOOK = ROOT / "notebooks/probe.ipynb"
FILES = ("probe_weights", "probe_fit", "probe_machine", "probe_checks")
"""Written beside the kernel, in this order."""
INTRODUCTION = """\
# What only two T4s can show

Run once by hand, with the wheels and the model attached as for a submission and the GPU T4 x2
chosen; it takes about an hour. The last output is a JSON, also in `probe.json`, which
`make plan ARGS="--calibration probe.json"` and `make simulate` (same option) read.

Checks: vLLM on the image's torch; the model end to end with its quantization; what the start's
trials choose, and how long FlashInfer compiles; the rate of reading keys and values in six batches
with each attention; one whole problem; clocks and power over ten minutes; float16 logits against
the CPU's. `flashinfer.cache` is what was compiled: `make package FLASHINFER=file` brings it along.
"""


def probe_cells() -> list[Cell]:
    """Return the cells of the probe notebook."""
    files = [(name, (ROOT / f"notebooks/probe/{name}.py").read_text("utf-8")) for name in FILES]
    return [
        Cell("introduction", "markdown", INTRODUCTION.rstrip("\n")),
        script_cell("install", CELLS / "install.py"),
        script_cell("compiled", CELLS / "compiled.py"),
        *kernel_cells(),
        *[Cell(f"write-{name}", "code", f"%%writefile {name}.py\n{text}") for name, text in files],
        script_cell("run", CELLS / "probe_run.py"),
    ]


@dataclass(frozen=True)
class ProbeOptions:
    """Build the probe notebook."""

    out: Path = NOTEBOOK
    """Where to write it."""


def main() -> None:
    """Run the command."""
    build(probe_cells, tyro.cli(ProbeOptions).out)


if __name__ == "__main__":
    main()
