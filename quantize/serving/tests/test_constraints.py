"""The serving check: good folders pass, and each way to break one has its own sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from kernel.checks.headers import INDEX
from quantize.serving import constraints
from quantize.tests import tiny

Break = Callable[[Path], None]
ONE = "model.layers.1.mlp.down_proj"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("models") / "source")


@pytest.fixture(scope="module")
def good(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mended(tiny.make_gptq(source, tmp_path_factory.mktemp("models") / "gptq"))


def mended(folder: Path) -> Path:
    """Name the tokenizer's class as transformers 4 knows it, and the rotation's base."""
    edit(folder, "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    return folder


def edit(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    kept = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**kept, **values}))


def settings(**values: Any) -> Break:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["quantization_config"] |= values
        (folder / "config.json").write_text(json.dumps(config))

    return change


def config(**values: Any) -> Break:
    return lambda folder: edit(folder, "config.json", **values)


def tensors(change: Callable[[dict[str, torch.Tensor]], None]) -> Break:
    def apply(folder: Path) -> None:
        kept = load_file(folder / "model.safetensors")
        change(kept)
        save_file(kept, folder / "model.safetensors", {"format": "pt"})

    return apply


def drop(name: str) -> Break:
    return tensors(lambda kept: kept.__delitem__(name))


def put(name: str, value: torch.Tensor) -> Break:
    return tensors(lambda kept: kept.update({name: value}))


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def index(**values: str) -> Break:
    def apply(folder: Path) -> None:
        names = load_file(folder / "model.safetensors")
        whole = {**dict.fromkeys(names, "model.safetensors"), **values}
        (folder / INDEX).write_text(json.dumps({"weight_map": whole}))

    return apply


def remove(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def tokenizer(**values: Any) -> Break:
    return lambda folder: edit(folder, "tokenizer_config.json", **values)


GPTQ_BREAKS: list[tuple[Break, str]] = [
    (settings(bits=3), "bits is 3"),
    (settings(sym=False), "not symmetric"),
    (settings(group_size=48), "group_size is 48"),
    (settings(desc_act=None), "lacks desc_act"),
    (settings(lm_head=True), "lm_head is quantized"),
    (settings(quant_method="awq"), "awq weights are unknown"),
    (config(dtype="bfloat16", torch_dtype="bfloat16"), "says dtype bfloat16"),
    (config(architectures=[]), "names no architecture"),
    (
        config(rope_parameters={"rope_theta": 5e5, "rope_type": "default"}),
        "keeps rope_theta 500000",
    ),
    (config(num_hidden_layers=3), "tensors are missing: model.layers.2"),
    (config(num_hidden_layers=1), "unknown to the model: model.layers.1"),
    (config(intermediate_size=320), "the config asks for"),
    (config(model_type="nonesuch"), "describes no model"),
    (drop(f"{ONE}.scales"), f"1 tensors are missing: {ONE}.scales"),
    (put("model.extra", torch.zeros(1).half()), "1 tensors are unknown to the model: model.extra"),
    (put("model.norm.weight", torch.ones(128).bfloat16()), "are not float16, model.norm.weight"),
    (put("model.norm.weight", torch.ones(64).half()), "model.norm.weight has shape (64,)"),
    (put(f"{ONE}.g_idx", torch.arange(256).flip(0).int() // 64), "not in natural order"),
    (cut, "is cut off, 10 bytes are missing"),
    (remove("model.safetensors"), "There are no *.safetensors files"),
    (
        index(**{f"{ONE}.scales": "other.safetensors"}),
        "expects model.layers.1.mlp.down_proj.scales",
    ),
    (index(**{"model.ghost": "model.safetensors"}), "names model.ghost, which no file holds"),
    (lambda f: (f / INDEX).write_text("{}") and None, "cannot be read"),
    (lambda f: edit(f, "quantize_config.json", bits=4), "differ in bits"),
    (tokenizer(tokenizer_class="TokenizersBackend"), "does not exist in transformers 4"),
    (tokenizer(tokenizer_class="NoSuchTokenizer"), "NoSuchTokenizer does not exist"),
    (config(vocab_size=40000), "the model has 40000 tokens"),
    (remove("tokenizer.json"), "neither tokenizer.json nor"),
    (remove("chat_template.jinja"), "no chat template"),
    (remove("tokenizer_config.json"), "tokenizer_config.json is missing"),
    (remove("config.json"), "config.json is missing"),
]


@pytest.mark.parametrize("kind", ["gptq", "w8a8"])
def test_a_good_folder_has_no_faults(source: Path, tmp_path: Path, kind: str) -> None:
    make = {"gptq": tiny.make_gptq, "w8a8": tiny.make_w8a8}[kind]
    folder = mended(make(source, tmp_path / kind))
    assert constraints.faults(folder) == [] and constraints.faults(folder, 2) == []


@pytest.mark.parametrize(("change", "part"), GPTQ_BREAKS)
def test_each_broken_gptq_folder_is_told(
    good: Path, tmp_path: Path, change: Break, part: str
) -> None:
    folder = shutil.copytree(good, tmp_path / "gptq")
    change(folder)
    assert part in "\n".join(constraints.faults(folder, 2))


@pytest.mark.parametrize(
    ("part_of_scheme", "values", "part"),
    [
        ("weights", {"num_bits": 4}, "weights are not int8"),
        ("weights", {"type": "float"}, "weights are not int8"),
        ("weights", {"symmetric": False}, "weights are not symmetric"),
        ("weights", {"strategy": "group"}, "one scale a channel or a tensor"),
        ("input_activations", {"type": "float"}, "activations are not int8"),
    ],
)
def test_each_broken_w8a8_folder_is_told(
    source: Path, tmp_path: Path, part_of_scheme: str, values: dict[str, Any], part: str
) -> None:
    folder = mended(tiny.make_w8a8(source, tmp_path / "w8a8"))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"]["config_groups"]["group_0"][part_of_scheme] |= values
    (folder / "config.json").write_text(json.dumps(config))
    assert part in "\n".join(constraints.faults(folder))


def test_groups_may_not_straddle_ranks(tmp_path: Path) -> None:
    # 192 inputs in halves of 96: one and a half groups of 64.
    source = tiny.make_model(tmp_path / "source", intermediate_size=192)
    folder = mended(tiny.make_gptq(source, tmp_path / "gptq"))
    (sentence,) = constraints.faults(folder, 2)
    assert "down_proj: groups of 64 would straddle ranks of 96 inputs" in sentence
    assert constraints.faults(folder, 1) == []


def test_heads_are_shared_whole(tmp_path: Path) -> None:
    source = tiny.make_model(
        tmp_path / "source", hidden_size=192, num_attention_heads=3, num_key_value_heads=3
    )
    folder = mended(tiny.make_gptq(source, tmp_path / "gptq"))
    assert "3 attention heads cannot be shared by 2 GPUs" in "\n".join(
        constraints.faults(folder, 2)
    )
    # The kernel takes one GPU for such a model, and then it loads.
    assert constraints.kernel_ranks(folder) == 1 and constraints.faults(folder) == []


def test_what_is_slow_but_right_is_a_remark(good: Path, tmp_path: Path) -> None:
    assert constraints.remarks(good, 1) == []
    folder = shutil.copytree(good, tmp_path / "gptq")
    settings(desc_act=True)(folder)
    assert constraints.faults(folder, 2) == []
    assert "desc_act is on" in constraints.remarks(folder, 1)[-1]
    # Two ranks leave key and value layers 32 outputs each, and o_proj 64 inputs.
    kinds = [sentence.partition(":")[0] for sentence in constraints.remarks(good, 2)]
    assert kinds == ["k_proj", "v_proj", "o_proj"]


def test_bitsandbytes_runs_on_one_gpu(source: Path, tmp_path: Path) -> None:
    folder = mended(tiny.make_w8a8(source, tmp_path / "bnb"))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (folder / "config.json").write_text(json.dumps(config))
    assert any("bitsandbytes" in sentence for sentence in constraints.faults(folder, 2))
    assert constraints.faults(folder, 1) == []


def test_weights_that_fit_no_t4_are_told(good: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(good, tmp_path / "gptq")
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(30 * 2**30)  # a hole: it takes no room
    assert any("do not fit a T4" in sentence for sentence in constraints.faults(folder, 2))
