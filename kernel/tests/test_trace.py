"""The trace: whole lines, whatever happens to disk and process."""

import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.records import StopReason
from kernel.trace import CLEAR, Console, Trace


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_a_line_with_its_values(tmp_path):
    with Trace(tmp_path / "t.jsonl", now=lambda: 12.5) as trace:
        trace.write("stopped", reason=StopReason.ANSWERED, text="é\n`", folder=Path("a/b"))
    assert read(tmp_path / "t.jsonl") == [
        {"event": "stopped", "time": 12.5, "reason": "answered", "text": "é\n`", "folder": "a/b"}
    ]


def test_lone_surrogates_are_no_obstacle(tmp_path):
    with Trace(tmp_path / "t.jsonl") as trace:
        trace.write("problem", text="\ud800 \x00 \u2028")
    assert read(tmp_path / "t.jsonl")[0]["text"] == "\ud800 \x00 \u2028"


def test_a_second_run_appends(tmp_path):
    for number in range(2):
        with Trace(tmp_path / "t.jsonl") as trace:
            trace.write("run", number=number)
    assert [event["number"] for event in read(tmp_path / "t.jsonl")] == [0, 1]


def test_events_are_echoed_even_without_a_file():
    seen = []
    Trace(None, echo=seen.append).write("loading", seconds=3)
    assert seen[0]["seconds"] == 3


def test_every_line_is_whole_after_sigkill(tmp_path):
    code = (
        "import sys; from pathlib import Path; from kernel.trace import Trace\n"
        "trace = Trace(Path(sys.argv[1]))\n"
        "while True: trace.write('x', text='y' * 5000); print('', flush=True)"
    )
    path = tmp_path / "t.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    for _ in range(50):
        process.stdout.readline()
    process.kill()
    process.wait()
    assert len(read(path)) >= 50


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_costs_the_trace_and_nothing_else(capfd):
    seen = []
    trace = Trace(Path("/dev/full"), echo=seen.append)
    trace.write("problem", text="a")
    trace.write("problem", text="b")
    assert trace.lost == 2
    assert len(seen) == 2
    assert capfd.readouterr().err.count("The trace is incomplete") == 1


def test_a_line_torn_by_a_full_disk_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "t.jsonl"
    trace = Trace(path)
    trace.write("whole")
    whole_write = os.write
    monkeypatch.setattr("kernel.trace.os.write", lambda fd, data: whole_write(fd, data[:7]))
    trace.write("torn")
    monkeypatch.undo()
    trace.write("again")
    assert [event["event"] for event in read(path)] == ["whole", "again"]
    assert trace.lost == 1


def test_a_folder_that_cannot_be_written_is_reported_once(tmp_path, capfd):
    trace = Trace(tmp_path / "missing" / "t.jsonl")
    trace.write("problem")
    assert trace.lost
    assert "The run goes on" in capfd.readouterr().err


def test_a_closed_standard_output_is_no_error(tmp_path):
    def broken(event):
        raise BrokenPipeError("nobody reads")

    with Trace(tmp_path / "t.jsonl", echo=broken) as trace:
        trace.write("problem")
        trace.write("solution")
    assert len(read(tmp_path / "t.jsonl")) == 2


@pytest.mark.parametrize("where", ["value", "echo"])
def test_an_event_that_cannot_be_told_costs_that_event_only(tmp_path, capfd, where):
    loop = []
    loop.append(loop)

    def echo(event):
        if where == "echo" and event["event"] == "odd":
            raise KeyError("text")

    with Trace(tmp_path / "t.jsonl", echo=echo) as trace:
        trace.write("odd", value=loop if where == "value" else 1)
        trace.write("solution")
    assert read(tmp_path / "t.jsonl")[-1]["event"] == "solution"
    assert trace.lost == 1
    assert capfd.readouterr().err.count("The run goes on") == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress(left):
    return {"event": "progress", "running": 8, "executing": 0, "tally": {}, "left": left}


NOTE = {"event": "note", "text": "A note."}


def test_progress_is_one_line_that_is_written_anew_on_a_terminal():
    out = Terminal()
    console = Console(out, now=lambda: 0.0)
    for event in (progress(30), progress(25), NOTE, progress(20)):
        console(event)
    lines = out.getvalue().split("\n")
    assert len(lines) == 2 and lines[0].count(CLEAR) == 2 and lines[0].endswith(f"{CLEAR}A note.")
    assert lines[1].startswith("  still running: 8") and CLEAR not in lines[1]


def test_where_lines_stay_progress_is_told_now_and_then():
    out, clock = io.StringIO(), itertools.count(0.0, 5.0)
    console = Console(out, now=lambda: next(clock))
    for left in range(60, 0, -5):
        console(progress(left))
    console(NOTE)
    lines = out.getvalue().splitlines()
    assert lines[-1] == "A note." and CLEAR not in out.getvalue()
    assert 2 <= len(lines) - 1 <= 5, "twelve events, a line at least every third"
