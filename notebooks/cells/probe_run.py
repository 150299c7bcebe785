"""Run all checks on the mounted model; the last output is the JSON to keep."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import probe_checks

from kernel.checks.preflight import Preflight
from kernel.config import Config

if TYPE_CHECKING:  # the cell that brings such a file along has defined them
    from notebooks.cells.compiled import PACKED, WORKSPACE, pack

model = Preflight(scored=True).find_model(Config())
if model is None:
    raise SystemExit("No model is mounted: attach its dataset to this notebook.")
found = probe_checks.probe(model)
Path("probe.json").write_text(json.dumps(found, indent=1))
print(json.dumps(found, indent=1))
pack(WORKSPACE, Path(PACKED))
