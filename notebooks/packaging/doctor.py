"""`make doctor`: what has changed on Kaggle's side that concerns this package.

Covers: comparing a newer image's list of packages, as `pip freeze` or `pip list` prints it, with
what the pinned image has (`wheels/t4x2-image.txt`), what that needs, and what the wheelhouse
brings; comparing the installed version of Kaggle's client with the one that was tested. Does not
cover: asking Kaggle or an index; run `!pip freeze` in a notebook with the newer image to get its
list.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import tyro
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from rich.table import Table

from common.console import console, user_errors
from notebooks.packaging import settings
from notebooks.packaging.wheelhouse import PROFILES, Profile, image_needs, lines

ROOT = Path(__file__).resolve().parents[2]
CLIENT = "kaggle"
LISTED = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:==|\s)\s*([0-9][\w.+!-]*)\s*(?:\s.*)?$")
"""A package and its version, as `pip freeze` or `pip list` writes them."""


class DoctorError(ValueError):
    """A list that cannot be read; the message says what to give."""


@dataclass(frozen=True)
class DoctorOptions:
    """Say what has changed on Kaggle's side."""

    image: Path | None = None
    """The packages of a newer image: the output of `pip freeze` or `pip list` in it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was when this was tested."""

    package: str
    before: str
    now: str
    """"" for gone."""
    means: str
    """What to do, or why nothing need be done."""
    harmless: bool = False


def read_list(path: Path) -> dict[str, str]:
    """Return the versions in a list of packages, by canonical name.

    Raises:
        DoctorError: it cannot be read, or holds no package.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DoctorError(f"{path} cannot be read: {error}.") from None
    found = [match.groups() for line in text.splitlines() if (match := LISTED.match(line.strip()))]
    if not found:
        raise DoctorError(f"{path} lists no package: give what `pip freeze` prints in the image.")
    return {canonicalize_name(name): number for name, number in found}


def image_changes(profile: Profile, now: Mapping[str, str]) -> list[Change]:
    """Return what a newer image changes for the wheelhouse of a profile."""
    pinned = dict(_pins(lines(profile.image)))
    brought = dict(_pins(re.findall(r"(?m)^\S+==\S+", profile.lock.read_text("utf-8"))))
    relock = f"write it into {profile.image.name}, run `make lock-wheels` and rehearse"
    changes = [
        Change(name, before, now.get(name, ""), relock)
        for name, before in pinned.items()
        if now.get(name) != before
    ]
    changes += _broken(profile, {**now, **brought})
    for name, ours in brought.items():
        if name in now and _newer(now[name], ours):
            means = "the wheelhouse puts its older one in the place of the image's"
            changes.append(Change(name, ours, now[name], means, harmless=True))
    return changes


def _broken(profile: Profile, there: Mapping[str, str]) -> list[Change]:
    """Return the needs of the image's packages that do not hold together with the wheels."""
    changes: list[Change] = []
    for owner, needs in image_needs(profile).items():
        for need in map(Requirement, needs):
            name = canonicalize_name(need.name)
            if name in there and not need.specifier.contains(there[name], prereleases=True):
                means = f"{owner} needs {need}: check whether it still does, and relock"
                changes.append(Change(name, str(need.specifier), there[name], means))
    return changes


def client_changes(tested: str, installed: str) -> list[Change]:
    """Return whether Kaggle's client is another than the tested one."""
    if tested == installed:
        return []
    means = "run the tests of notebooks/publishing before you publish with it"
    return [Change(CLIENT, tested, installed, means)]


def tested_client() -> str:
    """Return the version of the client that requirements.txt pins."""
    pins = dict(_pins(lines(ROOT / "requirements.txt")))
    return pins[CLIENT]


def _pins(requirements: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yield name and version of the lines that pin one."""
    for line in requirements:
        try:
            need = Requirement(line)
        except InvalidRequirement:
            continue
        if len(need.specifier) == 1 and (pin := next(iter(need.specifier))).operator == "==":
            yield canonicalize_name(need.name), pin.version


def _newer(there: str, ours: str) -> bool:
    try:
        return Version(there) > Version(ours)
    except InvalidVersion:
        return there != ours


def main() -> None:
    """Run the command; exit 1 where something is to be done, 2 where a list cannot be read."""
    options = tyro.cli(DoctorOptions)
    changes = client_changes(tested_client(), version(CLIENT))
    with user_errors(DoctorError):
        if options.image:
            profile = PROFILES[settings.load().machine.wheels]
            changes += image_changes(profile, read_list(options.image))
    shown = console(width=None if sys.stdout.isatty() else 140)
    if changes:
        table = Table("package", "tested", "now", "what it means")
        for change in sorted(changes, key=lambda change: (change.harmless, change.package)):
            table.add_row(change.package, change.before, change.now or "gone", change.means)
        shown.print(table)
    if not options.image:
        shown.print("No image was checked: give its `pip freeze` with IMAGE=file.")
    if any(not change.harmless for change in changes):
        sys.exit(1)
    shown.print("There is nothing to do.")


if __name__ == "__main__":
    main()
