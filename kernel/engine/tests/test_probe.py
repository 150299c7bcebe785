import ast
import json
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from common import embedded_model
from kernel.engine import probe
from kernel.engine.gpu import T4
from kernel.engine.model import Model, Sizes, read_model
from kernel.engine.probe import Trial, fastest_attention, settled
from kernel.engine.profile import OWN_ARGUMENTS, T4X2
from kernel.engine.trial import REASON, SECONDS, trial_arguments
from kernel.sandbox.tests.tools import is_running

SIZES = Sizes(30, 4096, 32, 32, 128, 11008, 102400, tied=False)
KERNELS = {"model": "/model", "max_num_seqs": 48, "max_model_len": 4096}


def trial(outcome):
    """Start a process that ends as a trial would: with a time, without one, or not at all."""
    code = {
        None: "import sys; sys.exit(1)",
        "hang": "import time; time.sleep(60)",
        "differs": f"print('{REASON}its output differs')",
    }.get(outcome, f"print('noise'); print('{SECONDS}{outcome}')")
    command = [sys.executable, "-c", code]
    return Trial(
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    )


@pytest.mark.parametrize(
    ("triton", "own", "flashinfer", "expected"),
    [
        (0.030, 0.020, 0.010, "FLASHINFER"),
        (0.030, 0.008, 0.010, "OWN_ATTN"),
        (0.030, 0.010, 0.0098, "OWN_ATTN"),
        (0.030, 0.0295, 0.0295, "TRITON_ATTN"),
        (0.010, 0.030, 0.030, "TRITON_ATTN"),
        (0.030, "differs", None, "TRITON_ATTN"),
        (0.030, None, "hang", "TRITON_ATTN"),
        (0.030, "hang", 0.010, "FLASHINFER"),
        (None, 0.030, 0.030, "OWN_ATTN"),
        (None, None, 0.030, "FLASHINFER"),
        (None, None, None, None),
    ],
)
@pytest.mark.parametrize("gpus", [1, 2])
def test_the_fastest_attention_wins_where_it_runs(
    monkeypatch, triton, own, flashinfer, expected, gpus
):
    # Only a hang is to take as long as it may.
    limits = dict.fromkeys(probe.TRIED, 60.0)
    outcomes = {"TRITON_ATTN": triton, "OWN_ATTN": own, "FLASHINFER": flashinfer}
    limits |= {name: 2.0 for name, outcome in outcomes.items() if outcome == "hang"}
    monkeypatch.setattr(probe, "TRIAL_SECONDS", limits)
    started = []

    def start(arguments, gpu):
        is_own = "worker_extension_cls" in arguments
        name = "OWN_ATTN" if is_own else arguments["attention_backend"]
        started.append((name, gpu))
        return trial(outcomes[name])

    found, (note,) = fastest_attention(KERNELS, gpus, start)
    assert found == expected
    assert sorted(started) == [("FLASHINFER", gpus - 1), ("OWN_ATTN", 0), ("TRITON_ATTN", 0)]
    assert started.index(("TRITON_ATTN", 0)) < started.index(("OWN_ATTN", 0))
    for name, outcome in outcomes.items():
        runs = isinstance(outcome, float)
        assert (f"{name} {1000 * outcome:.1f} ms" if runs else f"{name} does not run") in note
    assert ("its output differs" in note) == (own == "differs")


