"""Run files as other people have them: what is broken is named by its line, the rest is read.

Each is given to every command that reads recorded runs.
"""

import gzip
import json
import sys

import pytest

from validation import compare, export, replay, report, results
from validation.tests.run_files import CODE, RunFile
from validation.tests.transcript_files import write_transcripts
from validation.viewer import view

COMMANDS = {
    "replay": (replay.main, "--run {run} --out {out}"),
    "report": (report.main, "{run}"),
    "compare": (compare.main, "--a {run} --b {run}"),
    "view": (view.main, "--run {run} --out {out}/page.html"),
    "export": (export.main, "--run {run} --out {out}/log.json"),
    "results": (results.main, "--runs {run} --out {out}"),
}
TRANSCRIPTS = {name: command for name, command in COMMANDS.items() if name[:3] in ("rep", "vie")}
del TRANSCRIPTS["report"]


def run_lines(**settings):
    """Return the lines of a small run: line 4 is a completion, the last one a solution."""
    file = RunFile(**settings)
    file.problem("[final] a", 6)
    file.candidate(0, (CODE.format(6), "6"), r"so \boxed{6}", answer=6)
    file.candidate(1, r"so \boxed{5}", answer=5)
    file.solution(6)
    return file.lines


def transcript_lines(folder):
    return write_transcripts(folder / "made.jsonl", 2, 3).read_text("utf-8").splitlines()


def called(monkeypatch, capsys, command, run, out):
    """Run a command; return its exit status and what it told."""
    main, arguments = command
    monkeypatch.setattr(
        sys, "argv", ["command", *(a.format(run=run, out=out) for a in arguments.split())]
    )
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    return code, said.out if code == 0 else said.err


def changed(line, **values):
    return json.dumps({**json.loads(line), **values})


def without(line, name):
    return json.dumps({k: v for k, v in json.loads(line).items() if k != name})


BROKEN = {
    "a number first": (lambda x: ["5", *x], "line 1 is not an event"),
    "true first": (lambda x: ["true", *x], "line 1 is not an event"),
    "null first": (lambda x: ["null", *x], "line 1 is not an event"),
    "a list in it": (lambda x: [*x, "[1]"], "line 13: this is not an event"),
    "two kinds": (
        lambda x: [*x, '{"problem_id": "a", "gold": 1}'],
        "line 13: this is not an event",
    ),
    "no text": (lambda x: [*x[:2], without(x[2], "text"), *x[3:]], "line 3: the text"),
    "text a number": (lambda x: [*x[:2], changed(x[2], text=5), *x[3:]], "line 3: the text"),
    "tokens null": (lambda x: [*x[:2], changed(x[2], tokens=None), *x[3:]], "line 3: the tokens"),
    "tokens true": (lambda x: [*x[:2], changed(x[2], tokens=True), *x[3:]], "line 3: the tokens"),
    "tokens below 0": (
        lambda x: [*x[:2], changed(x[2], tokens=-1), *x[3:]],
        "line 3: the tokens",
    ),
    "tokens endless": (
        lambda x: [*x[:2], changed(x[2], tokens=10**30), *x[3:]],
        "line 3: the tokens",
    ),
    "candidate below 0": (
        lambda x: [*x[:2], changed(x[2], candidate=-1), *x[3:]],
        "line 3: the candidate",
    ),
    "time NaN": (
        lambda x: [*x[:2], changed(x[2], time=float("nan")), *x[3:]],
        "line 3: the time",
    ),
    "time without end": (
        lambda x: [*x[:2], changed(x[2], time=float("inf")), *x[3:]],
        "line 3: the time",
    ),
    "seconds NaN": (
        lambda x: [*x[:-1], changed(x[-1], seconds=float("nan"))],
        "line 9: the seconds",
    ),
    "seconds below 0": (lambda x: [*x[:-1], changed(x[-1], seconds=-1)], "line 9: the seconds"),
    "seed endless": (lambda x: [x[0], changed(x[1], seed=10**30), *x[2:]], "line 2: the seed"),
    "modulus 0": (lambda x: [changed(x[0], settings={"modulus": 0}), *x[1:]], "line 1: modulus"),
    "strange finish": (lambda x: [*x[:2], changed(x[2], finish="?"), *x[3:]], "line 3: the finish"),
    "time a text": (lambda x: [*x[:2], changed(x[2], time="now"), *x[3:]], "line 3: the time"),
    "truth a text": (lambda x: [x[0], changed(x[1], truth="6"), *x[2:]], "line 2: the truth"),
    "truth a list": (lambda x: [x[0], changed(x[1], truth=[6]), *x[2:]], "line 2: the truth"),
    "problem a list": (lambda x: [x[0], changed(x[1], problem=[]), *x[2:]], "line 2: the problem"),
    "seed a text": (lambda x: [x[0], changed(x[1], seed="0"), *x[2:]], "line 2: the seed"),
    "answer null": (lambda x: [*x[:-1], changed(x[-1], answer=None)], "line 9: the answer"),
    "ended unknown": (lambda x: [*x[:-1], changed(x[-1], ended="?")], "line 9: the ended"),
    "rounds 0": (lambda x: [changed(x[0], settings={"rounds": 0}), *x[1:]], "line 1: rounds is 0"),
    "rounds null": (lambda x: [changed(x[0], settings={"rounds": None}), *x[1:]], "line 1: rounds"),
    "settings null": (lambda x: [changed(x[0], settings=None), *x[1:]], "line 1: the settings"),
    "settings a list": (lambda x: [changed(x[0], settings=[]), *x[1:]], "line 1: the settings"),
    "no settings": (lambda x: [without(x[0], "settings"), *x[1:]], "line 1: the settings"),
}


