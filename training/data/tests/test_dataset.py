"""The command as a user meets it: the files, the card, the same bytes again, and bad input."""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from training import dataset
from training.data.families.catalogue import families
from training.data.rows import Row
from validation.tests.fake_server import FakeServer

ROOT = Path(__file__).resolve().parents[3]
STOP = {"stop_reason": "```output"}
GOOD = {"problem": "What is 1 + 1?", "solution": r"It is $\boxed{2}$.", "answer": 2}


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command here; return its status and what it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dataset", *map(str, arguments)])
        status = 0
        try:
            dataset.main()
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch):
    """No validation set is in the cache."""
    monkeypatch.setattr("training.data.overlap.KNOWN", {})


def test_a_set_from_the_generator(command, tmp_path):
    said = [command("--kind", "cot", "--rows", 150, "--out", tmp_path / n)[1] for n in "ab"]
    names = ["train.jsonl", "heldout.jsonl", "problems-known.jsonl", "problems-heldout.jsonl"]
    files = [(tmp_path / n / name).read_bytes() for n in "ab" for name in [*names, "dataset.json"]]
    assert files[:5] == files[5:]
    card = json.loads((tmp_path / "a/dataset.json").read_text())
    assert card["files"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in zip(names, files, strict=False)
    }
    train = lines(tmp_path / "a/train.jsonl")
    left = card["sources"][0]["read"] - sum(card["filters"].values())
    assert len(train) == card["train"]["rows"] == left == 150 and card["train"]["tokens"] > 5000
    assert (card["kind"], card["seed"], card["decontamination"]["sets"]) == (
        "cot",
        0,
        {"dry run": 10},
    )
    held_out = {family.name for family in families(True)}
    assert set(card["families"]["held_out"]) == held_out
    assert not {row["family"] for row in train} & held_out
    assert {row["family"] for row in lines(tmp_path / "a/heldout.jsonl")} > held_out
    assert len(lines(tmp_path / "a/problems-known.jsonl")) >= 260
    assert {tuple(row) for row in train} == {tuple(field.name for field in fields(Row))}
    assert str(tmp_path / "a/dataset.json") in said[0]


def test_a_set_with_code_of_two_sources(command, tmp_path):
    rows = [
        {"question": f"What is {n} + {n} for {n}?", "answer": f"<<{n}+{n}={2 * n}>>\n#### {2 * n}"}
        for n in range(20)
    ]
    mine = write(tmp_path / "mine.jsonl", *rows)
    out = tmp_path / "out"
    sources = ("--sources", "generator", mine)
    status, said, _ = command("--rows", 20, *sources, "--out", out, "--seed", 3)
    assert status == 0 and "fix a failed block" in said
    train = lines(out / "train.jsonl")
    assert [sum(r["source"] == s for r in train) for s in ("generator", str(mine))] == [10, 9]
    assert all(row["outputs"] for row in train)


