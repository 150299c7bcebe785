from typing import Any

import pytest

from model_card.trained import render

STAGE: dict[str, Any] = {
    "stage": "tir",
    "settings": {"learning_rate": 3e-4, "mask_outputs": True, "max_rows": None},
    "data": {
        "kind": "tir",
        "train": {"rows": 950, "tokens": 170000},
        "sources": [{"name": "generator", "licence": "Apache-2.0"}],
        "recoveries": {"share": 0.31},
        "decontamination": {"rows": ["a", "b"]},
    },
    "machine": {"name": "CPU", "dtype": "float32"},
    "versions": {"trl": "1.16.0"},
    "figures": {"rows": 950, "tokens": 145000, "steps": 151, "loss_first": 1.5, "loss_last": 0.2},
}
KTO: dict[str, Any] = {
    **STAGE,
    "stage": "kto",
    "figures": {"good": 60, "bad": 40, "good_last": 0.2, "health": "The run looks healthy."},
}


def report(*stages: dict[str, Any]) -> dict[str, Any]:
    return {"base": "smollm2-135m-instruct-4bf4", "recipe": "embedded", "stages": list(stages)}


def test_the_card_tells_the_recipe_by_the_report() -> None:
    card = render(report(STAGE, KTO), ["loss.png"])
    for text in (
        "base_model: HuggingFaceTB/SmolLM2-135M-Instruct",
        "base_model_relation: finetune",
        "KTO on the model's own samples",
        "| learning rate | 0.0003 |",
        "950 rows of\n170,000 tokens",
        "generator (Apache-2.0).",
        "fix a failed block: 31%",
        "close: 2.",
        "The run looks healthy.",
        "![loss.png](loss.png)",
    ):
        assert text in card
    assert "max rows" not in card


@pytest.mark.parametrize("stage", [{"stage": "tir", "settings": {}, "figures": {}}, KTO])
def test_what_was_not_measured_says_so(stage: dict[str, Any]) -> None:
    card = render(report({"machine": {}, "versions": {}, "data": {}, **stage}))
    assert "not measured" in card
    assert "{{" not in card
    assert "Undefined" not in card


def test_evaluations_are_shown_with_their_intervals() -> None:
    run = {
        "set": "known",
        "problems": 100,
        "solves": 100,
        "accuracy": 0.4,
        "accuracy_95": {"low": 0.31, "high": 0.5},
    }
    assert "| known | 100 | 100 | 40.0% | 31.0% to 50.0% |" in render(report(STAGE), (), [run])
