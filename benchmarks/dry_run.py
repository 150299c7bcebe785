"""Measures the dry run: how many of its problems the embedded model answers, and how long it takes.

Covers: what `benchmarks/results/dry_run.json` holds. Does not cover: accuracy of a model that
somebody would submit.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.result import write_result

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "runs" / "dry-run"


def main() -> None:
    """Run the dry run as `make dry-run` does, and write the file."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "notebooks.rehearsal.dry_run", "--out", str(OUT)]
    subprocess.run(command, cwd=ROOT, check=True)
    minutes = (time.monotonic() - begun) / 60
    summary = json.loads((OUT / "summary.json").read_text("utf-8"))
    names = ("problem", "answer", "truth", "votes", "candidates", "tokens", "seconds")
    rows = [{name: row[name] for name in names} for row in summary["problems"]]
    figures = {
        "right": summary["score"]["right"],
        "problems": len(rows),
        "minutes": round(minutes, 2),
        "tokens": sum(row["tokens"] for row in rows),
    }
    print(f"written to {write_result('dry_run', figures, rows)}")


if __name__ == "__main__":
    main()
