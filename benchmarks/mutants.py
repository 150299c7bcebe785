"""Measures the tests of the pure modules: how many small changes of the code they notice.

    make bench-mutants

mutmut (`pip install mutmut`, into the environment that runs this) makes every change it knows in
the modules that `pyproject.toml` names. A seeded sample is drawn from each module, and for each
change the tests that reach it are run. An interrupted run resumes where it stopped.

A change that no test notices is equivalent if it changes nothing that anybody could observe;
`equivalent_mutants.json` lists those that were looked at, each with its reason. All others count as
missed.

Covers: functions and methods. Does not cover: module-level tables and decorated functions, which
mutmut leaves alone.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.result import Row, write_result

ROOT = Path(__file__).resolve().parent.parent
MADE = ROOT / "mutants"
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.json")
SAMPLE, SEED = 40, 18
"""Of each module, or all where it has fewer."""
WITH_EFFECTS = (
    *("sc_tir.xǁ_Runǁ", "sc_tir.x_solve__", "sc_tir.x__until_stopped__"),
    *("power.x_main__", "power.x_print_plan__"),
)
"""Parts of names that are not tried: a changed loop seldom ends, a table's look is nobody's."""
MUTMUT = (sys.executable, "-m", "mutmut")
RUN = (*MUTMUT, "run", "--max-children", str(os.cpu_count() or 1))
SURVIVED, UNREACHED = 0, 33
"""mutmut's notes on a change: the tests passed, or none reaches it. Others were noticed."""


def outcomes(path: Path) -> dict[str, int | None]:
    """Return a module's changes by name: how its tests ended, None where they have not run."""
    return json.loads(path.read_text("utf-8"))["exit_code_by_key"]


def modules() -> list[Path]:
    """Return mutmut's notes on all modules that have changes."""
    return [path for path in sorted(MADE.rglob("*.py.meta")) if outcomes(path)]


def sample(names: Sequence[str]) -> list[str]:
    """Return which of a module's changes are tried."""
    pure = sorted(name for name in names if not any(part in name for part in WITH_EFFECTS))
    return random.Random(SEED).sample(pure, min(SAMPLE, len(pure)))


def difference(name: str) -> str:
    """Return a change as its function and its lines, which outlive the numbering."""
    shown = subprocess.run([*MUTMUT, "show", name], cwd=ROOT, capture_output=True, text=True)
    lines = [line for line in shown.stdout.splitlines() if line[:1] in "+-"]
    changed = [" ".join(line.split()) for line in lines if line[:3] not in ("+++", "---")]
    return " ".join([f"{name.rpartition('__mutmut_')[0]}:", *changed])


def row(path: Path, judged: Mapping[str, str]) -> Row:
    """Return a module's counts, and what its tests missed."""
    found = outcomes(path)
    tried = [name for name in sample(list(found)) if found[name] is not None]
    missed = [difference(name) for name in tried if found[name] in (SURVIVED, UNREACHED)]
    counts = Counter(change in judged for change in missed)
    return {
        "module": path.relative_to(MADE).as_posix().removesuffix(".meta"),
        "changes": len(found),
        "tried": len(tried),
        "noticed": len(tried) - len(missed),
        "equivalent": counts[True],
        "missed": [change for change in missed if change not in judged],
    }


def main() -> None:
    """Make the changes, run the tests on a sample, print what is missed, write the file."""
    if not MADE.is_dir():
        # A name that fits nothing: the changes are made and the tests timed, none is tried.
        subprocess.run([*RUN, "none"], cwd=ROOT)
    names = [name for path in modules() for name in sample(list(outcomes(path)))]
    subprocess.run([*RUN, *names], cwd=ROOT)
    judged: dict[str, str] = json.loads(EQUIVALENT.read_text("utf-8"))
    rows = [row(path, judged) for path in modules()]
    noticed, tried = (sum(r[name] for r in rows) for name in ("noticed", "tried"))
    equivalent = sum(r["equivalent"] for r in rows)
    figures = {
        "changes_tried": tried,
        "changes_equivalent": equivalent,
        "noticed_share": round(noticed / (tried - equivalent), 3),
    }
    for entry in rows:
        print({name: value for name, value in entry.items() if name != "missed"})
        print("".join(f"  missed: {change}\n" for change in entry["missed"]), end="")
    print(f"{figures}\nwritten to {write_result('mutants', figures, rows)}")


if __name__ == "__main__":
    main()
