"""Model folders with one fault each, made from a good one, for tests.

Covers: what a user may hand to a build. Does not cover: what the build says of it.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file


def copy(good: Path, folder: Path) -> Path:
    """Copy a model's folder."""
    return Path(shutil.copytree(good, folder))


def sharded(folder: Path) -> Path:
    """Divide the weights into two files with an index."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    files: dict[str, str] = {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), start=1):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        files |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    return folder


def change_config(folder: Path, **values: Any) -> None:
    """Set keys of config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def truncate(path: Path, bytes_lost: int) -> None:
    """Cut the end off a file."""
    data = path.read_bytes()
    path.write_bytes(data[:-bytes_lost])


def without_template(folder: Path) -> None:
    """Remove the chat template, wherever it stands."""
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    path = folder / "tokenizer_config.json"
    values = json.loads(path.read_text())
    values.pop("chat_template", None)
    path.write_text(json.dumps(values))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "is no model"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no weights"),
    "other weights only": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
        "only pytorch_model.bin: convert it",
    ),
    "missing shard": (
        lambda f: (sharded(f) / "model-00002-of-00002.safetensors").unlink(),
        "lacks 1 of 2 weight files, model-00002-of-00002.safetensors first",
    ),
    "truncated shard": (
        lambda f: truncate(sharded(f) / "model-00002-of-00002.safetensors", 1000),
        "is cut off, 1000 bytes are missing",
    ),
    "header cut off": (
        lambda f: (f / "model.safetensors").write_bytes(b"\x10\x27\0\0\0\0\0\0{"),
        "no safetensors file",
    ),
    "no chat template": (without_template, "without a chat template"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer that loads"),
    "quantized already": (
        lambda f: change_config(f, quantization_config={"quant_method": "gptq"}),
        "is quantized already (gptq)",
    ),
    "quantized by AutoGPTQ": (
        lambda f: (f / "quantize_config.json").write_text("{}"),
        "is quantized already",
    ),
    "unsupported architecture": (
        lambda f: change_config(f, architectures=["FalconForCausalLM"]),
        "has the architecture FalconForCausalLM, supported are",
    ),
    "config no JSON": (lambda f: (f / "config.json").write_text("{"), "is not JSON"),
}
"""By name: what breaks a folder, and a part of what must be said."""
