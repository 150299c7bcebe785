"""The probe notebook: equal to its sources, and its checks at work where there is no GPU."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from common import embedded_model
from notebooks.build import notebook
from notebooks.probe import notebook as probe
from notebooks.probe import probe_checks, probe_fit, probe_machine, probe_weights
from validation.simulation.costs import T4, Costs, Layout, calibrated
from validation.simulation.model_shape import NUMINA

ROOT = Path(__file__).resolve().parents[3]
NUMINA_JSON = {
    "num_hidden_layers": 30,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "intermediate_size": 11008,
    "vocab_size": 102400,
}


def test_the_committed_notebook_equals_a_fresh_build():
    fresh = notebook(probe.probe_cells())
    assert probe.NOTEBOOK.read_text("utf-8") == fresh, "run `make notebook` and commit the result"


def test_it_writes_the_checks_beside_the_kernel():
    cells = {cell.id: cell.source for cell in probe.probe_cells()}
    order = list(cells)
    assert cells["write-probe_checks"].startswith("%%writefile probe_checks.py\n")
    assert order.index("install") < order.index("write-engine-probe") < order.index("run")
    for cell_id, source in cells.items():
        if cell_id == "run":
            compile(source, cell_id, "exec")


def packed(values, words):
    """Pack rows of 8-bit values, four a 32-bit word, along the first dimension."""
    rows = values.reshape(-1, 4, words).to(torch.int64)
    joined = sum(rows[:, n] << (8 * n) for n in range(4))
    return torch.where(joined >= 2**31, joined - 2**32, joined).to(torch.int32)


@pytest.mark.parametrize("offset", [0, 1])
def test_gptq_weights_are_unpacked_exactly(offset):
    torch.manual_seed(0)
    inputs, outputs, group = 64, 12, 16
    values = torch.randint(0, 256, (inputs, outputs))
    zeros = torch.randint(1, 256, (inputs // group, outputs))
    scales = torch.rand(inputs // group, outputs).half()
    index = torch.randperm(inputs) // group
    tensors = {
        "l.qweight": packed(values, outputs),
        "l.qzeros": packed((zeros - offset).T, inputs // group).T.contiguous(),
        "l.scales": scales,
        "l.g_idx": index.to(torch.int32),
    }
    expected = ((values - zeros[index]) * scales.float()[index]).T
    assert torch.equal(probe_weights.dequantized(tensors, "l", offset), expected)


def measured_by(costs):
    """Return what `speed` would measure on a machine with these costs."""
    sizes = probe_checks.SIZES
    steps = [[*size, costs.step(size[0], size[0] * size[1])] for size in sizes]
    tokens = probe_checks.PREFILLED * 700
    seconds = costs.step(0, 0, tokens)
    measured = {"steps": steps, "prefill": [tokens, seconds], "ranks": costs.layout.ranks}
    return {**measured, "kv_tokens": costs.kv_tokens, "utilization": costs.gpu.utilization}


def test_the_constants_of_a_machine_come_out_of_its_times(tmp_path):
    """Times made with known constants give these back, and the simulator takes them."""
    (tmp_path / "config.json").write_text(json.dumps(NUMINA_JSON))
    layout = Layout(2, 1, 8)
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.truncate(NUMINA.weight_bytes(8))
    truth = replace(T4, attention_gb_s=77.0, weight_gb_s=199.0, compute_tflops=22.0)
    truth = replace(truth, rest_gib=1.4, sequence_seconds=0.0004)
    found = probe_fit.constants(measured_by(Costs(truth, NUMINA, layout)), tmp_path, 14.56)
    assert found["attention_gb_s"] == pytest.approx(77.0, rel=1e-2)
    assert found["weight_gb_s"] == pytest.approx(199.0, rel=0.05)
    assert found["sequence_seconds"] == pytest.approx(0.0004, rel=0.1)
    # All-reduce and fixed cost are in the prefill too: the rate comes out a little lower.
    assert found["compute_tflops"] == pytest.approx(22.0, rel=0.25)
    assert found["rest_gib"] == pytest.approx(1.4, abs=0.01)
    path = tmp_path / "probe.json"
    path.write_text(json.dumps({"gpu": "Tesla T4", "constants": found}))
    assert calibrated(T4, path).attention_gb_s == found["attention_gb_s"]


def test_what_drowned_in_noise_stays_unknown(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(NUMINA_JSON))
    (tmp_path / "model.safetensors").write_bytes(b"x" * 2**20)
    measured = measured_by(Costs(T4, NUMINA, Layout(2, 1, 8)))
    for step in measured["steps"]:
        step[2] = 0.05 - 1e-8 * step[0] * step[1]
    assert probe_fit.constants(measured, tmp_path)["attention_gb_s"] is None
    assert probe_fit.constants(measured, tmp_path / "nowhere") == {}


def test_a_batch_that_reads_slower_than_the_others_stands_out():
    costs = Costs(T4, NUMINA, Layout(2, 1, 8))
    steps = measured_by(costs)["steps"]
    steps[-1][2] += 0.02
    found = probe_fit.fitted(steps, NUMINA.kv_bytes / 2)
    assert list(found["gb_s"]) == [f"{n} x {length}" for n, length in probe_checks.SIZES]
    assert found["gb_s"]["48 x 700"] == pytest.approx(45, rel=0.1)
    assert found["largest_error"] > 0.1
    whole = probe_fit.fitted(measured_by(costs)["steps"], NUMINA.kv_bytes / 2)
    assert whole["largest_error"] < 0.01


def test_minutes_of_work_are_told_by_their_first_and_last_part(monkeypatch):
    monkeypatch.setattr(probe_machine, "card", lambda: [["1000", "70", "80", "0x4"]])
    now = iter(range(1000))
    monkeypatch.setattr(probe_machine.time, "monotonic", lambda: float(next(now)))
    taken = iter([0.1] * 50 + [0.2] * 1000)
    found = probe_machine.lasting(lambda: next(taken), 200.0)
    assert found["slower"] == pytest.approx(2.0)
    assert len(found["rows"]) <= 80
    assert found["rows"][0]["gpus"] == [["1000", "70", "80", "0x4"]]


def test_two_results_of_the_logits_are_compared():
    gpu = {"logprobs": [-1.0, -2.0], "likeliest": [5, 6]}
    cpu = {"logprobs": [-1.5, -2.0], "likeliest": [5, 7]}
    found = probe_checks.compared(gpu, cpu)
    assert found["mean_difference"] == 0.25
    assert (found["largest_difference"], found["same_likeliest"]) == (0.5, 0.5)
    assert found["all_finite"]
    assert not probe_checks.compared({**gpu, "logprobs": [-1.0, float("-inf")]}, cpu)["all_finite"]


def test_a_check_that_fails_costs_nothing_but_itself(tmp_path):
    found = probe_checks.run("no such check", tmp_path, {})
    assert found == {"failed": "ended with 1"}


SMALL = """
import json, os, sys
from pathlib import Path
from kernel.engine.process import prepare
prepare()
from notebooks.probe import probe_checks
engine = probe_checks.open_engine(Path(sys.argv[1]), {"max_model_len": 256, "max_num_seqs": 4})
sizes = ((4, 48), (4, 8), (2, 100), (1, 8))
found = [probe_checks.speed_of(engine, sizes), probe_checks.logprobs_of(engine)]
print("FOUND" + json.dumps(found), flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_speed_and_logits_of_the_real_vllm(monkeypatch):
    """On the CPU, where its logits must be those of transformers."""
    model = embedded_model.ensure()
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(model)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))
    speed, gpu = json.loads(line.removeprefix("FOUND"))
    assert all(0 < step[2] < 60 for step in speed["steps"])
    assert speed["tokens_per_second"] > 0
    assert speed["kv_tokens"] > 1000
    assert "Paris" in speed["text"]
    monkeypatch.syspath_prepend(ROOT / "notebooks/probe")
    found = probe_checks.compared(gpu, probe_checks.cpu_logprobs(model, {"ids": gpu["ids"]}))
    assert found["tokens"] > 50
    assert found["mean_difference"] < 0.1
    assert found["same_likeliest"] > 0.9
