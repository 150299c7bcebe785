"""Finds a model by its folder or by its name on the Hugging Face hub.

Covers: downloading a named model once, into the hub's own cache. Does not cover: whether it can be
quantized (`check`).
"""

import re
from collections.abc import Callable
from pathlib import Path

from quantize.source.check import InputError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
WANTED = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "LICENSE*")
"""Files of a model that are used here: no second copy of the weights in another format."""


def resolved(model: str, say: Callable[[str], None] = print) -> Path:
    """Return a model's folder, downloading it where `model` is not a folder but a hub id.

    Raises:
        InputError: it is neither, or it cannot be downloaded.
    """
    path = Path(model)
    if path.is_dir():
        return path
    if not HUB_ID.fullmatch(model) or path.exists():
        raise InputError(
            f"{model} is neither a folder nor a hub id (owner/name): set MODEL to one of them."
        )
    from huggingface_hub import snapshot_download

    say(f"  {model} from the Hugging Face hub ...")
    try:
        return Path(snapshot_download(model, allow_patterns=list(WANTED)))
    except Exception as error:  # requests', httpx' and the hub's own errors have no common type
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{model} cannot be downloaded ({reason}): copy it here and give MODEL= its folder."
        ) from None
