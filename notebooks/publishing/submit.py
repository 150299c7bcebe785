"""`make submit`: submits the published version of the notebook and waits for its score.

Covers: submitting just what `dist/` holds, once, and reading its score. Does not cover: choosing
among older versions; Kaggle's page does that. The same version is never submitted twice unless
asked to: a submission costs a day, so that the command, run again, waits for the one it made.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from notebooks.packaging import settings
from notebooks.packaging.settings import Settings
from notebooks.publishing import client, kernels, published, staging
from notebooks.publishing.client import KaggleError
from notebooks.publishing.kernels import Submission
from notebooks.publishing.publish import ROOT, guarded
from notebooks.publishing.published import Published
from notebooks.publishing.staging import StagingError


@dataclass
class Options:
    """Submit the version that `make publish` published, and wait for its score."""

    dist: Path = ROOT / "dist"
    """What was published."""
    again: bool = False
    """Submit a version once more that was submitted already."""
    poll_seconds: float = 60.0
    """Between two questions to Kaggle while waiting."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where Kaggle did not do its part."""
    options = tyro.cli(Options)
    guarded(lambda: submit(options, Console()))


def submit(options: Options, console: Console) -> None:
    """Submit what was published from `dist`, and print its score.

    Raises:
        StagingError: nothing was published, or `dist` has changed since.
        KaggleError: Kaggle did not take it, or could not score it.
    """
    chosen = settings.load()
    version = _published(options.dist, chosen)
    client.user()
    before = kernels.submission(chosen.competition, version.message)
    if before is not None and not options.again:
        console.print(f"{version.message} was submitted before, on {before.date}.", soft_wrap=True)
    else:
        answer = kernels.submit(
            version.notebook, version.version, version.file, chosen.competition, version.message
        )
        console.print(answer, markup=False, highlight=False)
    date = before.date if before is not None and options.again else ""
    _report(console, chosen, _await_score(console, chosen, version, date, options.poll_seconds))


def _published(dist: Path, chosen: Settings) -> Published:
    """Return what was published, if it is what `dist` still holds."""
    version = published.load(dist)
    if version is None or not version.file:
        raise StagingError(f"Nothing is published from {dist} yet: run `make publish` first.")
    package = staging.examine(dist, chosen, version.model_dataset or None)
    package = package.owned_by(version.notebook.split("/")[0])
    if package.key() != version.key:
        raise StagingError(
            f"{dist} has changed since {version.message} was published: run `make publish` again."
        )
    return version


def _await_score(
    console: Console, chosen: Settings, version: Published, after: str, seconds: float
) -> Submission:
    """Wait until the submission made after that date has been scored."""
    start = time.monotonic()
    with console.status("") as status:
        for found in client.patiently(
            lambda: kernels.submission(chosen.competition, version.message), seconds
        ):
            minutes = (time.monotonic() - start) / 60
            state = found.status if found is not None else "not listed yet"
            status.update(f"Submission {state}, {minutes:.0f} minutes ...")
            if found is not None and found.date > after and found.status != "pending":
                return found
    raise AssertionError("the answers end only with a score")


def _report(console: Console, chosen: Settings, result: Submission) -> None:
    page = f"https://www.kaggle.com/competitions/{chosen.competition}/submissions"
    if result.status != "complete":
        raise KaggleError(f"Kaggle could not score the submission; its page says why: {page}")
    console.print(f"Public score {result.public_score or 'not shown'}")
    if result.private_score:
        console.print(f"Private score {result.private_score}")
    console.print(page, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
