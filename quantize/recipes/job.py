"""What every recipe is given, and how it reports its progress.

Covers: the job file, progress as JSON lines on standard output, the table of layer errors, keeping
the libraries' own output separate. Does not cover: quantizing. Standard library only, as
`common/files` is, since recipes run in environments of their own.
"""

import csv
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import files

FIELDS: Sequence[str] = ("layer", "module", "error")
"""Of the table of layer errors."""


class RecipeError(RuntimeError):
    """Why a recipe cannot continue; the message is one sentence, and the recipe ends with it."""


@dataclass
class Job:
    """One quantization. The file that describes it is the recipe's only argument."""

    model: Path
    """The source model's folder; read only."""
    raw: Path
    """Folder to write: safetensors and config.json."""
    layers_csv: Path
    """Table to write: layer, module, error."""
    scratch: Path
    """Folder for whatever a resumed run can use; kept when a run is cut off."""
    calibration: Path | None
    """JSONL, one conversation a line as token ids (`ids`); None where a recipe needs none."""
    group_size: int
    layers: int
    """How many decoder layers the model has."""
    dtype: str
    """Of the source's weights: bfloat16, float16 or float32."""
    _begun: float = field(default_factory=time.monotonic)
    _rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _out: int = -1

    def tell(self, **values: Any) -> None:
        """Write one line of progress."""
        os.write(self._out, json.dumps(values).encode() + b"\n")

    def module_done(self, layer: int, module: str, error: float) -> None:
        """Keep one module's error; a layer that is done again replaces what was known of it."""
        self._rows = [row for row in self._rows if (row["layer"], row["module"]) != (layer, module)]
        self._rows.append({"layer": layer, "module": module, "error": error})

    def layer_done(self, layer: int) -> None:
        """Write the table so far, and a line of progress with the layer's mean error."""
        errors = [row["error"] for row in self._rows if row["layer"] == layer]
        mean = sum(errors) / len(errors) if errors else None
        self._write_table()
        seconds = round(time.monotonic() - self._begun, 2)
        self.tell(layer=layer, of=self.layers, error=mean, seconds=seconds)

    def done(self, device: str, gpu_peak_bytes: int = 0) -> None:
        """Tell what it took; the last line of a recipe.

        The peak is this program's own (VmHWM): what the system tells a parent of its child's peak
        includes the parent's size at the fork.
        """
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        self.tell(device=device, gpu_peak_bytes=gpu_peak_bytes, peak_bytes=peak * 1024)

    def token_ids(self) -> list[list[int]]:
        """Return the calibration conversations."""
        if self.calibration is None:
            return []
        return [line.value["ids"] for line in files.read_json_lines(self.calibration)]

    def _write_table(self) -> None:
        with files.whole(self.layers_csv) as scratch, scratch.open("w", newline="") as file:
            table = csv.DictWriter(file, FIELDS)
            table.writeheader()
            table.writerows(sorted(self._rows, key=lambda row: row["layer"]))

    def resume(self) -> None:
        """Take in what an earlier run has found, where there was one."""
        if self.layers_csv.is_file():
            with self.layers_csv.open(newline="") as file:
                for row in csv.DictReader(file):
                    self.module_done(int(row["layer"]), row["module"], float(row["error"]))


def open_job() -> Job:
    """Return the job named on the command line.

    From here on what is printed goes to the standard error: libraries draw bars on both.
    """
    values = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for name in ("model", "raw", "layers_csv", "scratch", "calibration"):
        values[name] = None if values[name] is None else Path(values[name])
    job = Job(**values, _out=os.dup(1))
    os.dup2(2, 1)
    job.scratch.mkdir(parents=True, exist_ok=True)
    job.resume()
    return job
