"""The tokenizer's files as transformers 4, which vLLM 0.18.1 uses, would read them.

Covers: a class that exists there, ids that the model has, a chat template. Does not cover: whether
the tokens are those the model was trained with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NEWER_CLASSES = {"TokenizersBackend", "PythonBackend", "SentencePieceBackend"}
"""Classes of transformers 5 that transformers 4 does not have."""


def faults(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each reason why the tokenizer would not load or fit the model."""
    try:
        settings: Any = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        name = str(settings.get("tokenizer_class") or "")
    except (OSError, ValueError, AttributeError):
        return ["tokenizer_config.json is missing or no JSON object."]
    found = list(_class_faults(name))
    if not (folder / "tokenizer.json").is_file():
        if not (folder / "tokenizer.model").is_file():
            found.append("There is neither tokenizer.json nor tokenizer.model.")
    elif (largest := _largest_id(folder / "tokenizer.json")) is None:
        found.append("tokenizer.json cannot be read.")
    elif largest >= (size := int(config.get("vocab_size") or 0)):
        found.append(f"The tokenizer has id {largest}, the model has {size} tokens.")
    if not (folder / "chat_template.jinja").is_file() and not settings.get("chat_template"):
        found.append("There is no chat template.")
    return found


def _class_faults(name: str) -> list[str]:
    import transformers

    if name in NEWER_CLASSES:
        return [f"tokenizer_class {name} does not exist in transformers 4."]
    # Classes that exist in no version here; the fast twin of a class may be gone in transformers 5.
    if name and not any(hasattr(transformers, n) for n in (name, name.removesuffix("Fast"))):
        return [f"tokenizer_class {name} does not exist in transformers."]
    return []


def _largest_id(path: Path) -> int | None:
    try:
        value: Any = json.loads(path.read_text("utf-8"))
        vocabulary: dict[str, int] | list[Any] = value["model"]["vocab"]
        ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
        return max([*ids, *(int(token["id"]) for token in value.get("added_tokens", []))])
    except (OSError, ValueError, KeyError, TypeError):
        return None
