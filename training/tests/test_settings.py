from pathlib import Path

import pytest

from training import settings
from training.settings import TrainingError
from training.tests.tiny import RECIPE, make_recipe


@pytest.mark.parametrize("name", ["embedded", "numina-7b"])
def test_the_recipes_that_come_with_the_package_load(name: str) -> None:
    recipe = settings.load(name)
    assert recipe.name == name
    assert recipe.chat_template


def test_the_published_values_are_those_of_the_configuration_files() -> None:
    recipe = settings.load("numina-7b")
    cot, tir = recipe.cot, recipe.tir
    assert (cot.learning_rate, cot.epochs, cot.batch, cot.block, cot.warmup) == (
        2e-5,
        3,
        32,
        2048,
        0,
    )
    assert (tir.learning_rate, tir.epochs, tir.batch, tir.warmup) == (2e-5, 4, 32, 0.1)
    assert not cot.mask_outputs
    assert not tir.mask_outputs
    assert recipe.accelerate
    assert (settings.FOLDER / recipe.accelerate).is_file()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("[cot]", "[other]", "other|cot"),
        ("learning_rate = 1e-3", "learning_rat = 1e-3", "'learning_rat' is not a setting of cot"),
        ("learning_rate = 1e-3", "learning_rate = -1", "cot: learning_rate is -1"),
        ("block = 512\n", "", "cot lacks or mistypes a setting"),
        ("samples_at_once = 2", "samples_at_once = 1", "samples_at_once must be at least 2"),
        ("seed = 1", "seed = ", "is not TOML"),
        ("seed = 1\n", "", "recipe lacks or mistypes"),
    ],
)
def test_a_bad_recipe_is_one_sentence(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in RECIPE
    path = make_recipe(tmp_path / "tiny.toml", tmp_path)
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(TrainingError, match=fault) as caught:
        settings.load(str(path))
    assert str(path) in str(caught.value)


def test_only_what_is_given_changes_a_stage() -> None:
    stage = settings.load("embedded").tir
    changed = settings.changed(stage, learning_rate=1.0, epochs=None)
    assert (changed.learning_rate, changed.epochs) == (1.0, stage.epochs)
