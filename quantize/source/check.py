"""Checks everything that a build is given, before anything long starts.

Covers: the model's folder (config, weights whole and of a known type, tokenizer, chat template,
architecture, not quantized already) and the output folder. Each fault is one sentence that says
what to do. Does not cover: disk and memory (`estimate`), the calibration rows (`calibration`),
whether the quantized model is good (`comparison`) or can be served (`serving`).
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kernel.checks.headers import INDEX, HeaderError, TensorHeader, read_header
from kernel.checks.weights import adapter_fault, series_fault

ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")
"""Decoders of plain linear layers, which all recipes and vLLM on a T4 know."""
DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
"""One of these holds a tokenizer's vocabulary."""
SIZES = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
CONTEXT = "max_position_embeddings"
LAYER = re.compile(r"\.layers\.(\d+)\.")


class InputError(ValueError):
    """Something that a build cannot start from; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Source:
    """An unquantized model, as its folder describes it."""

    folder: Path
    architecture: str
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    context: int
    dtype: str
    """Of most weights: bfloat16, float16 or float32."""
    bytes: int
    """Of all weight files."""
    parameters: int
    decoder_parameters: int
    """Those of the decoder layers' matrices: what is quantized."""
    group_size: int
    """128, or 64 where a width is not a multiple of 128."""


def check_model(folder: Path) -> Source:
    """Return what is known of a model's folder.

    Raises:
        InputError: it is not an unquantized model of a known kind, whole and with a chat template.
    """
    if fault := adapter_fault(folder):
        raise InputError(fault)
    config = _config(folder)
    architecture = _architecture(folder, config)
    layers, hidden, intermediate, vocabulary = (_size(folder, config, key) for key in SIZES)
    tensors, size = _weights(folder)
    _layers(folder, layers, tensors)
    _tokenizer(folder)
    dtypes = [DTYPES[tensor.dtype] for tensor in tensors.values()]
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    matrices = [s for name, s in shapes.items() if ".layers." in name and len(s) == 2]
    return Source(
        folder=folder,
        architecture=architecture,
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        vocabulary=vocabulary,
        context=_size(folder, {"max_position_embeddings": 4096, **config}, CONTEXT),
        dtype=max(set(dtypes), key=dtypes.count),
        bytes=size,
        parameters=sum(map(math.prod, shapes.values())),
        decoder_parameters=sum(map(math.prod, matrices)),
        group_size=_group_size(folder, {inputs for _, inputs in matrices}),
    )


def check_output(out: Path) -> None:
    """Check that nothing would be overwritten.

    Raises:
        InputError: the output folder exists.
    """
    if out.exists():
        raise InputError(f"{out} exists already: move or remove it, or set OUT to another folder.")


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(
            f"{folder} is not a model: give MODEL= a folder with config.json or a hub id."
        )
    try:
        read = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise InputError(f"{path} is not JSON: copy the model again.") from None
    if not isinstance(read, dict):
        raise InputError(f"{path} is not a JSON object: copy the model again.")
    config = cast(dict[str, Any], read)
    # null is how some exporters write that there is none.
    settings: Any = config.get("quantization_config") or {}
    if not isinstance(settings, dict):
        raise InputError(f"{path} has a quantization_config that is not an object: copy it again.")
    method = cast(dict[str, Any], settings).get("quant_method")
    if method or (folder / "quantize_config.json").exists():
        raise InputError(
            f"{folder} is quantized already ({method or 'quantize_config.json'}): give the "
            "unquantized model."
        )
    return config


def _architecture(folder: Path, config: Mapping[str, Any]) -> str:
    listed: list[str] | str = config.get("architectures") or ["none"]
    named = listed[0] if isinstance(listed, list) else listed
    if named not in ARCHITECTURES:
        raise InputError(
            f"{folder} has the architecture {named}: use a model of a supported one, which are "
            f"{', '.join(ARCHITECTURES)}."
        )
    return named


