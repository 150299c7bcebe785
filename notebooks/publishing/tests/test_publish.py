"""`make publish` and `make submit` with the real client against a stand-in for the service."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from notebooks.mock.kaggle_service.account import Account
from notebooks.packaging import settings
from notebooks.publishing import client, datasets, publish, published, staging, submit
from notebooks.publishing.client import CredentialError, KaggleError
from notebooks.publishing.publish import RunFailedError
from notebooks.publishing.staging import StagingError
from notebooks.publishing.tests.kaggle_standing import (
    CHECKPOINT,
    SIZE,
    Ended,
    command,
    finish,
    make_dist,
    standing,
    start,
)

MODEL, WHEELS = "anna/aimo-sc-tir-model", "anna/aimo-sc-tir-wheels"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return make_dist(tmp_path / "dist")


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    account = Account(
        outputs={
            "submission.csv": b"id,answer\n",
            "summary.json": b'{"problems": [{"source": "vote"}, {"source": "default"}]}',
            "trace.jsonl": b'{"event": "end", "restarts": 1, "left": 7200}',
        },
        log="running\ndone\n",
    )
    with standing(account, tmp_path / "home"):
        yield account


# Forty runs of the client: a busy machine takes minutes for them.
@pytest.mark.timeout(900)
def test_publish_then_submit_then_again(dist: Path, account: Account) -> None:
    first = command("publish", dist)
    assert first.code == 0, first.err
    assert "Publishing as anna" in first.out
    assert set(account.datasets) == {WHEELS, MODEL}
    kept = account.datasets[MODEL][0]
    assert kept.files[CHECKPOINT] == (dist / "model" / CHECKPOINT).read_bytes()
    assert set(kept.files) == {CHECKPOINT, "README.md", "manifest.json"}
    assert kept.metadata["isPrivate"] and kept.metadata["licenseName"] == "apache-2.0"
    notebook = account.notebooks[0]
    assert notebook["slug"] == "anna/aimo-sc-tir"
    assert notebook["datasetDataSources"] == [WHEELS, MODEL]
    assert notebook["machineShape"] == "NvidiaTeslaT4"
    assert notebook["enableInternet"] is False and notebook["isPrivate"] is True
    assert notebook["dockerImage"] == settings.load().kernel.image
    assert "left submission.csv" in first.out
    table = " ".join(first.out.replace("\u2502", " ").split())
    assert "answered by vote 1 fallback answers 1 engine restarts 1" in table
    assert "seconds left 7200" in table

    submitted = command("submit", dist)
    assert submitted.code == 0, submitted.err
    assert "Public score 29" in submitted.out
    assert "1 submissions remaining today" in submitted.out
    sent = account.submissions[0]
    assert (sent["kernelOwner"], sent["kernelSlug"]) == ("anna", "aimo-sc-tir")
    assert (sent["kernelVersion"], sent["fileName"]) == (1, "submission.csv")
    assert sent["competitionName"] == "ai-mathematical-olympiad-prize"

    # Nothing has changed: nothing is uploaded, pushed or submitted again, the run waited for.
    puts = len(account.puts)
    account.runs = ["RUNNING", "COMPLETE"]
    assert "unchanged" in command("publish", dist).out
    again = command("submit", dist)
    assert "was submitted before" in again.out and "Public score 29" in again.out
    assert (len(account.puts), len(account.notebooks), len(account.submissions)) == (puts, 1, 1)


def test_a_changed_notebook_is_not_submitted_unpublished(dist: Path, account: Account) -> None:
    assert "make publish" in command("submit", dist).err
    kept = {"notebook": "anna/aimo-sc-tir", "version": 1, "key": "older", "file": "submission.csv"}
    (dist / "published.json").write_text(json.dumps(kept))
    ended = command("submit", dist)
    assert ended.code == 2
    assert "has changed since aimo-sc-tir version 1 was published" in ended.err
    assert not account.submissions


def test_a_killed_upload_goes_on_where_it_was(dist: Path, account: Account) -> None:
    account.faults.hold[CHECKPOINT] = 1_000_000
    process = start("publish", dist, "--poll-seconds", "0")
    assert account.holding.wait(120)
    process.send_signal(signal.SIGTERM)
    stopped = finish(process)
    account.release.set()
    assert stopped.code == 1
    assert "the same command resumes where it was" in stopped.err
    assert MODEL not in account.datasets

    package = staging.examine(dist, settings.load()).owned_by("anna")
    upload = staging.stage_dataset(package, "model")
    datasets.send(upload, "", lambda _: None, 0.0)
    pieces = [(begin, count) for name, begin, count in account.puts if name == CHECKPOINT]
    assert pieces == [(0, 1_000_000), (1_000_000, SIZE - 1_000_000)]
    sent = account.datasets[MODEL][0].files[CHECKPOINT]
    assert sent == (dist / "model" / CHECKPOINT).read_bytes()


def test_a_failed_commit_run_shows_its_log(dist: Path, account: Account) -> None:
    # What Kaggle shows first is the version before.
    account.runs = ["COMPLETE", "RUNNING", "ERROR"]
    account.failure, account.log = "Notebook Threw Exception", "step one\nImportError: vllm\n"
    with pytest.raises(RunFailedError, match=r"error \(Notebook Threw Exception\): its log is"):
        see_through(dist)
    assert (dist / "commit-run/aimo-sc-tir.log").read_text() == account.log
    assert "make publish" in command("submit", dist).err
    assert not account.submissions


def test_a_known_reason_is_said_in_a_sentence(dist: Path, account: Account) -> None:
    account.runs, account.failure = ["ERROR"], "Your notebook failed"
    account.log = "loading\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n"
    with pytest.raises(RunFailedError, match="GPUs ran out of memory: set a smaller"):
        see_through(dist)


ZEROS = {
    "fallbacks only": b'{"problems": [{"source": "default"}, {"source": "printed"}]}',
    "nothing asked": b'{"problems": []}',
    "torn": b'{"problems": [{"sou',
    "none": None,
}


@pytest.mark.parametrize("name", ZEROS)
def test_a_version_without_a_vote_is_not_submitted_by_itself(
    name: str, dist: Path, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    if (summary := ZEROS[name]) is None:
        del account.outputs["summary.json"]
    else:
        account.outputs["summary.json"] = summary
    see_through(dist)
    assert "`make submit` needs ANYWAY=1" in capsys.readouterr().out
    with pytest.raises(StagingError, match=r"is not submitted: its commit run .* ANYWAY=1"):
        submit.submit(submit.SubmitOptions(dist=dist, poll_seconds=0), Console())
    assert not account.submissions


def test_a_version_without_a_vote_is_submitted_when_told_to(dist: Path, account: Account) -> None:
    account.outputs["summary.json"] = b'{"problems": [{"source": "default"}]}'
    see_through(dist)
    submit.submit(submit.SubmitOptions(dist=dist, poll_seconds=0, anyway=True), Console())
    assert len(account.submissions) == 1


def test_a_submission_that_cannot_be_scored_says_why(dist: Path, account: Account) -> None:
    see_through(dist)
    account.scoring, account.scoring_error = ["PENDING", "ERROR"], "Submission Scoring Error"
    with pytest.raises(KaggleError, match=r"Submission Scoring Error\. .*`make rehearse` shows"):
        submit.submit(submit.SubmitOptions(dist=dist, poll_seconds=0), Console())


def test_a_commit_run_without_submission_file_fails(dist: Path, account: Account) -> None:
    del account.outputs["submission.csv"]
    with pytest.raises(RunFailedError, match="left no submission file: its log is"):
        see_through(dist)


def see_through(dist: Path) -> None:
    """Publish with both datasets there already."""
    package = staging.examine(dist, settings.load())
    account_has = replace(package, datasets=())
    publish.publish(Console(), account_has, 0.0)
    # What is published is made of the datasets too.
    last = published.load(dist)
    assert last is not None
    published.save(dist, replace(last, key=package.owned_by("anna").key()))


@pytest.mark.parametrize("token", [None, "wrong-token"])
def test_without_a_credential_nothing_is_sent(
    dist: Path, tmp_path: Path, token: str | None
) -> None:
    account = Account()
    with standing(account, tmp_path / "home", token):
        ended = command("publish", dist)
        with pytest.raises(CredentialError):
            client.user()
    assert ended.code == 2
    assert_one_sentence(ended, "There is no credential that Kaggle accepts")
    assert set(account.calls) <= {"IntrospectToken"}


def test_a_key_that_kaggle_refuses_is_told_before_anything_is_sent(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account()
    with standing(account, tmp_path / "home", None):
        monkeypatch.setenv("KAGGLE_USERNAME", "anna")
        monkeypatch.setenv("KAGGLE_KEY", "an-old-key")
        ended = command("publish", dist)
    assert ended.code == 2
    assert_one_sentence(ended, "There is no credential that Kaggle accepts")
    assert account.blobs == {}


def test_a_dry_run_shows_all_and_asks_nobody(dist: Path, tmp_path: Path) -> None:
    account = Account()
    with standing(account, tmp_path / "home", None):
        ended = command("publish", dist, "--dry-run")
        other = command("publish", dist, "--dry-run", "--model-dataset", "bert/model-8bit")
    assert ended.code == 0, ended.err
    assert f"{SIZE:,}"[:4] in ended.out and "OWNER/aimo-sc-tir-model" in ended.out
    assert "machine_shape: NvidiaTeslaT4" in ended.out
    assert "bert/model-8bit" in other.out and "OWNER/aimo-sc-tir-model" not in other.out
    assert account.calls == []
    assert not (dist / "upload").exists()


def assert_one_sentence(ended: Ended, sentence: str) -> None:
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1
