"""Stands in for the module `venv`: an environment whose programs write down how they are called.

`python` and `pip` append a line to `$CALLS`. `pip` waits while the file `$PIP_WAITS` is there, and
fails where `$PIP_FAILS` is set.
"""

import sys
from pathlib import Path

PROGRAM = """#!/bin/bash
echo "{name} $*" >> "$CALLS"
[ {name} = python ] && exit 0
while [ -e "$PIP_WAITS" ]; do sleep 0.02; done
[ -z "$PIP_FAILS" ]
"""

folder = Path(sys.argv[1]) / "bin"
folder.mkdir()
for name in ("python", "pip", "pyright"):
    (folder / name).write_text(PROGRAM.format(name=name))
    (folder / name).chmod(0o755)
