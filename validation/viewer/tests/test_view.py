"""The viewer: what the page and the terminal show of runs, and what they make of hostile text."""

import base64
import gzip
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from kernel.records import Finish
from validation.runs.records import BlockRecord, Round, read_run
from validation.runs.transcripts import read_transcripts
from validation.runs.verdicts import verdicts
from validation.tests.run_files import CODE, RunFile
from validation.tests.transcript_files import write_transcripts
from validation.viewer.render import page, pieces
from validation.viewer.terminal import terminal
from validation.viewer.tests.viewed_run import EVIL, example
from validation.viewer.view import main

ROOT = Path(__file__).resolve().parents[3]


def html_of(run):
    return "".join(page(run))


def packed(html):
    """Return the solves' candidates as the page unpacks them."""
    found = re.findall(r'<script type="text/plain">([^<]*)</script>', html)
    return [gzip.decompress(base64.b64decode(text)).decode() for text in found]


def test_verdicts(tmp_path):
    found = {v.solved.problem: v for v in verdicts(read_run(example(tmp_path / "r.jsonl")))}
    named = {name: (v.right, v.wrong, v.undecided, v.failed_blocks) for name, v in found.items()}
    assert named == {
        "easy": (True, False, False, 0),  # through the modulo
        "code": (False, True, False, 1),
        "tie": (True, False, True, 0),
        "late": (True, False, True, 0),
        "unknown": (False, False, False, 0),
    }
    assert [(b.answer, b.votes, b.true) for b in found["code"].bars] == [
        (6, 2, False),
        (7, 1, True),
    ]
    assert (found["tie"].votes, found["late"].silent) == (2, 1)


def test_nobody_voting_is_undecided(tmp_path):
    file = RunFile()
    file.votes("a", 5, [None, None], 0)
    (verdict,) = verdicts(read_run(file.save(tmp_path / "r.jsonl")))
    assert (verdict.undecided, verdict.votes, verdict.silent) == (True, 0, 2)
    assert "the answer 0 is a fallback" in packed(html_of(read_run(tmp_path / "r.jsonl")))[0]
    assert "answer 0, truth 5, a fallback: nobody voted" in printed(verdict)


def test_the_page_says_what_the_run_holds(tmp_path):
    html = html_of(read_run(example(tmp_path / "r.jsonl")))
    assert html.count('<details class="solve') == 5
    assert "3 of 4 (75.0%" in html and "wrong <b>1</b>" in html
    assert "undecided <b>2</b>" in html and "failed code <b>1</b>" in html
    easy, code, *_ = packed(html)
    assert "What is easy?" in easy and "the truth -1 is 999 here" in easy
    assert "raised, 0.10 s" in code and "boom" in code and "10 tokens, ended by stop" in code


def test_a_half_written_last_line_is_told_and_costs_its_problem_only(tmp_path):
    path = example(tmp_path / "r.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    run = read_run(path)
    html = html_of(run)
    assert html.count('<details class="solve') == 4
    for name in ("torn lines", "unfinished"):
        assert f"<dt>{name}</dt><dd>1</dd>" in html


def test_hostile_text_is_escaped_everywhere(tmp_path):
    file = RunFile(model=EVIL)
    file.votes(EVIL, 3, [3], 3)
    text = f"{EVIL} $\\text{{{EVIL}}}$ \ud800\x1b[2J"
    file.problem("b", 3)
    file.candidate(0, (f"{text}\n{CODE.format(EVIL)}", text), text, answer=3)
    file.solution(3)
    html = html_of(read_run(file.save(tmp_path / "<b>r.jsonl")))
    for part in [html, *packed(html)]:
        assert "<script>document" not in part and "<img" not in part and "<b>r" not in part
    assert "&lt;script&gt;document" in packed(html)[1]
    assert html.encode("utf-8")


def test_the_page_is_the_same_each_time_and_allows_no_other_script(tmp_path):
    run = read_run(example(tmp_path / "r.jsonl"))
    assert html_of(run) == html_of(run)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html_of(run))[1]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    assert not re.search(r"(?:src|href)=\"(?!data:)", html_of(run))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```python\nx\n```\n```output", [("a", False), ("x", True)]),
        ("```python\nx\n```output", [("x", True)]),
        ("```python\nx\n```\nb", [("x", True), ("\nb".strip("\n"), False)]),
        ("only text", [("only text", False)]),
        ("```python\nx = 1", [("x = 1", True)]),
        ("```output", []),
    ],
)
def test_a_completion_falls_into_prose_and_code(text, found):
    ran = BlockRecord("x", "ok", "1", 0.1)
    assert [(p.text, p.is_code) for p in pieces(Round(text, Finish.STOP, 1, 0.0, ran))] == found


def printed(verdict, **options):
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    for part in terminal(verdict, **options):
        console.print(part)
    return console.file.getvalue()


def test_the_terminal_shows_a_solve_and_is_not_driven_by_it(tmp_path):
    file = RunFile()
    file.problem("p", 7)
    file.candidate(0, (f"[red]bold[/red]\x1b[2J\n{CODE.format(1)}", "out\x1b]0;t\x07", "raised"))
    file.candidate(1, r"\boxed{6}", answer=6)
    file.solution(6)
    (verdict,) = verdicts(read_run(file.save(tmp_path / "r.jsonl")))
    text = printed(verdict)
    assert "[red]bold[/red]" in text and "\x1b[2J" not in text and "\x1b]0" not in text
    for expected in ("What is p?", "answer 6", "truth 7", "raised, 0.10 s", "votes 6"):
        assert expected in text
    assert "bold" not in printed(verdict, candidate=1)


def test_transcripts_can_be_viewed(tmp_path):
    run = read_transcripts(write_transcripts(tmp_path / "t.jsonl"), 48)
    html = html_of(run)
    candidates = sum(len(solved.candidates) for solved in run.solved)
    assert candidates == 240
    assert sum(part.count('<details class="candidate"') for part in packed(html)) == candidates
    # By the kernel's rules many of these candidates have a vote, which their file does not tell.
    assert sum(verdict.voters for verdict in verdicts(run)) > candidates / 4


def command(*arguments):
    line = [sys.executable, "-m", "validation.viewer.view", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_the_command_writes_beside_the_run(tmp_path):
    done = command("--run", example(tmp_path / "r.jsonl"))
    assert done.returncode == 0, done.stderr
    assert f"page  {tmp_path / 'r.html'}" in done.stdout
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["r.html", "r.jsonl"]
    done = command("--run", tmp_path / "r.jsonl", "--problem", "code", "--candidate", "0")
    assert done.returncode == 0 and "boom" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Which run? Set RUN"),
        (("--run", "none"), "none is not a file"),
        (("--run", "RUN", "--problem", "x"), "has no problem 'x'; it has easy, code, tie"),
        (("--run", "RUN", "--problem", "tie", "--seed", 3), "was not solved with seed 3: 0."),
        (("--run", "RUN", "--problem", "tie", "--candidate", 9), "tie has no candidate 9."),
    ],
)
def test_a_users_error_is_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys):
    run = example(tmp_path / "r.jsonl")
    line = [str(run if argument == "RUN" else argument) for argument in arguments]
    monkeypatch.setattr("sys.argv", ["view", *line])
    with pytest.raises(SystemExit, match="2"):
        main()
    complained = capsys.readouterr().err
    assert sentence in complained and complained.count("\n") == 1
