"""The stand-ins for AIMO-2 and -3: how, when and in which order `predict` is called.

Covers: arguments, thread, order, deadlines, what may be passed as `predict`. Does not cover: what
its results do to the run (`test_push_results.py`).
"""

import asyncio
import functools
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from notebooks.mock.tests.standing import (
    IDS,
    PROBLEMS,
    Serve,
    Stand,
    both,
    frame,
    listing,
    seven,
)


@both
def test_predict_gets_two_series_of_length_one(api: str, serve: Serve):
    seen: dict[str, str] = {}

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        assert isinstance(ids, pl.Series) and isinstance(problems, pl.Series)
        assert len(ids) == len(problems) == 1
        assert ids.name == "id" and problems.name == "problem"
        assert ids.dtype == problems.dtype == pl.String
        assert ids.item() not in seen  # each row once
        seen[ids.item()] = problems.item()
        return frame(ids.item(), 7)

    submission = serve(api, predict)
    assert seen == {id_: f"What is ${id_}$?" for id_ in IDS}
    assert submission.schema == {"id": pl.String, "answer": pl.Int64}
    assert sorted(submission["id"]) == IDS
    assert listing() == ["submission.parquet"]


@both
def test_the_reference_answer_arrives_as_a_third_argument(api: str, serve: Serve):
    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), 7)

    with pytest.raises(RuntimeError, match="takes 2 positional arguments but 3 were given"):
        serve(api, predict, PROBLEMS)
    assert listing() == []


@both
def test_predict_runs_in_a_worker_thread(api: str, serve: Serve):
    threads: set[threading.Thread] = set()

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        threads.add(threading.current_thread())
        with pytest.raises(ValueError, match="main thread"):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return frame(ids.item(), 7)

    serve(api, predict)
    assert threading.main_thread() not in threads


def _order(api: str, serve: Serve) -> list[str]:
    asked: list[str] = []

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        asked.append(ids.item())
        return frame(ids.item(), 7)

    serve(api, predict)
    return asked


# Twelve rows come in the file's order by chance once in 479 million runs.
@pytest.mark.parametrize(("api", "private"), [("aimo2", ""), ("aimo2", "1"), ("aimo3", "")])
def test_the_order_is_random(api: str, private: str, serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MOCK_PRIVATE", private)
    first, second = _order(api, serve), _order(api, serve)
    assert first != IDS and first != second and sorted(first) == IDS


def test_aimo3_keeps_the_order_in_its_private_run(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MOCK_PRIVATE", "1")
    assert _order("aimo3", serve) == IDS


ONE = "id,problem\na,p\n"
TWO = "id,problem\na,p\nb,q\n"


@both
def test_the_first_call_has_no_deadline(api: str, serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MOCK_CALL_SECONDS", "0.2")

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        time.sleep(0.8)
        return frame(ids.item(), 7)

    assert serve(api, predict, ONE).height == 1


def test_a_later_call_has_one(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MOCK_CALL_SECONDS", "0.2")

    def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        time.sleep(0.8)
        return frame(ids.item(), 7)

    with pytest.raises(RuntimeError, match=r"predict took longer than 0\.2 s"):
        serve("aimo2", predict, TWO)
    assert listing() == []


@pytest.mark.parametrize(("api", "seconds"), [("aimo2", 1800), ("aimo3", None)])
def test_the_deadlines_of_later_calls(api: str, seconds: float | None, stand: Stand):
    module = stand(api)
    server = getattr(module, f"AIMO{api[-1]}InferenceServer")(seven)
    assert server._settings.call_seconds == seconds


class _Model:
    def __call__(self, ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), 7)

    def predict(self, ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
        return frame(ids.item(), 7)


@pytest.mark.parametrize(
    "listener",
    [
        _Model().predict,
        lambda ids, problems: frame(ids.item(), 7),
        functools.partial(seven),
    ],
    ids=["bound method", "lambda", "partial"],
)
def test_aimo3_refuses_what_is_no_plain_function(listener: Callable[..., Any], stand: Stand):
    with pytest.raises(ValueError, match="not a plain function"):
        stand("aimo3").AIMO3InferenceServer(listener)


@pytest.mark.parametrize(
    "listener",
    [lambda ids, problems: frame(ids.item(), 7), functools.partial(seven), _Model()],
    ids=["lambda", "partial", "callable object"],
)
def test_aimo2_refuses_what_has_no_name(listener: Callable[..., Any], stand: Stand):
    with pytest.raises(ValueError, match="not a plain function"):
        stand("aimo2").AIMO2InferenceServer(listener)


def test_aimo2_takes_a_bound_method(serve: Serve):
    assert serve("aimo2", _Model().predict, ONE)["answer"].to_list() == [7]


@both
def test_a_function_of_another_name_is_not_found(api: str, serve: Serve):
    with pytest.raises(RuntimeError, match="no function named predict"):
        serve(api, seven, ONE)