def _size(folder: Path, config: Mapping[str, Any], key: str) -> int:
    """Return one of a model's sizes: a whole number, at least 1."""
    value = config.get(key)
    if type(value) is not int or value < 1:
        raise InputError(
            f"{folder}/config.json has {value!r} as its {key}: copy the model's own config.json."
        )
    return value


def _layers(folder: Path, wanted: int, tensors: Mapping[str, TensorHeader]) -> None:
    """Hold the stored layers to the configured ones: loaders fill what is missing with noise."""
    stored = {int(match[1]) for name in tensors if (match := LAYER.search(name))}
    if stored != set(range(wanted)):
        raise InputError(
            f"{folder} is configured for {wanted} layers and stores {len(stored)}: copy weights "
            "and config.json of one model."
        )


def _weights(folder: Path) -> tuple[dict[str, TensorHeader], int]:
    """Return all tensors by name, and the weight files' size."""
    tensors: dict[str, TensorHeader] = {}
    files = _weight_files(folder)
    for file in files:
        try:
            tensors |= read_header(file)
        except HeaderError as error:
            raise InputError(
                f"In {folder}, {str(error).partition(':')[0]}: copy it again."
            ) from None
    if lost := sorted(set(_index(folder)) - set(tensors)):
        raise InputError(
            f"{folder} lacks {len(lost)} tensors that {INDEX} names, {lost[0]} first: copy the "
            "model again."
        )
    if not tensors:
        raise InputError(f"{folder} has weight files without tensors: copy the model again.")
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES:
            raise InputError(
                f"{name} in {folder} is stored as {tensor.dtype}: give a model in bfloat16, "
                "float16 or float32."
            )
    return tensors, sum(file.stat().st_size for file in files)


def _index(folder: Path) -> dict[str, str]:
    """Return the file of each tensor, {} for a model in one file."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8"))["weight_map"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path} cannot be read: copy the model again.") from None


def _weight_files(folder: Path) -> list[Path]:
    names = sorted(set(_index(folder).values())) or [f.name for f in folder.glob("*.safetensors")]
    if not names:
        others = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.gguf")]
        hint = ": copy them there"
        if others:
            hint = f", only {others[0].name}: convert it to safetensors"
        raise InputError(f"{folder} has no weights (*.safetensors){hint}.")
    if not _index(folder) and (fault := series_fault(folder, [folder / name for name in names])):
        raise InputError(fault)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{folder} lacks {len(missing)} of {len(names)} weight files, {missing[0]} first: copy "
            "what is missing."
        )
    return [folder / name for name in names]


def _tokenizer(folder: Path) -> None:
    """Load the tokenizer, and render its chat template as the submission kernel will."""
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise InputError(
            f"{folder} has no tokenizer (none of {', '.join(TOKENIZER_FILES)}): copy it there."
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # whatever a broken file makes the library raise
        raise InputError(
            f"{folder} has no tokenizer that loads ({_reason(error)}): copy it there."
        ) from None
    if not tokenizer.chat_template:
        raise InputError(
            f"{folder} has a tokenizer without a chat template: add chat_template.jinja, since the "
            "submission kernel asks through it."
        )
    conversation = [{"role": "user", "content": "What is 1 + 1?"}]
    try:
        text = tokenizer.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=True
        )
    except Exception as error:  # whatever a template raises
        raise InputError(
            f"{folder} has a chat template that fails on one question ({_reason(error)}): take the "
            "template of the model's own repository."
        ) from None
    if conversation[0]["content"] not in text:
        raise InputError(
            f"{folder} has a chat template that leaves the question out: take the template of the "
            "model's own repository."
        )


def _reason(error: Exception) -> str:
    """Return an error's first line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _group_size(folder: Path, widths: set[int]) -> int:
    for group in (128, 64):
        if all(width % group == 0 for width in widths):
            return group
    odd = next(width for width in sorted(widths) if width % 64)
    raise InputError(
        f"{folder} has a layer of width {odd}, not a multiple of 64: vLLM has no GPU kernel for it."
    )
