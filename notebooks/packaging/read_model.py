"""Reads a model folder with the libraries that serve on Kaggle, and says what they cannot read.

Covers: config, tokenizer, chat template, headers of the weights that are there; numbers that the
libraries would silently replace by a default. Does not cover: loading weights, serving. Run as
`python read_model.py FOLDER` by `loading`, in its environment: it knows nothing of this package.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoTokenizer

TURN = [{"role": "user", "content": "What is $1 + 1$?"}]


def faults(folder: Path) -> Iterator[str]:
    """Yield a phrase for each thing that is not read as it was written."""
    settings: Any = None
    try:
        settings = AutoConfig.from_pretrained(str(folder))
    except Exception as error:  # whatever a library raises is the answer here
        yield f"config.json cannot be read: {first_line(error)}"
    else:
        yield from rotation_faults(folder, settings)
    yield from tokenizer_faults(folder, settings)
    yield from weight_faults(folder)


def rotation_faults(folder: Path, settings: Any) -> Iterator[str]:
    """Yield how the rotary embeddings are read otherwise than transformers 5 has written them."""
    written: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    rope: dict[str, Any] = written.get("rope_parameters") or {}
    theta = rope.get("rope_theta")
    # transformers 5 itself has it where it was written.
    moved: Any = getattr(settings, "rope_parameters", None) or {}
    read = getattr(settings, "rope_theta", moved.get("rope_theta"))
    if isinstance(theta, int | float) and read != theta:
        yield f"the config's rope_theta is read as {read}, not {theta}"
    scaled = rope.get("rope_type", "default") != "default"
    if scaled and not getattr(settings, "rope_scaling", None):
        yield f"the config's rope_type {rope['rope_type']} is ignored"


def tokenizer_faults(folder: Path, settings: Any) -> Iterator[str]:
    """Yield what keeps a chat from becoming ids that the model has."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder))
    except Exception as error:
        yield f"the tokenizer cannot be read: {first_line(error)}"
        return
    try:
        text = tokenizer.apply_chat_template(TURN, tokenize=False, add_generation_prompt=True)
        largest = max(tokenizer.encode(text, add_special_tokens=False))
    except Exception as error:
        yield f"the chat template fails: {first_line(error)}"
        return
    if TURN[0]["content"] not in text:
        yield "the chat template leaves the question out"
    size = getattr(settings, "vocab_size", None)
    if isinstance(size, int) and largest >= size:
        yield f"the tokenizer gives id {largest}, but the model has {size} tokens"


def weight_faults(folder: Path) -> Iterator[str]:
    """Yield which weight files are not safetensors."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "np") as file:
                if not list(file.keys()):
                    yield f"{path.name} holds no tensors"
        except (SafetensorError, OSError) as error:
            yield f"{path.name} cannot be read: {first_line(error)}"


def first_line(error: Exception) -> str:
    """Return the beginning of what an error says, without its full stop."""
    return (str(error).strip() or repr(error)).splitlines()[0][:300].rstrip(".")


if __name__ == "__main__":
    print(json.dumps(list(faults(Path(sys.argv[1])))))
