"""A model's sizes: as published, each head counted once, and nonsense refused in one sentence."""

import pytest

from validation.simulation.model_shape import ModelError, shape_of

LLAMA = {
    "num_hidden_layers": 30,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
    "vocab_size": 102400,
}
GEMMA = {
    "model_type": "gemma2",
    "num_hidden_layers": 26,
    "hidden_size": 2304,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "intermediate_size": 9216,
    "vocab_size": 256000,
}
QWEN = {
    "model_type": "qwen2",
    "num_hidden_layers": 28,
    "hidden_size": 3584,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    ("config", "billions"),
    [(LLAMA, 6.91), (GEMMA, 2.61), ({**GEMMA, "tie_word_embeddings": False}, 3.20), (QWEN, 7.61)],
)
def test_parameters_are_those_that_are_published(config, billions):
    assert shape_of(config, "m").parameters / 1e9 == pytest.approx(billions, abs=0.02)


def test_a_null_means_the_default():
    given = {**LLAMA, "num_key_value_heads": None, "head_dim": None, "tie_word_embeddings": None}
    assert shape_of(given, "m") == shape_of(LLAMA, "m")


def test_qwen_needs_eight_times_fewer_kv_bytes_a_head_row_than_numina():
    # 30 x 32 x 128 against 28 x 4 x 128 keys a token: 8.57 times.
    assert shape_of(LLAMA, "m").kv_bytes / shape_of(QWEN, "m").kv_bytes == pytest.approx(
        8.57, abs=0.01
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_attention_heads", 0),
        ("num_attention_heads", -8),
        ("num_hidden_layers", "thirty"),
        ("hidden_size", "wide"),
        ("hidden_size", 4096.5),
        ("vocab_size", None),
        ("intermediate_size", [11008]),
        ("vocab_size", True),
        ("num_key_value_heads", 0),
        ("num_key_value_heads", 5),
        ("num_key_value_heads", "few"),
        ("head_dim", "long"),
        ("num_experts", 8),
    ],
)
def test_nonsense_is_refused_in_one_sentence(key, value):
    with pytest.raises(ModelError) as refused:
        shape_of({**LLAMA, key: value}, "the model")
    assert str(refused.value).startswith("the model") and "\n" not in str(refused.value)


@pytest.mark.parametrize("key", LLAMA)
def test_what_is_missing_is_named(key):
    with pytest.raises(ModelError, match=key):
        shape_of({name: size for name, size in LLAMA.items() if name != key}, "m")
