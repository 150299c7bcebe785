"""Lays out what a run finds: the inputs as they are mounted, an environment, an empty folder.

Covers: both mount layouts of the platform, the stand-in for the competition's API among the inputs,
the model's settings scaled down for a rehearsal, and those of this process's packages that an image
already contains. Does not cover: mounting them (`isolation`), and environments (`image`).
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import polars as pl
from packaging.requirements import Requirement

from common import manifest
from common.problems import ProblemRow
from kernel.checks.preflight import PROFILE, profile_of
from notebooks.rehearsal.plan import COMPETITIONS, Plan

MOCK = Path(__file__).resolve().parent.parent / "mock"
IMAGE = ("ipykernel", "grpcio")
"""What runs a notebook, and what the competition's API needs; on Kaggle the image has them."""
RESERVE_SHARE = 0.1
"""Of the time limit, kept back; a run of minutes needs no quarter of an hour."""


def lay_out(
    plan: Plan,
    datasets: Sequence[Path],
    problems: Sequence[ProblemRow],
    settings: Mapping[str, Any],
) -> None:
    """Make the run's folders.

    Args:
        plan: the run; its `folder` exists and is empty.
        datasets: folders with `dataset-metadata.json`, as they would be uploaded.
        problems: what the competition asks; truths stay out of the inputs.
        settings: settings of the kernel that the rehearsal scales down; they go into the model's
            profile, since the notebook is the very file that Kaggle runs.
    """
    top = plan.folder / "input"
    for dataset in datasets:
        mount(dataset, dataset_mount(top, dataset, plan.layout), settings)
    slug = COMPETITIONS[plan.api].slug
    competition = top / slug if plan.layout == "old" else top / "competitions" / slug
    # Copied with its links resolved: a mounted competition is a folder of plain files.
    shutil.copytree(MOCK / plan.api, competition, ignore=shutil.ignore_patterns("__pycache__"))
    columns = {"id": [row.id for row in problems], "problem": [row.problem for row in problems]}
    pl.DataFrame(columns).write_csv(competition / "test.csv")
    for name in ("working", "gateway", "home", "root"):
        (plan.folder / name).mkdir()


def dataset_mount(top: Path, dataset: Path, layout: str) -> Path:
    """Return where the platform mounts a dataset."""
    metadata = json.loads((dataset / "dataset-metadata.json").read_text("utf-8"))
    owner, slug = metadata["id"].split("/")
    return top / slug if layout == "old" else top / "datasets" / owner / slug


def mount(dataset: Path, target: Path, settings: Mapping[str, Any]) -> None:
    """Put a dataset's files where they are mounted, scaling a model's profile down."""
    target.mkdir(parents=True)
    for path in sorted(dataset.iterdir()):
        if path.is_file() and path.name not in manifest.LEFT_OUT and path.name[0] != ".":
            link(path, target / path.name)
    if (target / "config.json").exists():
        profile = target / PROFILE
        values = profile_of(target)
        profile.unlink(missing_ok=True)  # a hard link: writing to it would change the package
        profile.write_text(json.dumps({**values, **settings}), "utf-8")


def scaled_settings(minutes: float, problems: int, candidates: int) -> dict[str, Any]:
    """Return the kernel's settings for a rehearsal of so many minutes."""
    limit = minutes * 60
    return {
        "limit_seconds": limit,
        "reserve_seconds": limit * RESERVE_SHARE,
        "problems": problems,
        "candidates": candidates,
    }


def image_packages(folder: Path, names: Iterable[str]) -> Path:
    """Link the packages `names`, with all that they need, into `folder`; return it."""
    folder.mkdir(parents=True)
    for package in closure(names):
        tops = {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "/")}
        for top in sorted(tops - {"__pycache__"}):
            link = folder / top
            if not link.is_symlink():
                link.symlink_to(Path(str(package.locate_file(top))))
    return folder


def closure(names: Iterable[str]) -> list[Distribution]:
    """Return the installed packages `names` and all that they require here."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # what is not installed here is for another system
        requirements = map(Requirement, found[name].requires or [])
        waiting += [
            needed.name
            for needed in requirements
            if needed.marker is None or needed.marker.evaluate({"extra": ""})
        ]
    return list(found.values())


def link(source: Path, target: Path) -> None:
    """Make `target` the same file: gigabytes need not be copied where links work."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
