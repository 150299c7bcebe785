"""The settings file: read whole, refused with one sentence, and turned into Kaggle's metadata."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notebooks.packaging.accelerators import ACCELERATORS, Accelerator
from notebooks.packaging.metadata import dataset_metadata, kernel_metadata
from notebooks.packaging.settings import OWNER, PATH, Settings, SettingsError, load
from notebooks.packaging.wheelhouse import PROFILES
from validation.simulation.costs import GPUS


@pytest.fixture
def settings() -> Settings:
    return load()


def changed(folder: Path, old: str, new: str) -> Path:
    text = PATH.read_text("utf-8")
    assert old in text, "the test's own text must occur in the file"
    path = folder / "kaggle.toml"
    path.write_text(text.replace(old, new), "utf-8")
    return path


REFUSED = {
    "unknown key": ('owner = ""', 'owner = ""\nowners = "x"', "unknown key owners"),
    "unknown key in a table": ("[wheels]", '[wheels]\nlicense = "x"', "unknown key wheels.license"),
    "missing key": ('licence = "apache-2.0"', "", "model.licence is missing"),
    "no text": ('owner = ""', "owner = 7", "owner is 7"),
    "no table": ('[kernel]\nslug = "aimo-sc-tir"', 'kernel = "x"\n[wheels2]', "unknown key"),
    "short slug": ('"aimo-sc-tir-wheels"', '"aimow"', "wheels.slug has 5 characters"),
    "long slug": ('"aimo-sc-tir-model"', f'"{"a" * 51}"', "model.slug has 51 characters"),
    "capitals in slug": ('"aimo-sc-tir-model"', '"AIMO-model"', "use a-z, 0-9 and single hyphens"),
    "double hyphen": ('"aimo-sc-tir-model"', '"aimo--model"', "use a-z, 0-9 and single hyphens"),
    "short title": ('"AIMO SC-TIR wheels"', '"AIMO"', "wheels.title has 4 characters"),
    "short subtitle": (
        '"Packages for the offline install of the AIMO SC-TIR kernel"',
        '"nineteen characters"',
        "wheels.subtitle has 19 characters: Kaggle takes 20 to 80",
    ),
    "kernel's title": (
        'title = "AIMO SC-TIR"',
        'title = "AIMO by SC-TIR"',
        "Kaggle makes 'aimo-by-sc-tir' of kernel.title",
    ),
    "image without digest": (
        re.findall(r"@sha256:\w+", PATH.read_text("utf-8"))[0],
        ":latest",
        "kernel.image has no digest",
    ),
    "same slugs": ('"aimo-sc-tir-model"', '"aimo-sc-tir-wheels"', "are the same"),
    "no competition": ('"ai-mathematical-olympiad-prize"', '""', "competition is empty"),
    "no licence": ('licence = "other"', 'licence = ""', "wheels.licence is empty"),
    "owner with a slash": ('owner = ""', 'owner = "a/b"', "owner is 'a/b'"),
    "no TOML": ("[kernel]", "[kernel", "is not TOML"),
    "no such accelerator": ('"t4x2"', '"a100"', "accelerator is 'a100': take t4x2, l4x4 or h100"),
    "accelerator is not text": ('"t4x2"', "2", "accelerator is 2: give it as a text"),
    "sources are not a list": (
        "model_sources = []",
        'model_sources = "a/b"',
        "give a list of owner/",
    ),
    "a source of another form": (
        "model_sources = []",
        'model_sources = ["qwen/qwen2.5/transformers/7b"]',
        "give it as owner/model/framework/variation/version",
    ),
    "a source that is not text": (
        "model_sources = []",
        "model_sources = [1]",
        "model_sources has 1",
    ),
    "a source twice": (
        "model_sources = []",
        f"model_sources = {['a/b/c/d/1', 'a/b/c/d/1']}",
        "names a model twice",
    ),
    "no such kind": (
        'kind = "dataset"',
        'kind = "modle"',
        "model.kind is 'modle': take dataset or",
    ),
    "no such framework": ('"transformers"', '"torch"', "model.framework is 'torch'"),
    "variation with a slash": ('"8bit"', '"8/bit"', "model.variation is '8/bit'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_kaggle_would_refuse_is_one_sentence(name: str, tmp_path: Path) -> None:
    old, new, sentence = REFUSED[name]
    with pytest.raises(SettingsError) as error:
        load(changed(tmp_path, old, new))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml cannot be read"):
        load(tmp_path / "nowhere.toml")


def test_lengths_at_the_limits_are_taken(tmp_path: Path) -> None:
    path = changed(tmp_path, '"aimo-sc-tir-model"', f'"{"a" * 50}"')
    assert load(path).model.slug == "a" * 50


def test_without_an_owner_the_ids_hold_the_placeholder(settings: Settings) -> None:
    metadata = kernel_metadata(settings)
    assert settings.owner == ""
    assert metadata["id"] == f"{OWNER}/aimo-sc-tir"
    assert metadata["dataset_sources"] == [
        f"{OWNER}/aimo-sc-tir-wheels",
        f"{OWNER}/aimo-sc-tir-model",
    ]
    assert dataset_metadata(settings, "wheels")["id"] == f"{OWNER}/aimo-sc-tir-wheels"


def test_an_owner_stands_in_all_ids(settings: Settings) -> None:
    settings = replace(settings, owner="anna")
    everything = [kernel_metadata(settings), dataset_metadata(settings, "model")]
    assert OWNER not in json.dumps(everything)
    assert everything[1]["id"] == "anna/aimo-sc-tir-model"


def test_an_uploaded_model_takes_the_place_of_the_built_one(settings: Settings) -> None:
    sources = kernel_metadata(settings, "bert/other-model")["dataset_sources"]
    assert sources == [f"{OWNER}/aimo-sc-tir-wheels", "bert/other-model"]
    for wrong in ("other-model", "a/b/c", "/x", "a/"):
        with pytest.raises(SettingsError, match="give it as owner/slug"):
            kernel_metadata(settings, wrong)


def test_the_notebook_runs_on_two_t4s_privately_and_offline(settings: Settings) -> None:
    metadata = kernel_metadata(settings)
    wanted: dict[str, Any] = {
        "machine_shape": "NvidiaTeslaT4",
        "enable_internet": False,
        "is_private": True,
        "kernel_type": "notebook",
        "language": "python",
        "docker_image_pinning_type": "original",
        "competition_sources": ["ai-mathematical-olympiad-prize"],
    }
    assert {key: metadata[key] for key in wanted} == wanted
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", metadata["docker_image"])


def test_the_default_metadata_stays_byte_for_byte(settings: Settings) -> None:
    """NuminaMath on two T4s: what is there for other models and machines changes nothing of it."""
    expected = (
        '{"id": "OWNER/aimo-sc-tir", "title": "AIMO SC-TIR", "code_file": "submission.ipynb", '
        '"language": "python", "kernel_type": "notebook", "is_private": true, "enable_gpu": true, '
        '"enable_internet": false, "machine_shape": "NvidiaTeslaT4", "dataset_sources": '
        '["OWNER/aimo-sc-tir-wheels", "OWNER/aimo-sc-tir-model"], "competition_sources": '
        '["ai-mathematical-olympiad-prize"], "kernel_sources": [], "model_sources": [], '
        f'"docker_image_pinning_type": "original", "docker_image": "{settings.kernel.image}"}}'
    )
    assert json.dumps(kernel_metadata(settings)) == expected


def test_a_file_of_before_the_accelerators_means_two_t4s(
    tmp_path: Path, settings: Settings
) -> None:
    new = ("accelerator", "model_sources", "kind", "framework", "variation")
    lines = PATH.read_text("utf-8").splitlines()
    path = tmp_path / "kaggle.toml"
    path.write_text("\n".join(line for line in lines if line.partition(" ")[0] not in new))
    assert load(path) == settings


@pytest.mark.parametrize("kind", ACCELERATORS.values())
def test_an_accelerator_has_wheels_and_a_plan(kind: Accelerator) -> None:
    assert kind.wheels in PROFILES and PROFILES[kind.wheels].lock.is_file()
    assert GPUS[kind.gpu].count == kind.gpus


def test_weights_come_from_one_place(settings: Settings) -> None:
    named = replace(settings, owner="anna", model_sources=("a/b/c/d/1", "a/e/c/d/2"))
    own = replace(named, model_sources=(), model=replace(settings.model, kind="model"))
    wheels = "anna/aimo-sc-tir-wheels"
    for metadata, sources in (
        (kernel_metadata(named), ([wheels], ["a/b/c/d/1", "a/e/c/d/2"])),
        (kernel_metadata(named, "bert/m-8bit"), ([wheels, "bert/m-8bit"], [])),
        (kernel_metadata(own), ([wheels], ["anna/aimo-sc-tir-model/transformers/8bit/1"])),
        (kernel_metadata(own, None, 7), ([wheels], ["anna/aimo-sc-tir-model/transformers/8bit/7"])),
    ):
        assert (metadata["dataset_sources"], metadata["model_sources"]) == sources