def test_a_trial_that_is_stopped_takes_its_compilers_with_it(tmp_path):
    """A compiler in a process group of its own, as `ninja` starts them."""
    code = (
        "import subprocess, sys, time\n"
        "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'],"
        " process_group=0)\n"
        "open(sys.argv[1], 'w').write(str(c.pid)); time.sleep(100)"
    )
    path = tmp_path / "pid"
    command = [sys.executable, "-c", code, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
    compiler = int(path.read_text())
    assert is_running(compiler)
    assert Trial(process).outcome(0.1) == "stopped after 0 s"
    assert not is_running(compiler)
    assert process.returncode is not None


def test_a_trial_ends_with_the_process_that_started_it(tmp_path):
    """Whoever starts it is killed: the trial, which would sleep for long, is gone, too."""
    code = (
        "import sys; from kernel.engine import trial\n"
        "import time; trial.end_with_the_engine(); time.sleep(1000)"
    )
    starter = (
        "import sys, time; from kernel.engine import probe\n"
        "import subprocess, os\n"
        f"real = subprocess.Popen\ncode = {code!r}\n"
        "subprocess.Popen = lambda command, **more: real([sys.executable, '-c', code], **more)\n"
        "t = probe.Trial.start({}, 0); print(t.process.pid, flush=True); time.sleep(1000)"
    )
    whole = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    pid = int(whole.stdout.readline())
    assert is_running(pid)
    whole.kill()
    whole.wait()
    end = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < end, "the trial outlived its starter"
        time.sleep(0.05)


@pytest.fixture
def on_t4s(monkeypatch):
    tries = []

    def tried(arguments, gpus):
        tries.append(arguments)
        return "FLASHINFER", ("tried",)

    monkeypatch.setattr(probe, "usable_gpus", lambda: (T4, T4))
    monkeypatch.setattr(probe, "fastest_attention", tried)
    model = Model(SIZES, 7481 << 20, {"group_size": 128})
    monkeypatch.setattr(probe, "read_model", lambda folder: model)
    return tries


def test_settings_given_win_over_the_profile(on_t4s):
    choice = settled({**KERNELS, "gpu_memory_utilization": 0.8, "dtype": "half"})
    assert choice.arguments["gpu_memory_utilization"] == 0.8
    assert choice.arguments["dtype"] == "half"
    assert choice.arguments["attention_backend"] == "FLASHINFER"
    assert choice.notes[0] == "tried"


@pytest.mark.parametrize("restart", [0, 1])
def test_the_own_attention_can_be_set_and_a_restart_does_without(on_t4s, restart):
    given = {**KERNELS, "attention_backend": "OWN_ATTN"}
    arguments = settled(given, restart).arguments
    assert arguments["attention_backend"] == "TRITON_ATTN"
    extension = arguments.get("worker_extension_cls")
    assert extension == (None if restart else OWN_ARGUMENTS["worker_extension_cls"])
    assert not on_t4s


def test_an_attention_that_is_set_is_not_tried(on_t4s):
    given = {**KERNELS, "attention_backend": "TRITON_ATTN"}
    assert settled(given).arguments["attention_backend"] == "TRITON_ATTN"
    assert not on_t4s


def test_a_restart_tries_nothing(on_t4s):
    for number in (1, 2):
        arguments = settled(KERNELS, number).arguments
        assert arguments["attention_backend"] == "TRITON_ATTN"
        assert arguments["enforce_eager"] is (number == 2)
        assert arguments["tensor_parallel_size"] == (2 if number == 1 else 1)
    assert not on_t4s


def test_the_lower_number_of_sequences_holds(on_t4s, monkeypatch):
    monkeypatch.setattr(probe, "usable_gpus", lambda: (T4,))
    assert settled(KERNELS).arguments["max_num_seqs"] == 21
    assert settled({**KERNELS, "max_num_seqs": 8}).arguments["max_num_seqs"] == 8


def test_on_a_cpu_graphs_stay_off_after_a_restart():
    assert settled(KERNELS, 1).arguments["enforce_eager"] is True


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
    assert set(settled(KERNELS, 2).arguments) <= known
    assert set(trial_arguments(T4X2 | KERNELS)) <= known
    assert set(OWN_ARGUMENTS) <= known


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
        "vocab_size": 102400,
        "quantization_config": quantization,
    }
    (tmp_path / "config.json").write_text(json.dumps(read))
    (tmp_path / "model.safetensors").write_bytes(b"x" * (3 << 20))
    model = read_model(tmp_path)
    assert model == Model(SIZES, 3 << 20, quantization or {})
    assert (model.group, model.weight_mib, model.sizes.kv_bytes) == (group, 3, 491520)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"num_attention_heads": "many"}'])
def test_a_model_that_tells_nothing_is_none(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert read_model(tmp_path) is None
    assert read_model(tmp_path / "nowhere") is None


def real_trial(**more):
    """Try two layers of the embedded model on the CPU; return the outcome and vLLM's log."""
    arguments = json.dumps({"model": str(embedded_model.ensure()), "dtype": "float32", **more})
    command = [sys.executable, "-m", "kernel.engine.trial", arguments, "4", "32"]
    pipes = {"stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with tempfile.TemporaryFile("w+") as log:
        outcome = Trial(subprocess.Popen(command, stderr=log, **pipes)).outcome(250.0)
        log.seek(0)
        return outcome, log.read()


@pytest.mark.slow
def test_a_trial_runs_on_the_real_vllm():
    """On a CPU, whose own attention is the only one."""
    seconds, _ = real_trial()
    assert 0.0001 < seconds < 20.0


@pytest.mark.slow
def test_the_real_vllm_takes_the_extension_and_keeps_its_own_attention():
    """Another version than the one that was read, and no GPU: the log and the outcome say so."""
    outcome, log = real_trial(worker_extension_cls=OWN_ARGUMENTS["worker_extension_cls"])
    assert outcome == "there is no CUDA GPU"
    assert "vLLM's attention stays: there is no CUDA GPU" in log
