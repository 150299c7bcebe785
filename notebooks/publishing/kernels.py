"""Brings the notebook to Kaggle, follows its commit run, and submits it.

Covers: pushing a version and reading whether Kaggle took it and all its sources, the state, log and
output of the newest run, and a version's submission and score. Does not cover: the runs of older
versions; the client does not show them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebooks.publishing import client
from notebooks.publishing.client import KaggleError

SUBMISSION = re.compile(r"submission\.(csv|parquet)")
LOG_LINES = 40
"""Shown of a failed run's log; the file has all."""
ENDED = ("complete", "error", "cancel_acknowledged")


@dataclass(frozen=True, slots=True)
class Run:
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

    date: str
    """In ISO form, so that texts compare as dates do."""
    status: str
    """pending, complete or error."""
    public_score: str
    private_score: str


def push(folder: Path) -> int:
    """Push the notebook in `folder`, which starts its commit run, and return the version.

    Raises:
        KaggleError: Kaggle did not take it or left out a source; the client exits 0 for both.
    """
    reply = client.run("kernels", "push", "-p", str(folder))
    pushed = re.search(r"Kernel version (\d+) successfully pushed", reply.text)
    if refused := re.search(r"not valid (\w+) sources .*?: (\[.*\])", reply.text):
        raise KaggleError(
            f"Kaggle left out the notebook's {refused.group(1)} sources {refused.group(2)}: "
            "look whether they are there and whether this account may use them."
        )
    if reply.code != 0 or pushed is None:
        raise reply.failure("Pushing the notebook")
    return int(pushed.group(1))


def run_state(reference: str) -> Run:
    """Return the state of the notebook's newest run.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    reply = client.run("kernels", "status", reference)
    found = re.search(r'has status "(?:\w+\.)?(\w+)"', reply.text)
    if reply.code != 0 or found is None:
        raise reply.failure(f"Asking for the run of {reference}")
    failure = re.search(r'Failure message: "(.*)"', reply.text, re.DOTALL)
    return Run(found.group(1).lower(), failure.group(1).strip() if failure else "")


def fetch_output(reference: str, folder: Path) -> Output:
    """Fetch the submission file and the log of the notebook's newest run into `folder`.

    Raises:
        KaggleError: they cannot be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reply = client.run(
        *("kernels", "output", reference, "-p", str(folder), "-o", "-q"),
        *("--file-pattern", f"^{SUBMISSION.pattern}$"),
    )
    if reply.code != 0:
        raise reply.failure(f"Fetching the output of {reference}")
    log = _readable(folder / f"{reference.split('/')[1]}.log")
    there = [path for path in sorted(folder.iterdir()) if SUBMISSION.fullmatch(path.name)]
    return Output(there[0] if there else None, log)


def submit(reference: str, version: int, file: str, competition: str, message: str) -> str:
    """Submit a version of the notebook; return what Kaggle answers.

    Raises:
        KaggleError: Kaggle did not take it.
    """
    reply = client.run(
        *("competitions", "submit", competition, "-k", reference, "-v", str(version)),
        *("-f", file, "-m", message),
    )
    # The client prints this sentence and exits 0 for a competition that is not there.
    if reply.code != 0 or "Could not" in reply.text:
        raise reply.failure("Submitting")
    return reply.text.strip()


def submission(competition: str, message: str) -> Submission | None:
    """Return the newest submission with this message, or None.

    The client has no command for one submission, and does not print the new one's number.

    Raises:
        KaggleError: Kaggle cannot be asked.
    """
    doing = f"Listing the submissions to {competition}"
    reply = client.run("competitions", "submissions", competition, "--format", "json")
    if reply.code == 0 and "No submissions found" in reply.text:
        return None
    rows: list[Mapping[str, Any]] = reply.json(doing)
    found = [row for row in rows if row["description"] == message]
    if not found:
        return None
    newest = max(found, key=lambda row: str(row["date"]))
    return Submission(
        date=str(newest["date"]),
        status=str(newest["status"]).split(".")[-1].lower(),
        public_score=newest["publicScore"] or "",
        private_score=newest["privateScore"] or "",
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
