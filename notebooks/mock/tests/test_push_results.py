"""The stand-ins for AIMO-2 and -3: what ends the run, and what passes to fail at scoring.

Covers: exceptions, hangs, wrong types, rows, ids, columns and dtypes. Does not cover: the gateway
in a process of its own (`test_rerun.py`).
"""

import time
from pathlib import Path

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
        (pl.DataFrame({"id": ["a", "b"], "answer": [7, 7]}), "returned 2 rows"),
        (pl.DataFrame({"id": [], "answer": []}), "returned 0 rows"),
    ],
    ids=["int", "None", "Series", "two rows", "no rows"],
)
def test_anything_but_one_row_of_a_frame_fails(api: str, result: object, says: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> object:
        return result

    with pytest.raises(RuntimeError, match=says):
        serve(api, predict, ONE)
    assert listing() == []


def test_a_wrong_id_fails_aimo2(serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame("other", 7)

    with pytest.raises(RuntimeError, match="id 'other' for 'a'"):
        serve("aimo2", predict, ONE)


def test_a_wrong_id_passes_aimo3_and_fails_at_scoring(serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame("other", 7)

    serve("aimo3", predict, ONE)
    faults = scorer.faults(Path("submission.parquet"), ["a"], 999)
    assert faults == ["problem 'a' has no row", "id 'other' is no problem's"]


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
        return frame(ids.item(), 7.0 if ids.item() == "005" else 7)

    submission = serve(api, predict)
    assert submission.schema["answer"] == pl.Float64
    assert scorer.faults(Path("submission.parquet"), IDS, 999) != []


@both
def test_one_null_passes_as_an_integer_column(api: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), None if ids.item() == "005" else 7)

    assert serve(api, predict).schema["answer"] == pl.Int64
    (fault,) = scorer.faults(Path("submission.parquet"), IDS, 999)
    assert fault == "the answer to '005' is None, not between 0 and 999"
