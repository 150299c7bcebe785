"""What a folder's safetensors files hold, from their headers alone.

Covers: names, types and shapes of all tensors without reading a weight; files that are cut off,
tensors that appear twice, an index that disagrees with the headers. Does not cover: whether the
tensors are those a model needs (`serving`).
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX = "model.safetensors.index.json"
"""The file that says which tensor lies in which of several weight files."""
MOST_HEADER_BYTES = 100_000_000
"""The format's own limit. Source: the safetensors library."""


class HeaderError(ValueError):
    """A file that is not a complete safetensors file; the message names it."""


@dataclass(frozen=True)
class TensorHeader:
    """One tensor as its header describes it."""

    dtype: str
    """safetensors' own names: F16, BF16, F32, I8, I32 ..."""
    shape: tuple[int, ...]
    file: str


def parse(path: Path) -> tuple[dict[str, TensorHeader], int]:
    """Return a file's tensors, and the length in bytes that its own header gives it.

    The format: eight bytes with the header's length, the header as JSON, then the tensors, whose
    `data_offsets` count from the header's end.

    Raises:
        HeaderError: there is no such header: the file is cut off within it, or a web page or a
            pointer file was saved in its place.
        OSError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MOST_HEADER_BYTES:
                raise ValueError(f"a header of {length} bytes")
            header: dict[str, Any] = json.loads(file.read(length))
        header.pop("__metadata__", None)
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
        tensors = {
            name: TensorHeader(str(entry["dtype"]), tuple(map(int, entry["shape"])), path.name)
            for name, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error):
        raise HeaderError(f"{path.name} is not a safetensors file: build it again.") from None
    return tensors, 8 + length + end


def read_header(path: Path) -> dict[str, TensorHeader]:
    """Return the tensors of one file.

    Raises:
        HeaderError: the file is cut off, or no safetensors file.
    """
    tensors, promised = parse(path)
    if (missing := promised - path.stat().st_size) > 0:
        raise HeaderError(f"{path.name} is cut off, {missing} bytes are missing: build it again.")
    return tensors


def read_folder(folder: Path) -> tuple[dict[str, TensorHeader], list[str]]:
    """Return the tensors of all files, and a sentence for each fault of files and index."""
    tensors: dict[str, TensorHeader] = {}
    faults: list[str] = []
    paths = sorted(folder.glob("*.safetensors"))
    for path in paths:
        try:
            found = read_header(path)
        except HeaderError as error:
            faults.append(str(error))
            continue
        for name in sorted(set(found) & set(tensors)):
            faults.append(f"{name} is in {tensors[name].file} and in {path.name}: keep one.")
        tensors |= found
    if not paths:
        return {}, ["There are no *.safetensors files."]
    return tensors, faults + _index_faults(folder, tensors, len(paths))


def _index_faults(folder: Path, tensors: dict[str, TensorHeader], files: int) -> list[str]:
    """Hold the index to the headers: loaders read only the files that it names."""
    path = folder / INDEX
    if not path.is_file():
        return [f"{files} weight files need {INDEX}: write it."] if files > 1 else []
    try:
        wanted: dict[str, str] = json.loads(path.read_text("utf-8"))["weight_map"]
        wanted = dict(wanted)
    except (ValueError, KeyError, TypeError):
        return [f"{INDEX} cannot be read: write it again."]
    faults: list[str] = []
    for name in sorted(set(wanted) | set(tensors)):
        if name not in tensors:
            faults.append(f"{INDEX} names {name}, which no file holds.")
        elif name not in wanted:
            faults.append(f"{INDEX} does not name {name}: it would not be loaded.")
        elif wanted[name] != tensors[name].file:
            faults.append(f"{INDEX} expects {name} in {wanted[name]}, not in {tensors[name].file}.")
    return faults
