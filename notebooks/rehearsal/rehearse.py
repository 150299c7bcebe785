"""`make rehearse`: run the very notebook that goes to Kaggle as Kaggle would, and judge the result.

Covers: for each competition a commit run and a hidden rerun, each in a new environment that gets
its packages from the notebook's own offline install, on the platform's own paths, with read-only
inputs, without a network; the table of checks. Does not cover: the platform's image and GPUs.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from common.console import Progress
from common.problems import ProblemFileError, ProblemRow, load_problems
from notebooks.packaging import package
from notebooks.packaging.settings import SettingsError
from notebooks.rehearsal import checks, isolation, layout
from notebooks.rehearsal.checks import Check
from notebooks.rehearsal.plan import Api, Layout, Outcome, Plan

ROOT = Path(__file__).resolve().parents[2]
COMMIT_PROBLEMS = 3
"""What the public test file of a competition holds."""
KINDS: tuple[tuple[bool, Layout], ...] = ((False, "old"), (True, "new"))
"""Commit run and rerun, each in one of the two mount layouts: which one shows varies on Kaggle."""
POLL_SECONDS = 1.0
WIDTH = 140


@dataclass(frozen=True)
class Options:
    """Run dist/kernel/submission.ipynb as Kaggle would, for every competition."""

    profile: package.ProfileName = "cpu"
    """Which wheels and model: t4x2 needs such a machine."""
    apis: tuple[Api, ...] = ("aimo1", "aimo2", "aimo3")
    """The competitions to rehearse."""
    problems: Path = ROOT / "common/problems.csv"
    """What the hidden rerun asks; the commit run asks the first three."""
    minutes: float = 5.0
    """The platform's time limit for a run, scaled down from hours."""
    candidates: int = 4
    """N: attempts at each problem."""
    dist: Path = ROOT / "dist"
    """What `make package` made."""
    out: Path = ROOT / "runs/rehearsal"
    """Where logs, submissions and executed notebooks go; replaced if there."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run."""

    plan: Plan
    outcome: Outcome
    checks: list[Check]


def rehearse(
    options: Options, problems: Sequence[ProblemRow], tell: Callable[[str], None]
) -> list[Run]:
    """Carry out all runs, one after the other.

    Raises:
        NoPlaceError: the platform's paths cannot be made here.
    """
    out = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    image = layout.image_packages(out / "image", layout.IMAGE)
    prefix = isolation.prefix()
    runs: list[Run] = []
    for api in options.apis:
        for rerun, mounts in KINDS:
            asked = problems if rerun else problems[:COMMIT_PROBLEMS]
            folder = out / f"{api}-{'rerun' if rerun else 'commit'}"
            folder.mkdir()
            tell(f"{folder.name}: a new environment ...")
            plan = Plan(
                api,
                rerun,
                mounts,
                folder,
                options.dist.resolve() / "kernel" / package.NOTEBOOK,
                layout.new_environment(folder / "environment"),
                image,
                options.minutes * 60,
                bool(prefix),
            )
            outcome = carry_out(plan, options, asked, prefix, tell)
            judged = checks.check_run(plan, outcome, [row.id for row in asked])
            runs.append(Run(plan, outcome, judged))
            # Gigabytes a run; the inputs are hard links.
            shutil.rmtree(folder / "environment")
    return runs


def carry_out(
    plan: Plan,
    options: Options,
    problems: Sequence[ProblemRow],
    prefix: Sequence[str],
    tell: Callable[[str], None],
) -> Outcome:
    """Lay one run out, run it, and return what came of it."""
    home = package.home(options.dist.resolve(), options.profile)
    scaled = layout.scaled_settings(options.minutes, len(problems), options.candidates)
    layout.lay_out(plan, [home / "wheels", home / "model"], problems, scaled)
    command = [*prefix, sys.executable, "-m", "notebooks.rehearsal.inside", str(plan.write())]
    begun = time.monotonic()
    with open(plan.folder / "inside.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                answered = _answered(plan.working / "trace.jsonl")
                seconds = time.monotonic() - begun
                tell(f"{plan.folder.name}: {answered} of {len(problems)} answers, {seconds:.0f} s")
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


def _report(console: Console, notebook: Check, runs: Sequence[Run], out: Path) -> bool:
    """Print the table, write it as JSON; return whether everything passed."""
    judged = [[notebook, *run.checks] for run in runs]
    faults = any(check.fault for row in judged for check in row)
    table = Table(Column("check", no_wrap=True), *(run.plan.name for run in runs))
    if faults:
        table.add_column("reason")
    for row in zip(*judged, strict=True):
        named = zip(runs, row, strict=True)
        reasons = [f"{run.plan.name}: {check.fault}" for run, check in named if check.fault]
        marks = ("[red]FAIL[/]" if check.fault else "[green]pass[/]" for check in row)
        table.add_row(row[0].name, *marks, *(["\n".join(map(escape, reasons))] if faults else []))
    table.add_row("seconds", *(f"{run.outcome.seconds:.0f}" for run in runs))
    console.print(table)
    for network in sorted({run.outcome.network for run in runs}):
        console.print(f"network: {network}", soft_wrap=True)
    report = [
        {"run": run.plan.name, "layout": run.plan.layout, **asdict(run.outcome)}
        | {"checks": [asdict(check) for check in row]}
        for run, row in zip(runs, judged, strict=True)
    ]
    path = out / "report.json"
    path.write_text(json.dumps(report, indent=1), "utf-8")
    console.print(f"report   {path}", soft_wrap=True)
    return not faults


def main() -> None:
    """Run the command; exit 1 where a check fails, 2 where it cannot run."""
    options = tyro.cli(Options)
    # A pipe has no width; the table and its reasons want more than the 80 columns taken for it.
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    try:
        problems = load_problems(options.problems)
        home = package.home(options.dist, options.profile)
        for needed in (options.dist / "kernel" / package.NOTEBOOK, home / "wheels", home / "model"):
            if not needed.exists():
                sys.exit(_complain(f"There is no {needed}: `make package` makes it."))
        with Progress(console) as progress:
            runs = rehearse(options, problems, progress)
    except (ProblemFileError, isolation.NoPlaceError, SettingsError) as error:
        sys.exit(_complain(str(error)))
    notebook = checks.check_notebook(runs[0].plan.notebook)
    if not _report(console, notebook, runs, options.out):
        sys.exit(1)


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
