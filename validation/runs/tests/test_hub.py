"""The download of a named set, through the real `datasets` library, from a hub that is played."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from validation.runs.sets import KNOWN
from validation.runs.tests.fake_hub import FILE, FakeHub

ROOT = Path(__file__).resolve().parents[3]
AMC = "AI-MO/aimo-validation-amc"
LOAD = """
import sys
from kernel.config import Config
from validation.runs.sets import SetError, load_set
try:
    loaded = load_set(sys.argv[1], Config())
except SetError as error:
    sys.exit(str(error))
print(len(loaded.problems), loaded.problems[-1])
"""


def amc(count):
    """The set as published: truths are floats, and there are columns more."""
    return pl.DataFrame(
        {
            "id": range(count),
            "problem": [f"What is ${n}$?" for n in range(count)],
            "answer": [float(n - 1) for n in range(count)],
            "url": ["https://example.org"] * count,
        }
    )


@pytest.fixture
def load(tmp_path):
    """Load the set in a process of its own: the libraries read their settings once."""

    def run(url, name="amc"):
        env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        env |= {
            "HF_ENDPOINT": url,
            "HF_HOME": str(tmp_path / "hf"),
            "XDG_CACHE_HOME": str(tmp_path),
        }
        line = [sys.executable, "-c", LOAD, name]
        return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)

    return run


def test_a_named_set_comes_from_the_hub_once(load, tmp_path):
    with closing(FakeHub(AMC, amc(83))) as hub:
        done = load(hub.url)
        assert done.returncode == 0, done.stderr
        assert f"Downloading {AMC} ..." in done.stdout
        last = "83 TruthProblem(id='82', problem='What is $82$?', truth=81, answer=81)"
        assert last in done.stdout
        downloads = [path for command, path in hub.asked if command == "GET" and FILE in path]
        assert len(downloads) == 1
    # The hub is gone: the copy is what is used now.
    again = load(hub.url)
    assert again.returncode == 0 and again.stdout.strip() == last
    assert (tmp_path / "aimo-submission/sets/amc.parquet").is_file()


def test_another_set_than_was_published_is_refused_and_not_kept(load, tmp_path):
    with closing(FakeHub(AMC, amc(82))) as hub:
        done = load(hub.url)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == f"{AMC} holds 82 problems, but amc has 83."
    assert list((tmp_path / "aimo-submission/sets").iterdir()) == []


def test_a_hub_without_the_set_is_one_sentence(load):
    with closing(FakeHub("AI-MO/other", amc(83))) as hub:
        done = load(hub.url)
    assert done.returncode == 1
    assert f"{AMC} cannot be downloaded (" in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["aime25", "aime26"])
def test_a_later_year_comes_by_its_own_split_and_names(load, name):
    known = KNOWN[name]
    frame = amc(30).with_columns(answer=pl.lit(999)).rename({"id": known.id_column})
    with closing(FakeHub(known.repository, frame, known.split)) as hub:
        done = load(hub.url, name)
    assert done.returncode == 0, done.stderr
    assert "30 TruthProblem(id='29', problem='What is $29$?', truth=999" in done.stdout
