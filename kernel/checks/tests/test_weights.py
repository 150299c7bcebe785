"""Weight files that are missing, cut off or something else are told before anything long starts."""

import json
import struct

import pytest

from kernel.checks.headers import parse
from kernel.checks.preflight import Preflight
from kernel.checks.tests.model_folders import TENSORS, model_folder, sharded_folder, weights
from kernel.checks.weights import file_fault, weights_fault
from kernel.config import Config, ConfigError

WHOLE = weights()
F16 = {"dtype": "F16", "shape": [1]}
FIRST = {**F16, "data_offsets": [0, 2]}


def test_whole_files_pass(tmp_path):
    assert weights_fault(model_folder(tmp_path / "one")) == ""
    assert weights_fault(sharded_folder(tmp_path / "two")) == ""


def test_a_missing_shard_is_named(tmp_path):
    folder = sharded_folder(tmp_path / "m", there=("a",))
    assert "lacks 1 of 2 weight files, b.safetensors" in weights_fault(folder)
    with pytest.raises(ConfigError, match=r"b\.safetensors"):
        Preflight(scored=False).check_model(Config(), folder)


def test_a_folder_without_weights_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no weights" in weights_fault(tmp_path / "empty")


@pytest.mark.parametrize("index", ["[1]", "{", '{"weight_map": [1]}', '{"weight_map": {"a": 5}}'])
def test_a_broken_index_is_refused(tmp_path, index):
    folder = sharded_folder(tmp_path / "m")
    (folder / "model.safetensors.index.json").write_text(index)
    assert "cannot be read" in weights_fault(folder)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (WHOLE, ""),
        (weights({"__metadata__": {"format": "pt"}, **TENSORS}), ""),
        (weights({}, b""), "holds no tensors"),
        (
            weights(
                {"a": {**F16, "data_offsets": [2, 8]}, "b": FIRST},
                bytes(8),
            ),
            "",
        ),
        (WHOLE[:-1], f"has {len(WHOLE) - 1} bytes where its header promises {len(WHOLE)}"),
        (WHOLE + b"x", f"has {len(WHOLE) + 1} bytes"),
        (WHOLE[:20], "is not a safetensors file"),
        (b"", "is not a safetensors file"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:5\n",
            "is not a safetensors file",
        ),
        (b"<!DOCTYPE html><html>Sign in</html>", "is not a safetensors file"),
        (struct.pack("<Q", 8) + b"[1, 2,3]", "is not a safetensors file"),
        (weights({"a": {"shape": [1]}}), "is not a safetensors file"),
        (weights({"a": 5}), "is not a safetensors file"),
        (struct.pack("<Q", 1 << 60) + b"{}", "is not a safetensors file"),
    ],
)
def test_a_file_is_judged_by_its_own_header(tmp_path, content, fault):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    said = file_fault(path)
    assert (fault in said and str(path) in said) if fault else said == ""


def test_the_second_of_two_shards_may_be_the_one_cut_off(tmp_path):
    folder = sharded_folder(tmp_path / "m")
    (folder / "b.safetensors").write_bytes(WHOLE[:-2])
    assert "b.safetensors has" in weights_fault(folder)
    preflight = Preflight(scored=True)
    assert preflight.check_model(Config(), folder) == Config()
    assert "b.safetensors has" in preflight.notes[0]


def test_the_length_is_the_librarys_own(tmp_path):
    numpy = pytest.importorskip("numpy")
    library = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "model.safetensors"
    tensors = {"a": numpy.zeros((3, 5)), "b": numpy.ones(7, numpy.float16), "c": numpy.zeros(0)}
    library.save_file(tensors, path, metadata={"format": "pt"})
    assert parse(path)[1] == path.stat().st_size
    assert file_fault(path) == ""
    path.write_bytes(path.read_bytes()[:-3])
    assert "promises" in file_fault(path)


def test_a_header_is_read_and_not_the_weights(tmp_path):
    big = 1 << 40
    path = tmp_path / "model.safetensors"
    path.write_bytes(weights({"w": {**F16, "data_offsets": [0, big]}}, b""))
    # A sparse file: as long as promised, and nothing on the disk.
    with open(path, "r+b") as file:
        file.truncate(8 + len(json.dumps({"w": {**F16, "data_offsets": [0, big]}})) + big)
    assert file_fault(path) == ""


def part(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(WHOLE)
    return folder


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["model.safetensors"], ""),
        (["model-00001-of-00001.safetensors"], ""),
        (["model-00001-of-00004.safetensors"], "lacks 3 of 4 weight files, number 2 first"),
        (["model-00002-of-00002.safetensors"], "lacks 1 of 2 weight files, number 1 first"),
        (["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], "and no model."),
        (["adapter_model.safetensors"], "LoRA adapter"),
        (["adapter_config.json"], "LoRA adapter"),
    ],
)
def test_parts_of_a_model_are_no_model(tmp_path, names, fault):
    found = weights_fault(part(tmp_path / "m", *names))
    assert fault in found and bool(found) == bool(fault)
