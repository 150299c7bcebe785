"""Whether a model's weight files are all there and whole, told in milliseconds.

Covers: no weights at all, files that the index names and nobody uploaded, files cut off on their
way. The length that a file must have stands in its own header, so no weights are read. Does not
cover: what the weights hold, and whether the machine can run them (`quantization`).
"""

import json
import struct
from pathlib import Path
from typing import Any

INDEX = "model.safetensors.index.json"
"""The file that says which tensor lies in which of several weight files."""
MOST_HEADER_BYTES = 100_000_000
"""The format's own limit. Source: the safetensors library."""


def weights_fault(model: Path) -> str:
    """Return what is wrong with the weight files of a model's folder, "" for nothing."""
    try:
        index: dict[str, dict[str, str]] = json.loads((model / INDEX).read_text("utf-8"))
        files = [model / name for name in sorted(set(index["weight_map"].values()))]
    except FileNotFoundError:
        files = sorted(model.glob("*.safetensors"))
        if not files:
            return f"{model} has no weights (*.safetensors): upload the model again."
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return f"{model / INDEX} cannot be read: upload the model again."
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        return (
            f"{model} lacks {len(missing)} of {len(files)} weight files, {missing[0]} first: "
            "upload what is missing."
        )
    return next((fault for file in files if (fault := file_fault(file))), "")


def file_fault(path: Path) -> str:
    """Return what is wrong with a safetensors file, judged by its header; "" for nothing."""
    try:
        size = path.stat().st_size
        promised = promised_bytes(path)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}): upload it again."
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        # Cut off within the header, or a web page or a pointer file saved in its place.
        return f"{path} is no safetensors file: upload it again."
    if size == promised:
        return ""
    return f"{path} has {size:,} bytes where its header promises {promised:,}: upload it again."


def promised_bytes(path: Path) -> int:
    """Return the length in bytes that a safetensors file's own header gives it.

    The format: eight bytes with the header's length, the header as JSON, then the tensors, whose
    `data_offsets` count from the header's end.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, struct.error: there is no such header.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MOST_HEADER_BYTES:
            raise ValueError(f"a header of {length} bytes")
        header: dict[str, dict[str, Any]] = json.loads(file.read(length))
    tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
    return 8 + length + max((int(tensor["data_offsets"][1]) for tensor in tensors), default=0)
