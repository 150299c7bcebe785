"""The stand-in for the scorer: each fault of a submission file has its own message.

Covers: name, columns, dtypes, rows, range, score. Does not cover: how a gateway lets faults pass.
"""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from notebooks.mock import scorer


def _submission(tmp_path: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(tmp_path / "submission.parquet")
    return tmp_path / "submission.parquet"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"id": ["a", "b"], "answer": [0, 999]}, []),
        ({"id": ["a"], "answer": [0]}, ["problem 'b' has no row"]),
        ({"id": ["a", "b", "b"], "answer": [0, 1, 1]}, ["problem 'b' has 2 rows"]),
        ({"id": ["a", "b", "c"], "answer": [0, 1, 1]}, ["id 'c' belongs to no problem"]),
        (
            {"id": ["a", "b"], "answer": [-1, 1000]},
            [
                "the answer to 'a' is -1, not between 0 and 999",
                "the answer to 'b' is 1000, not between 0 and 999",
            ],
        ),
        (
            {"answer": [0, 1], "id": ["a", "b"]},
            ["the columns are ['answer', 'id'], not ['id', 'answer']"],
        ),
        ({"id": [1, 2], "answer": [0, 1]}, ["the dtype of id is Int64, not String"]),
    ],
)
def test_the_scorer_names_each_fault(tmp_path: Path, columns: dict[str, Any], says: list[str]):
    path = _submission(tmp_path, pl.DataFrame(columns))
    assert scorer.faults(path, ["a", "b"], 999) == says


def test_the_scorer_wants_int64(tmp_path: Path):
    frame = pl.DataFrame({"id": ["a"], "answer": [1]}, {"id": pl.String, "answer": pl.Int32})
    assert "Int32" in scorer.faults(_submission(tmp_path, frame), ["a"], 999)[0]


def test_the_scorer_reads_numeric_ids_of_a_csv_as_text(tmp_path: Path):
    path = tmp_path / "submission.csv"
    path.write_text("id,answer\n007,1\n012,2\n")
    assert scorer.faults(path, ["007", "012"], 999) == []
    assert scorer.score(path, {"007": 1, "012": 3, "other": 1}) == 1


@pytest.mark.parametrize(("id_", "read"), [("7", 7), ("007", 7), ("1.5", 1.5), ("a", "a")])
def test_ids_of_a_gateway_are_what_it_reads(tmp_path: Path, id_: str, read: object):
    right = _submission(tmp_path, pl.DataFrame({"id": [read], "answer": [5]}))
    assert scorer.faults(right, [id_], 999) == []
    assert scorer.score(right, {id_: 5}) == 1
    if read != id_:
        text = _submission(tmp_path, pl.DataFrame({"id": [id_], "answer": [5]}))
        assert "dtype of id is String" in scorer.faults(text, [id_], 999)[0]


def test_the_scorer_wants_the_file_and_its_name(tmp_path: Path):
    assert "there is no" in scorer.faults(tmp_path / "submission.csv", [], 999)[0]
    assert "is named" in scorer.faults(tmp_path / "answers.csv", [], 999)[0]
