"""Brings along what FlashInfer has compiled on such a machine, which saves minutes at the start.

Covers: packing FlashInfer's workspace into one file (the probe does this), unpacking that file to
where it was made, so that `ninja` finds nothing to do. Does not cover: whether FlashInfer is used;
the kernel's trial decides that. Like the install cell it needs only the standard library.

`ninja` goes by times: those of its outputs must match its records to the nanosecond, and everything
they were made from must be older, which pip's fresh copies of FlashInfer's sources are not.
"""

import importlib.util
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

PACKED = "flashinfer.cache"
"""A tar file under a name that Kaggle does not unpack: it would lose times and hidden files."""
TIMES = "times.json"
WORKSPACE = Path("/tmp/flashinfer-workspace")
"""The same for the probe and the submission: ninja's notes hold absolute paths."""
SOURCES = ("flashinfer", "tvm_ffi")
"""Packages with the sources and headers that are compiled."""
LONG_AGO = 946_684_800
"""2000-01-01: older than anything compiled."""


def pack(workspace: Path, target: Path) -> bool:
    """Write what was compiled to `target`, with its times; False where there is nothing."""
    files = [path for path in sorted(workspace.rglob("*")) if path.is_file()]
    if not files:
        return False
    times = {str(path.relative_to(workspace)): path.stat().st_mtime_ns for path in files}
    note = json.dumps(times).encode()
    entry = tarfile.TarInfo(TIMES)
    entry.size = len(note)
    scratch = target.with_name(f"{target.name}.part")
    with tarfile.open(scratch, "w:gz") as packed:
        packed.addfile(entry, io.BytesIO(note))
        for path in files:
            packed.add(path, f"files/{path.relative_to(workspace)}")
    scratch.replace(target)
    return True


def unpack(packed: Path, workspace: Path) -> None:
    """Put what was packed into a writable workspace, with the times it had."""
    scratch = workspace.with_name(f"{workspace.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    with tarfile.open(packed) as archive:
        archive.extractall(scratch, filter="data")
    times: dict[str, int] = json.loads((scratch / TIMES).read_text("utf-8"))
    for name, time in times.items():
        os.utime(scratch / "files" / name, ns=(time, time))
    shutil.rmtree(workspace, ignore_errors=True)
    (scratch / "files").rename(workspace)
    shutil.rmtree(scratch)


def age(folder: Path) -> None:
    """Make all files of a package older than what was compiled from them."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (LONG_AGO, LONG_AGO))


def bring_along(top: Path) -> None:
    """Unpack the first file of that name below `top`; if that fails FlashInfer compiles again."""
    os.environ["FLASHINFER_WORKSPACE_BASE"] = str(WORKSPACE)
    found = next(iter(sorted(top.rglob(PACKED))), None)
    if found is None:
        return
    try:
        unpack(found, WORKSPACE)
        for name in SOURCES:
            spec = importlib.util.find_spec(name)
            for place in spec.submodule_search_locations or () if spec else ():
                age(Path(place))
        print(f"FlashInfer's compiled files came along in {found}.")
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        print(f"{found} cannot be used, so FlashInfer compiles again: {error!r}.", file=sys.stderr)


if __name__ == "__main__":
    bring_along(Path("/kaggle/input"))
