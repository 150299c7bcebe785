"""Uploading with the real client against the stand-in: nothing is lost, and nothing sent twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common import manifest
from notebooks.mock.kaggle_service.account import Account, Version
from notebooks.packaging import settings
from notebooks.publishing import datasets, staging
from notebooks.publishing.client import KaggleError
from notebooks.publishing.datasets import Progress, Upload
from notebooks.publishing.tests.kaggle_standing import CHECKPOINT, SIZE, make_dist, standing

MODEL = "anna/aimo-sc-tir-model"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    account = Account()
    with standing(account, tmp_path / "home"):
        yield account


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return make_dist(tmp_path / "dist")


@pytest.fixture
def upload(dist: Path) -> Upload:
    return stage(dist)


def stage(dist: Path) -> Upload:
    package = staging.examine(dist, settings.load()).owned_by("anna")
    return staging.stage_dataset(package, "model")


def send(upload: Upload) -> list[Progress]:
    shown: list[Progress] = []
    datasets.send(upload, "a note", shown.append, 0.0)
    return shown


def arrived(account: Account, upload: Upload) -> bool:
    files = account.datasets[MODEL][-1].files
    return files == {name: (upload.folder / name).read_bytes() for name in upload.sizes()}


def test_a_file_that_the_client_drops_is_sent_again_alone(account: Account, upload: Upload) -> None:
    account.faults.refuse[CHECKPOINT] = 1
    send(upload)
    assert arrived(account, upload)
    assert len(account.datasets[MODEL]) == 1, "no dataset without the file was published"
    names = [name for name, _, _ in account.puts]
    assert sorted(names) == sorted(upload.sizes()), "the other files were not sent twice"


def test_a_file_that_is_always_dropped_is_one_sentence(account: Account, upload: Upload) -> None:
    account.faults.refuse[CHECKPOINT] = 9
    with pytest.raises(KaggleError) as error:
        send(upload)
    assert f"{CHECKPOINT} did not arrive" in str(error.value)
    assert "run the same command again later" in str(error.value)
    assert MODEL not in account.datasets


def test_a_file_that_is_missing_there_is_noticed(account: Account, upload: Upload) -> None:
    account.faults.lose.add("README.md")
    with pytest.raises(KaggleError, match=r"not complete after two uploads \(README.md is missing"):
        send(upload)
    assert len(account.datasets[MODEL]) == 2, "it was uploaded again once"


def test_an_upload_cut_in_the_middle_is_resumed(account: Account, upload: Upload) -> None:
    account.faults.break_off[CHECKPOINT] = 1_200_000
    shown = send(upload)
    pieces = [(begin, count) for name, begin, count in account.puts if name == CHECKPOINT]
    assert pieces == [(0, 1_200_000), (1_200_000, SIZE - 1_200_000)]
    assert arrived(account, upload)
    reached = [each.bytes for each in shown if each.file == CHECKPOINT]
    resumed = max(at for at in range(1, len(reached)) if reached[at] < reached[at - 1])
    assert reached[resumed] >= 1_200_000, "what had arrived counts"
    assert shown[-1].bytes == sum(upload.sizes().values())


def test_a_title_that_is_taken_is_told_though_the_client_exits_0(
    account: Account, upload: Upload
) -> None:
    account.faults.title_taken = True
    with pytest.raises(KaggleError, match='"AIMO SC-TIR model, 8 bit" is already in use'):
        send(upload)


def test_a_changed_folder_becomes_a_new_version(account: Account, dist: Path) -> None:
    first = stage(dist)
    send(first)
    assert datasets.is_there(first)
    (dist / "model" / "README.md").write_text("# Another model card")
    manifest.write(dist / "model")
    changed = stage(dist)
    assert not datasets.is_there(changed)
    assert datasets.send(changed, "", lambda _: None, 0.0) == 2
    assert arrived(account, changed)


def test_the_same_manifest_without_all_files_is_not_there(account: Account, upload: Upload) -> None:
    kept = {manifest.NAME: (upload.folder / manifest.NAME).read_bytes()}
    account.datasets[MODEL] = [Version(kept, {})]
    assert not datasets.is_there(upload)


def test_a_list_of_several_pages_is_read_whole(account: Account) -> None:
    files = {f"{number:03}.whl": bytes(number) for number in range(450)}
    account.datasets[MODEL] = [Version(files, {})]
    assert datasets.remote_sizes(MODEL) == {f"{n:03}.whl": n for n in range(450)}


def test_a_dataset_that_kaggle_gives_up_is_one_sentence(account: Account) -> None:
    account.datasets[MODEL] = [Version({}, {}, ["BLOBS_RECEIVED", "FAILED"])]
    with pytest.raises(KaggleError, match="reports version 1 failed"):
        datasets.await_ready(MODEL, 1, 0.0)


def test_a_name_that_is_free_is_no_error_but_no_answer_is(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert datasets.state("anna/nothing-there") is None
    account.datasets[MODEL] = [Version({}, {}, ["NO_SUCH_STATE"])]
    with pytest.raises(KaggleError, match="client says"):
        datasets.state(MODEL)
