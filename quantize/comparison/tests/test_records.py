"""The comparison's records survive a round through JSON, whole."""

import json

import pytest

from quantize.comparison.records import Comparison, Cost, Domain, Overflow, WorstToken, from_json

WORST = WorstToken(0.5, "so the answer is ", "4", "4", "5")
MATHS = Domain("maths", "ab12", 10, 4.0, 4.01, 1.0025, 1e-3, 9e-3, 0.99, 0.7, (WORST,))
COMPARISON = Comparison(
    recipe="gptq",
    dtype="float32",
    device="cpu",
    domains=(MATHS,),
    original=Cost(1000, 1.5, 80.0),
    quantized=Cost(600, 2.5, 79.0),
    size_ratio=0.6,
    overflow=Overflow(1200.0, "model.layers.3.mlp", 1200 / 65504, {"model.layers.3": 1200.0}),
)


def test_a_round_through_json_changes_nothing() -> None:
    assert from_json(json.loads(json.dumps(COMPARISON.to_json()))) == COMPARISON


def test_a_domain_is_found_by_name_and_missed_by_any_other() -> None:
    assert COMPARISON.domain("maths") is MATHS
    with pytest.raises(KeyError, match="general"):
        COMPARISON.domain("general")
