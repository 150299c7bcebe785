import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from kernel.config import Config
from training import train
from training.progress import LossError, read
from training.settings import TrainingError
from training.tests.tiny import TEMPLATE, make_data, make_model, make_recipe
from training.train import TrainOptions

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def given(tmp_path: Path) -> TrainOptions:
    """Options of a training of some steps on the tiny model."""
    model = make_model(tmp_path / "base")
    recipe = make_recipe(tmp_path / "tiny.toml", model)
    data = make_data(tmp_path / "data")
    return TrainOptions(stage="tir", data=data, recipe=str(recipe), out=tmp_path / "run")


def losses(options: TrainOptions) -> dict[int, float]:
    assert options.out
    lines = read(options.out / "metrics.jsonl")
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def command(options: TrainOptions) -> list[str]:
    named = {"stage": options.stage, "data": options.data, "out": options.out}
    given = [f"--{name}={value}" for name, value in named.items()]
    return [sys.executable, "-m", "training.train", f"--recipe={options.recipe}", *given]


def started(options: TrainOptions) -> "subprocess.Popen[bytes]":
    """Start a training that slows down enough to be hit in the middle."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command(options), cwd=ROOT, env=environment)


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something has happened; a process that ended has happened too."""
    while not condition() and process.poll() is None:
        time.sleep(0.01)


def test_a_killed_run_goes_on_with_the_losses_of_a_whole_one(
    given: TrainOptions, tmp_path: Path
) -> None:
    whole = replace(given, out=tmp_path / "whole")
    assert train.train(whole) == 0
    assert given.out
    out = given.out
    process = started(given)
    wait_for(lambda: len(list(out.glob("checkpoint-*/trainer_state.json"))) > 1, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (out / "model").exists()
    torn = out / "checkpoint-999"
    torn.mkdir()  # as a kill in the middle of writing leaves it
    assert train.train(given) == 0
    assert losses(given) == losses(whole)
    assert len(losses(given)) > 4
    assert not torn.exists()


def test_ctrl_c_keeps_what_is_done(given: TrainOptions) -> None:
    assert given.out
    out = given.out
    process = started(given)
    wait_for(lambda: len(read(out / "metrics.jsonl")) > 0, process)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert list(out.glob("checkpoint-*/trainer_state.json"))
    assert train.train(given) == 0


def test_the_model_is_one_that_other_commands_take(given: TrainOptions) -> None:
    assert train.train(given) == 0
    assert given.out
    model = given.out / "model"
    settings: dict[str, Any] = json.loads((model / "tokenizer_config.json").read_text("utf-8"))
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert settings["chat_template"] == TEMPLATE
    assert AutoTokenizer.from_pretrained(str(model)).chat_template == TEMPLATE
    config = json.loads((model / "config.json").read_text("utf-8"))
    assert config["dtype"] == "bfloat16"
    profile = json.loads((model / "profile.json").read_text("utf-8"))
    assert Config().updated(profile).examples == ()
    report = json.loads((model / "training.json").read_text("utf-8"))
    assert report["stages"][0]["figures"]["rows"] == 12
    card = (model / "README.md").read_text("utf-8")
    assert "Tool-integrated reasoning" in card
    assert "{{" not in card
    assert (given.out / "loss.png").is_file()


def test_the_second_stage_remembers_the_first(given: TrainOptions, tmp_path: Path) -> None:
    first = replace(given, stage="cot", out=tmp_path / "cot")
    assert train.train(first) == 0
    second = replace(given, model=str(tmp_path / "cot/model"))
    assert train.train(second) == 0
    assert given.out
    report = json.loads((given.out / "model/training.json").read_text("utf-8"))
    assert [stage["stage"] for stage in report["stages"]] == ["cot", "tir"]
    assert report["base"] == "base"


def test_a_finished_training_is_not_repeated(
    given: TrainOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.train(given) == 0
    capsys.readouterr()
    assert train.train(given) == 0
    assert capsys.readouterr().out.startswith("done before")


def test_a_loss_that_is_no_number_stops_with_the_step(
    given: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = train.fine_tuning.PackedTrainer.compute_loss

    def broken(self: Any, *arguments: Any, **named: Any) -> Any:
        value = loss(self, *arguments, **named)
        return value * float("nan") if self.state.global_step == 2 else value

    monkeypatch.setattr(train.fine_tuning.PackedTrainer, "compute_loss", broken)
    with pytest.raises(LossError, match="The loss of step 3 is not a number"):
        train.train(given)
    assert given.out
    assert [path.name for path in sorted(given.out.glob("checkpoint-*"))][-1] == "checkpoint-2"
    monkeypatch.undo()
    assert train.train(given) == 0
    assert all(loss < 100 for loss in losses(given).values())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"learning_rate": 5e-4}, "holds a training with settings"),
        ({"stage": "cot"}, "holds a training with s"),
    ],
)
def test_a_folder_of_another_training_is_refused(
    given: TrainOptions, change: dict[str, Any], fault: str
) -> None:
    assert train.train(given) == 0
    with pytest.raises(TrainingError, match=fault):
        train.train(replace(given, **change))


def test_a_model_without_a_chat_template_is_refused(given: TrainOptions, tmp_path: Path) -> None:
    model = make_model(tmp_path / "bare", template=None)
    with pytest.raises(TrainingError, match="has no chat template: give one in the recipe"):
        train.train(replace(given, model=str(model)))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"model": "./nowhere/model"}, "is not a model|no tokenizer"),
        ({"data": Path("nowhere")}, "make it with `make dataset`"),
        ({"recipe": "nowhere"}, "RECIPE is one of embedded, numina-7b"),
        ({"hours": 1e-9}, "more than the 1e-09 that the recipe allows"),
        ({"tracker": "wandb"}, "is not installed here"),
        ({"tracker": "abacus"}, "TRACKER is one of trackio, wandb, tensorboard"),
        ({"learning_rate": -1.0}, "set it above 0"),
    ],
)
def test_bad_input_is_one_sentence(given: TrainOptions, change: dict[str, Any], fault: str) -> None:
    with pytest.raises(TrainingError, match=fault) as caught:
        train.train(replace(given, **change))
    assert "\n" not in str(caught.value)


def test_the_command_ends_with_2_and_no_traceback(given: TrainOptions) -> None:
    bad = replace(given, data=Path("nowhere"))
    done = subprocess.run(command(bad), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "make dataset" in done.stderr
