import json
from pathlib import Path
from typing import Any

import pytest

from training.rows import read_rows
from training.settings import TrainingError
from training.tests.tiny import make_data, make_row


def test_reads_what_the_dataset_command_writes(tmp_path: Path) -> None:
    rows = read_rows(make_data(tmp_path, 5) / "train.jsonl")
    assert [row.problem for row in rows[:1]] == ["What is the product of $1$ and $7$?"]
    assert len(rows) == 5
    assert len(read_rows(tmp_path / "train.jsonl", most=2)) == 2


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"problem": None}, "line 2: the problem is missing"),
        ({"problem": "  "}, "line 2: the problem is missing"),
        ({"solution": 3}, "line 2: the solution is missing"),
        ({"outputs": [[1]]}, "line 2: outputs must be pairs"),
        ({"outputs": 5}, "line 2: outputs must be pairs"),
        ({"outputs": [[5, 2]]}, "line 2: the outputs are out of order"),
        ({"outputs": [[0, 9], [4, 12]]}, "line 2: the outputs are out of order"),
        ({"outputs": [[0, 9999]]}, "line 2: the outputs are out of order or outside"),
    ],
)
def test_a_bad_row_is_named_by_its_line(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    path = tmp_path / "train.jsonl"
    rows = [make_row(1), {**make_row(2), **changes}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with pytest.raises(TrainingError, match=fault):
        read_rows(path)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_set_says_where_the_rows_went(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.jsonl").write_text(text, "utf-8")
    with pytest.raises(TrainingError, match=r"holds no rows: see the counts in .*dataset\.json"):
        read_rows(tmp_path / "train.jsonl")


@pytest.mark.parametrize("text", ["{", "[1]", "null"])
def test_what_is_no_object_is_named_by_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps(make_row(1)) + f"\n{text}\n", "utf-8")
    with pytest.raises(TrainingError, match="line 2: this is"):
        read_rows(tmp_path / "train.jsonl")


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="make dataset"):
        read_rows(tmp_path / "train.jsonl")
