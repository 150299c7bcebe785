"""Install the wheels that are mounted, without network: the notebook's first cell.

Covers: finding the wheelhouse in any mount layout, checking every wheel's hash, installing what the
image lacks, reading the model's weights ahead in the meantime. Does not cover: making the
wheelhouse (`notebooks/packaging/package.py`). It runs before the kernel's modules are written, so
it needs only the standard library.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LIST = "wheels.txt"
"""Beside the wheels: what to install, pinned, with hashes."""
WEIGHTS = ".safetensors"


def below(top: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folders below `top` with the names of their files, each folder once."""
    seen: set[Path] = set()
    for name, subfolders, files in os.walk(top, followlinks=True):
        folder = Path(name).resolve()
        # Mount layouts link to each other; a link to a parent would never end.
        if folder in seen:
            subfolders.clear()
            continue
        seen.add(folder)
        yield folder, files


def wheelhouses(top: Path) -> list[Path]:
    """Return the folders below `top` that hold a wheelhouse, each once."""
    return sorted(folder for folder, files in below(top) if LIST in files)


def read_ahead(top: Path) -> "subprocess.Popen[bytes] | None":
    """Have the weights below `top` read into the machine's memory while the wheels install.

    Loading the model then finds them there instead of on Kaggle's slow disk. Nobody waits for it;
    where memory is short the system drops what was read, and loading reads it again.
    """
    found = below(top)
    weights = [str(f / name) for f, names in found for name in names if name.endswith(WEIGHTS)]
    if not weights:
        return None
    command = ["cat", *sorted(weights)]
    try:
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        return None


def install(folder: Path) -> None:
    """Install a wheelhouse; in a scored rerun a failure is printed, and the notebook continues.

    Without its packages the kernel still gives every problem its fallback answer, which is more
    than a notebook that stops here.
    """
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--find-links"]
    command += [str(folder), "--require-hashes", "--requirement", str(folder / LIST)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == 0:
        print(f"Installed the wheels of {folder}.")
        return
    fault = f"The wheels of {folder} do not install: {done.stdout.strip()[-2000:]}"
    if not os.environ.get("KAGGLE_IS_COMPETITION_RERUN"):
        raise RuntimeError(fault)
    print(fault, file=sys.stderr)


if __name__ == "__main__":
    reading = read_ahead(Path("/kaggle/input"))
    for wheelhouse in wheelhouses(Path("/kaggle/input")):
        install(wheelhouse)
