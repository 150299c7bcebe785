"""The adapter to the competition's API: finding it, and serving it.

Covers: the search on the path and in both mount layouts, conventions, the checks on an answer, the
frames and files handed over, with fakes in the platform's place. Does not cover: whole runs
(`test_competition_runs.py`), the mocks' own traps (`notebooks/mock/tests`), any real gateway.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from kernel import competition
from kernel.config import ConfigError
from kernel.records import Problem

ROOT = Path(__file__).parents[2]
MOCK = ROOT / "notebooks" / "mock"
APIS = {"aimo1": "AIMO-1", "aimo2": "AIMO-2", "aimo3": "AIMO-3"}
IDS = ["000", "a1", "b2", "7e1", "c3"]
TEST_CSV = 'id,problem\n000,$1-1$?\na1,"two, lines\nof $x$"\nb2,\n7e1,quote "" here\nc3,last\n'
TEXTS = ["$1-1$?", "two, lines\nof $x$", "", 'quote "" here', "last"]


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what `find` puts on the path out of other tests."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("KAGGLE_IS_COMPETITION_RERUN", raising=False)


def _mount(api: str, folder: Path) -> Path:
    """Lay a platform out as Kaggle does: its module beside its problems."""
    shutil.copytree(MOCK / api, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "test.csv").write_text(TEST_CSV)
    return folder


# Finding the competition


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("layout", ["some-slug", "competitions/some-slug"])
def test_it_is_found_in_both_mount_layouts(api: str, layout: str, tmp_path: Path):
    (tmp_path / "datasets" / "owner" / "model").mkdir(parents=True)
    folder = _mount(api, tmp_path / layout)
    found = competition.find(tmp_path)
    assert (found.name, found.folder) == (APIS[api], folder)
    assert sys.path[0] == str(folder)


@pytest.mark.parametrize("api", APIS)
def test_what_is_on_the_path_comes_first(api: str, tmp_path: Path):
    _mount("aimo3" if api == "aimo1" else "aimo1", tmp_path / "other")
    sys.path.append(str(MOCK / api))
    before = list(sys.path)
    found = competition.find(tmp_path)
    assert (found.name, found.folder) == (APIS[api], MOCK / api)
    assert sys.path == before


def test_the_newest_is_taken_of_several(tmp_path: Path):
    for api in APIS:
        _mount(api, tmp_path / f"{'deeper/' * int(api[-1])}{api}")
    assert competition.find(tmp_path).name == "AIMO-3"


@pytest.mark.parametrize("exists", [True, False])
def test_none_is_one_clear_sentence(exists: bool, tmp_path: Path):
    inputs = tmp_path / "input"
    if exists:
        (inputs / "aimo").mkdir(parents=True)  # a mere folder of that name is not an API
        (inputs / "kaggle_evaluation").mkdir()
    with pytest.raises(ConfigError, match=f"below {inputs}: attach the competition's data"):
        competition.find(inputs)


def test_finding_runs_nothing(tmp_path: Path):
    (tmp_path / "aimo.py").write_text("raise SystemExit")
    assert competition.find(tmp_path).name == "AIMO-1"
    assert "aimo" not in sys.modules


def test_a_package_without_the_competition_does_not_hide_it(tmp_path: Path):
    (tmp_path / "image" / "kaggle_evaluation").mkdir(parents=True)
    (tmp_path / "image" / "kaggle_evaluation" / "__init__.py").touch()
    sys.path.append(str(tmp_path / "image"))
    folder = _mount("aimo2", tmp_path / "input" / "slug")
    assert competition.find(tmp_path / "input").name == "AIMO-2"
    assert sys.path.index(str(folder)) < sys.path.index(str(tmp_path / "image"))


def test_linked_mounts_are_searched_and_a_loop_of_links_ends(tmp_path: Path):
    _mount("aimo3", tmp_path / "elsewhere" / "slug")
    inputs = tmp_path / "input"
    (inputs / "competitions").mkdir(parents=True)
    (inputs / "competitions" / "slug").symlink_to(tmp_path / "elsewhere" / "slug")
    (inputs / "competitions" / "loop").symlink_to(inputs)
    assert competition.find(inputs).folder == inputs / "competitions" / "slug"


@pytest.mark.parametrize(
    ("name", "modulus", "max_answer", "hours"),
    [("AIMO-1", 1000, 999, 9), ("AIMO-2", 1000, 999, 5), ("AIMO-3", None, 99_999, 5)],
)
def test_conventions(name: str, modulus: int | None, max_answer: int, hours: int):
    (found,) = [known for known in competition.COMPETITIONS if known.name == name]
    assert found.convention == competition.Convention(modulus, max_answer, hours * 3600)


# Serving, against fakes


class FakeEnvironment:
    """AIMO-1's environment over the rows given; keeps the answers."""

    def __init__(self, rows: list[tuple[str, Any] | None]) -> None:
        self.rows = rows
        self.answers: list[pd.DataFrame] = []

    def make_env(self) -> "FakeEnvironment":
        return self

    def iter_test(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame] | None]:
        for row in self.rows:
            if row is None:
                yield None
                continue
            test = pd.DataFrame({"id": [row[0]], "problem": [row[1]]})
            yield test, pd.DataFrame({"id": [row[0]], "answer": [0]})

    def predict(self, sub: pd.DataFrame) -> None:
        self.answers.append(sub)


