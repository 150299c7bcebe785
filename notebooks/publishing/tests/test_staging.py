"""What is uploaded is what `make package` made, whole, under the owner's name."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from common import manifest
from notebooks.packaging import settings
from notebooks.packaging.metadata import kernel_metadata
from notebooks.packaging.settings import SettingsError
from notebooks.publishing import published, staging
from notebooks.publishing.published import Publication
from notebooks.publishing.staging import StagingError
from notebooks.publishing.tests.kaggle_standing import CHECKPOINT, command, make_dist


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return make_dist(tmp_path / "dist")


def remove(*names: str) -> Callable[[Path], None]:
    def change(dist: Path) -> None:
        for name in names:
            path = dist / name
            path.rename(dist / "elsewhere")

    return change


def rewrite(name: str, text: str) -> Callable[[Path], None]:
    return lambda dist: (dist / name).write_text(text) and None


UNFIT = {
    "nothing built": (remove("kernel"), "kernel-metadata.json: run `make package` first"),
    "no notebook": (remove("kernel/submission.ipynb"), "submission.ipynb: run `make package`"),
    "no wheels": (remove("wheels"), "wheels: run `make package` first"),
    "no model": (remove("model"), "make it with `make quantize MODEL=...`, or name an uploaded"),
    "file gone": (remove(f"model/{CHECKPOINT}"), f"{CHECKPOINT} is missing; run `make package`"),
    "file changed": (rewrite("model/README.md", "# Another"), "README.md has"),
    "file added": (rewrite("wheels/new.whl", "x"), "new.whl is not in the manifest; run"),
    "no manifest": (remove("wheels/manifest.json"), "cannot be read"),
    "metadata broken": (rewrite("kernel/kernel-metadata.json", "{}"), "cannot be read: run"),
    "other settings": (
        rewrite("kernel/kernel-metadata.json", '{"dataset_sources": ["OWNER/a", "OWNER/b-c-d"]}'),
        "does not match kaggle.toml any more: run `make package` again",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_dist_is_one_sentence_with_the_command(name: str, dist: Path) -> None:
    change, sentence = UNFIT[name]
    change(dist)
    with pytest.raises(StagingError) as error:
        staging.examine(dist, settings.load())
    assert sentence in str(error.value) and "\n" not in str(error.value)


def test_the_command_ends_with_2_and_the_sentence(dist: Path) -> None:
    remove("wheels")(dist)
    ended = command("publish", dist, "--dry-run")
    assert ended.code == 2
    assert ended.err.strip().endswith("wheels: run `make package` first.")


def test_only_the_manifest_s_files_are_staged_with_the_owner_s_name(dist: Path) -> None:
    (dist / "model" / ".built.json").write_text("{}")
    package = staging.examine(dist, settings.load()).owned_by("anna")
    upload = staging.stage_dataset(package, "model")
    there = {path.name for path in upload.folder.iterdir()}
    assert there == {CHECKPOINT, "README.md", manifest.NAME, "dataset-metadata.json"}
    metadata = json.loads((upload.folder / "dataset-metadata.json").read_text())
    assert metadata["id"] == upload.reference == "anna/aimo-sc-tir-model"
    # The client resumes an upload only of a file with the same time of change.
    for name in (CHECKPOINT, manifest.NAME):
        assert (upload.folder / name).stat().st_mtime == (dist / "model" / name).stat().st_mtime
    kernel = staging.stage_kernel(package)
    pushed = json.loads((kernel / "kernel-metadata.json").read_text())
    assert settings.OWNER not in json.dumps(pushed)
    assert (kernel / "submission.ipynb").read_bytes() == package.notebook.read_bytes()


def test_an_owner_of_the_settings_stays(dist: Path) -> None:
    package = staging.examine(dist, settings.load())
    package = replace(package, settings=replace(package.settings, owner="our-team"))
    assert package.owned_by("anna").reference("wheels") == "our-team/aimo-sc-tir-wheels"


def test_an_uploaded_model_needs_no_model_here(dist: Path) -> None:
    remove("model")(dist)
    named = staging.examine(dist, settings.load(), "bert/model-8bit")
    metadata = kernel_metadata(settings.load(), "bert/model-8bit")
    (dist / "kernel" / "kernel-metadata.json").write_text(json.dumps(metadata))
    packed = staging.examine(dist, settings.load())
    for package in (named, packed):
        assert package.datasets == ("wheels",)
        assert package.kernel_metadata()["dataset_sources"][1] == "bert/model-8bit"
    with pytest.raises(SettingsError, match="give it as owner/slug"):
        staging.examine(dist, settings.load(), "model-8bit")


def test_the_key_changes_with_all_that_a_version_is_made_of(dist: Path) -> None:
    def key(owner: str = "anna") -> str:
        return staging.examine(dist, settings.load()).owned_by(owner).key()

    keys = [key(), key("bert")]
    assert key() == keys[0]
    (dist / "kernel" / "submission.ipynb").write_text("{}")
    keys.append(key())
    (dist / "model" / "README.md").write_text("# Another")
    manifest.write(dist / "model")
    keys.append(key())
    assert len(set(keys)) == 4


def test_what_was_published_is_read_back_or_not_at_all(tmp_path: Path) -> None:
    assert published.load(tmp_path) is None
    kept = Publication("anna/aimo-sc-tir", 3, "key", "bert/model-8bit", "submission.csv")
    published.save(tmp_path, kept)
    assert published.load(tmp_path) == kept
    assert kept.message == "aimo-sc-tir version 3"
    (tmp_path / published.NAME).write_text('{"version": 3}')
    assert published.load(tmp_path) is None
