"""Whole runs of the adapter against the three mock platforms, each in a process of its own.

Covers: local run and hidden rerun, the API on the path and below the mounts only, the submission
file that comes out. Does not cover: solving anything.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from notebooks.mock import scorer
from notebooks.mock.tests.standing import hidden_rerun

ROOT = Path(__file__).parents[2]
MOCK = ROOT / "notebooks" / "mock"
APIS = {"aimo1": "AIMO-1", "aimo2": "AIMO-2", "aimo3": "AIMO-3"}
PROBLEMS = {
    "000": "$1-1$?",
    "a1": "two, lines\nof $x$",
    "b2": "",
    "7e1": 'quote "" here',
    "c3": "last",
}

SCRIPT = """
import json, sys
from pathlib import Path
from kernel import competition

asked = {}
def answer(problem):
    assert problem.id not in asked
    asked[problem.id] = problem.text
    return 10 * len(asked)

found = competition.find(Path(sys.argv[1]))
found.serve(answer)
print(json.dumps([found.name, asked]))
"""


def _environment(api: str | None, inputs: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *([str(MOCK / api)] if api else [])])
    own = {"PYTHONPATH": path, "MOCK_INPUT": str(inputs / "problems.csv")}
    return os.environ | own | more


def _inputs(tmp_path: Path) -> Path:
    """Lay out the problems as the submission sees them, and with answers for the platform."""
    inputs = tmp_path / "input"
    (inputs / "slug").mkdir(parents=True)
    (tmp_path / "working").mkdir()
    frame = pl.DataFrame({"id": list(PROBLEMS), "problem": list(PROBLEMS.values())})
    frame.write_csv(inputs / "slug" / "test.csv")
    frame.with_columns(answer=pl.lit(1)).write_csv(inputs / "problems.csv")
    return inputs


def _run(seen: Path, environment: dict[str, str], tmp_path: Path) -> str:
    """Run the script in the empty folder, `seen` being its inputs; return what it printed."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(seen)],
        cwd=tmp_path / "working",
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _check(output: str, name: str, submission: Path) -> None:
    found, asked = json.loads(output)
    assert found == name
    assert asked == PROBLEMS
    assert scorer.faults(submission, list(PROBLEMS), 999) == []
    # The order is the platform's, and each answer went to its own problem.
    answers = dict(scorer.read_submission(submission).iter_rows())
    assert answers == {id_: 10 * number for number, id_ in enumerate(asked, start=1)}


@pytest.mark.parametrize("api", APIS)
def test_a_local_run_leaves_a_right_submission_and_nothing_else(api: str, tmp_path: Path):
    inputs = _inputs(tmp_path)
    output = _run(inputs, _environment(api, inputs), tmp_path)
    (submission,) = (tmp_path / "working").iterdir()
    assert submission.name == ("submission.csv" if api == "aimo1" else "submission.parquet")
    _check(output, APIS[api], submission)


def test_a_local_run_with_the_api_below_the_mounts_only(tmp_path: Path):
    inputs = _inputs(tmp_path)
    # With its links resolved, as anything that lays out the inputs has to copy it.
    shutil.copytree(MOCK / "aimo3", inputs / "competitions" / "slug")
    output = _run(inputs, _environment(None, inputs), tmp_path)
    _check(output, "AIMO-3", tmp_path / "working" / "submission.parquet")


@pytest.mark.parametrize("api", ["aimo2", "aimo3"])
def test_a_rerun_answers_a_gateway_in_another_process(api: str, tmp_path: Path):
    inputs = _inputs(tmp_path)
    (tmp_path / "gateway").mkdir()
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "nothing")]
    folders = tmp_path / "working", tmp_path / "gateway"
    kernel, gateway = hidden_rerun(api, command, folders, _environment(api, inputs))
    assert gateway.returncode == 0, gateway.stderr
    assert kernel.returncode == 0, kernel.stderr
    assert list((tmp_path / "working").iterdir()) == []
    _check(kernel.stdout, APIS[api], tmp_path / "gateway" / "submission.parquet")


def test_aimo1_in_a_rerun_is_served_as_ever(tmp_path: Path):
    inputs = _inputs(tmp_path)
    output = _run(
        tmp_path / "nothing",
        _environment("aimo1", inputs, KAGGLE_IS_COMPETITION_RERUN="1"),
        tmp_path,
    )
    _check(output, "AIMO-1", tmp_path / "working" / "submission.csv")
