"""Execution times come from a recorded run's own blocks."""

import json
import sys

import pytest

from validation.simulation import execution_times
from validation.simulation.sandbox import MEASURED, ExecutionTimes
from validation.tests.run_files import CODE, RunFile


def run_file(path, blocks):
    file = RunFile(code_seconds=7.0)
    file.problem("p", 1)
    for index in range(blocks):
        file.candidate(index, (CODE.format(1), "1"), r"\boxed{1}", answer=1)
    file.solution(1)
    return file.save(path)


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["execution_times", *map(str, arguments)])
    execution_times.main()


def test_quantiles_of_a_run(monkeypatch, tmp_path):
    out = tmp_path / "times.json"
    command(monkeypatch, "--run", run_file(tmp_path / "r.jsonl", 120), "--out", out)
    found = json.loads(out.read_text())
    assert (found["blocks"], found["limit"], found["source"]) == (
        120,
        7.0,
        "the code blocks of r.jsonl",
    )
    assert set(ExecutionTimes(out).quantiles) == {0.1}


@pytest.mark.parametrize(("blocks", "told"), [(9, "9 code blocks"), (None, "is not a file")])
def test_a_users_error_is_one_sentence(monkeypatch, tmp_path, capsys, blocks, told):
    path = tmp_path / "r.jsonl" if blocks is None else run_file(tmp_path / "r.jsonl", blocks)
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, "--run", path, "--out", tmp_path / "times.json")
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "times.json").exists()


def test_the_committed_times_name_their_source():
    assert json.loads(MEASURED.read_text())["source"]
