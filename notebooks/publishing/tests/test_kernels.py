"""Pushing, following and submitting with the real client against the stand-in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notebooks.mock.kaggle_service.account import Account
from notebooks.packaging import settings
from notebooks.publishing import client, kernels, staging
from notebooks.publishing.client import KaggleError
from notebooks.publishing.tests.kaggle_standing import make_dist, standing

NOTEBOOK, COMPETITION = "anna/aimo-sc-tir", "ai-mathematical-olympiad-prize"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    account = Account()
    with standing(account, tmp_path / "home"):
        yield account


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = staging.examine(make_dist(tmp_path / "dist"), settings.load()).owned_by("anna")
    return staging.stage_kernel(package)


def test_versions_are_counted_by_what_the_client_prints(account: Account, folder: Path) -> None:
    assert [kernels.push(folder), kernels.push(folder)] == [1, 2]


def test_a_push_error_counts_though_the_client_exits_0(account: Account, folder: Path) -> None:
    account.faults.push_error = "Maximum weekly GPU quota of 30.00 hours was reached."
    with pytest.raises(KaggleError, match=r"Kernel push error: Maximum weekly GPU quota"):
        kernels.push(folder)


def test_a_source_that_kaggle_leaves_out_is_an_error(account: Account, folder: Path) -> None:
    account.faults.invalid_sources = ["anna/aimo-sc-tir-model"]
    with pytest.raises(KaggleError, match=r"left out the notebook's dataset sources \['anna/aimo"):
        kernels.push(folder)


def test_a_failed_run_has_its_message_and_log(account: Account, tmp_path: Path) -> None:
    account.notebooks.append({})
    account.runs, account.failure = ["ERROR"], 'It said "no".\nTwice.'
    account.log = "".join(f"line {number}\n" for number in range(90))
    run = kernels.run_state(NOTEBOOK)
    assert (run.status, run.failure, run.ended) == ("error", account.failure, True)
    output = kernels.fetch_output(NOTEBOOK, tmp_path / "run")
    assert output.submission is None and output.log is not None
    assert output.log.read_text() == account.log
    end = kernels.end_of(output.log).splitlines()
    assert (end[0], end[-1]) == ("line 50", "line 89")


def test_of_the_output_only_what_is_looked_at_is_fetched(account: Account, tmp_path: Path) -> None:
    account.notebooks.append({})
    looked_at = {"submission.parquet": b"PAR1", "summary.json": b"{}", "trace.jsonl": b"{}"}
    account.outputs = {**looked_at, "model.bin": b"0" * 1000, "my-summary.json": b"{}"}
    output = kernels.fetch_output(NOTEBOOK, tmp_path / "run")
    assert output.submission is not None and output.submission.read_bytes() == b"PAR1"
    assert {path.name for path in (tmp_path / "run").iterdir()} - {"aimo-sc-tir.log"} == set(
        looked_at
    )


def test_a_refused_submission_is_an_error_and_none_is_listed(account: Account) -> None:
    assert kernels.submission(COMPETITION, "aimo-sc-tir version 3") is None
    with pytest.raises(KaggleError, match="No such version"):
        kernels.submit(NOTEBOOK, 3, "submission.csv", COMPETITION, "aimo-sc-tir version 3")


def test_the_newest_submission_of_a_version_is_read(account: Account) -> None:
    account.notebooks += [{}, {}]
    account.scoring = ["ERROR"]
    for version in (1, 2, 2):
        message = f"aimo-sc-tir version {version}"
        kernels.submit(NOTEBOOK, version, "submission.csv", COMPETITION, message)
    found = kernels.submission(COMPETITION, "aimo-sc-tir version 2")
    assert found is not None and found.status == "error"
    assert found.date[:23] == account.submissions[2]["date"][:23]
    assert kernels.submission(COMPETITION, "aimo-sc-tir version 20") is None


def test_a_submission_that_failed_says_why(account: Account) -> None:
    account.notebooks.append({})
    account.scoring, account.scoring_error = ["ERROR"], "Submission Scoring Error"
    sent = kernels.submit(NOTEBOOK, 1, "submission.csv", COMPETITION, "aimo-sc-tir version 1")
    assert (sent.ref, sent.left) == (1, 1)
    found = kernels.numbered_submission(1)
    assert (found.status, found.error) == ("error", "Submission Scoring Error")


def test_single_failures_are_waited_out_and_many_are_not() -> None:
    answers = iter([1, None, None, 2, None, None, None, None, None])

    def ask() -> int:
        answer = next(answers)
        if answer is None:
            raise KaggleError("no connection")
        return answer

    heard: list[int] = []
    with pytest.raises(KaggleError, match="no connection"):
        heard.extend(client.patiently(ask, 0.0))
    assert list(answers) == []


def test_a_client_that_cannot_connect_is_one_sentence(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_KAGGLE_URL", "http://127.0.0.1:9")
    with pytest.raises(KaggleError) as error:
        client.user()
    assert "\n" not in str(error.value) and "127.0.0.1" in str(error.value)
