"""Sets: what is accepted, what is refused and how it is named, and the real sets' figures."""

import json
import sys
from types import SimpleNamespace

import polars as pl
import pytest

from kernel.config import Config
from validation.runs import sets
from validation.runs.sets import KNOWN, SetError, in_convention, load_file, load_set

CONFIG = Config()


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows(count, **changes):
    return [{"id": n, "problem": f"What is {n}?", "answer": n, **changes} for n in range(count)]


@pytest.mark.parametrize(
    ("truth", "answer"), [(0, 0), (999, 999), (1000, 0), (-1, 999), (-8192, 808), (12441600, 600)]
)
def test_a_truth_goes_through_the_convention_of_the_vote(tmp_path, truth, answer):
    path = write(tmp_path / "a.jsonl", [{"id": 1, "problem": "p", "answer": truth}])
    problem = load_set(str(path), CONFIG).problems[0]
    assert (problem.truth, problem.answer) == (truth, answer)


def test_without_modulus_a_truth_out_of_range_is_unreachable(tmp_path):
    data = [{"id": n, "problem": "p", "answer": a} for n, a in enumerate((5, -5, 99999, 100000))]
    loaded = load_set(
        str(write(tmp_path / "a.jsonl", data)), Config(modulus=None, max_answer=99999)
    )
    assert [problem.answer for problem in loaded.problems] == [5, None, 99999, None]
    assert loaded.unreachable == 2


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_all_formats_give_the_same_set(tmp_path, suffix):
    path = tmp_path / f"set{suffix}"
    frame = pl.DataFrame(rows(3))
    writers = {".csv": "write_csv", ".jsonl": "write_ndjson", ".parquet": "write_parquet"}
    getattr(frame, writers[suffix])(path)
    loaded = load_set(str(path), CONFIG)
    assert loaded.name == "set"
    assert [(p.id, p.problem, p.truth) for p in loaded.problems] == [
        (str(n), f"What is {n}?", n) for n in range(3)
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_repeated_ids_of_different_problems_are_numbered(tmp_path, suffix):
    data = [{"id": i, "problem": p, "answer": 3} for i, p in ((7, "a"), (8, "b"), (7, "c"))]
    path = tmp_path / f"set{suffix}"
    frame = pl.DataFrame(data)
    writers = {".csv": "write_csv", ".jsonl": "write_ndjson", ".parquet": "write_parquet"}
    getattr(frame, writers[suffix])(path)
    loaded = load_set(str(path), CONFIG)
    assert [p.id for p in loaded.problems] == ["7", "8", "7-2"]


def test_a_row_that_stands_there_twice_is_refused_with_its_line(tmp_path):
    path = write(tmp_path / "a.jsonl", [*rows(2), *rows(1)])
    with pytest.raises(SetError, match=r"line 3: the id '0' appears twice"):
        load_set(str(path), CONFIG)


def test_a_made_up_id_that_is_taken_is_refused(tmp_path):
    data = [{"id": i, "problem": p, "answer": 3} for i, p in (("7", "a"), ("7-2", "b"), ("7", "c"))]
    with pytest.raises(SetError, match="'7-2' is taken"):
        load_set(str(write(tmp_path / "a.jsonl", data)), CONFIG)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "holds no problems"),
        (
            [*rows(1), {"id": 5, "problem": "p", "answer": "1/2"}],
            r"line 2: .*'1/2' is not an integer",
        ),
        (
            [*rows(1), {"id": 5, "problem": "p", "answer": None}],
            r"line 2 \(id '5'\): the answer is missing",
        ),
        ([{"id": 5, "problem": "p"}], r"line 1 \(id '5'\): the answer is missing"),
        ([{"id": 5, "problem": " ", "answer": 1}], "line 1: the problem is empty"),
        (
            [*rows(1), *[{"id": 0, "problem": p, "answer": "x"} for p in "ab"]],
            r"a\.jsonl, line 2: the answer 'x' is not an integer",
        ),
    ],
)
def test_a_bad_row_is_named(tmp_path, data, message):
    path = write(tmp_path / "a.jsonl", data)
    with pytest.raises(SetError, match=message):
        load_set(str(path), CONFIG)