@pytest.mark.parametrize("command", ["replay", "report", "compare", "view"])
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_run_is_refused_with_its_line(monkeypatch, capsys, tmp_path, kind, command):
    break_, told = BROKEN[kind]
    path = tmp_path / "[run].jsonl"
    lines = break_(run_lines())
    path.write_text("\n".join(lines) + "\n", "utf-8")
    told = told.replace("line 13", f"line {len(lines)}").replace("line 9", f"line {len(lines)}")
    code, said = called(monkeypatch, capsys, COMMANDS[command], path, tmp_path / "out")
    assert (code, said.count("\n")) == (2, 1)
    assert str(path) in said and told in said
    assert not (tmp_path / "out").exists()


BROKEN_TRANSCRIPTS = {
    "a list": ("[1]", "line 2: this is not a JSON object"),
    "torn": ('{"problem_id": "a"', "line 2: this is not JSON"),
    "an event": ('{"event": "run"}', "line 2: this is not a transcript"),
    "answer, no text": ('{"problem_id": "a", "gold": 1, "answer": "1"}', "line 2: the text"),
    "text null": ('{"problem_id": "a", "gold": 1, "text": null}', "line 2: the text"),
    "gold null": (
        '{"problem_id": "a", "gold": null, "text": ""}',
        "line 2: gold is not an integer",
    ),
    "gold NaN": ('{"problem_id": "a", "gold": NaN, "text": ""}', "line 2: gold is not an integer"),
    "gold true": (
        '{"problem_id": "a", "gold": true, "text": ""}',
        "line 2: gold is not an integer",
    ),
    "id null": ('{"problem_id": null, "gold": 1, "text": ""}', "line 2: problem_id"),
}


@pytest.mark.parametrize("command", TRANSCRIPTS)
@pytest.mark.parametrize("kind", BROKEN_TRANSCRIPTS)
def test_broken_transcript_is_refused_with_its_line(monkeypatch, capsys, tmp_path, kind, command):
    row, told = BROKEN_TRANSCRIPTS[kind]
    lines = transcript_lines(tmp_path)
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join([lines[0], row, *lines[1:]]).encode()))
    code, said = called(monkeypatch, capsys, TRANSCRIPTS[command], path, tmp_path / "out")
    assert (code, said.count("\n")) == (2, 1)
    assert str(path) in said and told in said


