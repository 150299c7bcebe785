"""The reference problems of a competition: fetched by the real client from the stand-in."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from kernel.config import Config
from notebooks.mock.kaggle_service.account import Account
from notebooks.publishing.tests.kaggle_standing import standing
from validation.report import with_set
from validation.runs import sets
from validation.runs.records import RunError, read_run
from validation.runs.sets import SetError, in_convention, load_set
from validation.tests.run_files import RunFile

ROOT = Path(__file__).resolve().parents[3]
SLUG = "ai-mathematical-olympiad-progress-prize-3"
ROWS = 10


def reference(count=ROWS, largest=99_999):
    answers = [0, 50_000, largest, *range(count - 3)]
    lines = [f'p{n},"What is ${n}$, in short?",{answer}' for n, answer in enumerate(answers)]
    return "\n".join(["id,problem,answer", *lines]).encode()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache/sets"


def loaded(tmp_path, account, token="good-token"):
    with standing(account, tmp_path / "home", token):
        return load_set("aimo3", in_convention(Config(), "aimo3"))


def test_the_file_is_fetched_once_and_its_answers_go_to_99999(tmp_path, cache):
    account = Account(files={f"{SLUG}/reference.csv": reference()})
    found = loaded(tmp_path, account)
    assert [p.answer for p in found.problems][:3] == [0, 50_000, 99_999]
    assert len(found.problems) == ROWS and found.unreachable == 0
    assert len(pl.read_parquet(cache / "aimo3.parquet")) == ROWS
    calls = len(account.calls)
    assert loaded(tmp_path, account) == found and len(account.calls) == calls


@pytest.mark.parametrize(
    ("files", "token", "sentence"),
    [
        ({}, "good-token", "accept this competition's rules before you can continue)"),
        ({}, None, "there is no Kaggle credential"),
        ({"reference.csv": reference(9)}, "good-token", "holds 9 problems, but aimo3 has 10"),
        (
            {"reference.csv": reference(largest=100_000)},
            "good-token",
            "100000 is not from 0 to 99999",
        ),
    ],
)
def test_what_is_not_the_competitions_file_is_one_sentence(tmp_path, cache, files, token, sentence):
    account = Account(files={f"{SLUG}/{name}": data for name, data in files.items()})
    with pytest.raises(SetError) as error:
        loaded(tmp_path, account, token)
    assert sentence in str(error.value) and "\n" not in str(error.value)
    assert not (cache / "aimo3.parquet").exists(), "the next try downloads it again"


def recorded(path, answers, **settings):
    file = RunFile(**settings)
    for name, answer in answers.items():
        file.votes(name, None, [answer, answer], answer)
    return file.save(path)


@pytest.fixture
def aimo3(tmp_path):
    """Keep the set in the cache, as if it had been fetched before."""
    loaded(tmp_path, Account(files={f"{SLUG}/reference.csv": reference()}))


ANSWERS = {"p0": 0, "p1": 50_000, "p2": 99}


def test_report_replay_and_view_read_aimo_3s_answers(tmp_path, aimo3):
    path = recorded(tmp_path / "run.jsonl", ANSWERS, modulus=None, max_answer=99_999)
    run = with_set(read_run(path), "aimo3")
    assert [solved.truth for solved in run.solved] == [0, 50_000, 99_999]
    commands = {
        "validation.report": [str(path)],
        "validation.replay": ["--run", str(path), "--out", str(tmp_path / "replayed")],
        "validation.viewer.view": ["--run", str(path), "--out", str(tmp_path / "page.html")],
    }
    env = {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    folder = tmp_path / "xdg/aimo-submission/sets"
    folder.mkdir(parents=True)
    (tmp_path / "cache/sets/aimo3.parquet").rename(folder / "aimo3.parquet")
    said = {}
    for module, arguments in commands.items():
        command = [sys.executable, "-m", module, *arguments, "--set", "aimo3"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said[module] = done.stdout
    assert "66.7%" in said["validation.report"] and "66.7%" in said["validation.replay"]
    assert "50000" in (tmp_path / "page.html").read_text()


def test_a_run_of_another_convention_is_not_held_to_aimo_3s_answers(tmp_path, aimo3):
    path = recorded(tmp_path / "run.jsonl", ANSWERS, modulus=1000, max_answer=999)
    with pytest.raises(RunError, match="recorded with answers from 0 to 999, but those of aimo3"):
        with_set(read_run(path), "aimo3")
