"""`make publish`: brings `dist/` to Kaggle and sees the notebook's commit run through.

Covers: checking everything before anything is sent, the wheels' dataset, the model as a dataset or
a Kaggle Model, the notebook, its commit run with progress, its log if it fails. Does not cover:
spending a submission; `submit` does that. After an interruption, the same command resumes the
upload or the waiting where it stopped.
"""

import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from common.console import console, heed_ctrl_c
from notebooks.packaging import settings
from notebooks.packaging.settings import SettingsError
from notebooks.publishing import (
    client,
    datasets,
    kernels,
    models,
    published,
    reasons,
    results,
    staging,
)
from notebooks.publishing.client import CredentialError, KaggleError
from notebooks.publishing.datasets import FAILED, Upload
from notebooks.publishing.kernels import CommitRun
from notebooks.publishing.published import Publication
from notebooks.publishing.staging import Package, StagingError

ROOT = Path(__file__).resolve().parents[2]
SHOWN_NAME = 24
"""Characters of a file's name beside the progress bar; a wheel's is longer than a terminal."""
STOPPED = "Stopped: the same command resumes where it was."


@dataclass
class PublishOptions:
    """Upload dist/ to Kaggle, first the datasets, then the notebook; wait for its commit run."""

    dist: Path = ROOT / "dist"
    """What `make package` made."""
    dry_run: bool = False
    """Show what would be sent, and send nothing; needs no credential."""
    model_dataset: str = ""
    """An uploaded model's owner/slug, in place of dist/model."""
    poll_seconds: float = 20.0
    """Seconds between two requests to Kaggle while waiting."""


class RunFailedError(KaggleError):
    """The commit run failed; the message says where its log is."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 where Kaggle did not do its part."""
    options = tyro.cli(PublishOptions)
    heed_ctrl_c()
    guarded(lambda: _main(options, console()))


