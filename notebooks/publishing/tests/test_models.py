"""A Kaggle Model of `dist/model` with the real client against the stand-in, and what is dropped."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from common import manifest
from notebooks.mock.kaggle_service.account import Account, Version
from notebooks.packaging import settings
from notebooks.packaging.metadata import kernel_metadata
from notebooks.packaging.settings import Settings
from notebooks.publishing import kernels, models, publish, published, staging
from notebooks.publishing.client import KaggleError
from notebooks.publishing.datasets import Upload
from notebooks.publishing.staging import Package, StagingError
from notebooks.publishing.tests.kaggle_standing import CHECKPOINT, SIZE, make_dist, standing

NAME = "anna/aimo-sc-tir-model/transformers/8bit"
FRAMEWORK = "MODEL_FRAMEWORK_TRANSFORMERS"
"""As the client sends it."""
QWEN = "qwen-lm/qwen2.5-math/transformers/7b-instruct/1"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    account = Account(
        outputs={"submission.csv": b"id", "summary.json": b'{"problems": [{"source": "vote"}]}'}
    )
    with standing(account, tmp_path / "home"):
        yield account


def as_model(chosen: Settings) -> Settings:
    return replace(chosen, model=replace(chosen.model, kind="model"))


def named(chosen: Settings) -> Settings:
    return replace(chosen, model_sources=(QWEN,))


def package_of(dist: Path, chosen: Settings) -> Package:
    """Check a `dist` whose notebook was packed with these settings."""
    path = dist / "kernel/kernel-metadata.json"
    path.write_text(json.dumps(kernel_metadata(chosen)))
    return staging.examine(dist, chosen)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return make_dist(tmp_path / "dist")


@pytest.fixture
def upload(dist: Path) -> Upload:
    package = package_of(dist, as_model(settings.load())).owned_by("anna")
    return staging.stage_dataset(package, "model")


def kept(account: Account) -> list[Version]:
    (versions,) = account.variations.values()
    return versions


def send(upload: Upload, dist: Path) -> int:
    return models.send(upload, dist, "a note", lambda _: None, 0.0)


def test_a_model_is_created_with_its_variation_and_then_gets_versions(
    account: Account, upload: Upload, dist: Path
) -> None:
    assert models.newest(NAME) is None and models.unchanged(upload, dist) is None
    assert send(upload, dist) == 1
    described = account.models["anna/aimo-sc-tir-model"]
    assert described["isPrivate"] is True and described["title"] == "AIMO SC-TIR model, 8 bit"
    assert kept(account)[0].metadata["licenseName"] == "Apache 2.0"
    assert set(kept(account)[0].files) == {CHECKPOINT, "README.md", "manifest.json"}
    assert models.unchanged(upload, dist) == 1
    assert (models.is_source(f"{NAME}/1"), models.is_source(f"{NAME}/2")) == (True, False)
    assert send(upload, dist) == 2
    assert account.calls.count("CreateModel") == 1


def test_what_changed_on_either_side_is_uploaded_again(
    account: Account, upload: Upload, dist: Path
) -> None:
    send(upload, dist)
    del kept(account)[0].files["README.md"]
    assert models.unchanged(upload, dist) is None
    send(upload, dist)
    (dist / "model/README.md").write_text("# Another")
    manifest.write(dist / "model")
    package = package_of(dist, as_model(settings.load())).owned_by("anna")
    assert models.unchanged(staging.stage_dataset(package, "model"), dist) is None


def test_a_file_that_the_client_drops_is_sent_again(
    account: Account, upload: Upload, dist: Path
) -> None:
    account.faults.refuse[CHECKPOINT] = 1
    assert send(upload, dist) == 1
    assert len(kept(account)) == 1
    assert len(kept(account)[0].files[CHECKPOINT]) == SIZE


def test_a_file_that_never_arrives_is_one_sentence(
    account: Account, upload: Upload, dist: Path
) -> None:
    account.faults.lose.add("README.md")
    with pytest.raises(KaggleError, match=r"not complete after two uploads \(README.md is missing"):
        send(upload, dist)
    assert not (dist / models.RECORD).exists()


def test_a_model_that_kaggle_refuses_is_one_sentence(
    account: Account, upload: Upload, dist: Path
) -> None:
    account.faults.model_error = "The slug is already in use."
    with pytest.raises(KaggleError, match=r"Creating the model .* slug is already in use"):
        send(upload, dist)


def test_publish_brings_a_kaggle_model_and_attaches_that_version(
    account: Account, dist: Path
) -> None:
    # A version of before, so that this one's number is not what the package was built with.
    account.models["anna/aimo-sc-tir-model"] = {}
    account.variations[NAME.replace("transformers", FRAMEWORK)] = [Version({}, {})]
    publish.publish(Console(), package_of(dist, as_model(settings.load())), 0.0)
    (sent,) = account.notebooks
    assert sent["modelDataSources"] == [f"{NAME}/2"]
    assert sent["datasetDataSources"] == ["anna/aimo-sc-tir-wheels"]
    last = published.load(dist)
    assert last is not None and last.model_version == 2
    assert set(account.datasets) == {"anna/aimo-sc-tir-wheels"}


def test_a_named_kaggle_model_is_attached_and_nothing_uploaded(
    account: Account, dist: Path
) -> None:
    (dist / "model").rename(dist / "elsewhere")
    package = package_of(dist, named(settings.load()))
    with pytest.raises(StagingError, match=f"no model {QWEN}: check model_sources"):
        publish.publish(Console(), package, 0.0)
    assert account.blobs == {} and account.notebooks == []
    there = QWEN.replace("transformers", FRAMEWORK).removesuffix("/1")
    account.variations[there] = [Version({}, {})]
    publish.publish(Console(), package, 0.0)
    assert account.notebooks[0]["modelDataSources"] == [QWEN]
    assert not account.models


@pytest.mark.parametrize("kind", ["model", "dataset", "competition"])
def test_a_source_that_was_dropped_silently_is_one_sentence(
    account: Account, dist: Path, kind: str
) -> None:
    package = package_of(dist, named(settings.load())).owned_by("anna")
    dropped: str = package.kernel_metadata()[f"{kind}_sources"][0]
    account.faults.dropped_sources = [dropped]
    with pytest.raises(KaggleError) as error:
        kernels.push(staging.stage_kernel(package))
    assert f"without its {kind} sources ['{dropped}']" in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_is_waited_for_nor_submitted_after_a_dropped_source(
    account: Account, dist: Path
) -> None:
    account.faults.dropped_sources = ["anna/aimo-sc-tir-model"]
    package = staging.examine(dist, settings.load())
    with pytest.raises(KaggleError, match="saved the notebook without its dataset sources"):
        publish.publish(Console(), package, 0.0)
    assert published.load(dist) is None
    assert "GetKernelSessionStatus" not in account.calls


def test_another_machine_than_asked_for_is_one_sentence(account: Account, dist: Path) -> None:
    package = staging.examine(dist, settings.load()).owned_by("anna")
    account.faults.saved_shape = "NvidiaTeslaP100"
    with pytest.raises(KaggleError, match="for the machine NvidiaTeslaP100, not NvidiaTeslaT4"):
        kernels.push(staging.stage_kernel(package))


@pytest.mark.parametrize(("name", "shape"), [("l4x4", "NvidiaL4"), ("h100", "NvidiaH100")])
def test_the_client_sends_the_accelerators_machine(
    account: Account, dist: Path, name: str, shape: str
) -> None:
    chosen = replace(settings.load(), accelerator=name)
    kernels.push(staging.stage_kernel(package_of(dist, chosen).owned_by("anna")))
    sent: dict[str, Any] = account.notebooks[0]
    assert sent["machineShape"] == shape and sent["enableGpu"] is True
