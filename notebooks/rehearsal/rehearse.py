"""`make rehearse`: run the very notebook that goes to Kaggle as Kaggle would, and judge the result.

Covers: for each competition a commit run and a hidden rerun, each in a new environment that gets
its packages from the notebook's own offline install, on the platform's own paths, with read-only
inputs, without a network; the table of checks. With `--wheels t4x2` the wheelhouse is the very one
that goes to Kaggle, in Kaggle's Python, and `image` says what stands in for what. Does not cover:
GPUs, and what else is in the platform's image.
"""

import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from common import embedded_model
from common.console import Progress, console, heed_ctrl_c, user_errors
from common.environment import SetupError
from common.files import FileError, check_folder, write_json
from common.problems import ProblemFileError, ProblemRow, load_problems
from notebooks.packaging import package, settings
from notebooks.packaging.settings import SettingsError
from notebooks.rehearsal import checks, isolation, layout
from notebooks.rehearsal import image as images
from notebooks.rehearsal.checks import Check
from notebooks.rehearsal.image import Image
from notebooks.rehearsal.plan import Api, Layout, Outcome, Plan

ROOT = Path(__file__).resolve().parents[2]
COMMIT_PROBLEMS = 3
"""What the public test file of a competition holds."""
KINDS: tuple[tuple[bool, Layout], ...] = ((False, "old"), (True, "new"))
"""Commit run and rerun, each in one of the two mount layouts: which one shows varies on Kaggle."""
MARK = ".rehearsal"
"""In a folder that a rehearsal has made, and may replace."""
POLL_SECONDS = 1.0
WIDTH = 140


@dataclass(frozen=True)
class RehearseOptions:
    """Run dist/kernel/submission.ipynb as Kaggle would, for every competition."""

    profile: package.ProfileName = "cpu"
    """Which wheels and model to use; t4x2 needs such a machine."""
    wheels: Literal["", "t4x2"] = ""
    """t4x2: Kaggle's wheels with CPU builds of vLLM and torch, in Kaggle's Python (8 GB, once)."""
    model: Path | None = None
    """With `wheels`: a model's folder, in place of the embedded model."""
    python: str = images.KAGGLE_PYTHON
    """With `wheels`: Kaggle's Python, as a version for uv or as a path."""
    apis: tuple[Api, ...] = ("aimo1", "aimo2", "aimo3")
    """The competitions to rehearse."""
    problems: Path = ROOT / "common/problems.csv"
    """The problems of the hidden rerun; the commit run asks the first three."""
    minutes: float = 5.0
    """The platform's time limit for a run, scaled down from hours."""
    candidates: int = 4
    """N: attempts at each problem."""
    dist: Path = ROOT / "dist"
    """What `make package` made."""
    out: Path = ROOT / "runs/rehearsal"
    """Where logs, submissions and executed notebooks go; replaced if it exists."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run with its outcome and the checks of it."""

    plan: Plan
    outcome: Outcome
    checks: list[Check]
    stand_ins: Mapping[str, str]
    """What stood for what of the platform's."""


def prepared(
    options: RehearseOptions, out: Path, tell: Callable[[str], None]
) -> tuple[Image, tuple[Path, Path]]:
    """Return what stands in for the platform's image, and the datasets: wheels and model."""
    if not options.wheels:
        home = package.home(options.dist.resolve(), options.profile)
        return images.own(out / "image"), (home / "wheels", home / "model")
    image = images.kaggles(options.python, tell)
    packed = package.home(options.dist.resolve(), options.wheels) / "wheels"
    wheels = images.with_cpu_engine(packed, image, out / "wheels")
    source = options.model or embedded_model.ensure()
    model = package.copy_model(settings.load(), source, out / "model", tell)
    return image, (wheels, model.folder)


def _check_place(out: Path) -> None:
    """Refuse a folder that cannot be written, and one with files that no rehearsal made.

    Raises:
        FileError: with what to do.
    """
    check_folder(out)
    if out.is_dir() and any(out.iterdir()) and not _is_rehearsals(out):
        raise FileError(f"{out} holds files that no rehearsal made: set --out to another folder.")


