"""Checkpoints read back as what was packed, and models compared from end to end."""

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from quantize.calibration.heldout import HeldOut
from quantize.comparison import overflow
from quantize.comparison.compare import compare, main
from quantize.comparison.gates import failures
from quantize.comparison.load import LoadError, dequantize, load
from quantize.comparison.records import from_json
from quantize.comparison.scoring import CompareError
from quantize.tests import tiny

TEXTS = [
    HeldOut("maths", (("user", "What is 6 times 7?"), ("assistant", "It is \\boxed{42}."))),
    HeldOut("general", text="The ferry left at six, before the fog had lifted from the sound."),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("models") / "source")


def quiet(_: str) -> None:
    pass


def test_a_packed_weight_is_unpacked_by_hand() -> None:
    # One output, four inputs in two groups: steps 1, -1 at scale 0.5, and 127, -128 at scale 2.
    word = 129 | 127 << 8 | 255 << 16 | 0 << 24
    word = word - 2**32 if word >= 2**31 else word
    stored = 0x7F7F7F7F  # 127 four times: the zero points less one, of four outputs
    weight = dequantize(
        torch.tensor([[word] * 4], dtype=torch.int32),
        torch.tensor([[stored], [stored]], dtype=torch.int32),
        torch.tensor([[0.5] * 4, [2.0] * 4], dtype=torch.float16),
        torch.tensor([0, 0, 1, 1], dtype=torch.int32),
    )
    assert weight.tolist() == [[0.5, -0.5, 254.0, -256.0]] * 4


def test_act_order_takes_each_input_s_own_group() -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 128)
    order = torch.randperm(128)
    sorted_parts = tiny.gptq_tensors(weight[:, order], 64)
    # The same integers and scales, the inputs back in their own order.
    back = torch.argsort(order)
    flat = {**sorted_parts, "scales": torch.ones_like(sorted_parts["scales"])}
    steps = dequantize(**flat).T[back] + 128
    mixed = {**sorted_parts, "qweight": tiny.pack(steps), "g_idx": sorted_parts["g_idx"][back]}
    assert torch.equal(dequantize(**mixed), dequantize(**sorted_parts)[:, back])
    assert (dequantize(**mixed) - weight).abs().max() < 0.02


def test_a_gptq_checkpoint_is_the_model_rounded(source: Path, tmp_path: Path) -> None:
    folder = tiny.make_gptq(source, tmp_path / "gptq")
    model, original = load(folder), load(source)
    ids = torch.arange(40).reshape(1, -1)
    with torch.inference_mode():
        difference = (model(ids).logits - original(ids).logits).abs().max()
    assert 0 < difference < 0.5
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_a_gptq_checkpoint_of_the_second_format_stores_zero_points_as_they_are(
    source: Path, tmp_path: Path
) -> None:
    folder = tiny.make_gptq(source, tmp_path / "gptq")
    first = load(folder).state_dict()
    tensors = load_file(folder / "model.safetensors")
    for name in tensors:
        if name.endswith("qzeros"):
            tensors[name] = tensors[name] + 0x01010101
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"]["checkpoint_format"] = "gptq_v2"
    (folder / "config.json").write_text(json.dumps(config))
    for name, tensor in load(folder).state_dict().items():
        assert torch.equal(tensor, first[name])


def test_a_missing_tensor_and_another_method_are_one_sentence(source: Path, tmp_path: Path) -> None:
    folder = tiny.make_gptq(source, tmp_path / "gptq")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(LoadError, match=r"lacks 1 tensors, model\.norm\.weight"):
        load(folder)
    config = json.loads((folder / "config.json").read_text())
    for settings, part in (({"quant_method": "awq"}, "awq"), ({"bits": 4}, "4 bits")):
        config["quantization_config"] |= settings
        config["quantization_config"]["quant_method"] = settings.get("quant_method", "gptq")
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(LoadError, match=part):
            load(folder)


