"""A whole small recipe: real data, real trainings of a model of two layers; a played engine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training import evaluation, kto, recipe, settings, train
from training.evaluation import Scoring, viewed
from training.recipe import Step, place_of, steps, work
from training.settings import Evaluation, Recipe
from training.tests.tiny import make_data, make_model, make_recipe
from validation.tests.run_files import RunFile

ROOT = Path(__file__).resolve().parents[2]


class PlayedEngine:
    """Solves as validation would record it: every other candidate is right."""

    def __init__(self) -> None:
        self.solved: list[str] = []

    def __call__(
        self, scored: Scoring, how: Evaluation, folder: Path, engine_url: str = ""
    ) -> Path:
        view = viewed(scored, how, folder)
        run = RunFile()
        for line in scored.problems.read_text("utf-8").splitlines()[: scored.most]:
            row = json.loads(line)
            run.votes(row["id"], row["answer"], [row["answer"], 0], row["answer"])
        self.solved.append(
            f"{scored.name} by {(view / 'config.json').resolve().parent.parent.name}"
        )
        done = evaluation.done_file(scored.name, folder)
        done.write_text("{}", "utf-8")
        return run.save(evaluation.run_file(scored.name, folder))


def without_processes(step: Step, made: Recipe, place: recipe.Place) -> int:
    """Do a step in this process: starting Python with torch anew takes most of a test's time."""
    if step.scored:
        evaluation.evaluate(step.scored, made.evaluation, place.evaluations)
        return 0
    command = list(step.command)
    named = dict(zip(command[3::2], command[4::2], strict=True))
    values = {name.removeprefix("--"): value for name, value in named.items()}
    if "training.dataset" in command:
        folder = make_data(Path(values["out"]), 6)
        for kind in ("known", "heldout"):
            rows = (folder / "train.jsonl").read_text("utf-8")
            (folder / f"problems-{kind}.jsonl").write_text(rows, "utf-8")
        return 0
    paths: dict[str, Any] = {name: Path(values[name]) for name in ("data", "out")}
    known = {name: value for name, value in values.items() if name not in paths}
    if "training.kto" in command:
        return kto.train(kto.KtoOptions(**known, **paths))
    return train.train(train.TrainOptions(**known, **paths))


def test_a_whole_recipe_from_base_to_kto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played = PlayedEngine()
    monkeypatch.setattr(evaluation, "evaluate", played)
    monkeypatch.setattr(recipe, "_do", without_processes)
    monkeypatch.setattr(recipe, "DRY_RUN_PROBLEMS", tmp_path / "out/data/tir/train.jsonl")
    base = make_model(tmp_path / "model/base")
    path = make_recipe(tmp_path / "tiny.toml", base)
    made = settings.load(str(path))
    place = place_of(made, tmp_path / "out")
    place.evaluations.mkdir(parents=True)
    every = list(steps(made, str(path), place, str(base)))
    assert work(every, made, place) == 0
    asked = {step.scored.name: step.scored for step in every if step.scored}
    how = made.evaluation
    assert (asked["cot-known"].most, asked["tir-known"].most) == (how.words, how.known)
    assert how.words < how.known
    assert asked["cot-known"].settings["rounds"] == 1
    names = [step.name for step in every]
    assert names.index("cot") < names.index("tir") < names.index("kto")
    assert "tir-known by tir" in played.solved
    assert "kto-heldout by kto" in played.solved
    report = json.loads((place.model("kto") / "training.json").read_text("utf-8"))
    assert [stage["stage"] for stage in report["stages"]] == ["cot", "tir", "kto"]
    assert all(step.done.is_file() for step in every)
    assert set(json.loads((place.folder / "seconds.json").read_text("utf-8"))) == set(names)
    capsys.readouterr()
    assert work(every, made, place) == 0  # nothing is done again
    assert capsys.readouterr().out.count("done before") == len(every)


def test_a_recipe_that_trains_otherwise_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "tiny.toml", tmp_path)
    before = place_of(settings.load(str(path)))
    text = path.read_text("utf-8")
    path.write_text(text.replace("temperature = 0.6", "temperature = 0.5"), "utf-8")
    assert place_of(settings.load(str(path))) == before
    path.write_text(text.replace("epochs = 2", "epochs = 3"), "utf-8")
    assert place_of(settings.load(str(path))) != before


def test_a_step_that_fails_ends_the_recipe_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def fails(step: Step, made: Recipe, place: recipe.Place) -> int:
        tried.append(step.name)
        return 3 if step.name == "data-tir" else 0

    monkeypatch.setattr(recipe, "_do", fails)
    path = make_recipe(tmp_path / "tiny.toml", tmp_path)
    made = settings.load(str(path))
    place = place_of(made, tmp_path)
    assert work(list(steps(made, str(path), place, "base")), made, place) == 3
    assert tried == ["data-cot", "data-tir"]


def test_a_view_has_the_evaluations_settings_and_the_models_own(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    (model / "profile.json").write_text('{"temperature": 0.1, "max_new_tokens": 99}', "utf-8")
    scored = Scoring("x", model, tmp_path / "p.jsonl", 5, {"stop": ["```"]})
    view = viewed(scored, Evaluation(temperature=0.7, rounds=2), tmp_path / "runs")
    profile = json.loads((view / "profile.json").read_text("utf-8"))
    assert profile == {"temperature": 0.7, "max_new_tokens": 99, "rounds": 2, "stop": ["```"]}
    assert (view / "config.json").resolve() == (model / "config.json").resolve()


def test_a_dry_run_of_the_real_recipe_prints_its_commands() -> None:
    command = [sys.executable, "-m", "training.recipe", "--recipe", "nowhere", "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "RECIPE is one of embedded, numina-7b" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_draft_comes_first_and_the_second_pass_mends_its_errors(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "tiny.toml", tmp_path / "base")
    plain = settings.load(str(path))
    table = "[data.draft]\nrows = 7\n[draft]\n" + path.read_text("utf-8").split("[tir]\n")[1]
    path.write_text(path.read_text("utf-8") + table.split("[kto]")[0], "utf-8")
    made = settings.load(str(path))
    assert made.stages == ("cot", "draft", "tir") and plain.stages == ("cot", "tir")
    assert place_of(made, None) != place_of(plain, None)
    place = place_of(made, tmp_path / "out")
    every = {step.name: step for step in steps(made, str(path), place, "base")}
    names = list(every)
    order = ["data-draft", "base-known", "draft", "data-tir", "tir", "tir-known", "kto"]
    assert sorted(order, key=names.index) == order
    assert "draft-known" not in names
    draft, data, tir = (every[name].command for name in ("data-draft", "data-tir", "tir"))
    assert ("--kind", "tir") == draft[3:5] == data[3:5] and "7" in draft
    model = str(place.model("draft"))
    assert data[data.index("--errors-of") + 1] == tir[tir.index("--model") + 1] == model
    assert "--errors-of" not in draft
    with pytest.raises(settings.TrainingError, match="has no stage draft: set STAGE to one of cot"):
        plain.stage("draft")
