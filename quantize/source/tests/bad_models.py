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


def without(folder: Path, key: str) -> None:
    """Remove a key of config.json."""
    path = folder / "config.json"
    values = json.loads(path.read_text())
    del values[key]
    path.write_text(json.dumps(values))


def set_template(folder: Path, text: str) -> None:
    """Replace the chat template."""
    without_template(folder)
    (folder / "chat_template.jinja").write_text(text)


def without_tokenizer(folder: Path) -> None:
    """Remove every file of the tokenizer but the chat template."""
    set_template(folder, "{{ messages[0].content }}")
    for path in folder.glob("*token*"):
        path.unlink()


def as_adapter(folder: Path) -> None:
    """Leave what peft saves of a LoRA training."""
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "config.json").rename(folder / "adapter_config.json")


def lone_part(folder: Path) -> None:
    """Leave the first of four weight files, and no index."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00004.safetensors")


def without_index(folder: Path) -> None:
    """Leave all weight files, and no index."""
    (sharded(folder) / "model.safetensors.index.json").unlink()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "is not a model"),
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
        "not a safetensors file",
    ),
    "no chat template": (without_template, "without a chat template"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "has no tokenizer (none of"),
    "a broken tokenizer": (
        lambda f: (f / "tokenizer.json").write_text("{"),
        "no tokenizer that loads",
    ),
    "quantized already": (
        lambda f: change_config(f, quantization_config={"quant_method": "gptq"}),
        "is quantized already (gptq)",
    ),
    "quantized by AutoGPTQ": (
        lambda f: (f / "quantize_config.json").write_text("{}"),
        "is quantized already",
    ),
    "architectures a number": (lambda f: change_config(f, architectures=5), "architecture 5:"),
    "unsupported architecture": (
        lambda f: change_config(f, architectures=["FalconForCausalLM"]),
        "has the architecture FalconForCausalLM: use a model of a supported one",
    ),
    "no number of layers": (
        lambda f: without(f, "num_hidden_layers"),
        "None as its num_hidden_layers",
    ),
    "no vocabulary size": (lambda f: without(f, "vocab_size"), "None as its vocab_size"),
    "a width as text": (
        lambda f: change_config(f, hidden_size="wide"),
        "'wide' as its hid",
    ),
    "no layers": (lambda f: change_config(f, num_hidden_layers=0), "0 as its num_hidden_layers"),
    "a size that is true": (lambda f: change_config(f, vocab_size=True), "True as its vocab_size"),
    "more layers configured": (
        lambda f: change_config(f, num_hidden_layers=28),
        "is configured for 28 layers and stores",
    ),
    "fewer layers configured": (
        lambda f: change_config(f, num_hidden_layers=1),
        "is configured for 1 layers and stores",
    ),
    "quantization no object": (
        lambda f: change_config(f, quantization_config="gptq"),
        "quantization_config that is not an object",
    ),
    "no tensors": (
        lambda f: save_file({}, f / "model.safetensors"),
        "weight files without tensors",
    ),
    "one part of four": (lone_part, "lacks 3 of 4 weight files, number 2 first"),
    "parts without an index": (without_index, "2 weight files and no model.safetensors.index.json"),
    "an adapter": (as_adapter, "holds a LoRA adapter, not a model"),
    "a template but no tokenizer": (without_tokenizer, "has no tokenizer (none of tokenizer.json"),
    "a template that does not parse": (
        lambda f: set_template(f, "{% for m in messages %}{{ m.content }}"),
        "a chat template that fails on one question",
    ),
    "a template that raises": (
        lambda f: set_template(f, "{{ raise_exception('system first') }}"),
        "fails on one question (system first)",
    ),
    "a template that forgets the question": (
        lambda f: set_template(f, "### Problem:"),
        "leaves the question out",
    ),
    "config no JSON": (lambda f: (f / "config.json").write_text("{"), "is not JSON"),
}
"""By name: what breaks a folder, and a part of what must be said."""