@pytest.mark.parametrize(
    "tokens",
    ["null", "7", '"7"', "[null]", "[-1]", "[true]", "[1e999]", "[1" + "0" * 30 + "]", "{}"],
)
def test_token_counts_of_another_form_are_refused(monkeypatch, capsys, tmp_path, tokens):
    path = tmp_path / "a.jsonl"
    row = '{"problem_id": "a", "gold": 1, "answer": "1", "generated_tokens": %s}\n'
    path.write_text(row % "[5, 5]" + row % tokens)
    code, said = called(monkeypatch, capsys, COMMANDS["replay"], path, tmp_path / "out")
    assert (code, said) == (2, f"{path}, line 2: generated_tokens is not a list of counts.\n")


BROKEN_BYTES = {
    "no UTF-8": (lambda data: data.replace(b"so ", b"\xff\xfe ", 1), "this is not UTF-8 text"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "line 1"),
    "a cut archive": (lambda data: gzip.compress(data)[:-20], "compressed data is corrupt"),
    "a broken archive": (lambda data: gzip.compress(data)[:40] + b"0" * 40, "is corrupt"),
    "empty": (lambda data: b"", "holds no"),
    "blank": (lambda data: b"\n \n\xef\xbb\xbf\n", ""),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", BROKEN_BYTES)
def test_broken_bytes_are_one_sentence(monkeypatch, capsys, tmp_path, kind, command):
    break_, told = BROKEN_BYTES[kind]
    path = tmp_path / "run.jsonl"
    path.write_bytes(break_("\n".join(run_lines()).encode()))
    code, said = called(monkeypatch, capsys, COMMANDS[command], path, tmp_path / "out")
    assert (code, said.count("\n")) == (2, 1)
    assert str(path) in said and told in said


WHOLE = {
    "as it is": lambda text: text.encode(),
    "byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "blank lines": lambda text: (text + "\n\n  \n").encode(),
    "DOS lines": lambda text: text.replace("\n", "\r\n").encode(),
    "line separators": lambda text: text.replace("so ", "so\u2028\u2029\x85").encode(),
    "gzipped": lambda text: gzip.compress(text.encode()),
    "torn at its end": lambda text: text.encode() + b'\n{"event": "prob',
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_whole_runs_are_read_in_every_form(monkeypatch, capsys, tmp_path, form, command, suffix):
    if command == "results" and (form, suffix) != ("gzipped", ".jsonl.gz"):
        pytest.skip("drawn once: plots take seconds")
    path = tmp_path / f"run [final]{suffix}"
    path.write_bytes(WHOLE[form]("\n".join(run_lines())))
    code, said = called(monkeypatch, capsys, COMMANDS[command], path, tmp_path / "out")
    assert code == 0, said


@pytest.mark.parametrize("command", TRANSCRIPTS)
@pytest.mark.parametrize("form", [name for name in WHOLE if "torn" not in name])
def test_whole_transcripts_are_read_in_every_form(monkeypatch, capsys, tmp_path, form, command):
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(WHOLE[form]("\n".join(transcript_lines(tmp_path))))
    code, said = called(monkeypatch, capsys, TRANSCRIPTS[command], path, tmp_path / "out")
    assert code == 0, said


@pytest.mark.parametrize("command", ["replay", "report", "compare", "view", "export"])
def test_names_with_brackets_appear_as_they_are(monkeypatch, capsys, tmp_path, command):
    monkeypatch.setenv("COLUMNS", "400")
    folder = tmp_path / "[bold]x [final] [@click] :smile:"
    folder.mkdir()
    path = folder / "run.jsonl"
    path.write_text("\n".join(run_lines()))
    code, said = called(monkeypatch, capsys, COMMANDS[command], path, folder)
    assert code == 0
    assert folder.name in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_one_sentence(monkeypatch, capsys, tmp_path, command):
    """A file stands where a folder is needed; beside a run, a folder where a file is."""
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join(run_lines()))
    (tmp_path / "out").touch()
    for name in ("run.report.json", "run.compare.json"):
        (tmp_path / name / "in the way").mkdir(parents=True)
    code, said = called(monkeypatch, capsys, COMMANDS[command], path, tmp_path / "out")
    assert code == 2
    assert "cannot be written" in said and said.count("\n") == 1
