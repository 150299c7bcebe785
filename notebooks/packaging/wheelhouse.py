"""A wheelhouse: the wheels that the notebook installs offline, from a lock file with hashes.

Covers: resolving a profile's requirements into its lock, downloading exactly that, the list with
hashes that the notebook's first cell installs, and the proof that nothing is missing: an offline
resolve for the profile's Python and platform that sees only the wheels and what the image has, and
that also satisfies what the image's packages need. Does not cover: packages of the image that are
not listed, and whether everything works together at run time, which only a run shows.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.files import whole
from notebooks.cells.install import LIST

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks/wheels"
UV = [sys.executable, "-m", "uv"]
# Without an interpreter named, uv asks every one on the path what it is, for seconds each.
COMPILE = ["pip", "compile", "--python", sys.executable]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
GLIBC = 35
"""Minor version of the image's glibc 2.x: wheels for it and older ones install."""
OWN_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class WheelhouseError(RuntimeError):
    """A wheelhouse that cannot be made or is not closed; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The platform that a wheelhouse is for. Its files lie in `notebooks/wheels/`, by its name."""

    name: str
    python: str
    platform: str
    """As uv names it."""
    own: bool = False
    """Whether it is for this process's own Python, with the versions of requirements.lock."""
    by_pip: str = ""
    """One requirement that pip fetches with all it needs: its build depends on pip's settings."""
    image_name: str = ""
    """The profile whose image this one is for too; its own where empty."""

    @property
    def requirements(self) -> Path:
        """What is asked for."""
        return FOLDER / f"{self.name}.in"

    @property
    def lock(self) -> Path:
        """What that resolves to, with hashes."""
        return FOLDER / f"{self.name}.lock"

    @property
    def image(self) -> Path:
        """What is needed but stays out of the wheelhouse."""
        return FOLDER / f"{self.image_name or self.name}-image.txt"

    @property
    def needs(self) -> Path:
        """What the image's packages require, by name; the file may be missing."""
        return FOLDER / f"{self.image_name or self.name}-image-needs.json"

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that decide what is in the wheelhouse."""
        needs = (self.needs,) if self.needs.exists() else ()
        return self.requirements, self.lock, self.image, *needs


PROFILES = {
    "t4x2": Profile("t4x2", "3.12", f"x86_64-manylinux_2_{GLIBC}"),
    # Kaggle's GPU image is one for all machines.
    "h100": Profile("h100", "3.12", f"x86_64-manylinux_2_{GLIBC}", image_name="t4x2"),
    "cpu": Profile(
        "cpu",
        OWN_PYTHON,
        f"x86_64-manylinux_2_{GLIBC}",
        own=True,
        by_pip="torch==2.13.0",
    ),
}


def lock(profile: Profile) -> None:
    """Resolve the profile's requirements into its lock file (needs a package index)."""
    command = [*COMPILE, str(profile.requirements), "--generate-hashes", "--no-header"]
    command += ["--no-annotate", "--quiet"]
    if profile.own:
        # Any Python from 3.11 on; the environments come from the project's own uv settings.
        command = [*UV, *command, "--universal", "--python-version", "3.11"]
        command += ["--constraint", str(ROOT / "requirements.lock")]
    else:
        command = [*UV, "--no-config", *command, *_platform(profile)]
    with tempfile.TemporaryDirectory() as folder:
        left_out = Path(folder) / "override.txt"
        left_out.write_text(_never([*lines(profile.image), *filter(None, [profile.by_pip])]))
        with whole(profile.lock) as scratch:
            _run([*command, "--override", str(left_out), "--output-file", str(scratch)])


