"""A package that is built in a second: the real notebook, a stand-in for vLLM, an empty model.

Covers: `dist/` as `make package PROFILE=cpu` leaves it, but for what is in the wheels and weights.
The fake vLLM is the one of the kernel's tests; everything else that the kernel imports comes from
the image, which has more in these tests than a rehearsal gives it.
"""

import json
import zipfile
from pathlib import Path

from common import manifest
from kernel.checks.tests.model_folders import model_folder
from notebooks import build
from notebooks.packaging import settings, wheelhouse
from notebooks.packaging.metadata import dataset_metadata

FAKE = build.ROOT / "kernel/engine/tests/fake_vllm"
IMAGE = ("ipykernel", "grpcio", "numpy", "sympy", "pandas", "polars")
"""What the image must have where the wheels hold next to nothing."""


def write_wheel(
    folder: Path, name: str, version: str = "1.0", files=(), requires=(), tag: str = "py3-none-any"
) -> Path:
    """Write a wheel of `files` (pairs of archive name and bytes); return its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    needs = "".join(f"Requires-Dist: {other}\n" for other in requires)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    info = f"{stem}.dist-info"
    contents = [*files, (f"{info}/METADATA", metadata), (f"{info}/WHEEL", wheel)]
    record = "".join(f"{path},,\n" for path, _ in [*contents, (f"{info}/RECORD", "")])
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for archived, data in [*contents, (f"{info}/RECORD", record)]:
            archive.writestr(archived, data)
    return path


def small_package(dist: Path, scratch: Path) -> Path:
    """Build the package into `dist`; the fake vLLM keeps its state in `scratch`."""
    build.write(dist / "kernel/submission.ipynb", build.notebook(build.submission_cells()))
    chosen = settings.load()
    wheels = dist / "cpu/wheels"
    wheels.mkdir(parents=True)
    plan = scratch / "plan"
    plan.write_text("")
    variables = {"FAKE_VLLM_PLAN": str(plan), "FAKE_VLLM_TEXT": "So \\boxed{5}."}
    fake = [(str(path.relative_to(FAKE)), path.read_bytes()) for path in FAKE.rglob("*.py")]
    # A .pth file runs at the interpreter's start: the run's environment is the platform's own.
    setting = f"import os; os.environ.update({variables!r})\n"
    write_wheel(wheels, "fake-vllm", files=[*fake, ("fake_vllm_settings.pth", setting)])
    finish(wheels, chosen, "wheels")
    finish(model_folder(dist / "cpu/model"), chosen, "model")
    return dist


def finish(folder: Path, chosen: settings.Settings, which: settings.Which) -> None:
    """Add what is in every dataset's folder."""
    if which == "wheels":
        wheelhouse.write_list(folder)
    metadata = dataset_metadata(chosen, which)
    (folder / "dataset-metadata.json").write_text(json.dumps(metadata))
    manifest.write(folder)
