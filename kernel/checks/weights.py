"""Whether a model's weight files are all there and complete, checked in milliseconds.

Covers: no weights at all, files that the index names but nobody uploaded, parts of a series without
an index, files without tensors, files cut off in transfer, adapters without their base. A file's
own header gives the length that it must have, so no weights are read. Does not cover: what the
weights hold, and whether the machine can run them (`quantization`).
"""

import json
import re
from pathlib import Path

from kernel.checks.headers import INDEX, HeaderError, parse

ADAPTERS = ("adapter_config.json", "adapter_model.safetensors")
"""Files of a LoRA adapter: differences to a base model that is not there."""
PART = re.compile(r"-(\d+)-of-(\d+)\.safetensors$")
"""The name of one of several weight files."""


def weights_fault(model: Path) -> str:
    """Return what is wrong with the weight files of a model's folder, "" for nothing."""
    if fault := adapter_fault(model):
        return fault
    try:
        index: dict[str, dict[str, str]] = json.loads((model / INDEX).read_text("utf-8"))
        files = [model / name for name in sorted(set(index["weight_map"].values()))]
    except FileNotFoundError:
        files = sorted(model.glob("*.safetensors"))
        if not files:
            return f"{model} has no weights (*.safetensors): upload the model again."
        if fault := series_fault(model, files):
            return fault
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return f"{model / INDEX} cannot be read: upload the model again."
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        return (
            f"{model} lacks {len(missing)} of {len(files)} weight files, {missing[0]} first: "
            "upload what is missing."
        )
    return next((fault for file in files if (fault := file_fault(file))), "")


def adapter_fault(model: Path) -> str:
    """Return a sentence where a folder holds an adapter and no model, "" elsewhere."""
    if not any((model / name).is_file() for name in ADAPTERS):
        return ""
    weights = [path for path in model.glob("*.safetensors") if path.name not in ADAPTERS]
    if weights and (model / "config.json").is_file():
        return ""
    return (
        f"{model} holds a LoRA adapter, not a model: merge it into its base model first "
        "(peft's merge_and_unload), and give that folder."
    )


def series_fault(model: Path, files: list[Path]) -> str:
    """Return a sentence where files without an index are parts of a series, "" elsewhere."""
    parts = [match for file in files if (match := PART.search(file.name))]
    if not parts:
        return ""
    present, whole = {int(part[1]) for part in parts}, int(parts[0][2])
    if lost := sorted(set(range(1, whole + 1)) - present):
        return (
            f"{model} lacks {len(lost)} of {whole} weight files, number {lost[0]} first, and "
            f"{INDEX}: upload what is missing."
        )
    if whole > 1:
        return f"{model} has {whole} weight files and no {INDEX}: upload it too."
    return ""


def file_fault(path: Path) -> str:
    """Return what is wrong with a safetensors file, judged by its header; "" for nothing."""
    try:
        size = path.stat().st_size
        tensors, promised = parse(path)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}): upload it again."
    except HeaderError:
        return f"{path} is not a safetensors file: upload it again."
    if not tensors:
        return f"{path} holds no tensors: upload the model again."
    if size == promised:
        return ""
    return f"{path} has {size:,} bytes where its header promises {promised:,}: upload it again."
