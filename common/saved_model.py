"""Fixes a model folder that transformers 5 saved, so that transformers 4 reads the same from it.

Covers: the class and the special tokens of a tokenizer, rotary embeddings and the type of a config:
names that version 5 changed, where version 4 refuses the new ones or silently takes a default (a
`rope_theta` of 10000). Both versions read what is written here. Does not cover: tokenizers without
`tokenizer.json`, rotary embeddings that differ from layer to layer, and whether version 4 knows the
architecture; `make package` tries the folder with the exact version that goes to Kaggle. Run as
`python -m common.saved_model FOLDER`.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.files import write_text

NEWER_CLASS = "TokenizersBackend"
"""transformers 5's name for what every version loads as the class below."""
CLASS = "PreTrainedTokenizerFast"
ONLY_NEWER = ("backend", "is_local", "local_files_only")
"""Keys of a tokenizer that say how it was saved, and mean nothing to a reader."""


def mend(folder: Path) -> None:
    """Fix the config and the tokenizer's settings in `folder`, those that are there.

    Files that need no change are left alone; others are replaced whole.

    Raises:
        FileError: a file cannot be written.
        ValueError: a file is not JSON.
    """
    _rewrite(folder / "config.json", config_for_both)
    _rewrite(folder / "tokenizer_config.json", tokenizer_for_both)


def config_for_both(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with the names of both versions.

    Version 5 moved `rope_theta` and `rope_scaling` into `rope_parameters`, and calls `torch_dtype`
    `dtype`.
    """
    both = dict(config)
    rope = dict(both.get("rope_parameters") or {})
    if isinstance(theta := rope.pop("rope_theta", None), int | float):
        both["rope_theta"] = theta
        if rope.get("rope_type", "default") != "default":
            both["rope_scaling"] = rope
    if isinstance(kind := both.get("dtype"), str):
        both["torch_dtype"] = kind
    return both


def tokenizer_for_both(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tokenizer's settings with a class and special tokens that both versions take."""
    both = {name: value for name, value in settings.items() if name not in ONLY_NEWER}
    if both.get("tokenizer_class") == NEWER_CLASS:
        both["tokenizer_class"] = CLASS
    if isinstance(both.get("extra_special_tokens"), list):
        # Version 4 takes a mapping by this name, and the list by its older one.
        both["additional_special_tokens"] = both.pop("extra_special_tokens")
    return both


def _rewrite(path: Path, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    if path.is_file():
        before: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if (after := change(before)) != before:
            write_text(path, json.dumps(after, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    mend(Path(sys.argv[1]))