def _new_folder(out: Path) -> Path:
    """Replace what an earlier rehearsal has left by an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()
    return out


def _is_rehearsals(out: Path) -> bool:
    """Whether a rehearsal made the folder; earlier versions left no mark, but a folder a run."""
    return (out / MARK).is_file() or any(out.glob("aimo[123]-*/"))


def rehearse(
    options: RehearseOptions, problems: Sequence[ProblemRow], tell: Callable[[str], None]
) -> list[FinishedRun]:
    """Carry out all runs, one after the other.

    Raises:
        NoPlaceError: the platform's paths cannot be made here.
        SetupError: what stands for the platform's image cannot be made.
        PackageError: the model is none.
    """
    out = _new_folder(options.out.resolve())
    image, datasets = prepared(options, out, tell)
    prefix = isolation.prefix()
    runs: list[FinishedRun] = []
    for api, (rerun, mounts) in itertools.product(options.apis, KINDS):
        folder = out / f"{api}-{'rerun' if rerun else 'commit'}"
        folder.mkdir()
        tell(f"{folder.name}: a new environment ...")
        plan = Plan(
            api=api,
            rerun=rerun,
            layout=mounts,
            folder=folder,
            notebook=options.dist.resolve() / "kernel" / package.NOTEBOOK,
            python=image.new_environment(folder / "environment"),
            image=image.packages,
            limit_seconds=options.minutes * 60,
            isolated=bool(prefix),
            variables=image.variables,
        )
        asked = problems if rerun else problems[:COMMIT_PROBLEMS]
        scaled = layout.scaled_settings(options.minutes, len(asked), options.candidates)
        layout.lay_out(plan, datasets, asked, scaled)
        outcome = carry_out(plan, len(asked), prefix, tell)
        found = checks.check_run(plan, outcome, [row.id for row in asked])
        runs.append(FinishedRun(plan, outcome, found, image.stand_ins))
        # Gigabytes a run; the inputs are hard links.
        shutil.rmtree(folder / "environment")
    return runs


def carry_out(
    plan: Plan, problems: int, prefix: Sequence[str], tell: Callable[[str], None]
) -> Outcome:
    """Carry out a run that is laid out, and return its outcome."""
    command = [*prefix, sys.executable, "-m", "notebooks.rehearsal.inside", str(plan.write())]
    begun = time.monotonic()
    with open(plan.folder / "inside.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                answered = _answered(plan.working / "trace.jsonl")
                seconds = time.monotonic() - begun
                tell(f"{plan.folder.name}: {answered} of {problems} answers, {seconds:.0f} s")
                time.sleep(POLL_SECONDS)
        finally:
            process.terminate()
            process.wait()
    if process.returncode == 0:
        return Outcome.read(plan.folder)
    words = (plan.folder / "inside.log").read_text("utf-8", "replace").strip().splitlines()
    if words and words[-1].startswith(f"{isolation.__name__}.NoPlaceError"):
        raise isolation.NoPlaceError(words[-1].partition(": ")[2])
    last = words[-1] if words else f"status {process.returncode}"
    return Outcome(error=f"the rehearsal's own process ended: {last}")


def _answered(trace: Path) -> int:
    try:
        return trace.read_bytes().count(b'"event": "solution"')
    except OSError:
        return 0


def _report(shown: Console, notebook: Check, runs: Sequence[FinishedRun], out: Path) -> bool:
    """Print the table, write it as JSON; return whether everything passed."""
    shown.print(_table(notebook, runs))
    for real, stand_in in runs[0].stand_ins.items():
        shown.print(f"stand-in: {stand_in} for Kaggle's {real}", soft_wrap=True)
    for network in sorted({run.outcome.network for run in runs}):
        shown.print(f"network: {network}", soft_wrap=True)
    path = out / "report.json"
    write_json(path, [_as_json(notebook, run) for run in runs])
    shown.print(f"report   {path}", soft_wrap=True)
    return not any(check.fault for run in runs for check in (notebook, *run.checks))


def _as_json(notebook: Check, run: FinishedRun) -> dict[str, object]:
    """Return a run as the report has it."""
    return {
        "run": run.plan.name,
        "layout": run.plan.layout,
        "stand_ins": dict(run.stand_ins),
        **asdict(run.outcome),
        "checks": [asdict(check) for check in (notebook, *run.checks)],
    }


def _table(notebook: Check, runs: Sequence[FinishedRun]) -> Table:
    """Return the checks as a table, a column a run, with reasons where one failed."""
    columns = [[notebook, *run.checks] for run in runs]
    faults = any(check.fault for column in columns for check in column)
    table = Table(Column("check", no_wrap=True), *(run.plan.name for run in runs))
    if faults:
        table.add_column("reason")
    for row in zip(*columns, strict=True):
        named = zip(runs, row, strict=True)
        reasons = [f"{run.plan.name}: {check.fault}" for run, check in named if check.fault]
        marks = (Text("FAIL", "red") if check.fault else Text("pass", "green") for check in row)
        table.add_row(row[0].name, *marks, *(["\n".join(reasons)] if faults else []))
    table.add_row("seconds", *(f"{run.outcome.seconds:.0f}" for run in runs))
    return table


def main() -> None:
    """Run the command; exit 1 where a check fails, 2 where it cannot run."""
    options = tyro.cli(RehearseOptions)
    heed_ctrl_c()
    # A pipe has no width; the table and its reasons want more than the 80 columns taken for it.
    shown = console(width=None if sys.stdout.isatty() else WIDTH)
    with user_errors(
        *(ProblemFileError, isolation.NoPlaceError, SettingsError, SetupError),
        package.PackageError,
    ):
        problems = load_problems(options.problems)
        _check_place(options.out)
        home = package.home(options.dist, options.wheels or options.profile)
        model = () if options.wheels else (home / "model",)
        for needed in (options.dist / "kernel" / package.NOTEBOOK, home / "wheels", *model):
            if not needed.exists():
                raise package.PackageError(f"There is no {needed}: `make package` makes it.")
        with Progress(shown) as progress:
            runs = rehearse(options, problems, progress)
    notebook = checks.check_notebook(runs[0].plan.notebook)
    if not _report(shown, notebook, runs, options.out):
        sys.exit(1)


if __name__ == "__main__":
    main()