@pytest.mark.parametrize("kind", ["gptq", "w8a8", "bnb"])
def test_rounding_moves_a_model_a_little(source: Path, tmp_path: Path, kind: str) -> None:
    make = {"gptq": tiny.make_gptq, "w8a8": tiny.make_w8a8, "bnb": tiny.make_bnb}[kind]
    folder = make(source, tmp_path / kind)
    found = compare(source, folder, TEXTS, recipe=kind, device="cpu", progress=quiet)
    assert [domain.name for domain in found.domains] == ["maths", "general"]
    for domain in found.domains:
        assert 0 < domain.mean_kl < 0.1 and domain.mean_kl <= domain.p99_kl
        assert domain.perplexity_ratio == pytest.approx(1, abs=0.1)
        assert 0.7 < domain.top1 <= 1 and domain.largest_logit_difference > 0
        assert len(domain.worst) == 10
    assert found.dtype == "float32" and 0 < found.size_ratio < 1
    assert found.overflow and 0 < found.overflow.share < 1
    assert {"model.layers.0", "model.layers.1", "lm_head"} <= set(found.overflow.layers)
    assert from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_model_is_its_own_equal(source: Path) -> None:
    found = compare(source, source, TEXTS, device="cpu", progress=quiet)
    for domain in found.domains:
        assert domain.mean_kl < 1e-9 and domain.top1 == 1
        assert domain.largest_logit_difference == 0
    assert found.size_ratio == 1


def test_the_worst_tokens_show_their_context(source: Path, tmp_path: Path) -> None:
    folder = tiny.make_gptq(source, tmp_path / "gptq")
    found = compare(source, folder, TEXTS[1:], device="cpu", progress=quiet)
    for token in found.domain("general").worst:
        assert TEXTS[1].text.startswith(token.before)
        assert TEXTS[1].text.startswith(token.before + token.token)


def test_another_vocabulary_is_one_sentence(source: Path, tmp_path: Path) -> None:
    other = tiny.make_model(tmp_path / "other", vocab_size=49160)
    with pytest.raises(CompareError, match="vocabulary"):
        compare(source, other, TEXTS, device="cpu", progress=quiet)


def test_an_activation_beyond_float16_is_seen(source: Path) -> None:
    model = load(source)
    model.model.layers[1].mlp.down_proj.weight.data *= 1e7
    with overflow.watch(model) as peaks, torch.inference_mode():
        model(torch.arange(8).reshape(1, -1))
    found = peaks.result()
    assert found.share > 1 and found.module.startswith("model.layers.1")
    assert found.layers["model.layers.0"] < overflow.FLOAT16_MAX
    assert not model.model.layers[1].mlp.down_proj._forward_hooks


def test_an_activation_that_is_no_number_is_an_overflow() -> None:
    peaks = overflow.Peaks()
    peaks.note("a", (torch.tensor([1.0, float("nan")]), None))
    assert peaks.result().share == float("inf")


def test_the_command_keeps_its_figures_and_fails_by_the_gate(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tiny.make_gptq(source, tmp_path / "gptq")
    maths = tmp_path / "maths.jsonl"
    maths.write_text(json.dumps({"problem": "1 + 1?", "solution": "It is \\boxed{2}."}))
    texts = {"--maths": maths, "--general": maths, "--out": tmp_path / "out.json"}
    options = {"--original": source, "--quantized": folder, **texts}
    words = [str(word) for option in options.items() for word in option]
    monkeypatch.setattr(sys, "argv", ["compare", *words])
    status = main()
    said = capsys.readouterr()
    assert said.out.endswith(f"{tmp_path / 'out.json'}\n")
    kept = from_json(json.loads((tmp_path / "out.json").read_text()))
    assert kept.recipe == "gptq" and status == int(bool(failures(kept)))
    assert said.err.count("On maths") == len(failures(kept))


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--maths", "none.jsonl", "none.jsonl does not exist"),
        ("--quantized", "nowhere", "nowhere is not a model folder: set QUANTIZED"),
    ],
)
def test_bad_input_is_one_sentence(
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    part: str,
) -> None:
    options = {"--original": str(source), "--quantized": str(source), option: value}
    words = [word for pair in options.items() for word in pair]
    monkeypatch.setattr(sys, "argv", ["compare", *words])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and part in said
