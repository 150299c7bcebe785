import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from common import embedded_model
from kernel.engine import probe
from kernel.engine.probe import fastest_attention, read_model, settled, trial_arguments
from kernel.engine.profile import T4X2, Gpu, ModelFacts, smaller

T4 = Gpu("Tesla T4", 15360, (7, 5))
KERNELS = {"model": "/model", "max_num_seqs": 48, "max_model_len": 4096}


def trial(seconds):
    """Start a process that ends as a trial would: with a time, without one, or not at all."""
    code = {
        None: "import sys; sys.exit(1)",
        "hang": "import time; time.sleep(60)",
    }.get(seconds, f"print('noise'); print('{probe.LAST_LINE}{seconds}')")
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("triton", "flashinfer", "expected"),
    [
        (0.030, 0.010, "FLASHINFER"),
        (0.030, 0.0295, "TRITON_ATTN"),
        (0.010, 0.030, "TRITON_ATTN"),
        (0.030, None, "TRITON_ATTN"),
        (None, 0.030, "FLASHINFER"),
        (None, None, None),
        (0.030, "hang", "TRITON_ATTN"),
    ],
)
@pytest.mark.parametrize("gpus", [1, 2])
def test_the_faster_attention_wins_where_it_runs(monkeypatch, triton, flashinfer, expected, gpus):
    monkeypatch.setattr(probe, "TRIAL_SECONDS", 4.0)
    seconds = {"TRITON_ATTN": triton, "FLASHINFER": flashinfer}
    started = []

    def start(arguments, gpu):
        started.append((arguments["attention_backend"], gpu))
        return trial(seconds[arguments["attention_backend"]])

    found, (note,) = fastest_attention(KERNELS, gpus, start)
    assert found == expected
    assert started == [("TRITON_ATTN", 0), ("FLASHINFER", gpus - 1)]
    for backend, time in seconds.items():
        runs = isinstance(time, float)
        assert (f"{backend} {1000 * time:.1f} ms" if runs else f"{backend} does not run") in note


@pytest.fixture
def on_t4s(monkeypatch):
    tries = []

    def tried(arguments, gpus):
        tries.append(arguments)
        return "FLASHINFER", ("tried",)

    monkeypatch.setattr(probe, "read_gpus", lambda: (T4, T4))
    monkeypatch.setattr(probe, "fastest_attention", tried)
    model = ModelFacts(7481, 491520, 32, 11008, 128)
    monkeypatch.setattr(probe, "read_model", lambda folder: model)
    return tries


def test_settings_given_win_over_the_profile(on_t4s):
    choice = settled({**KERNELS, "gpu_memory_utilization": 0.8, "dtype": "half"})
    assert choice.arguments["gpu_memory_utilization"] == 0.8
    assert choice.arguments["dtype"] == "half"
    assert choice.arguments["attention_backend"] == "FLASHINFER"
    assert choice.notes[0] == "tried"


def test_an_attention_that_is_set_is_not_tried(on_t4s):
    given = {**KERNELS, "attention_backend": "TRITON_ATTN"}
    assert settled(given).arguments["attention_backend"] == "TRITON_ATTN"
    assert not on_t4s


def test_a_restart_tries_nothing_and_hands_on_no_unknown_argument(on_t4s):
    for number in (1, 2):
        arguments = settled(smaller(KERNELS, number)).arguments
        assert "restart" not in arguments
        assert arguments["attention_backend"] == "TRITON_ATTN"
        assert arguments["enforce_eager"] is (number == 2)
        assert arguments["tensor_parallel_size"] == (2 if number == 1 else 1)
    assert not on_t4s


def test_the_lower_number_of_sequences_holds(on_t4s, monkeypatch):
    monkeypatch.setattr(probe, "read_gpus", lambda: (T4,))
    assert settled(KERNELS).arguments["max_num_seqs"] == 21
    assert settled({**KERNELS, "max_num_seqs": 8}).arguments["max_num_seqs"] == 8


def test_on_a_cpu_graphs_stay_off_after_a_restart():
    assert settled(smaller(KERNELS, 1)).arguments["enforce_eager"] is True


def vllm_arguments():
    """Return the fields of vLLM's EngineArgs, read from its source: importing it takes long."""
    source = Path(find_spec("vllm").origin).parent / "engine/arg_utils.py"
    classes = {n.name: n for n in ast.parse(source.read_text()).body if isinstance(n, ast.ClassDef)}
    fields = [n for n in classes["EngineArgs"].body if isinstance(n, ast.AnnAssign)]
    return {field.target.id for field in fields}


def test_every_argument_is_known_to_vllm(on_t4s):
    known = vllm_arguments()
    assert "model" in known
    assert set(settled(KERNELS).arguments) <= known
    assert set(settled(smaller(KERNELS, 2)).arguments) <= known
    assert set(trial_arguments(T4X2 | KERNELS)) <= known


@pytest.mark.parametrize(
    ("quantization", "group"),
    [
        (None, 0),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, 128),
        ({"quant_method": "gptq", "group_size": -1}, 0),
        ({"config_groups": {"group_0": {"weights": {"group_size": 64}}}}, 64),
        ({"config_groups": {"group_0": {"weights": {"group_size": None}}}}, 0),
    ],
)
def test_a_models_sizes_are_read(tmp_path, quantization, group):
    read = {
        "num_hidden_layers": 30,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "quantization_config": quantization,
    }
    (tmp_path / "config.json").write_text(json.dumps(read))
    (tmp_path / "model.safetensors").write_bytes(b"x" * (3 << 20))
    assert read_model(tmp_path) == ModelFacts(3, 491520, 32, 11008, group)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"num_attention_heads": "many"}'])
def test_a_model_that_tells_nothing_is_none(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert read_model(tmp_path) is None
    assert read_model(tmp_path / "nowhere") is None


def test_a_trial_runs_on_the_real_vllm():
    """With two layers of the embedded model on the CPU, whose own attention is the only one."""
    arguments = json.dumps({"model": str(embedded_model.ensure()), "dtype": "bfloat16"})
    command = [sys.executable, "-m", "kernel.engine.probe", arguments, "4", "32"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    seconds = probe._result(process, 250.0)
    assert seconds is not None
    assert 0.0001 < seconds < 20.0
