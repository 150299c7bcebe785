"""`make submit`: submits the published version of the notebook and waits for its score.

Covers: submitting just what `dist/` holds, once, and reading its score. Does not cover: choosing
among older versions; Kaggle's page does that. The same version is never submitted twice unless you
ask for it: a submission costs a day, so when the command is run again, it waits for the one it
made. A version whose commit run gave only fallback answers is not submitted either.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from rich.console import Console

from common.console import console, heed_ctrl_c
from notebooks.packaging import settings
from notebooks.packaging.settings import Settings
from notebooks.publishing import client, kernels, published, reasons, staging
from notebooks.publishing.client import KaggleError
from notebooks.publishing.kernels import Submission
from notebooks.publishing.publish import ROOT, guarded, submit_refuses
from notebooks.publishing.published import Publication
from notebooks.publishing.staging import StagingError


@dataclass
class SubmitOptions:
    """Submit the version that `make publish` published, and wait for its score."""

    dist: Path = ROOT / "dist"
    """The folder that was published."""
    again: bool = False
    """Submit again a version that was already submitted."""
    anyway: bool = False
    """Submit a version whose commit run answered no problem by vote."""
    poll_seconds: float = 60.0
    """Seconds between two requests to Kaggle while waiting."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where Kaggle did not do its part."""
    options = tyro.cli(SubmitOptions)
    heed_ctrl_c()
    guarded(lambda: submit(options, console()))


def submit(options: SubmitOptions, console: Console) -> None:
    """Submit what was published from `dist`, and print its score.

    Raises:
        StagingError: nothing was published, or `dist` has changed since, or the commit run
            answered nothing by vote.
        KaggleError: Kaggle did not take it, or could not score it.
    """
    chosen = settings.load()
    version = _published(options.dist, chosen)
    client.user()
    before = kernels.submission(chosen.competition, version.message)
    if before is not None and not options.again:
        console.print(f"{version.message} was submitted before, on {before.date}.", soft_wrap=True)
        ref = before.ref
    else:
        if not version.votes and not options.anyway:
            raise StagingError(f"{version.message} is not submitted: {submit_refuses(version)}.")
        ref = _submitted(console, chosen, version)
    date = before.date if before is not None and options.again else ""

    def ask() -> Submission | None:
        if ref is not None:
            return kernels.numbered_submission(ref)
        return kernels.submission(chosen.competition, version.message)

    _report(console, chosen, _await_score(console, ask, date, options.poll_seconds))


def _submitted(console: Console, chosen: Settings, version: Publication) -> int | None:
    """Submit the version; return the submission's number, where Kaggle gives one."""
    answer = kernels.submit(
        version.notebook, version.version, version.file, chosen.competition, version.message
    )
    console.print(answer.message, markup=False, highlight=False)
    if answer.left is not None:
        console.print(f"{answer.left} submissions remaining today.", highlight=False)
    return answer.ref


def _published(dist: Path, chosen: Settings) -> Publication:
    """Return what was published, if it is what `dist` still holds."""
    version = published.load(dist)
    if version is None or not version.file:
        raise StagingError(f"Nothing is published from {dist} yet: run `make publish` first.")
    package = staging.examine(dist, chosen, version.model_dataset or None)
    package = package.owned_by(version.notebook.split("/")[0])
    package = replace(package, model_version=version.model_version)
    if package.key() != version.key:
        raise StagingError(
            f"{dist} has changed since {version.message} was published: run `make publish` again."
        )
    return version


def _await_score(
    console: Console, ask: Callable[[], Submission | None], after: str, seconds: float
) -> Submission:
    """Wait until the submission that `ask` gives is one made after that date, and scored."""
    start = time.monotonic()
    with console.status("") as status:
        for found in client.patiently(ask, seconds):
            minutes = (time.monotonic() - start) / 60
            state = found.status if found is not None else "not listed yet"
            status.update(f"Submission {state}, {minutes:.0f} minutes ...")
            if found is not None and found.date > after and found.status != "pending":
                return found
    raise AssertionError("the answers end only with a score")


def _report(console: Console, chosen: Settings, result: Submission) -> None:
    page = f"https://www.kaggle.com/competitions/{chosen.competition}/submissions"
    if result.status != "complete":
        said = f": {result.error.rstrip('.')}" if result.error else ""
        hint = reasons.reason(result.error) or "Its page may say more:"
        raise KaggleError(f"Kaggle could not score the submission{said}. {hint} {page}")
    console.print(f"Public score {result.public_score or 'not shown'}")
    if result.private_score:
        console.print(f"Private score {result.private_score}")
    console.print(page, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
