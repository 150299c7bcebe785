"""Fixtures that stand a mock platform on the path of the test's own process.

Covers: an empty working folder, the problems, the import and its undoing. Does not cover: platforms
in a process of their own (`test_rerun.py`).
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from notebooks.mock.tests.standing import MOCK, MODULES, PROBLEMS, Serve, Stand


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "test.csv").write_text(PROBLEMS)
    (tmp_path / "working").mkdir()
    monkeypatch.chdir(tmp_path / "working")
    monkeypatch.setenv("MOCK_INPUT", str(tmp_path / "input"))
    monkeypatch.delenv("KAGGLE_IS_COMPETITION_RERUN", raising=False)

    def import_platform(api: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(MOCK / api))
        return importlib.import_module(MODULES[api])

    yield import_platform
    for name in list(sys.modules):
        if name.partition(".")[0] in ("aimo", "kaggle_evaluation"):
            del sys.modules[name]


@pytest.fixture
def aimo(stand: Stand) -> ModuleType:
    return stand("aimo1")


@pytest.fixture
def serve(stand: Stand) -> Serve:
    without_truth = "".join(f"{line.rpartition(',')[0]}\n" for line in PROBLEMS.splitlines())

    def run(api: str, predict: Callable[..., Any], problems: str = without_truth) -> pl.DataFrame:
        path = Path(os.environ["MOCK_INPUT"]) / "local.csv"
        path.write_text(problems)
        server = getattr(stand(api), f"AIMO{api[-1]}InferenceServer")(predict)
        server.run_local_gateway((str(path),))
        return pl.read_parquet("submission.parquet")

    return run
