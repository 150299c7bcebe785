"""Every command of the README and the docs works in a fresh clone, on its smallest input.

The commands are read from the pages themselves. Each is run in a copy of the tree with nothing
beside it, or stands among those that are not, with the reason. What runs is the environment of the
tests: the copy's `make` finds it under VENV and installs nothing.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.readme import ROOT, paths
from benchmarks.tests.test_readme import PROSE
from validation.simulation.tests.shaped import shapes_file
from validation.tests.run_files import RunFile

RUN = {
    "help": [""],
    "setup": [""],
    "dry-run": ["PROBLEMS=one.csv CANDIDATES=4 MINUTES=5"],
    "validate": ["SET=one.csv SEEDS=1 OUT=runs/v.jsonl ARGS='--candidates 2 --rounds 1'"],
    "report": ["RUN=run.jsonl"],
    "compare": ["A=run.jsonl B=other.jsonl"],
    "view": ["RUN=run.jsonl", "RUN=run.jsonl PROBLEM=a"],
    "replay": ["RUN=run.jsonl", "RUN=run.jsonl N=1 M=1", "RUN=run.jsonl N=2 EXTRA=1"],
    "results": ["RUNS='run.jsonl other.jsonl'"],
    "export": ["RUN=run.jsonl"],
    "choose": ["RUNS='run.jsonl other.jsonl'"],
    "power": ["PROBLEMS=83 SEEDS=5"],
    "simulate": ["PROBLEMS=1"],
    "plan": ["", "GPU=L4"],
    "dataset": ["KIND=cot ROWS=12", "KIND=tir ROWS=12"],
    "recipe": ["RECIPE=numina-7b DRY_RUN=1"],
    "doctor": [""],
    "notebook": [""],
    "archive": [""],
    "readme": [""],
    "bench-replay": [""],
    "bench-grouped_heads": [""],
}
"""Targets of make with the arguments that they are run with."""
SMALL = {
    "bench-hours": (
        "from benchmarks import hours as b; b.SIMULATED = 1; b.RISKS = (0.05,); "
        "import sys; sys.argv[1:] = '--runs 2 --shapes shapes.jsonl.gz --out runs/hours'.split()"
    ),
    "bench-statistics": "from benchmarks import statistics as b; b.REPEATS = b.TESTS = 8",
    "bench-simulated_t4": (
        "from benchmarks import simulated_t4 as b; b.PROBLEMS, b.SEEDS = 1, (0, 1)"
    ),
}
"""Benchmarks that are minutes long: what makes them small."""
MODULES = {"training.dataset": "--help", "benchmarks.hours": "--help"}
"""Of `python -m`, with their arguments."""
DOWNLOADS = "fetches wheels or a model's set: gigabytes, or an index that is not this machine's"
LONG = "takes many minutes even on its smallest input; a test of its own room runs it smaller"
ACCOUNT = "needs a Kaggle account"
SUITE = "runs the tests, this one among them"
LEFT_OUT = {
    **dict.fromkeys(("publish", "submit"), ACCOUNT),
    **dict.fromkeys(("package", "rehearse", "lock", "lock-wheels"), DOWNLOADS),
    **dict.fromkeys(("bench-attention", "bench-quantize"), DOWNLOADS),
    **dict.fromkeys(("test", "test-slow", "test-fast", "check"), SUITE),
    **dict.fromkeys(("quantize", "compare-quantized", "model-card", "train", "kto"), LONG),
    **dict.fromkeys(("bench-baselines", "bench-recipe", "bench-dry_run", "bench-eight_bit"), LONG),
    **dict.fromkeys(("bench-engine", "bench-overhead", "bench-faults", "bench-sandbox"), LONG),
    "bench-mutants": LONG,
    "bench-attention_gpu": "needs an NVIDIA GPU; without one it says so, see test_attention_gpu",
    "bench-rehearsal": "keeps what `make rehearse` has left",
    "pip": DOWNLOADS,
    "bench-NAME": "stands for any of them",
    "vllm.entrypoints.openai.api_server": "a server, not ours; validation/tests/test_real_server",
}
"""Commands that are not run, with the reason."""


def named():
    """Return the commands that the pages name: targets of make, and modules of `python -m`."""
    text = "\n".join(path.read_text("utf-8") for path in (*paths(), ROOT / "CONTRIBUTING.md"))
    targets = set(re.findall(r"\bmake ([a-z][\w-]*)", text)) - PROSE
    return targets | set(re.findall(r"\bpython3? -m ([\w.]+)", text))


def test_every_command_is_run_or_left_out_for_a_reason():
    known = RUN.keys() | SMALL.keys() | MODULES.keys() | LEFT_OUT.keys()
    unknown = named() - known
    assert unknown == set(), "give them a smallest input above, or a reason"


def test_nothing_is_both_run_and_left_out():
    assert (RUN.keys() | SMALL.keys() | MODULES.keys()) & LEFT_OUT.keys() == set()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of what git would give, with small inputs in it."""
    home = tmp_path_factory.mktemp("fresh") / "clone"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        left = shutil.ignore_patterns("runs", "dist", ".venv*", ".git", "__pycache__", "shared")
        shutil.copytree(ROOT, home, symlinks=True, ignore=left)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / name, follow_symlinks=False)
    lines = (home / "common/problems.csv").read_text("utf-8").splitlines()
    (home / "one.csv").write_text("\n".join(lines[:2]) + "\n", "utf-8")
    for name, model in (("run", "/m"), ("other", "/n")):
        file = RunFile()
        file.lines[0] = file.lines[0].replace("/m", model)
        for problem in "abc":
            file.votes(problem, 5, [5, 7, 5], 5)
        file.save(home / f"{name}.jsonl")
    shapes_file(home, problems=2, transcripts=200)
    return home


@pytest.fixture(scope="module")
def environment(clone, tmp_path_factory):
    """Variables with which the copy's make finds the environment of these tests."""
    venv = tmp_path_factory.mktemp("environment") / "venv"
    venv.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if not entry.name.startswith(".ready"):
            (venv / entry.name).symlink_to(entry)
    # What the copy's Makefile calls the key of its requirements.
    asked = b"".join((clone / f"requirements.{end}").read_bytes() for end in ("txt", "lock"))
    (venv / f".ready-{hashlib.sha256(asked).hexdigest()[:16]}").touch()
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "PYTEST", "PYTHONPATH"))
    }
    return {**kept, "VENV": str(venv)}


def carried_out(command, clone, environment):
    """Run a command in the copy; it must end well, and say so without a traceback."""
    done = subprocess.run(
        command,
        cwd=clone,
        env=environment,
        shell=isinstance(command, str),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Traceback" not in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "command", [f"make {name} {more}".strip() for name, all_of in RUN.items() for more in all_of]
)
def test_a_target_works_in_a_fresh_clone(command, clone, environment):
    carried_out(command, clone, environment)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_long_benchmark_works_in_a_fresh_clone(name, clone, environment):
    python = Path(environment["VENV"]) / "bin/python"
    carried_out([python, "-c", f"{SMALL[name]}; b.main()"], clone, environment)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_a_module_works_in_a_fresh_clone(module, clone, environment):
    python = Path(environment["VENV"]) / "bin/python"
    carried_out([python, "-m", module, MODULES[module]], clone, environment)
