"""Each gate stops the figure it is for, and no other."""

from dataclasses import replace
from typing import Any

import pytest

from quantize.comparison.gates import GATES, failures
from quantize.comparison.records import Overflow
from quantize.comparison.tests.test_records import COMPARISON, MATHS

GOOD = replace(MATHS, perplexity_ratio=1.005, mean_kl=1.5e-3, top1=0.985)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"perplexity_ratio": 1.0051}, "perplexity ratio is 1.005"),
        ({"perplexity_ratio": float("nan")}, "perplexity ratio is nan"),
        ({"mean_kl": 1.6e-3}, "mean KL is 0.0016, but must be at most 0.0015"),
        ({"top1": 0.9849}, "top-1 agreement is 98.49%, but must be 98.50% or more"),
    ],
)
def test_a_figure_beyond_its_gate_is_named(change: dict[str, Any], part: str) -> None:
    found = replace(COMPARISON, domains=(replace(GOOD, **change),))
    (sentence,) = failures(found)
    assert part in sentence and "maths" in sentence


def test_figures_on_their_gates_pass() -> None:
    assert failures(replace(COMPARISON, domains=(GOOD,))) == []


def test_an_overflow_is_a_failure_of_its_own() -> None:
    over = Overflow(70_000.0, "model.layers.1.mlp.down_proj", 70_000 / 65_504)
    (sentence,) = failures(replace(COMPARISON, domains=(GOOD,), overflow=over))
    assert "70000 in model.layers.1.mlp.down_proj" in sentence


def test_every_recipe_has_gates_and_an_unknown_one_is_held_to_none() -> None:
    assert {"gptq", "auto-gptq", "w8a8", "bnb", "round-to-nearest"} <= set(GATES)
    bad = replace(GOOD, mean_kl=1.0)
    assert failures(replace(COMPARISON, recipe="other", domains=(bad,))) == []
    assert all(failures(replace(COMPARISON, recipe=recipe, domains=(bad,))) for recipe in GATES)
