"""The constants of a step's cost: held to what others have published, and to reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from validation.simulation.costs import (
    L4,
    OWN_GROUPED,
    PUBLISHED,
    T4,
    T4_ATTENTION,
    CalibrationError,
    Costs,
    Layout,
    with_attention,
)
from validation.simulation.model_shape import NUMINA, QWEN_MATH


def published_rate(sequences):
    gpu = replace(T4, attention_gb_s=PUBLISHED.attention_gb_s)
    costs = Costs(gpu, PUBLISHED.model, PUBLISHED.layout)
    return costs.tokens_per_second(sequences, PUBLISHED.context)


@pytest.mark.parametrize(("sequences", "rate"), PUBLISHED.tokens_per_second.items())
def test_the_constants_agree_with_a_published_t4(sequences, rate):
    assert published_rate(sequences) == pytest.approx(rate, rel=0.12)


def test_the_costs_that_were_fitted_are_needed():
    """Without a cost a sequence, and with half of the fixed cost, a large batch was too fast."""
    gpu = replace(T4, attention_gb_s=150.0, step_seconds=0.003, sequence_seconds=0.0)
    costs = Costs(gpu, PUBLISHED.model, PUBLISHED.layout)
    assert costs.tokens_per_second(16, PUBLISHED.context) > 1.15 * PUBLISHED.tokens_per_second[16]


def test_weights_that_are_rebuilt_are_written_and_read_again():
    plain = Costs(T4, NUMINA, Layout(2, 1, 8))
    rebuilt = replace(plain, rebuilds_above=24)
    assert rebuilt.step(24, 0) == plain.step(24, 0)
    more = 2 * NUMINA.linear_bytes(16) / 2 / (T4.weight_gb_s * 1e9)
    assert rebuilt.step(25, 0) == pytest.approx(plain.step(25, 0) + more)


def test_a_t4_takes_another_attention_and_other_gpus_do_not():
    assert with_attention(T4, "own", NUMINA).attention_gb_s == T4_ATTENTION["own"].typical
    with pytest.raises(CalibrationError, match="L4"):
        with_attention(L4, "own", NUMINA)


@pytest.mark.parametrize(
    ("kv_heads", "rate"), [(32, 200), (16, 200), (8, 80), (4, 80)], ids=lambda value: str(value)
)
def test_the_own_attention_is_slower_where_many_heads_share_keys(kv_heads, rate):
    shared = replace(NUMINA, kv_heads=kv_heads)
    assert with_attention(T4, "own", shared).attention_gb_s == rate
    assert with_attention(T4, "triton", shared).attention_gb_s == 45


def test_a_grouped_model_is_planned_at_its_own_rate():
    assert with_attention(T4, "own", QWEN_MATH).attention_gb_s == OWN_GROUPED.typical


def test_every_range_holds_its_typical_value():
    for constant in (*T4_ATTENTION.values(), OWN_GROUPED):
        assert constant.low < constant.typical < constant.high < 320


PAGE = Path(__file__).resolve().parents[3] / "docs/planning.md"


def test_the_page_has_the_constants_and_their_ranges():
    rows = [line.split(" | ") for line in PAGE.read_text("utf-8").splitlines() if " | " in line]
    told = {name.removeprefix("| "): cells[:2] for name, *cells in rows}
    names = {
        "vLLM's Triton attention, GB/s": T4_ATTENTION["triton"],
        "the package's attention, GB/s": T4_ATTENTION["own"],
        "the same for three or more query heads a KV head, GB/s": OWN_GROUPED,
        "FlashInfer, GB/s": T4_ATTENTION["flashinfer"],
    }
    for text, span in names.items():
        assert told[text] == [f"{span.typical:g}", f"{span.low:g} to {span.high:g}"]
    assert told["weights, GB/s"][0] == f"{T4.weight_gb_s:g}"
    assert told["per step, ms"] == [f"{1000 * T4.step_seconds:g}", "4 to 12"]
    assert told["per sequence in a step, ms"][0] == f"{1000 * T4.sequence_seconds:g}"
    rates = ", ".join(f"{rate:g}" for rate in PUBLISHED.tokens_per_second.values())
    assert rates.replace(", 476", " and 476") in PAGE.read_text("utf-8")
