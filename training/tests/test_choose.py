import json
import sys
from pathlib import Path

import pytest

from training.choose import checkpoint_of, choose, grouped, main, says
from validation.runs.records import Recording, RunError, read_run
from validation.tests.run_files import RunFile


def run_of(folder: Path, model: str, name: str, right: list[bool]) -> Recording:
    run = RunFile()
    about = json.loads(run.lines[0])
    run.lines[0] = json.dumps({**about, "model": model, "set": name})
    for number, is_right in enumerate(right):
        answer = number + 1 if is_right else 0
        run.votes(f"p{number}", number + 1, [answer], answer)
    return read_run(run.save(folder / f"{model}-{name}.jsonl"))


def test_each_set_counts_the_same(tmp_path: Path) -> None:
    found = choose(
        grouped(
            [
                run_of(tmp_path, "a", "easy", [True] * 9 + [False]),
                run_of(tmp_path, "a", "hard", [False] * 4),
                run_of(tmp_path, "b", "easy", [True] * 7 + [False] * 3),
                run_of(tmp_path, "b", "hard", [True, True, True, False]),
            ]
        )
    )
    assert found["best"] == "b"
    assert [row["mean"] for row in found["checkpoints"]] == pytest.approx([0.725, 0.45])
    assert found["against_best"][0]["problems"] == 14


def test_a_clear_lead_is_called_one(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path, "a", "s", [False] * 12),
        run_of(tmp_path, "b", "s", [True] * 12),
    ]
    assert "more than noise" in choose(grouped(runs))["against_best"][0]["says"]


def test_a_small_lead_says_what_would_tell(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path, "a", "s", [True] * 5 + [False] * 5),
        run_of(tmp_path, "b", "s", [True] * 6 + [False] * 4),
    ]
    test = choose(grouped(runs))["against_best"][0]
    assert "may be noise; about" in test["says"]
    assert test["more_problems"] > 10


def test_equal_checkpoints_are_not_told_apart(tmp_path: Path) -> None:
    runs = [run_of(tmp_path, name, "s", [True, False]) for name in "ab"]
    assert "nothing tells them apart" in choose(grouped(runs))["against_best"][0]["says"]
    assert says(choose(grouped(runs))["against_best"][0])


def test_a_view_of_a_model_is_the_model(tmp_path: Path) -> None:
    model = tmp_path / "model"
    view = tmp_path / "views/model-known"
    for folder in (model, view):
        folder.mkdir(parents=True)
    (model / "config.json").write_text("{}", "utf-8")
    (view / "config.json").symlink_to(model / "config.json")
    run = run_of(tmp_path, "x", "s", [True])
    seen = Recording(run.path, {}, {"model": str(view)}, ())
    assert checkpoint_of(seen) == str(model)


def test_what_cannot_be_chosen_from_is_refused(tmp_path: Path) -> None:
    one = run_of(tmp_path, "a", "s", [True])
    with pytest.raises(RunError, match="at least two models"):
        grouped([one])
    with pytest.raises(RunError, match="a second run of a on s"):
        grouped([one, one])
    with pytest.raises(RunError, match="no set in common"):
        grouped([one, run_of(tmp_path, "b", "t", [True])])


def test_figures_that_cannot_be_written_are_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [run_of(tmp_path, name, "s", [True, False]) for name in "ab"]
    (tmp_path / "full").write_text("no folder", "utf-8")
    asked = [*(str(run.path) for run in runs), "--out", str(tmp_path / "full/choose.json")]
    monkeypatch.setattr(sys, "argv", ["choose", *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 2 and "cannot be written" in printed.err
    assert "figures" not in printed.out
