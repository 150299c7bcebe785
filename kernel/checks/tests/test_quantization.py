"""Which quantized checkpoints the machine can run, as a table of formats, GPUs and versions."""

import pytest

from kernel.checks import preflight
from kernel.checks.machine import Machine
from kernel.checks.preflight import Preflight
from kernel.checks.quantization import quantization_fault
from kernel.checks.tests.model_folders import model_folder, sharded_folder
from kernel.config import Config, ConfigError
from kernel.engine import gpu
from kernel.engine.cpu import Cpu
from kernel.engine.gpu import T4, Gpu

L4 = Gpu("NVIDIA L4", 23_034, (8, 9))
A100 = Gpu("NVIDIA A100", 40_960, (8, 0))
P100 = Gpu("Tesla P100", 16_280, (6, 0))
KAGGLE = (T4, T4)
CPU = Cpu("Some CPU", 4, frozenset())
ON_KAGGLE = Machine(CPU, 30 * 1024, KAGGLE)
WITHOUT = Machine(CPU, 30 * 1024, ())
GPTQ = {"quant_method": "gptq", "bits": 8, "group_size": 128, "desc_act": False, "sym": True}
BNB = {"quant_method": "bitsandbytes", "load_in_8bit": True}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}


def compressed(form, activations, bits=8):
    group = {"weights": {"num_bits": bits, "type": form}, "input_activations": activations}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}


W8A8 = compressed("int", {"num_bits": 8, "dynamic": True})
W8A16 = compressed("int", None)
W4A16 = compressed("int", None, bits=4)
FP8 = compressed("float", {"num_bits": 8})


@pytest.mark.parametrize(
    ("quantization", "fault"),
    [
        ({}, ""),
        ({"quant_method": None}, ""),
        (GPTQ, ""),
        (GPTQ | {"group_size": -1}, ""),
        (GPTQ | {"desc_act": True}, ""),
        (GPTQ | {"sym": False}, ""),
        (GPTQ | {"bits": 4}, ""),
        (AWQ, ""),
        (W8A8, ""),
        (W8A16, ""),
        (W4A16, ""),
        (FP8, ""),
        ({"quant_method": "fp8"}, ""),
        ({"quant_method": "fbgemm_fp8"}, "cannot run fbgemm_fp8"),
        ({"quant_method": "mxfp4"}, "cannot run mxfp4"),
        ({"quant_method": "modelopt"}, "cannot run modelopt"),
        (BNB, ""),
    ],
)
def test_what_two_t4s_run_with_the_kernels_vllm(quantization, fault):
    said = quantization_fault(quantization, KAGGLE, (0, 18), {})
    assert (fault in said) if fault else said == ""


@pytest.mark.parametrize(
    ("quantization", "gpus", "vllm", "engine", "fault"),
    [
        (GPTQ, KAGGLE, (0, 10), {}, ""),
        (W8A8, KAGGLE, (0, 10), {}, ""),
        (W8A16, KAGGLE, (0, 13), {}, "W8A16 with vLLM 0.13"),
        (FP8, KAGGLE, (0, 13), {}, "fp8 with vLLM 0.13"),
        ({"quant_method": "fp8"}, [T4], (0, 13), {}, "fp8"),
        (FP8, [A100], (0, 10), {}, ""),
        ({"quant_method": "mxfp4"}, [A100], (0, 18), {}, ""),
        ({"quant_method": "mxfp4"}, [A100, T4], (0, 18), {}, "Tesla T4 (capability 7.5)"),
        (GPTQ, [P100], (0, 18), {}, "T4 x2"),
        (W8A8, [P100], (0, 18), {}, "T4 x2"),
        (GPTQ | {"desc_act": True}, [L4], (0, 30), {}, "desc_act"),
        (GPTQ | {"desc_act": True}, [L4], (0, 29), {}, ""),
        (GPTQ | {"desc_act": True, "group_size": -1}, [L4], (0, 32), {}, ""),
        (GPTQ | {"sym": False}, KAGGLE, (0, 32), {}, "sym=True"),
        (GPTQ | {"bits": 3}, KAGGLE, (0, 32), {}, "4 or 8 bits"),
        (GPTQ | {"bits": 4}, KAGGLE, (0, 32), {}, ""),
        (BNB, KAGGLE, (0, 18), {"tensor_parallel_size": 1}, ""),
        (BNB, [L4, L4], (0, 18), {"tensor_parallel_size": 2}, "tensor_parallel_size"),
        (BNB, [L4, L4], (0, 18), {}, ""),
        (BNB, [T4], (0, 18), {}, ""),
    ],
)
def test_what_other_gpus_and_versions_run(quantization, gpus, vllm, engine, fault):
    said = quantization_fault(quantization, gpus, vllm, engine)
    assert (fault in said) if fault else said == ""


@pytest.mark.parametrize(
    ("quantization", "runs"),
    [
        ({"quant_method": None}, True),
        (W8A8, True),
        (GPTQ | {"bits": 4}, True),
        (GPTQ, False),
        (W8A16, False),
        (FP8, False),
        ({"quant_method": "fp8"}, False),
        (BNB, False),
    ],
)
def test_what_a_cpu_runs(quantization, runs):
    said = quantization_fault(quantization, [], (0, 32), {})
    assert said == "" if runs else "on a CPU" in said


def test_a_refusal_names_the_gpu_and_what_to_take(tmp_path):
    folder = model_folder(tmp_path / "m", {"quantization_config": {"quant_method": "mxfp4"}})
    with pytest.raises(ConfigError, match=r"Tesla T4 \(capability 7\.5\) .*: use GPTQ or W8A8"):
        Preflight(scored=False, machine=ON_KAGGLE).check_model(Config(), folder)


def test_a_quantization_set_for_the_engine_counts_where_the_model_has_none(tmp_path):
    config = Config(engine={"quantization": "mxfp4"})
    with pytest.raises(ConfigError, match="cannot run mxfp4"):
        Preflight(scored=False, machine=ON_KAGGLE).check_model(config, model_folder(tmp_path / "m"))


def test_a_scored_rerun_notes_it_and_runs_bitsandbytes_on_one_gpu(tmp_path):
    folder = sharded_folder(tmp_path / "m", {"quantization_config": BNB}, there=("a",))
    checks = Preflight(scored=True, machine=ON_KAGGLE)
    engine = {"seed": 1, "tensor_parallel_size": 2}
    config = checks.check_model(Config(engine=engine), folder)
    assert config.engine == {"seed": 1, "tensor_parallel_size": 1}
    assert len(checks.notes) == 2


def test_gpus_that_nobody_can_tell_are_not_taken_for_a_cpu(tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "m", {"quantization_config": GPTQ})
    monkeypatch.setattr(preflight, "has_driver", lambda: True)
    assert Preflight(scored=False, machine=WITHOUT).check_model(Config(), folder) == Config()
    monkeypatch.setattr(preflight, "has_driver", lambda: False)
    with pytest.raises(ConfigError, match="on a CPU"):
        Preflight(scored=False, machine=WITHOUT).check_model(Config(), folder)


def test_the_drivers_table_is_read(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Tesla T4, 15360, 7.5'\necho 'Tesla T4, 15360, 7.5'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu.read_gpus() == KAGGLE
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert gpu.read_gpus() == ()
