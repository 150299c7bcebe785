from dataclasses import replace
from pathlib import Path

import pytest

from training import settings
from training.estimates import GIB, Needs, Work, needs, refusal, shape_of
from training.machine import H100_FLOPS, Machine
from training.preview import DEEPSEEK_7B, H100_BYTES, preview, works
from training.settings import TrainingError
from training.tests.tiny import make_model

H100S = Machine("cuda", "H100", 8, "bfloat16", 1, H100_BYTES, H100_FLOPS)
CPU = Machine("cpu", "CPU", 1, "float32", 1, 8 * GIB, 80e9)
SMALL = Work(150_000, 1024, checkpointing=False, learnt=0.6)


def test_the_published_ten_hours_are_met_within_a_factor_of_one_and_a_half() -> None:
    stages = works(settings.load("numina-7b"))
    hours = sum(needs(DEEPSEEK_7B, stages[name], H100S).hours for name in ("cot", "tir"))
    assert 10 / 1.5 < hours < 10 * 1.5


def test_the_7b_fits_eight_gpus_and_not_one() -> None:
    work = works(settings.load("numina-7b"))["cot"]
    found = needs(DEEPSEEK_7B, work, H100S)
    assert refusal(found, H100S, 2**43, hours=24) is None
    alone = replace(H100S, devices=1)
    why = refusal(needs(DEEPSEEK_7B, work, alone), alone, 2**43, hours=240)
    assert why
    assert why.startswith("This takes 1")
    assert "GiB of memory on each H100" in why


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"memory": {"weights": 9.0 * GIB}}, "GiB of memory on each CPU"),
        ({"disk_bytes": 5.0 * GIB}, "GiB of disk"),
        ({"hours": 4.0}, "about 4.0 hours here, more than the 3"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(change: dict[str, object], says: str) -> None:
    found = replace(Needs({"weights": 1.0 * GIB}, 1.0 * GIB, 1.0), **change)  # pyright: ignore
    why = refusal(found, CPU, 4 * GIB, hours=3)
    assert why
    assert says in why


def test_memory_is_what_a_training_was_seen_to_take() -> None:
    embedded = replace(DEEPSEEK_7B, parameters=134_515_008, hidden=576, intermediate=1536)
    embedded = replace(embedded, vocabulary=49_152)
    peak = 4.9e9  # of the process, blocks of 1,024 tokens, measured
    assert needs(embedded, SMALL, CPU).memory_bytes == pytest.approx(peak, rel=0.25)


def test_checkpointing_takes_less_memory_and_more_time() -> None:
    plain = needs(DEEPSEEK_7B, replace(SMALL, checkpointing=False), H100S)
    again = needs(DEEPSEEK_7B, replace(SMALL, checkpointing=True), H100S)
    assert again.memory["activations"] < plain.memory["activations"] / 5
    assert again.hours == pytest.approx(plain.hours * 8 / 6)


def test_the_shape_is_read_without_weights(tmp_path: Path) -> None:
    folder = make_model(tmp_path)
    for path in folder.glob("*.safetensors"):
        path.unlink()
    shape = shape_of(folder)
    assert (shape.layers, shape.hidden, shape.vocabulary) == (2, 32, 260)
    assert 20_000 < shape.parameters < 40_000


def test_what_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a model that transformers reads"):
        shape_of(tmp_path)


def test_the_preview_shows_commands_memory_hours_and_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(recipe: settings.Recipe) -> object:
        return DEEPSEEK_7B

    monkeypatch.setattr("training.preview._shape", offline)
    recipe = settings.load("numina-7b")
    text = "\n".join(preview(recipe, [("cot", ("accelerate", "launch", "a b"))]))
    assert "accelerate launch 'a b'" in text
    for word in ("memory", "disk", "time", "cost: about $", "8 x H100", "6.9B"):
        assert word in text
