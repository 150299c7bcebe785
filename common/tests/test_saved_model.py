"""Names of transformers 5 and 4 side by side, as a table, and files left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from common import saved_model
from common.saved_model import config_for_both, tokenizer_for_both

CONFIGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rotary base": (
        {"rope_parameters": {"rope_theta": 1e5, "rope_type": "default"}},
        {"rope_theta": 1e5},
    ),
    "scaled": (
        {"rope_parameters": {"rope_theta": 1e6, "rope_type": "yarn", "factor": 4.0}},
        {"rope_theta": 1e6, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    ),
    "a layer kind each": ({"rope_parameters": {"full_attention": {"rope_theta": 1e6}}}, {}),
    "type": ({"dtype": "bfloat16"}, {"torch_dtype": "bfloat16"}),
    "older config": ({"rope_theta": 5e5, "torch_dtype": "float16", "rope_scaling": None}, {}),
    "no rotary embeddings": ({"rope_parameters": None, "model_type": "gpt2"}, {}),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_has_the_names_of_both(name: str) -> None:
    config, added = CONFIGS[name]
    assert config_for_both(config) == {**config, **added}
    assert config_for_both(config_for_both(config)) == config_for_both(config)


TOKENIZERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "class": (
        {"tokenizer_class": "TokenizersBackend", "eos_token": "<e>"},
        {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<e>"},
    ),
    "how it was saved": (
        {"backend": "tokenizers", "is_local": True, "local_files_only": False, "pad_token": "<p>"},
        {"pad_token": "<p>"},
    ),
    "list of special tokens": (
        {"extra_special_tokens": ["<a>", "<b>"]},
        {"additional_special_tokens": ["<a>", "<b>"]},
    ),
    "mapping of special tokens": (
        {"extra_special_tokens": {"image": "<i>"}},
        {"extra_special_tokens": {"image": "<i>"}},
    ),
    "older class": (
        {"tokenizer_class": "LlamaTokenizerFast"},
        {"tokenizer_class": "LlamaTokenizerFast"},
    ),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_has_what_both_take(name: str) -> None:
    settings, expected = TOKENIZERS[name]
    assert tokenizer_for_both(settings) == expected
    assert tokenizer_for_both(expected) == expected


def test_files_that_both_read_are_left_alone_and_missing_ones_too(tmp_path: Path) -> None:
    config, tokenizer = tmp_path / "config.json", tmp_path / "tokenizer_config.json"
    config.write_text('{"dtype": "float16", "torch_dtype": "float16"}')
    stamp = config.stat().st_mtime_ns
    saved_model.mend(tmp_path)
    assert config.stat().st_mtime_ns == stamp and not tokenizer.exists()
    tokenizer.write_text('{"tokenizer_class": "TokenizersBackend", "eos_token": "\u0435"}', "utf-8")
    saved_model.mend(tmp_path)
    assert json.loads(tokenizer.read_text("utf-8")) == {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "\u0435",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == [config.name, tokenizer.name]