def test_an_unknown_name_lists_the_sets():
    with pytest.raises(SetError, match=r"amd is neither a set \(amc, aime, math4, math5\)"):
        load_set("amd", CONFIG)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *(("amc", 83), ("aime", 90), ("math4", 754), ("math5", 721)),
        *(("aime25", 30), ("aime26", 30), ("aimo2", 10), ("aimo3", 10)),
    ],
)
def test_a_named_set_has_its_published_size(tmp_path, name, count):
    for made in (count - 1, count + 1):
        path = write(tmp_path / f"{made}.jsonl", rows(made))
        with pytest.raises(SetError, match=f"{made} problems, but {name} has {count}"):
            load_file(path, CONFIG, name, KNOWN[name])
    path = write(tmp_path / "right.jsonl", rows(count))
    assert len(load_file(path, CONFIG, name, KNOWN[name]).problems) == count


def test_a_truth_out_of_the_sets_range_is_refused(tmp_path):
    path = write(tmp_path / "aime.jsonl", [*rows(89), {"id": 89, "problem": "p", "answer": 1000}])
    with pytest.raises(
        SetError, match=r"line 90 \(id '89'\): the answer 1000 is not from 0 to 999"
    ):
        load_file(path, CONFIG, "aime", KNOWN["aime"])


def test_a_missing_truth_is_named_by_its_line_in_each_format(tmp_path):
    # The problem before it takes two lines.
    (tmp_path / "a.csv").write_text('id,problem,answer\na,"p\nq",1\nb,r,\n')
    pl.DataFrame({"id": ["a", "b"], "problem": ["p", "q"], "answer": [1, None]}).write_parquet(
        tmp_path / "a.parquet"
    )
    for file, place in (("a.csv", "line 4"), ("a.parquet", "row 2")):
        with pytest.raises(SetError, match=rf"{place} \(id 'b'\): the answer is missing"):
            load_set(str(tmp_path / file), CONFIG)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A `datasets` package that knows the AMC set as published: truths are floats."""
    calls = []

    def load_dataset(repository, split):
        calls.append((repository, split))
        if repository != "AI-MO/aimo-validation-amc":
            raise ConnectionError("the hub does not answer\nmore")
        frame = pl.DataFrame(rows(83)).with_columns(pl.col("answer").cast(pl.Float64))
        return SimpleNamespace(to_polars=lambda: frame)

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return calls


def test_a_named_set_is_downloaded_once(hub):
    first, second = load_set("amc", CONFIG), load_set("amc", CONFIG)
    assert first == second and len(first.problems) == 83 and first.problems[82].truth == 82
    assert hub == [("AI-MO/aimo-validation-amc", "train")]


def test_offline_and_without_the_package_the_sentence_says_what_to_do(hub, monkeypatch):
    with pytest.raises(SetError, match=r"level-4 cannot be downloaded \(the hub does not answer\)"):
        load_set("math4", CONFIG)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SetError, match="not installed: run `make setup`, or give the path"):
        load_set("aime", CONFIG)
    assert not (sets.cache_folder() / "sets" / "aime.parquet").exists()


@pytest.mark.parametrize("name", ["aimo2", "aimo3"])
def test_a_reference_set_has_its_competitions_convention(name):
    config = in_convention(CONFIG, name)
    assert (config.modulus, config.max_answer) == {
        "aimo2": (1000, 999),
        "aimo3": (None, 99_999),
    }[name]
    assert in_convention(CONFIG, "amc") == CONFIG
    assert in_convention(CONFIG, "amc", "AIMO-3").max_answer == 99_999
    with pytest.raises(SetError, match=f"{name} has the answers of"):
        in_convention(CONFIG, name, "AIMO-3" if name == "aimo2" else "AIMO-1")


def test_a_large_truth_is_reached_in_aimo_3_and_taken_modulo_elsewhere(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"id": "a", "problem": "p", "answer": 73_021}])
    for competition, answer in (("AIMO-3", 73_021), ("AIMO-2", 21)):
        chosen = load_set(str(path), in_convention(CONFIG, str(path), competition))
        assert [p.answer for p in chosen.problems] == [answer]
