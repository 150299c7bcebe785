"""The written folder: whole, the same twice, true to its source, or not there at all."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from common import manifest
from kernel.checks.headers import INDEX, read_folder
from model_card import render
from quantize.comparison.load import load
from quantize.comparison.tests.test_records import COMPARISON
from quantize.serving import constraints
from quantize.tests import tiny
from quantize.writing.folder import WriteError, without_paths, write_model_folder

REPORT: dict[str, Any] = {
    "recipe": "gptq",
    "source": {"name": "AI-MO/NuminaMath-7B-TIR", "folder": "/home/someone-s-own/models/x"},
    "quantization": {"seconds": 12.0, "settings": {"bits": 8}, "layer_error": "squared error, x"},
    "comparison": COMPARISON.to_json(),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_model(tmp_path_factory.mktemp("models") / "source")


@pytest.fixture
def raw(source: Path, tmp_path: Path) -> Path:
    folder = tiny.make_gptq(source, tmp_path / "work" / "raw")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"]["meta"] = {"offload_to_disk_path": "/tmp/xyz", "damp": 0.05}
    (folder / "config.json").write_text(json.dumps(config))
    rows = "layer,module,error\n0,mlp.up_proj,0.5\n1,mlp.up_proj,0.25\n"
    (folder.parent / "layers.csv").write_text(rows)
    return folder


def test_the_folder_has_all_that_serves_and_explains_it(
    source: Path, raw: Path, tmp_path: Path
) -> None:
    out = write_model_folder(source, raw, tmp_path / "dist" / "model", REPORT)
    names = {path.name for path in out.iterdir()}
    assert {"model.safetensors", "config.json", "quantize_config.json", "README.md"} <= names
    assert {"tokenizer.json", "chat_template.jinja", "generation_config.json"} <= names
    assert {"quantization.json", "layers.csv", "layers.png"} <= names
    assert all(path.is_file() for path in out.iterdir())
    assert constraints.faults(out) == []
    assert manifest.check(out) == []
    assert render.faults((out / "README.md").read_text()) == []
    assert json.loads((out / "quantization.json").read_text())["ranks"] == constraints.kernel_ranks(
        out
    )
    whole = "".join(p.read_text("utf-8") for p in out.iterdir() if p.suffix in (".json", ".md"))
    assert "/tmp/xyz" not in whole and "someone-s-own" not in whole and "damp" in whole
    assert out.stat().st_mode & 0o777 == 0o755


def test_small_shards_hold_the_same_model(source: Path, raw: Path, tmp_path: Path) -> None:
    out = write_model_folder(source, raw, tmp_path / "model", REPORT, shard_bytes=200_000)
    shards = sorted(out.glob("*.safetensors"))
    assert len(shards) > 2 and (out / INDEX).is_file()
    sizes = [shard.stat().st_size for shard in shards]
    # The embedding alone is larger than a shard may be: it has a file of its own.
    assert sorted(sizes)[-2] <= 200_000
    assert read_folder(out)[1] == [] and constraints.faults(out) == []
    first, second = load(raw).state_dict(), load(out).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_writes_give_the_same_bytes(source: Path, raw: Path, tmp_path: Path) -> None:
    folders = [write_model_folder(source, raw, tmp_path / name, REPORT) for name in "ab"]
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == sorted(path.name for path in folders[1].iterdir())
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_floats_are_float16_and_the_tokenizer_loads_in_transformers_4_as_well(
    source: Path, raw: Path, tmp_path: Path
) -> None:
    tensors = load_file(raw / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"].bfloat16()
    save_file(tensors, raw / "model.safetensors", {"format": "pt"})
    out = write_model_folder(source, raw, tmp_path / "model", REPORT)
    found = read_folder(out)[0]
    assert {tensor.dtype for tensor in found.values()} == {"F16", "I32"}
    kept = json.loads((out / "tokenizer_config.json").read_text())
    assert kept["tokenizer_class"] == "PreTrainedTokenizerFast"
    text = "What is $6 \\cdot 7$?"
    both = [AutoTokenizer.from_pretrained(folder)(text)["input_ids"] for folder in (source, out)]
    assert both[0] == both[1]
    assert (out / "tokenizer.json").read_bytes() == (source / "tokenizer.json").read_bytes()


def test_a_folder_that_exists_is_left_alone(source: Path, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(WriteError, match="exists: move it away"):
        write_model_folder(source, raw, out, REPORT)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("broken", ["cut", "infinite", "unquantized"])
def test_nothing_is_left_where_it_cannot_be_written(
    source: Path, raw: Path, tmp_path: Path, broken: str
) -> None:
    weights = raw / "model.safetensors"
    if broken == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif broken == "infinite":
        tensors = load_file(weights)
        tensors["model.norm.weight"] = torch.full((128,), 1e6)
        save_file(tensors, weights, {"format": "pt"})
    else:
        config = json.loads((raw / "config.json").read_text())
        del config["quantization_config"]
        (raw / "config.json").write_text(json.dumps(config))
    parent = tmp_path / "dist"
    parts = {"cut": "cut off", "infinite": "beyond float16", "unquantized": "quantization_config"}
    with pytest.raises(WriteError, match=parts[broken]):
        write_model_folder(source, raw, parent / "model", REPORT)
    assert not parent.exists() or list(parent.iterdir()) == []


def test_bitsandbytes_gets_one_gpu_and_keeps_profile_and_scales(
    source: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(source, tmp_path / "source")
    (own / "profile.json").write_text(json.dumps({"temperature": 0.5, "engine": {"seed": 1}}))
    raw = tiny.make_bnb(own, tmp_path / "raw")
    out = write_model_folder(own, raw, tmp_path / "model", {"recipe": "bnb"})
    profile = json.loads((out / "profile.json").read_text())
    assert profile == {"temperature": 0.5, "engine": {"seed": 1, "tensor_parallel_size": 1}}
    assert constraints.kernel_ranks(out) == 1 and constraints.faults(out) == []
    first, second = load(raw).state_dict(), load(out).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_paths_are_cut_to_their_names() -> None:
    value = {"a": ["/x/y.json", 3, None], "b": Path("/home/z"), "c": "AI-MO/model", "d": (1,)}
    assert without_paths(value) == {
        "a": ["y.json", 3, None],
        "b": "z",
        "c": "AI-MO/model",
        "d": [1],
    }
