"""Writes the finished model folder: flat, sharded, with everything needed to serve and explain it.

Covers: shards of at most 2 GB with their index, the source's own tokenizer files, chat template and
generation config, `quantize_config.json`, the model's `profile.json`, report, card, picture and the
manifest. The folder appears whole or not at all; the same inputs give the same bytes. Does not
cover: quantizing, and whether it can be served (`serving`).
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import manifest, saved_model
from common.files import whole_folder
from kernel.checks.headers import read_folder
from kernel.checks.preflight import PROFILE, profile_of
from kernel.engine.model import is_shareable
from model_card.render import render
from quantize.recipes import checkpoint
from quantize.serving.constraints import kernel_ranks
from quantize.writing.plots import plot_layers
from quantize.writing.shards import SHARD_BYTES, ShardError, write_shards

REPORT = "quantization.json"
PICTURE = "layers.png"
SOURCE_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "generation_config.json",
    PROFILE,
    "LICENSE",
)
"""Taken as they are: what libraries save in their place was seen to differ."""


class WriteError(ValueError):
    """A folder that cannot be written; the message says what to do."""


def write_model_folder(
    source: Path,
    raw: Path,
    out: Path,
    report: Mapping[str, Any],
    *,
    shard_bytes: int = SHARD_BYTES,
) -> Path:
    """Write `out` and return it.

    Args:
        source: the original model's folder.
        raw: the quantized checkpoint: safetensors and config.json with `quantization_config`; the
            recipe's table of errors, `layers.csv`, lies beside it if there is one.
        out: the folder to make; must not exist.
        report: what the build measured; goes into `quantization.json` and the model card.
        shard_bytes: most bytes of tensors in one file.

    Raises:
        WriteError: `out` exists, or `raw` is not a complete checkpoint.
    """
    if out.exists():
        raise WriteError(f"{out} exists: move it away, or name another folder.")
    tensors, faults = read_folder(raw)
    if faults:
        raise WriteError(f"{raw} is not a complete checkpoint: {faults[0]}")
    try:
        with whole_folder(out) as scratch:
            quantization = _write_config(raw, scratch)
            write_shards(raw, tensors, scratch, shard_bytes)
            _write_unlisted(source, scratch, quantization)
            table = raw.parent / "layers.csv"
            _write_report(report, table if table.is_file() else None, scratch)
            manifest.write(scratch)
    except ShardError as error:
        raise WriteError(str(error)) from None
    return out


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _write_config(raw: Path, folder: Path) -> dict[str, Any]:
    """Write config.json and quantize_config.json; return the quantization."""
    config: dict[str, Any] = json.loads((raw / "config.json").read_text("utf-8"))
    quantization = checkpoint.without_paths(config.get("quantization_config") or {})
    if not quantization:
        raise WriteError(f"{raw}/config.json has no quantization_config: quantize again.")
    config |= {"quantization_config": quantization, "dtype": "float16", "torch_dtype": "float16"}
    # Where the weights came from: a path of the building machine, or nothing of use.
    config.pop("_name_or_path", None)
    _write_json(folder / "config.json", config)
    _write_json(folder / "quantize_config.json", quantization)
    return quantization


def _write_unlisted(source: Path, folder: Path, quantization: Mapping[str, Any]) -> None:
    """Copy the model's other files, fixed where transformers 4 needs it."""
    for name in SOURCE_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.is_file():
        kept: dict[str, Any] = json.loads(tokenizer.read_text("utf-8"))
        if (mended := saved_model.tokenizer_for_both(kept)) != kept:
            _write_json(tokenizer, mended)
    if not is_shareable(quantization):
        kept = profile_of(folder)
        engine = {**kept.get("engine", {}), "tensor_parallel_size": 1}
        _write_json(folder / PROFILE, {**kept, "engine": engine})


def _write_report(report: Mapping[str, Any], table: Path | None, folder: Path) -> None:
    """Write the report, its picture and the card that shows both."""
    public: dict[str, Any] = {**without_paths(report), "ranks": kernel_ranks(folder)}
    _write_json(folder / REPORT, public)
    if table:
        shutil.copyfile(table, folder / "layers.csv")
        made: dict[str, Any] = public.get("quantization") or {}
        measure = str(made.get("layer_error") or "error")
        plot_layers(table, folder / PICTURE, measure.split(",")[0])
    card = render(public, picture=PICTURE if table else None)
    (folder / "README.md").write_text(card, "utf-8")


def without_paths(value: Any) -> Any:
    """Return JSON values with each absolute path cut to its last part: the folder is published."""
    if isinstance(value, Mapping):
        entries: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {key: without_paths(entry) for key, entry in entries.items()}
    if isinstance(value, list | tuple):
        return [without_paths(entry) for entry in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Path) or (isinstance(value, str) and Path(value).is_absolute()):
        return Path(value).name
    return value