def test_rows_of_a_validation_set_are_removed_and_listed(command, tmp_path):
    taken = "What is the sum of all integers from $1$ to $40$?"
    sets = write(tmp_path / "mine.jsonl", {"id": "v", "problem": "What is 5 + 5?", "answer": 10})
    source = write(
        tmp_path / "s.jsonl",
        GOOD,
        {**GOOD, "problem": taken},
        {**GOOD, "problem": "what is 5+5"},
        {**GOOD, "problem": "What is 7 - 5?"},
    )
    out = tmp_path / "out"
    options = ("--kind", "cot", "--sources", source, "--against", sets, "--out", out)
    status, said, _ = command(*options)
    assert status == 0 and "2 rows were in them too" in said
    card = json.loads((out / "dataset.json").read_text())
    found = {(row["problem"], row["set"]) for row in card["decontamination"]["rows"]}
    assert found == {(taken, "dry run"), ("what is 5+5", "mine")}
    kept = {row["problem"] for n in ("train", "heldout") for row in lines(out / f"{n}.jsonl")}
    assert kept == {"What is 1 + 1?", "What is 7 - 5?"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--rows", 0], "ROWS is 0: set it to at least 1."),
        (["--sources", "nothing"], "nothing is neither a JSONL or Parquet file nor one of"),
        (["--sources", "BAD"], "line 2: the problem is missing"),
        (["--sources", "WRONG"], "No row of 2 passes: boxed answer is not the truth 2."),
        (["--sources", "GOOD", "--context", 5], "No row of 1 passes: over the context 1."),
        (["--sources", "GOOD", "--against", "no"], "no must end in one of .csv, .jsonl, .parquet."),
        (["--model", "nowhere"], "nowhere is not a model: set MODEL to a folder with config.json."),
        (["--from", "GOOD"], "FROM samples solutions with code: set KIND=tir."),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(command, tmp_path, options, sentence):
    files = {
        "GOOD": write(tmp_path / "good.jsonl", GOOD),
        "BAD": write(tmp_path / "bad.jsonl", GOOD, {**GOOD, "problem": ""}),
        "WRONG": write(tmp_path / "wrong.jsonl", {**GOOD, "answer": 3}, {**GOOD, "answer": 4}),
    }
    given = [files.get(option, option) for option in options]
    out = tmp_path / "out"
    status, _, error = command("--kind", "cot", "--out", out, *given)
    assert status == 2 and sentence in error and len(error.strip().splitlines()) == 1
    assert not (out / "dataset.json").exists()


def tool_user(body):
    """A model that computes once and boxes it; it is asked in tokens of the embedded model."""
    return (
        r"So $\boxed{2}$."
        if len(body["prompt"]) > length(body)
        else ("Add.\n```python\nprint(1 + 1)\n```\n```output", STOP)
    )


def length(body):
    """Tokens of the longest first prompt seen: what follows an output is longer."""
    lengths.add(len(body["prompt"]))
    return min(lengths) + 3


lengths: set[int] = set()


def test_sampling_from_a_server_that_goes_away_and_comes_back(command, tmp_path):
    rows = [{"id": n, "problem": f"What is 1 + 1, {n}?", "answer": 2} for n in range(3)]
    problems = write(tmp_path / "p.jsonl", *rows)
    asked = []

    def leaves(body):
        asked.append(body)
        return 403 if len(asked) > 3 else tool_user(body)

    options = ("--from", problems, "--samples", 1, "--out", tmp_path / "out")
    with closing(FakeServer(leaves)) as server:
        status, _, error = command(*options, "--engine-url", server.url)
    assert status == 1 and "What was sampled is saved: run the same command again." in error
    assert len(error.strip().splitlines()) == 1
    with closing(FakeServer(tool_user)) as server:
        status, said, error = command(*options, "--engine-url", server.url)
        assert status == 0, error
        assert len(server.bodies) == 4  # two problems of three: the first was saved
    assert "Round 1: 3 of 3 problems, 3 solved" in said
    card = json.loads((tmp_path / "out/dataset.json").read_text())
    assert card["rounds"][0]["solved"] == 3
    assert card["train"]["rows"] + card["held_out"]["rows"] == 3


def test_a_server_that_is_not_there_is_status_2(command, tmp_path):
    problems = write(tmp_path / "p.jsonl", GOOD)
    options = ("--from", problems, "--engine-url", "http://127.0.0.1:9", "--out", tmp_path / "o")
    status, _, error = command(*options)
    assert status == 2 and "127.0.0.1:9" in error and len(error.strip().splitlines()) == 1


HUB = """
import sys
sys.argv = ["dataset", *sys.argv[1:]]
from training import dataset
dataset.main()
"""


def test_a_set_of_the_hub_and_a_hub_that_is_not_there(tmp_path):
    from validation.runs.tests.fake_hub import FakeHub

    solution = "Add.\n```python\nprint(1 + 1)\n```\n```output\n2\n```\nIt is $\\boxed{2}$."
    frame = pl.DataFrame({"problem": [f"What is {n}, 1 + 1?" for n in range(5)]}).with_columns(
        solution=pl.lit(solution)
    )

    def run(url, out):
        env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        env |= {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path / out), "HF_HUB_ETAG_TIMEOUT": "2"}
        options = ["--sources", "AI-MO/NuminaMath-TIR", "--out", str(tmp_path / out)]
        line = [sys.executable, "-c", HUB, *options]
        return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240)

    with closing(FakeHub("AI-MO/NuminaMath-TIR", frame)) as hub:
        done = run(hub.url, "a")
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "a/dataset.json").read_text())
    assert card["sources"][0]["licence"] == "Apache-2.0" and card["sources"][0]["read"] == 5
    # A hub that answers nothing is asked again for minutes; one without the set says so at once.
    with closing(FakeHub("AI-MO/other", frame)) as hub:
        away = run(hub.url, "b")
    assert away.returncode == 2
    last = away.stderr.strip().splitlines()[-1]
    assert "AI-MO/NuminaMath-TIR cannot be loaded (" in last
    assert last.endswith("or to generator, which needs no network.")
