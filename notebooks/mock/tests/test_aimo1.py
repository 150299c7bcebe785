"""AIMO-1's stand-in: which API a folder holds, and every trap of the iterator, one test each.

Covers: frames, order of calls, when the submission is written. Does not cover: our own adapter
(`kernel/tests/test_competition.py`).
"""

from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from notebooks.mock import scorer
from notebooks.mock.tests.standing import IDS, MOCK, MODULES, listing


@pytest.mark.parametrize("api", MODULES)
def test_exactly_one_api_is_importable_from_its_folder(api: str):
    def found(module: str) -> bool:
        package, _, name = module.rpartition(".")
        paths = [str(MOCK / api)]
        if package:
            spec = PathFinder.find_spec(package, paths)
            paths = list(spec.submodule_search_locations or []) if spec else []
        return PathFinder.find_spec(f"{package}.{name}" if package else name, paths) is not None

    assert [name for name, module in MODULES.items() if found(module)] == [api]


def test_aimo1_gives_one_row_frames_and_never_the_truth(aimo: ModuleType):
    env = aimo.make_env()
    seen: list[tuple[str, str]] = []
    for test, sub in env.iter_test():
        assert isinstance(test, pd.DataFrame) and isinstance(sub, pd.DataFrame)
        assert list(test.columns) == ["id", "problem"] and list(sub.columns) == ["id", "answer"]
        assert len(test) == len(sub) == 1
        assert test["id"].item() == sub["id"].item()
        seen.append((test["id"].item(), test["problem"].item()))
        sub["answer"] = 5
        env.predict(sub)
    assert seen == [(id_, f"What is ${id_}$?") for id_ in IDS]


def test_aimo1_writes_only_once_the_iterator_is_exhausted(aimo: ModuleType):
    env = aimo.make_env()
    rows = env.iter_test()
    for _ in IDS:
        _, sub = next(rows)
        sub["answer"] = 5
        env.predict(sub)
    assert not Path("submission.csv").exists()
    assert next(rows, "end") == "end"
    assert scorer.faults(Path("submission.csv"), IDS, 999) == []
    assert listing() == ["submission.csv"]


def test_aimo1_a_crash_leaves_nothing(aimo: ModuleType):
    Path("submission.csv").write_text("of an earlier run")
    env = aimo.make_env()
    rows = env.iter_test()
    for _ in range(11):
        _, sub = next(rows)
        env.predict(sub)
    rows.close()
    assert listing() == []


def test_aimo1_going_on_without_predict_gives_none(
    aimo: ModuleType, capsys: pytest.CaptureFixture[str]
):
    env = aimo.make_env()
    rows = env.iter_test()
    _, sub = next(rows)
    assert next(rows) is None
    assert next(rows) is None
    assert (
        capsys.readouterr().out.splitlines()
        == ["You must call `predict()` successfully before you can continue with `iter_test()`"] * 2
    )
    env.predict(sub)
    assert next(rows)[0]["id"].item() == "a01"


def test_aimo1_a_refused_answer_also_gives_none(aimo: ModuleType):
    env = aimo.make_env()
    rows = env.iter_test()
    next(rows)
    with pytest.raises(TypeError, match="DataFrame, not int"):
        env.predict(5)
    assert next(rows) is None


def test_aimo1_make_env_works_once(aimo: ModuleType):
    aimo.make_env()
    with pytest.raises(RuntimeError, match="works once"):
        aimo.make_env()


def test_aimo1_iter_test_works_once(aimo: ModuleType):
    env = aimo.make_env()
    env.iter_test()
    with pytest.raises(RuntimeError, match="works once"):
        env.iter_test()


def test_aimo1_predict_before_a_row(aimo: ModuleType):
    env = aimo.make_env()
    env.iter_test()
    with pytest.raises(RuntimeError, match="without a problem"):
        env.predict(pd.DataFrame({"id": ["a00"], "answer": [5]}))


def test_aimo1_predict_twice_for_a_row(aimo: ModuleType):
    env = aimo.make_env()
    _, sub = next(env.iter_test())
    env.predict(sub)
    with pytest.raises(RuntimeError, match="without a problem"):
        env.predict(sub)


def test_aimo1_predict_after_the_end(aimo: ModuleType):
    env = aimo.make_env()
    for _, sub in env.iter_test():
        env.predict(sub)
    with pytest.raises(RuntimeError, match="after the end"):
        env.predict(sub)


def test_aimo1_takes_any_frame_and_the_scorer_does_not(aimo: ModuleType):
    env = aimo.make_env()
    for _, sub in env.iter_test():
        sub["answer"] = 0.5
        env.predict(sub)
    assert "Float64" in scorer.faults(Path("submission.csv"), IDS, 999)[0]
