"""The rehearsal on a package that holds next to nothing: it passes, and finds what is broken."""

import json
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from common.problems import ProblemRow
from notebooks.packaging.tests.small_package import IMAGE, small_package
from notebooks.rehearsal import checks, isolation, layout, rehearse
from notebooks.rehearsal.plan import COMPETITIONS, Outcome, Plan

PROBLEMS = [ProblemRow(f"p{n}", f"What is {n} + 5?", 5) for n in range(5)]
IDS = [row.id for row in PROBLEMS]


@pytest.fixture
def options(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "IMAGE", IMAGE)
    (tmp_path / "scratch").mkdir()
    dist = small_package(tmp_path / "dist", tmp_path / "scratch")
    return rehearse.RehearseOptions(
        apis=("aimo1",), minutes=3, candidates=2, dist=dist, out=tmp_path / "out"
    )


def faults(runs):
    """Return what is wrong with each run, by its name and the check's."""
    return {
        (run.plan.name, check.name): check.fault
        for run in runs
        for check in run.checks
        if check.fault
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_right_package_passes_for_every_competition(options):
    told = []
    options = replace(options, apis=("aimo1", "aimo2", "aimo3"))
    runs = rehearse.rehearse(options, PROBLEMS, told.append)
    assert faults(runs) == {}
    assert [run.plan.layout for run in runs] == ["old", "new"] * 3
    assert all("Installed the wheels of" in run.outcome.install for run in runs)
    assert any("of 5 answers" in line for line in told)
    # The package is as it was, and nothing but the run's own files is left.
    assert not (options.dist / "cpu/model/profile.json").exists()
    assert not list(options.out.glob("*/environment")) and not Path("/kaggle/input").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_broken_wheel_is_found_in_both_runs(options):
    wheel = next((options.dist / "cpu/wheels").glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-40])
    found = faults(rehearse.rehearse(options, PROBLEMS, print))
    # The commit run stops; the rerun goes on, and answers without the model.
    assert "do not install" in found["aimo1 commit", "wheels install offline"]
    assert "RuntimeError" in found["aimo1 commit", "ends without an error"]
    assert "do not install" in found["aimo1 rerun", "wheels install offline"]
    assert "fallbacks" in found["aimo1 rerun", "the model answers"]
    assert ("aimo1 rerun", "submission file") not in found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_prints_a_table_and_fails_where_a_check_fails(options, tmp_path):
    """A notebook that is too large, through the command itself."""
    notebook = options.dist / "kernel/submission.ipynb"
    large = json.loads(notebook.read_text())
    large["cells"][0]["source"] = ["x" * checks.MAX_NOTEBOOK_BYTES]
    notebook.write_text(json.dumps(large))
    problems = tmp_path / "problems.csv"
    problems.write_text("id,problem\n" + "".join(f"{row.id},{row.problem}\n" for row in PROBLEMS))
    code = (
        "from notebooks.rehearsal import layout, rehearse; "
        f"layout.IMAGE = {IMAGE!r}; rehearse.main()"
    )
    arguments = ["--apis", "aimo1", "--dist", str(options.dist), "--out", str(options.out)]
    arguments += ["--problems", str(problems), "--candidates", "2", "--minutes", "3"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=rehearse.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    table = " ".join(done.stdout.replace("│", " ").split())
    assert "notebook size" in table and "FAIL" in table and "900 kB" in table and "pass" in table
    report = json.loads((options.out / "report.json").read_text())
    assert [row["run"] for row in report] == ["aimo1 commit", "aimo1 rerun"]
    assert all(row["checks"][0]["fault"] for row in report)


def test_without_a_package_one_sentence_says_what_makes_it(tmp_path):
    command = [sys.executable, "-m", "notebooks.rehearsal.rehearse", "--dist", str(tmp_path)]
    done = subprocess.run(command, cwd=rehearse.ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "make package" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "working").mkdir()
    (tmp_path / "gateway").mkdir()
    nothing = Path()
    return Plan("aimo2", True, "new", tmp_path, nothing, nothing, nothing, 60.0, False)


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ({"id": IDS, "answer": [1, 2, 3, 4, 5]}, ""),
        ({"id": IDS, "answer": [1.0, 2.0, 3.0, 4.0, 5.0]}, "the dtype of answer is Float64"),
        ({"id": IDS[:4], "answer": [1, 2, 3, 4]}, "problem 'p4' has no row"),
        ({"id": IDS, "answer": [1, 2, 3, 4, 1000]}, "1000, not between 0 and 999"),
        ({"id": IDS, "value": [1, 2, 3, 4, 5]}, "the columns are"),
        ({"id": ["a", "b", "c", "d", "e"], "answer": [1, 2, 3, 4, 5]}, "and 7 more"),
    ],
)
def test_the_submission_is_read_as_the_scorer_does(plan, frame, fault):
    pl.DataFrame(frame).write_parquet(plan.submission)
    found = checks.submission_fault(plan, IDS)
    assert fault in found and bool(found) == bool(fault)