def download(profile: Profile, folder: Path, tell: Callable[[str], None]) -> None:
    """Fetch the profile's wheels into `folder`, every hash checked; wheels only.

    Args:
        profile: which.
        folder: where the wheels go.
        tell: is told each line of progress.

    Raises:
        WheelhouseError: a wheel cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [*PIP, "download", "--dest", str(folder), "--only-binary", ":all:"]
    if profile.by_pip:
        pins = folder / ".constraints"
        # pip takes no hashes of constraints where it is not given those of all requirements.
        pinned = re.findall(r"(?m)^\S+==[^\\]*(?= \\)", profile.lock.read_text("utf-8"))
        pins.write_text("\n".join(pinned))
        _watch([*command, profile.by_pip, "--constraint", str(pins)], tell)
        pins.unlink()
    target = [] if profile.own else _target(profile)
    hashed = ["--no-deps", "--require-hashes", "--requirement", str(profile.lock)]
    _watch([*command, *target, *hashed], tell)
    write_list(folder)


def write_list(folder: Path) -> None:
    """Write the requirements file of exactly the wheels that lie in `folder`."""
    lines = [
        "{}=={} --hash=sha256:{}".format(*_name_and_version(wheel), _sha256(wheel))
        for wheel in sorted(folder.glob("*.whl"))
    ]
    (folder / LIST).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def missing(profile: Profile, folder: Path) -> str:
    """Return what an offline resolve with the wheels and the image lacks, "" for nothing.

    Every wheel is asked for as it is, since it takes the place of the image's version, and so are
    the image's other packages: a wheel that breaks a pin of theirs is named.
    """
    wheels = dict(map(_name_and_version, folder.glob("*.whl")))
    needs = image_needs(profile)
    with tempfile.TemporaryDirectory() as scratch:
        stubs = Path(scratch)
        image = [line for line in lines(profile.image) if line.partition("==")[0] not in wheels]
        for line in image:
            _write_stub(stubs, line, needs.get(line.partition("==")[0], []))
        there = [*image, *(f"{name}=={version}" for name, version in wheels.items())]
        (stubs / "there.txt").write_text("\n".join(there), "utf-8")
        command = [*UV, "--no-config", *COMPILE, str(profile.requirements)]
        command += [str(stubs / "there.txt")]
        command += [*_platform(profile), "--no-index", "--no-cache", "--quiet"]
        command += ["--find-links", str(folder), "--find-links", str(stubs)]
        done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else " ".join(done.stderr.split())


def image_needs(profile: Profile) -> dict[str, list[str]]:
    """Return what the image's packages require, by name, as their metadata says it."""
    if not profile.needs.exists():
        return {}
    needs: dict[str, list[str]] = json.loads(profile.needs.read_text("utf-8"))
    return needs


def lines(path: Path) -> list[str]:
    """Return a requirements file's lines without comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line]


def _never(requirements: Iterable[str]) -> str:
    """Return overrides that remove packages: a marker that never holds."""
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requirements]
    return "".join(f"{name} ; sys_platform == 'never'\n" for name in names)


def _target(profile: Profile) -> list[str]:
    """Return pip's options for a Python and a platform that are not this process's own."""
    # pip takes the tags named and no older ones: name every glibc back to the oldest in use.
    tags = [f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1)]
    tags += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    options = ["--python-version", profile.python, "--implementation", "cp"]
    return [*options, *(option for tag in tags for option in ("--platform", tag))]


def _platform(profile: Profile) -> list[str]:
    """Return uv's options for the profile's Python and platform."""
    python = ["--python-version", profile.python, "--python-platform", profile.platform]
    return [*python, "--only-binary", ":all:"]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise WheelhouseError(" ".join(done.stderr.split()))


def _watch(command: Sequence[str], tell: Callable[[str], None]) -> None:
    """Run pip, telling each line that says something new; raise with its last words."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    faults: list[str] = []
    assert process.stdout is not None  # asked for above
    for line in process.stdout:
        if line.startswith(("Saved", "File was already downloaded")):
            tell(line.strip())
        if line.startswith("ERROR"):
            faults.append(line.strip())
    if process.wait():
        raise WheelhouseError(" ".join(faults) or f"pip ended with {process.returncode}.")


def _name_and_version(wheel: Path) -> tuple[str, str]:
    name, version = wheel.name.split("-")[:2]
    return name.replace("_", "-").lower(), version


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_stub(folder: Path, requirement: str, needs: Iterable[str]) -> None:
    """Write a wheel that says no more than that the image has a package, and what that needs."""
    name, _, version = requirement.partition("==")
    stem = f"{name.replace('-', '_')}-{version or '999'}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version or '999'}\n"
    metadata += "".join(f"Requires-Dist: {other}\n" for other in needs)
    wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", metadata)
        archive.writestr(f"{stem}.dist-info/WHEEL", wheel)
        archive.writestr(f"{stem}.dist-info/RECORD", "")
