"""Brings the notebook to Kaggle, follows its commit run, and submits it.

Covers: pushing a version and checking whether Kaggle accepted it and all its sources, the state,
log and output of the newest run, and a version's submission and score. Does not cover: the runs of
older versions, which the client does not show.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebooks.publishing import client
from notebooks.publishing.client import KaggleError
from notebooks.publishing.results import SUMMARY, TRACE

SUBMISSION = re.compile(r"submission\.(csv|parquet)")
FETCHED = rf"^({SUBMISSION.pattern}|{re.escape(SUMMARY)}|{re.escape(TRACE)})$"
"""Of a run's output: what can be submitted, and what the run says of itself."""
METADATA = "kernel-metadata.json"
READ_BACK_SECONDS = 1.0
"""Before a saved notebook is read back, and between tries."""
LOG_LINES = 40
"""Shown of a failed run's log; the file has all."""
ENDED = ("complete", "error", "cancel_acknowledged")


@dataclass(frozen=True, slots=True)
class CommitRun:
    """The newest run of a notebook."""

    status: str
    """queued, running, complete, error, cancel_requested or cancel_acknowledged."""
    failure: str = ""

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Output:
    """What a run left, as far as it was fetched."""

    submission: Path | None
    log: Path | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission to the competition."""

    ref: int
    """Kaggle's number of it."""
    date: str
    """In ISO form, so that texts compare as dates do."""
    status: str
    """pending, complete or error."""
    error: str
    """Kaggle's description of what went wrong, "" for none."""
    public_score: str
    private_score: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What Kaggle answers to a submission."""

    ref: int | None
    """The submission's number, where Kaggle gives one."""
    message: str
    left: int | None
    """Submissions that are left today, where Kaggle says so."""


def push(folder: Path) -> int:
    """Push the notebook in `folder`, which starts its commit run, and return the version.

    Raises:
        KaggleError: Kaggle did not take it or left out a source.
    """
    doing = "Pushing the notebook"
    answer: Any = client.call(doing, "push", folder=str(folder.resolve()))
    for kind, sources in answer["left_out"].items():
        if sources:
            raise KaggleError(
                f"Kaggle left out the notebook's {kind} sources {sources}: check that they exist "
                "and that this account may use them."
            )
    if answer["error"] or not answer["version"]:
        raise KaggleError(f"{doing} failed. Kernel push error: {answer['error'] or 'no reason'}")
    check_saved(json.loads((folder / METADATA).read_text("utf-8")))
    return int(answer["version"])


def check_saved(metadata: Mapping[str, Any]) -> None:
    """Read back what the notebook was saved with: client and service have dropped sources silently.

    Raises:
        KaggleError: a source is missing there, or the machine is another one.
    """
    notebook = str(metadata["id"])

    def ask() -> Any:
        return client.call(f"Reading {notebook} back", "saved", notebook=notebook)

    there = next(client.patiently(ask, READ_BACK_SECONDS))
    for kind in ("dataset", "competition", "model"):
        kept = {_plain(source) for source in there[kind] or ()}
        wanted: list[str] = metadata[f"{kind}_sources"]
        if dropped := [source for source in wanted if _plain(source) not in kept]:
            raise KaggleError(
                f"Kaggle saved the notebook without its {kind} sources {dropped}: its run would "
                "lack them, so it is not waited for; add them on the notebook's page, or check "
                "that this account may use them, and publish again."
            )
    shape, wanted_shape = there["machine_shape"], metadata["machine_shape"]
    if shape and shape != wanted_shape:
        raise KaggleError(
            f"Kaggle saved the notebook for the machine {shape}, not {wanted_shape}: check that "
            "this account and the competition may use it, and publish again."
        )


def _plain(source: str) -> str:
    """Return a source in one spelling: frameworks are `pyTorch` here and `PY_TORCH` there."""
    return source.lower().replace("_", "")


def run_state(reference: str) -> CommitRun:
    """Return the state of the notebook's newest run.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    answer: Any = client.call(f"Asking for the run of {reference}", "run", notebook=reference)
    return CommitRun(str(answer["status"]).lower(), str(answer["failure"] or "").strip())


def fetch_output(reference: str, folder: Path) -> Output:
    """Fetch submission file, summary, trace and log of the notebook's newest run into `folder`.

    Raises:
        KaggleError: they cannot be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reply = client.run(
        *("kernels", "output", reference, "-p", str(folder), "-o", "-q"),
        *("--file-pattern", FETCHED),
    )
    if reply.code != 0:
        raise reply.failure(f"Fetching the output of {reference}")
    log = _readable(folder / f"{reference.split('/')[1]}.log")
    there = [path for path in sorted(folder.iterdir()) if SUBMISSION.fullmatch(path.name)]
    return Output(there[0] if there else None, log)


def submit(reference: str, version: int, file: str, competition: str, message: str) -> Receipt:
    """Submit a version of the notebook; return what Kaggle answers.

    Raises:
        KaggleError: Kaggle did not take it.
    """
    answer: Any = client.call(
        "Submitting",
        "submit",
        notebook=reference,
        version=version,
        file=file,
        competition=competition,
        message=message,
    )
    return Receipt(answer["ref"] or None, str(answer["message"]), answer["left"])


def submission(competition: str, message: str) -> Submission | None:
    """Return this account's newest submission with this message, or None.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    doing = f"Listing the submissions to {competition}"
    rows: list[Mapping[str, Any]] = client.call(doing, "submissions", competition=competition)
    found = [row for row in rows if row["description"] == message]
    return _submission(max(found, key=lambda row: str(row["date"]))) if found else None


def numbered_submission(ref: int) -> Submission:
    """Return the submission of that number as it is now.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    return _submission(client.call(f"Asking for submission {ref}", "submission", ref=ref))


def _submission(row: Mapping[str, Any]) -> Submission:
    return Submission(
        ref=int(row["ref"]),
        date=str(row["date"]),
        status=str(row["status"]).lower(),
        error=str(row["error"] or "").strip(),
        public_score=row["public_score"] or "",
        private_score=row["private_score"] or "",
    )


def _readable(path: Path) -> Path | None:
    """Turn Kaggle's log, a JSON list of pieces, into the text that the run printed."""
    if not path.exists():
        return None
    text = path.read_text("utf-8", "replace")
    try:
        pieces: list[Mapping[str, Any]] = json.loads(text)
        text = "".join(str(piece["data"]) for piece in pieces)
    except (ValueError, TypeError, KeyError):
        pass  # an older form: plain text already
    path.write_text(text, "utf-8")
    return path


def end_of(log: Path) -> str:
    """Return the last lines of a log: where it says why the run failed."""
    return "\n".join(log.read_text("utf-8").splitlines()[-LOG_LINES:])
