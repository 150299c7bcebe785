"""The card: every number from a file, nothing guessed, metadata that the hub's own reader takes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from common import manifest
from model_card import render
from model_card.make import CardError, make
from model_card.render import NOT_MEASURED, faults, number, pairs, text
from quantize.comparison.tests.test_records import COMPARISON, MATHS

REPORT: dict[str, Any] = {
    "recipe": "gptq",
    "source": {"name": "AI-MO/NuminaMath-7B-TIR"},
    "calibration": {"conversations": 256, "tokens": 123456, "source": "numina", "sha256": "ab"},
    "quantization": {
        "seconds": 777.4,
        "device": "cuda",
        "peak_bytes": 3 * 2**30,
        "gpu_peak_bytes": 5 * 2**30,
        "settings": {"bits": 8, "group_size": 128, "sym": True, "desc_act": False},
    },
    "comparison": COMPARISON.to_json(),
    "versions": {"torch": "2.13.0"},
}
RUN = {
    "set": "amc",
    "problems": 83,
    "solves": 415,
    "accuracy": 0.654321,
    "accuracy_95": {"low": 0.5432, "high": 0.7511},
}


def card(report: dict[str, Any], *runs: dict[str, Any], **options: Any) -> str:
    found = render.render(report, runs, **options)
    assert faults(found) == []
    return found


def test_figures_of_the_report_stand_in_the_card() -> None:
    found = card(REPORT, RUN, picture="layers.png")
    for part in ("256 conversations, 123,456 tokens of numina", "777 s on cuda", "3,072 MiB"):
        assert part in found
    for part in ("5,120 MiB", "share a scale | 128 |", "| symmetric | yes |", "(desc_act) | no |"):
        assert part in found
    assert f"{MATHS.perplexity_ratio:.4f}" in found and f"{MATHS.mean_kl:.2e}" in found
    assert "| amc | 83 | 415 | 65.4% | 54.3% to 75.1% |" in found
    assert "![error of each module over the layers](layers.png)" in found
    # As reports named it before.
    before = {**RUN, "wilson_95": RUN["accuracy_95"]}
    del before["accuracy_95"]
    assert "| amc | 83 | 415 | 65.4% | 54.3% to 75.1% |" in card(REPORT, before)


def test_the_source_s_training_is_told_as_its_authors() -> None:
    found = card(REPORT)
    assert "As its authors describe it" in found and "the authors' figures" in found
    assert "Stage 1, chain of thought (CoT)" in found
    assert "Stage 2, tool-integrated reasoning (TIR)" in found
    assert "29 of 50" in found and "numina_math_7b" in found


def test_what_no_file_holds_is_not_measured(tmp_path: Path) -> None:
    found = card({}, benchmarks=tmp_path)
    assert "validation sets: not measured" in found
    table = [line for line in found.splitlines() if line.startswith("| ")]
    figures = [line for line in table if not line.startswith("| |")]
    assert len(figures) > 15 and all(NOT_MEASURED in line for line in figures)
    # Of the measured table no digit is left but those of its labels.
    rest = " ".join(line.split("|", 2)[2] for line in figures)
    assert not re.search(r"\d", rest)


def test_each_missing_figure_alone_is_not_measured() -> None:
    """Without any one leaf the card is still good, and says so in that leaf's place."""
    whole = card(REPORT, RUN)
    for path in leaves(REPORT):
        if path[0] == "comparison" or path == ("source", "name"):
            continue
        found = card(without(REPORT, path), RUN)
        lines = set(found.splitlines()) - set(whole.splitlines())
        # The head's tag line may change with the recipe; every other change is a "not measured".
        told = [line for line in lines if line.startswith("|")]
        assert told and all(NOT_MEASURED in line for line in told), path


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in leaves(value[key], (*path, key))]
    return [path]


def without(value: Any, path: tuple[str, ...]) -> Any:
    if len(path) == 1:
        return {key: entry for key, entry in value.items() if key != path[0]}
    return {**value, path[0]: without(value[path[0]], path[1:])}


def test_the_head_is_read_by_the_hub_s_own_reader() -> None:
    data = ModelCard(card(REPORT, RUN)).data
    assert (data.license, data.base_model) == ("apache-2.0", "AI-MO/NuminaMath-7B-TIR")
    assert data.to_dict()["base_model_relation"] == "quantized"
    (result,) = data.eval_results or []
    assert (result.dataset_name, result.metric_value) == ("amc", 0.6543)
    assert ModelCard(card(REPORT)).data.eval_results is None


def test_other_recipes_settings_are_told_in_the_same_words() -> None:
    weights = {"num_bits": 8, "symmetric": True, "strategy": "channel"}
    settings = {"config_groups": {"group_0": {"weights": weights}}}
    report = {**REPORT, "recipe": "w8a8", "quantization": {"settings": settings}}
    found = card(report)
    for part in ("| bits | 8 |", "share a scale | those of an output |", "| symmetric | yes |"):
        assert part in found
    report |= {"recipe": "bnb", "quantization": {"settings": {"load_in_8bit": True}}}
    assert "| bits | 8 |" in card({**report, "calibration": None})
    assert "| calibration | none: this recipe looks" in card({**report, "calibration": None})


def test_an_unknown_source_is_told_nothing_about() -> None:
    found = card({"source": {"name": "somebody/model-3b"}})
    assert "Nothing is recorded here about somebody/model-3b" in found
    assert ModelCard(found).data.license == "other" and "Stage 1" not in found


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "12", True, [1]])
def test_only_numbers_are_numbers(value: Any) -> None:
    assert number(value, ".2f") == NOT_MEASURED


def test_words_and_pairs() -> None:
    assert (text(False), text(""), text("a|b")) == ("no", NOT_MEASURED, "a\\|b")
    assert pairs({"a": "1", "b": None}) == f"a 1, b {NOT_MEASURED}"
    assert pairs({}) == NOT_MEASURED


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda found: found.replace("base_model: ", "base: ", 1), "lacks base_model"),
        (lambda found: found.replace("relation: quantized", "relation: other"), "quantized"),
        (lambda found: found.replace("## Evaluation", "## Other"), "Evaluation"),
        (lambda found: found + "{{ x }}", "placeholder"),
        (lambda found: found.replace("---\n", "---\n: [\n", 1), "not valid model card metadata"),
        (lambda found: found.replace("value: 0.6543", "value: high"), "no number"),
    ],
)
def test_each_broken_card_is_told(change: Any, part: str) -> None:
    broken = change(card(REPORT, RUN))
    assert part in " ".join(faults(broken))


def folder(place: Path) -> Path:
    place.mkdir()
    (place / "quantization.json").write_text(json.dumps(REPORT))
    (place / "config.json").write_text("{}")
    manifest.write(place)
    return place


def test_a_card_is_made_again_with_its_manifest(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    run = tmp_path / "amc.report.json"
    run.write_text(json.dumps(RUN))
    command = [
        sys.executable,
        "-m",
        "model_card.make",
        "--model",
        str(model),
        "--reports",
        str(run),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == str(model / "README.md"), done.stderr
    assert "65.4%" in (model / "README.md").read_text()
    assert manifest.check(model) == []


def test_a_missing_report_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    with pytest.raises(CardError, match=r"none\.json is missing"):
        make(model, [tmp_path / "none.json"])
    with pytest.raises(CardError, match="make quantize"):
        make(tmp_path, [])
    assert not (model / "README.md").exists()
