"""The stand-ins for AIMO-2 and -3: what ends the run, and what passes to fail at scoring.

Covers: exceptions, hangs, wrong types, rows, ids, columns, dtypes, frames of pandas. Does not
cover: the gateway in a process of its own (`test_rerun.py`).
"""

import time
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from notebooks.mock import scorer
from notebooks.mock.tests.standing import IDS, Serve, both, frame, listing

ONE = "id,problem\na,p\n"


@both
def test_an_exception_ends_the_run_without_a_submission(api: str, serve: Serve):
    calls: list[str] = []
    Path("submission.parquet").write_text("of an earlier run")

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        calls.append(ids.item())
        if len(calls) == 3:
            raise ZeroDivisionError("\u4e2d" * 1_000_000)
        return frame(ids.item(), 7)

    with pytest.raises(RuntimeError, match=r"(?s)predict raised:.*\u4e2d$"):
        serve(api, predict)
    assert len(calls) == 3
    assert listing() == []


@both
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_would_hang_the_run_is_said_after_a_while(
    api: str,
    error: type[BaseException],
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MOCK_HANG_SECONDS", "0.5")

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        raise error

    start = time.monotonic()
    with pytest.raises(RuntimeError, match=f"predict raised {error.__name__}: on Kaggle .* hang"):
        serve(api, predict, ONE)
    assert time.monotonic() - start >= 0.5
    assert listing() == []


@both
@pytest.mark.parametrize(
    ("result", "says"),
    [
        (7, "returned int, not a frame"),
        (None, "returned NoneType, not a frame"),
        (pl.Series("answer", [7]), "returned Series, not a frame"),
        (pd.Series([7], name="answer"), "returned Series, not a frame"),
        ({"id": ["a"], "answer": [7]}, "returned dict, not a frame"),
        (pd.DataFrame({"id": ["a", "b"], "answer": [7, 7]}), "returned 2 rows"),
        (pl.DataFrame({"id": ["a", "b"], "answer": [7, 7]}), "returned 2 rows"),
        (pl.DataFrame({"id": [], "answer": []}), "returned 0 rows"),
    ],
    ids=["int", "None", "Series", "pandas series", "dict", "two in pandas", "two rows", "no rows"],
)
def test_anything_but_one_row_of_a_frame_fails(api: str, result: object, says: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> object:
        return result

    with pytest.raises(RuntimeError, match=says):
        serve(api, predict, ONE)
    assert listing() == []


@both
def test_a_pandas_frame_is_taken(api: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pd.DataFrame:
        return pd.DataFrame({"id": ids.to_list(), "answer": [7]}, index=[41])

    submission = serve(api, predict)
    assert scorer.faults(Path("submission.parquet"), IDS, 999) == []
    assert submission.columns == ["id", "answer"]


WRONG_IDS = [("a", "other"), ("a", None), ("a", 7), ("7", "7"), ("07", "07"), ("1.5", "1.5")]


@pytest.mark.parametrize(("id_", "returned"), WRONG_IDS)
def test_a_wrong_id_or_one_of_another_type_fails_aimo2(id_: str, returned: object, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(returned, 7)

    with pytest.raises(RuntimeError, match=f"id {returned!r} for"):
        serve("aimo2", predict, f"id,problem\n{id_},p\n")
    assert listing() == []


@pytest.mark.parametrize(("id_", "returned"), WRONG_IDS)
def test_aimo3_puts_the_right_id_in_a_wrong_ones_place(id_: str, returned: object, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(returned, 7)

    serve("aimo3", predict, f"id,problem\n{id_},p\n")
    assert scorer.faults(Path("submission.parquet"), [id_], 999) == []


def test_aimo3_adds_the_id_to_a_mere_answer(serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return pl.DataFrame({"answer": [7]})

    assert serve("aimo3", predict, ONE).rows() == [("a", 7)]


DTYPES = [("7", pl.Int64), ("007", pl.Int64), ("1.5", pl.Float64), ("true", pl.Boolean)]


@both
@pytest.mark.parametrize(("id_", "dtype"), [*DTYPES, ("229ee8", pl.String)])
def test_an_id_that_goes_back_as_it_came_is_right(
    api: str, id_: str, dtype: type[pl.DataType], serve: Serve
):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        assert ids.dtype == dtype
        return pl.DataFrame({"id": ids, "answer": [7]})

    serve(api, predict, f"id,problem\n{id_},p\n")
    assert scorer.faults(Path("submission.parquet"), [id_], 999) == []
    assert scorer.score(Path("submission.parquet"), {id_: 7}) == 1


@both
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("7", "dtype of answer is String"),
        (7.0, "dtype of answer is Float64"),
        (None, "dtype of answer is Null"),
        (100_000, "the answer to 'a' is 100000"),
        (-1, "the answer to 'a' is -1"),
    ],
)
def test_wrong_answers_pass_the_gateway_and_fail_at_scoring(
    api: str, answer: object, says: str, serve: Serve
):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), answer)

    serve(api, predict, ONE)
    (fault,) = scorer.faults(Path("submission.parquet"), ["a"], 99_999)
    assert says in fault


@both
def test_wrong_column_names_pass_the_gateway_and_fail_at_scoring(api: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return pl.DataFrame({"ID": [ids.item()], "Answer": [7]})

    serve(api, predict, ONE)
    (fault,) = scorer.faults(Path("submission.parquet"), ["a"], 999)
    assert "columns are ['ID', 'Answer']" in fault


@both
def test_one_float_turns_the_whole_column(api: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), 7.0 if ids.item() == "a05" else 7)

    submission = serve(api, predict)
    assert submission.schema["answer"] == pl.Float64
    assert scorer.faults(Path("submission.parquet"), IDS, 999) != []


@both
def test_one_null_passes_as_an_integer_column(api: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), None if ids.item() == "a05" else 7)

    assert serve(api, predict).schema["answer"] == pl.Int64
    (fault,) = scorer.faults(Path("submission.parquet"), IDS, 999)
    assert fault == "the answer to 'a05' is None, not between 0 and 999"
