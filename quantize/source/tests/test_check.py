import dataclasses
import types

import pytest
import torch

from quantize import estimate
from quantize.estimate import check_room, needs
from quantize.source import check
from quantize.source.check import InputError, check_model, check_output
from quantize.source.tests import bad_models
from quantize.tests import tiny


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return tiny.make_model(tmp_path_factory.mktemp("models") / "good", torch.bfloat16)


def test_a_model_is_described(good):
    source = check_model(good)
    assert (source.layers, source.hidden, source.group_size) == (2, 128, 128)
    assert source.dtype == "bfloat16"
    # Per layer: q and o 128x128, k and v 64x128, three of 128x256.
    assert source.decoder_parameters == 2 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 128 * 256)
    assert source.parameters == source.decoder_parameters + 49152 * 128 + 5 * 128


def test_shards_are_one_model(good, tmp_path):
    divided = check_model(bad_models.sharded(bad_models.copy(good, tmp_path / "model")))
    whole = check_model(good)
    assert (divided.parameters, divided.layers) == (whole.parameters, whole.layers)


def test_a_width_of_no_multiple_of_128_gets_groups_of_64(tmp_path):
    folder = tiny.make_model(tmp_path / "narrow", intermediate_size=192)
    assert check_model(folder).group_size == 64
    with pytest.raises(InputError, match="width 96, not a multiple of 64"):
        check_model(tiny.make_model(tmp_path / "odd", intermediate_size=96))


@pytest.mark.parametrize("name", bad_models.FAULTS)
def test_a_fault_is_one_sentence(good, tmp_path, name):
    spoil, words = bad_models.FAULTS[name]
    folder = bad_models.copy(good, tmp_path / "model")
    spoil(folder)
    with pytest.raises(InputError) as fault:
        check_model(folder)
    text = str(fault.value)
    assert words in text
    assert "\n" not in text and text.endswith(".")


def test_weights_of_another_type_are_refused(good, tmp_path):
    folder = bad_models.copy(good, tmp_path / "model")
    tensors = bad_models.load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"].to(torch.float64)
    bad_models.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="stored as F64"):
        check_model(folder)


def test_an_output_that_exists_is_kept(tmp_path):
    check_output(tmp_path / "new")
    with pytest.raises(InputError, match="exists already"):
        check_output(tmp_path)


def test_too_little_disk(good, tmp_path, monkeypatch):
    wanted = needs(check_model(good), "gptq", 1000, gpu=False)
    check_room(wanted, tmp_path / "work", tmp_path / "out")
    usage = types.SimpleNamespace(free=wanted.work_bytes + wanted.out_bytes - 1)
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="of free disk"):
        check_room(wanted, tmp_path / "work", tmp_path / "out")


def test_too_little_memory(good, tmp_path, monkeypatch):
    wanted = needs(check_model(good), "gptq", 1000, gpu=True)
    monkeypatch.setattr(estimate, "available_memory", lambda: wanted.memory_bytes - 1)
    with pytest.raises(InputError, match="of memory"):
        check_room(wanted, tmp_path, tmp_path, gpu_bytes=wanted.gpu_bytes)
    monkeypatch.setattr(estimate, "available_memory", lambda: wanted.memory_bytes)
    with pytest.raises(InputError, match="on the GPU"):
        check_room(wanted, tmp_path, tmp_path, gpu_bytes=wanted.gpu_bytes - 1)
    check_room(wanted, tmp_path, tmp_path, gpu_bytes=wanted.gpu_bytes)


def numina(good):
    """NuminaMath-7B's shapes."""
    return dataclasses.replace(
        check_model(good),
        layers=30,
        hidden=4096,
        intermediate=11008,
        vocabulary=102400,
        bytes=13_820_000_000,
        parameters=6_910_365_696,
        decoder_parameters=30 * (4 * 4096 * 4096 + 3 * 4096 * 11008),
        group_size=128,
    )


@pytest.mark.parametrize("recipe", ["gptq", "w8a8", "auto-gptq", "bnb", "round-to-nearest"])
def test_seven_billion_fit_into_24_gb_and_a_gpu_of_16(good, recipe):
    tokens = 256 * 700
    found = needs(numina(good), recipe, tokens, gpu=True)
    assert found.memory_bytes < 24e9
    assert found.gpu_bytes < 16e9
    # One item alone is known from the shapes: the Hessian of the widest layer, in float32.
    if recipe == "gptq":
        assert found.gpu["Hessian and its factors"] >= 4 * 11008**2
        # More rows need more memory, and none of it on the GPU.
        more = needs(numina(good), recipe, 4 * tokens, gpu=True)
        assert more.memory_bytes - found.memory_bytes == 3 * tokens * 4096 * 4
        assert more.gpu_bytes == found.gpu_bytes


def test_memory_is_what_the_machine_says():
    lines = check.Path("/proc/meminfo").read_text().splitlines()
    total = int(next(line for line in lines if line.startswith("MemTotal")).split()[1]) * 1024
    assert 0 < estimate.available_memory() <= total


def test_null_is_no_quantization(good, tmp_path):
    folder = bad_models.copy(good, tmp_path / "m")
    bad_models.change_config(folder, quantization_config=None)
    assert check_model(folder) == dataclasses.replace(check_model(good), folder=folder)