def test_a_rerun_leaves_its_submission_with_the_gateway(plan):
    assert plan.submission == plan.folder / "gateway/submission.parquet"
    assert replace(plan, rerun=False).submission == plan.working / "submission.parquet"
    assert replace(plan, api="aimo1").submission == plan.working / "submission.csv"
    assert checks.submission_fault(plan, IDS) == "there is no submission.parquet"


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([{"source": "fallback"}, {"source": "vote"}], ""),
        ([{"source": "default"}] * 3, "none of 3 answers is a vote, all are fallbacks: see engine"),
        ([{"source": "default", "ended": "deadline", "tokens": 0}], "see engine.log"),
        ([{"source": "printed", "ended": "deadline", "tokens": 9}], "too slow for MINUTES here"),
        (None, "the kernel answered nothing"),
    ],
)
def test_fallback_answers_alone_fail(tmp_path, rows, fault):
    if rows is not None:
        (tmp_path / "summary.json").write_text(json.dumps({"problems": rows}))
    found = checks.vote_fault(tmp_path / "summary.json")
    assert fault in found and bool(found) == bool(fault)


def test_late_large_and_left_runs_fail(plan):
    outcome = Outcome(seconds=75.0, install="Installed the wheels of x.", left=["python -m left"])
    found = {check.name: check.fault for check in checks.check_run(plan, outcome, IDS)}
    assert "15 s over" in found["in time"]
    assert found["no process left"] == "python -m left"
    assert found["wheels install offline"] == ""
    assert "in time" not in {
        check.name for check in checks.check_run(plan, Outcome(seconds=60.0), IDS) if check.fault
    }
    (plan.working / "large").write_bytes(bytes(1000))
    assert checks.folder_fault(plan.working, most=1000) == ""
    assert checks.folder_fault(plan.working, most=999)


def test_the_first_cell_must_say_that_it_installed_something():
    assert checks.install_fault(Outcome()) == "the first cell found no wheelhouse"
    assert checks.install_fault(Outcome(error="RuntimeError: no")) == "RuntimeError: no"


@pytest.mark.parametrize("mounts", ["old", "new"])
def test_inputs_are_laid_out_as_mounted(plan, tmp_path, mounts):
    package = small_package(tmp_path / "dist", tmp_path)
    plan = replace(plan, layout=mounts, folder=tmp_path / "run")
    plan.folder.mkdir()
    datasets = [package / "cpu/wheels", package / "cpu/model"]
    layout.lay_out(plan, datasets, PROBLEMS, layout.scaled_settings(2, 5, 4))
    top = plan.folder / "input"
    slug = COMPETITIONS["aimo2"].slug
    model = top / ("aimo-sc-tir-model" if mounts == "old" else "datasets/OWNER/aimo-sc-tir-model")
    competition = top / (slug if mounts == "old" else f"competitions/{slug}")
    assert json.loads((model / "profile.json").read_text())["limit_seconds"] == 120
    assert pl.read_csv(competition / "test.csv").columns == ["id", "problem"]
    core = competition / "kaggle_evaluation/core"
    assert core.is_dir() and not core.is_symlink()
    assert not (model / "dataset-metadata.json").exists()


@pytest.mark.skipif(not isolation.prefix(), reason="the system grants no namespaces")
def test_the_run_has_no_network_and_cannot_write_its_inputs(tmp_path):
    for name in ("input", "working", "root"):
        (tmp_path / name).mkdir()
    (tmp_path / "input/file").write_text("mounted")
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            "import socket, sys; from pathlib import Path\n"
            "from notebooks.rehearsal import isolation\n"
            "top = Path(sys.argv[1]); print(isolation.enter(top, top / 'root'))\n"
            "print(Path.cwd(), Path('/kaggle/input/file').read_text())\n"
            "Path('made').write_text('x')\n"
            "try: Path('/kaggle/input/file').write_text('x')\n"
            "except OSError as error: print('inputs:', error.strerror)\n"
            "with socket.create_server(('127.0.0.1', 0)) as own:\n"
            "    socket.create_connection(own.getsockname()).close(); print('loopback works')\n"
            "try: socket.create_connection(('127.0.0.1', int(sys.argv[2])), 5)\n"
            "except OSError as error: print('outside:', error.strerror)\n"
        )
        port = str(server.getsockname()[1])
        command = [*isolation.prefix(), sys.executable, "-c", code, str(tmp_path), port]
        done = subprocess.run(command, cwd=rehearse.ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "cut (a network namespace)",
        "/kaggle/working mounted",
        "inputs: Read-only file system",
        "loopback works",
        "outside: Connection refused",
    ], done.stderr
    assert (tmp_path / "working/made").read_text() == "x"
    assert not list((tmp_path / "root").iterdir())


@pytest.mark.skipif(isolation.KAGGLE.exists(), reason="this is Kaggle, or something like it")
def test_without_namespaces_the_paths_stand_in_for_the_time_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "KAGGLE", tmp_path / "kaggle")
    (tmp_path / "top/input").mkdir(parents=True)
    with isolation.stand_in(tmp_path / "top") as network:
        assert (tmp_path / "kaggle/input").is_dir() and "not cut" in network
        with pytest.raises(isolation.NoPlaceError, match="cannot be made here"):
            isolation.stand_in(tmp_path / "top").__enter__()
    assert not (tmp_path / "kaggle").exists()
    shutil.rmtree(tmp_path / "top")