def guarded(action: Callable[[], None]) -> None:
    """Run a command that talks to Kaggle; what goes wrong ends it with one sentence."""

    def stop(*_: object) -> None:
        sys.exit(STOPPED)

    signal.signal(signal.SIGTERM, stop)
    try:
        action()
    except (SettingsError, StagingError, CredentialError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KaggleError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        sys.exit(130)


def _main(options: PublishOptions, console: Console) -> None:
    package = staging.examine(options.dist, settings.load(), options.model_dataset or None)
    if options.dry_run:
        show(console, package)
    else:
        publish(console, package, options.poll_seconds)


def show(console: Console, package: Package) -> None:
    """Print what would be sent."""
    table = Table("what", "name on Kaggle", "files", "bytes")
    for which in package.datasets:
        sizes = Upload(package.dist / which, package.reference(which), Path()).sizes()
        kind = "Kaggle Model" if package.is_kaggle_model(which) else f"{which} dataset"
        row = (kind, package.reference(which), str(len(sizes)))
        table.add_row(*row, f"{sum(sizes.values()):,}")
    metadata = package.kernel_metadata()
    size = package.notebook.stat().st_size
    table.add_row("notebook", metadata["id"], "1", f"{size:,}")
    console.print(table)
    for key, value in metadata.items():
        _say(console, f"  {key}: {value}")
    machine = package.settings.machine
    lent = f"{machine.gpus} x {machine.gpu}, at most {machine.hours:g} hours where it is offered"
    _say(console, f"The accelerator {machine.name} is {lent}.")
    if not package.settings.owner:
        _say(console, f"{settings.OWNER} stands for the account of your Kaggle credential.")
    _say(console, f"Nothing was sent; everything is in {package.dist}.")


def publish(console: Console, package: Package, seconds: float) -> Publication:
    """Send what Kaggle does not have yet, and wait until the commit run is complete.

    Raises:
        CredentialError: before anything is sent.
        StagingError: before anything is sent, where the model's dataset is not there.
        KaggleError: Kaggle did not take something, or the commit run failed.
    """
    user = client.user()
    package = package.owned_by(user)
    _say(console, f"Publishing as {package.settings.owner}, logged in as {user}.")
    _check_model_is_there(package)
    for which in package.datasets:
        upload = staging.stage_dataset(package, which)
        if package.is_kaggle_model(which):
            package = replace(package, model_version=_send_model(console, package, upload, seconds))
        else:
            _send_dataset(console, upload, seconds)
    version = _push(console, package)
    run = _await_run(console, version.notebook, seconds)
    done = _keep_output(console, package, version, run)
    then = "`make submit` submits it" if done.votes else submit_refuses(done)
    _say(console, f"{done.message} is complete and left {done.file}: {then}.")
    _say(console, f"https://www.kaggle.com/code/{done.notebook}")
    return done


def _check_model_is_there(package: Package) -> None:
    """Refuse a model that is named, not uploaded, where Kaggle shows this account none."""
    if package.model_dataset and datasets.state(package.model_dataset) is None:
        raise StagingError(
            f"Kaggle shows this account no dataset {package.model_dataset}: check MODEL_DATASET."
        )
    for source in package.kernel_metadata()["model_sources"]:
        if "model" not in package.datasets and not models.is_source(source):
            raise StagingError(
                f"Kaggle shows this account no model {source}: check model_sources in kaggle.toml."
            )


def _send_dataset(console: Console, upload: Upload, seconds: float) -> None:
    """Upload a dataset unless Kaggle has it already."""
    remote = datasets.state(upload.reference)
    if remote is not None and remote.status not in FAILED:
        if remote.status != "ready":
            datasets.await_ready(upload.reference, remote.version, seconds)
        if datasets.is_there(upload):
            _say(console, f"{upload.reference}: unchanged, version {remote.version}.")
            return
    with _shown(console, upload) as update:
        version = datasets.send(upload, "make publish", update, seconds)
    _say(console, f"{upload.reference}: version {version} is ready, all files there.")


def _send_model(console: Console, package: Package, upload: Upload, seconds: float) -> int:
    """Upload a Kaggle Model unless Kaggle has it already; return its version."""
    if there := models.unchanged(upload, package.dist):
        _say(console, f"{upload.reference}: unchanged, version {there}.")
        return there
    with _shown(console, upload) as update:
        version = models.send(upload, package.dist, "make publish", update, seconds)
    _say(console, f"{upload.reference}: version {version} is there, with all files.")
    return version


@contextmanager
def _shown(console: Console, upload: Upload) -> Generator[Callable[[datasets.Progress], None]]:
    """Show an upload's progress; yields what takes it."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(upload.folder.name, total=sum(upload.sizes().values()))

        def update(progress: datasets.Progress) -> None:
            text = f"{upload.folder.name}: {progress.file[:SHOWN_NAME]}"
            bar.update(task, completed=progress.bytes, description=text)

        yield update


def _push(console: Console, package: Package) -> Publication:
    """Push the notebook, unless its newest version is made of just this and has not failed."""
    notebook, key = str(package.kernel_metadata()["id"]), package.key()
    last = published.load(package.dist)
    if last is not None and (last.notebook, last.key) == (notebook, key):
        run = kernels.run_state(notebook)
        if not run.ended or run.status == "complete":
            _say(console, f"{last.message}: pushed before, {run.status}.")
            return last
    version = kernels.push(staging.stage_kernel(package))
    named = package.model_dataset or ""
    pushed = Publication(notebook, version, key, named, model_version=package.model_version)
    published.save(package.dist, pushed)
    _say(console, f"{pushed.message}: pushed; Kaggle runs it now.")
    return pushed


def _await_run(console: Console, notebook: str, seconds: float) -> CommitRun:
    """Wait for the newest run to end, and say how it goes."""
    start, before = time.monotonic(), CommitRun("")
    with console.status("") as status:
        for run in client.patiently(lambda: kernels.run_state(notebook), seconds):
            minutes = (time.monotonic() - start) / 60
            status.update(f"Commit run {run.status}, {minutes:.0f} minutes ...")
            if run != before and not console.is_terminal:
                _say(console, f"Commit run {run.status}.")
            # Right after a push the newest run may still be the one before: an end counts twice.
            if run.ended and run == before:
                return run
            before = run
    raise AssertionError("the states end only when the run does")


def _keep_output(
    console: Console, package: Package, version: Publication, run: CommitRun
) -> Publication:
    """Fetch what the ended run left; fail where it failed or left no submission file."""
    folder = package.dist / "commit-run"
    shutil.rmtree(folder, ignore_errors=True)
    output = kernels.fetch_output(version.notebook, folder)
    where = f"its log is {output.log}" if output.log else "Kaggle gave no log"
    log = output.log.read_text("utf-8") if output.log else ""
    if run.status != "complete":
        if output.log:
            _say(console, kernels.end_of(output.log))
        said = f" ({run.failure})" if run.failure else ""
        hint = reasons.reason(run.failure, log)
        raise RunFailedError(
            f"The commit run ended with {run.status}{said}: {where}.{f' {hint}' if hint else ''}"
        )
    if output.submission is None:
        raise RunFailedError(f"The commit run left no submission file: {where}.")
    found = results.read(folder)
    console.print(found.table())
    done = replace(version, file=output.submission.name, votes=found.votes)
    published.save(package.dist, done)
    return done


def submit_refuses(version: Publication) -> str:
    """Return why a version is not worth a submission."""
    said = "did not say how many" if version.votes is None else "answered none"
    return (
        f"its commit run {said} of its problems by vote, so `make submit` needs ANYWAY=1; its "
        "output is in commit-run/"
    )


def _say(console: Console, text: str) -> None:
    """Print a line as it is: not wrapped where it is piped, nothing in it read as markup."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


if __name__ == "__main__":
    main()
