"""The dry run as a user meets it: the real model and the real sandbox, bad files, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[3]
GOOD = "id,problem,answer\nsum,What is $2 + 3$?,5\nneg,What is $2 - 3$?,-1\n"


def command(problems, out, *more):
    return [
        *(sys.executable, "-m", "notebooks.rehearsal.dry_run"),
        *("--problems", str(problems), "--out", str(out), *more),
    ]


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("api", ["aimo1", "aimo2", "aimo3"])
def test_a_dry_run_answers_every_problem_and_shows_the_table(tmp_path, api):
    problems, out = write(tmp_path / "problems.csv", GOOD), tmp_path / "out"
    options = ("--api", api, "--candidates", "8", "--minutes", "8")
    done = subprocess.run(
        command(problems, out, *options), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    submission = out / ("submission.csv" if api == "aimo1" else "submission.parquet")
    read = pl.read_csv if api == "aimo1" else pl.read_parquet
    frame = read(submission)
    assert dict(frame.schema) == {"id": pl.String, "answer": pl.Int64}
    assert sorted(frame["id"]) == ["neg", "sum"]
    summary = json.loads((out / "summary.json").read_text())
    answers = {row["problem"]: row["answer"] for row in summary["problems"]}
    assert answers == dict(frame.iter_rows())
    # The truth goes through the competition's convention: -1 is 999, and no answer of AIMO-3's.
    truths = {row["problem"]: row["truth"] for row in summary["problems"]}
    assert truths == {"sum": 5, "neg": None if api == "aimo3" else 999}
    events = [json.loads(line) for line in (out / "trace.jsonl").read_text().splitlines()]
    assert {"run", "ready", "problem", "completion", "stopped", "solution", "end"} <= {
        event["event"] for event in events
    }
    for wanted in ("truth", "votes", "candidates", "tokens", str(submission), "trace.jsonl"):
        assert wanted in done.stdout
    assert "score" in done.stdout.splitlines()[-1]
    assert "2,5" not in (out / "input/competition/test.csv").read_text()


@pytest.mark.parametrize(
    ("text", "encoding", "hint"),
    [
        ("id,question\na,What?\n", "utf-8", "problem"),
        ("id,problem\na,What?\na,Why?\n", "utf-8", "twice"),
        ("id,problem\na,\n", "utf-8", "empty"),
        ("id,problem,answer\na,What?,five\n", "utf-8", "integer"),
        ("id,problem\na,Was heißt λ?\n", "utf-16", "UTF-8"),
        ("", "utf-8", "problems.csv"),
    ],
)
def test_a_bad_problem_file_is_one_sentence_exit_2_and_nothing_written(
    tmp_path, text, encoding, hint
):
    problems, out = write(tmp_path / "problems.csv", text, encoding), tmp_path / "out"
    done = subprocess.run(command(problems, out), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert hint in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("options", [("--candidates", "0"), ("--minutes", "-1")])
def test_options_that_cannot_work_are_one_sentence_and_exit_2(tmp_path, options):
    problems = write(tmp_path / "problems.csv", GOOD)
    out = tmp_path / "out"
    done = subprocess.run(
        command(problems, out, *options), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "at least 1" in done.stderr
    assert not out.exists()


def processes_with(mark):
    """Ids of the living processes that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("api", "moment"), [("aimo1", "the model"), ("aimo2", "Problem 1")], ids=["loading", "solving"]
)
def test_ctrl_c_leaves_no_process_behind(tmp_path, api, moment):
    problems, mark = write(tmp_path / "problems.csv", GOOD), uuid.uuid4().hex
    run = subprocess.Popen(
        command(problems, tmp_path / "out", "--api", api, "--minutes", "5"),
        cwd=ROOT,
        env={**os.environ, "MARK": mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    while not (lines and moment in lines[-1]):
        lines.append(run.stdout.readline())
        assert lines[-1], "".join(lines)
    assert len(processes_with(mark)) >= 2
    # What a terminal does: the whole foreground group gets the signal.
    os.killpg(run.pid, signal.SIGINT)
    rest, _ = run.communicate(timeout=60)
    assert run.returncode == 130, rest
    end = time.monotonic() + 20
    while left := processes_with(mark):
        assert time.monotonic() < end, [Path(f"/proc/{p}/cmdline").read_text() for p in left]
        time.sleep(0.2)