@pytest.fixture
def pull(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeEnvironment]:
    def run(
        rows: list[tuple[str, Any] | None], answer: Callable[[Problem], Any]
    ) -> FakeEnvironment:
        environment = FakeEnvironment(rows)
        monkeypatch.setitem(sys.modules, "aimo", environment)  # type: ignore[arg-type]
        next(known for known in competition.COMPETITIONS if known.name == "AIMO-1").serve(answer)
        return environment

    return run


def test_aimo1_gets_int64_and_the_id_as_text(pull: Callable[..., FakeEnvironment]):
    environment = pull([("007", "p"), ("b", "q")], lambda problem: len(problem.id))
    frame = pd.concat(environment.answers)
    assert list(frame.columns) == ["id", "answer"]
    assert frame["answer"].dtype == np.int64
    assert [*zip(frame["id"], frame["answer"], strict=True)] == [("007", 3), ("b", 1)]


@pytest.mark.parametrize("empty", [None, float("nan"), ""])
def test_an_empty_problem_arrives_as_empty_text(
    empty: object, pull: Callable[..., FakeEnvironment]
):
    asked: list[Problem] = []
    pull([("a", empty)], lambda problem: asked.append(problem) or 1)
    assert asked == [Problem("a", "")]


def test_aimo1_that_gives_none_stops_the_run(pull: Callable[..., FakeEnvironment]):
    with pytest.raises(RuntimeError, match="AIMO-1 gave no problem"):
        pull([("a", "p"), None, ("b", "q")], lambda problem: 1)


@pytest.mark.parametrize("value", [None, True, 5.0, "5", np.int64(5), -1, 1000])
def test_an_answer_of_another_kind_or_range_is_refused(
    value: object, pull: Callable[..., FakeEnvironment]
):
    with pytest.raises(ValueError, match="return an int from 0 to 999"):
        pull([("a", "p")], lambda problem: value)


@pytest.mark.parametrize("value", [0, 999])
def test_the_ends_of_the_range_are_answers(value: int, pull: Callable[..., FakeEnvironment]):
    assert pull([("a", "p")], lambda problem: value).answers[0]["answer"].item() == value


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_errors_of_the_answer_are_not_swallowed(
    error: type[BaseException], pull: Callable[..., FakeEnvironment]
):
    def answer(problem: Problem) -> int:
        raise error

    with pytest.raises(error):
        pull([("a", "p")], answer)


class FakeServer:
    """An inference server that asks its one row and remembers how it was run."""

    last: "FakeServer"

    def __init__(self, *listeners: Callable[..., pl.DataFrame]) -> None:
        FakeServer.last = self
        self.listeners, self.ran, self.file = listeners, "", ""
        self.path = Path()

    def serve(self) -> None:
        self.ran = "serve"

    def run_local_gateway(self, data_paths: tuple[str, ...]) -> None:
        (path,) = data_paths
        self.ran, self.path, self.file = "local", Path(path), Path(path).read_text()


