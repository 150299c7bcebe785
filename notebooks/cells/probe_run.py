"""Run all checks on the mounted model; the last output is the JSON to keep."""

import json
from pathlib import Path

import probe_checks  # pyright: ignore[reportMissingImports] - written beside this cell

from kernel.checks.preflight import Preflight
from kernel.config import Config

model = Preflight(scored=True).find_model(Config())
if model is None:
    raise SystemExit("No model is mounted: attach its dataset to this notebook.")
found = probe_checks.probe(model)
Path("probe.json").write_text(json.dumps(found, indent=1))
print(json.dumps(found, indent=1))
# All three are defined by the cell that brings such a file along.
pack(WORKSPACE, Path(PACKED))  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
