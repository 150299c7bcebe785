"""What is refused before the first question, and what a scored rerun does instead."""

import json

import pytest

from kernel import machine
from kernel.config import Config, ConfigError
from kernel.machine import Gpu
from kernel.preflight import Preflight, quantization_fault, weights_fault

T4 = Gpu("Tesla T4", 15_360, (7, 5))
L4 = Gpu("NVIDIA L4", 23_034, (8, 9))
P100 = Gpu("Tesla P100", 16_280, (6, 0))
GPTQ = {"quant_method": "gptq", "bits": 8, "group_size": 128, "desc_act": False, "sym": True}
BNB = {"quant_method": "bitsandbytes", "load_in_8bit": True}


def compressed(form, activations):
    group = {"weights": {"num_bits": 8, "type": form}, "input_activations": activations}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}


W8A8 = compressed("int", {"num_bits": 8, "dynamic": True})
W8A16 = compressed("int", None)
FP8 = compressed("float", {"num_bits": 8})


@pytest.mark.parametrize(
    ("quantization", "gpus", "vllm", "engine", "fault"),
    [
        ({}, [T4, T4], (0, 18), {}, ""),
        ({"quant_method": None}, [], (0, 32), {}, ""),
        (GPTQ, [T4, T4], (0, 18), {}, ""),
        (GPTQ | {"desc_act": True}, [T4, T4], (0, 18), {}, ""),
        (GPTQ | {"desc_act": True}, [L4], (0, 30), {}, "desc_act"),
        (GPTQ, [], (0, 32), {}, "CPU"),
        (GPTQ | {"bits": 4}, [], (0, 32), {}, ""),
        (GPTQ, [P100], (0, 18), {}, "T4 x2"),
        (W8A8, [T4, T4], (0, 18), {}, ""),
        (W8A8, [], (0, 32), {}, ""),
        (W8A16, [T4, T4], (0, 18), {}, ""),
        (W8A16, [], (0, 32), {}, "CPU"),
        (FP8, [T4, T4], (0, 18), {}, "fp8"),
        (FP8, [], (0, 32), {}, "CPU"),
        (FP8, [L4], (0, 18), {}, ""),
        ({"quant_method": "fp8"}, [T4], (0, 18), {}, "fp8"),
        (BNB, [T4, T4], (0, 18), {}, "tensor_parallel_size"),
        (BNB, [T4, T4], (0, 18), {"tensor_parallel_size": 1}, ""),
        (BNB, [L4, L4], (0, 18), {"tensor_parallel_size": 2}, "tensor_parallel_size"),
        (BNB, [T4], (0, 18), {}, ""),
    ],
)
def test_what_the_machine_can_run(quantization, gpus, vllm, engine, fault):
    said = quantization_fault(quantization, gpus, vllm, engine)
    assert (fault in said) if fault else said == ""


def model(folder, config=None, shards=("a", "b"), there=("a", "b")):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config or {}))
    index = {"weight_map": {f"layer{n}": f"{name}.safetensors" for n, name in enumerate(shards)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in there:
        (folder / f"{name}.safetensors").write_bytes(b"")
    return folder


def test_a_missing_shard_is_named(tmp_path):
    assert weights_fault(model(tmp_path / "whole")) == ""
    folder = model(tmp_path / "cut", there=("a",))
    assert "lacks 1 of 2 weight files, b.safetensors" in weights_fault(folder)
    with pytest.raises(ConfigError, match=r"b\.safetensors"):
        Preflight(scored=False).check_model(Config(), folder)


def test_a_folder_without_weights_and_a_broken_index_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no weights" in weights_fault(tmp_path / "empty")
    folder = model(tmp_path / "m")
    (folder / "model.safetensors.index.json").write_text("[1]")
    assert "cannot be read" in weights_fault(folder)


def test_a_scored_rerun_notes_it_and_runs_bitsandbytes_on_one_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: [T4, T4])
    folder = model(tmp_path / "m", {"quantization_config": BNB}, there=("a",))
    preflight = Preflight(scored=True)
    config = preflight.check_model(Config(engine={"seed": 1}), folder)
    assert config.engine == {"seed": 1, "tensor_parallel_size": 1}
    assert len(preflight.notes) == 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"candidates": 0}, {"candidates": 1}),
        ({"rounds": -3}, {"rounds": 1}),
        ({"temperature": -1}, {"temperature": 0}),
        ({"top_p": 7}, {"top_p": 1.0}),
        ({"candidates": "48"}, {"candidates": 48}),
        ({"code_seconds": 0}, {"code_seconds": 10.0}),
        ({"code_seconds": float("nan")}, {"code_seconds": 10.0}),
        ({"limit_seconds": 600}, {"limit_seconds": 600, "reserve_seconds": 60}),
        ({"limit_seconds": -1}, {"limit_seconds": 32_400, "reserve_seconds": 900}),
        ({"reserve_seconds": 40_000}, {"limit_seconds": 32_400, "reserve_seconds": 3240.0}),
        ({"default_answer": 5000, "seed": 3}, {"default_answer": 0, "seed": 3}),
        ({"max_answer": -1}, {"max_answer": 999}),
        ({"candidate": 3, "rounds": 2}, {"candidates": 48, "rounds": 2}),
        ({"examples": [{"question": "?"}]}, {"examples": ()}),
        ({"stop": None}, {"stop": ("```output",)}),
    ],
)
def test_a_scored_rerun_takes_the_nearest_setting_and_says_so(values, expected):
    with pytest.raises(ConfigError):
        Preflight(scored=False).configure(values)
    preflight = Preflight(scored=True)
    config = preflight.configure(values)
    assert {name: getattr(config, name) for name in expected} == expected
    assert len(preflight.notes) == 1


def test_a_broken_profile_is_refused_or_left_out(tmp_path):
    from kernel.competition import Convention

    folder = model(tmp_path / "m")
    (folder / "profile.json").write_text("{")
    convention = Convention(None, 99_999, 600)
    with pytest.raises(ConfigError, match=r"profile\.json is no JSON object"):
        Preflight(scored=False).settle(Config(reserve_seconds=30), folder, convention)
    preflight = Preflight(scored=True)
    config = preflight.settle(Config(), folder, convention)
    assert (config.limit_seconds, config.reserve_seconds, config.max_answer) == (600, 60, 99_999)
    assert len(preflight.notes) == 2


def test_the_rerun_is_told_by_the_platforms_variable(monkeypatch):
    monkeypatch.delenv("KAGGLE_IS_COMPETITION_RERUN", raising=False)
    assert not Preflight().scored
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    assert Preflight().scored


def test_the_drivers_table_is_read(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Tesla T4, 15360, 7.5'\necho 'Tesla T4, 15360, 7.5'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert machine.gpus() == [T4, T4]
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert machine.gpus() == []