@pytest.fixture
def push(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeServer]:
    def run(inputs: Path, answer: Callable[[Problem], int] = lambda problem: 7) -> FakeServer:
        sys.path.insert(0, str(MOCK / "aimo3"))
        found = competition.find(inputs)
        fake = SimpleNamespace(AIMO3InferenceServer=FakeServer)
        monkeypatch.setitem(sys.modules, found.module, fake)  # type: ignore[arg-type]
        found.serve(answer)
        return FakeServer.last

    return run


def test_predict_is_one_plain_function_of_that_name(
    push: Callable[..., FakeServer], tmp_path: Path
):
    (tmp_path / "test.csv").write_text(TEST_CSV)
    (predict,) = push(tmp_path).listeners
    assert type(predict) is type(_mount) and predict.__name__ == "predict"


@pytest.mark.parametrize(
    "ids",
    [
        pl.Series("id", ["007"]),
        pl.Series("id", [7]),
        pl.Series("id", [7], pl.Int32),
        pl.Series("id", [7], pl.UInt64),
        pl.Series("id", [2**70], pl.Int128),
        pl.Series("id", [1.5]),
        pl.Series("id", [True]),
        pl.Series("id", [None], pl.String),
        pl.Series("id", ["x"], pl.Categorical),
    ],
    ids=lambda ids: str(ids.dtype),
)
def test_predict_gives_the_id_back_as_it_came_and_int64(
    ids: pl.Series, push: Callable[..., FakeServer], tmp_path: Path
):
    (tmp_path / "test.csv").write_text(TEST_CSV)
    (predict,) = push(tmp_path, lambda problem: 99_999).listeners
    row = predict(ids, pl.Series("problem", ["p"]))
    assert row.schema == {"id": ids.dtype, "answer": pl.Int64}
    assert row.rows() == [(ids.item(), 99_999)]


def test_ids_and_problems_of_any_dtype_are_asked_as_text(
    push: Callable[..., FakeServer], tmp_path: Path
):
    asked: list[Problem] = []
    (tmp_path / "test.csv").write_text(TEST_CSV)
    (predict,) = push(tmp_path, lambda problem: asked.append(problem) or 1).listeners
    for ids, text in ((pl.Series([7]), pl.Series([12])), (pd.Series([8]), pd.Series(["p"]))):
        assert predict(ids, text)["id"].to_list() == [ids.item()]
    assert asked == [Problem("7", "12"), Problem("8", "p")]


def test_a_rerun_serves_and_looks_for_no_problems(
    push: Callable[..., FakeServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    assert push(tmp_path).ran == "serve"


def test_a_local_run_drops_the_reference_answers_and_cleans_up(
    push: Callable[..., FakeServer], tmp_path: Path
):
    (tmp_path / "slug").mkdir()
    (tmp_path / "slug" / "reference.csv").write_text("answer,id,problem\n5,01,p\n")
    server = push(tmp_path)
    assert (server.ran, server.file) == ("local", "id,problem\n01,p\n")
    assert not server.path.exists()


def test_a_test_file_of_another_shape_is_passed_over(
    push: Callable[..., FakeServer], tmp_path: Path
):
    for name, content in (("a", "id,question\n1,p\n"), ("b", "id,problem\n2,q\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.csv").write_text(content)
    (tmp_path / "reference.csv").write_text("id,problem,answer\n3,r,5\n")
    assert push(tmp_path).file == "id,problem\n2,q\n"


def test_the_problems_beside_the_module_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "test.csv").write_text("id,problem\nother,p\n")
    _mount("aimo2", tmp_path / "competitions" / "slug")
    found = competition.find(tmp_path)
    fake = SimpleNamespace(AIMO2InferenceServer=FakeServer)
    monkeypatch.setitem(sys.modules, found.module, fake)  # type: ignore[arg-type]
    found.serve(lambda problem: 7)
    assert FakeServer.last.file.startswith("id,problem\n000,")


def test_no_problems_for_a_local_run_is_one_clear_sentence(
    push: Callable[..., FakeServer], tmp_path: Path
):
    with pytest.raises(ConfigError, match=f"no test.csv .* below {tmp_path}: attach"):
        push(tmp_path)
