import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from common.environment import SetupError
from quantize.calibration import samples as calibration
from quantize.comparison.load import dequantize, load, quantization
from quantize.environments import environment, running
from quantize.environments.running import LayerClock, RecipeRunError
from quantize.recipes.checkpoint import gptq_settings, readable, write_config
from quantize.recipes.round_to_nearest import packed, rounded
from quantize.source.check import check_model
from quantize.tests import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.make_model(tmp_path_factory.mktemp("models") / "tiny", torch.bfloat16)


def job_for(model, folder, samples=8):
    """Return a recipe's job as a build makes it."""
    source = check_model(model)
    folder.mkdir(exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(model)
    ids = folder / "calibration.jsonl"
    calibration.gather("own", tokenizer, samples, 0).write(ids)
    return {
        "model": model,
        "raw": folder / "raw",
        "layers_csv": folder / "layers.csv",
        "scratch": folder / "scratch",
        "calibration": ids,
        "group_size": source.group_size,
        "layers": source.layers,
        "dtype": source.dtype,
    }


def largest_error(model, raw):
    """Return the largest difference of a decoder weight, relative to the largest weight."""
    first, second = load(model).state_dict(), load(raw).state_dict()
    names = [name for name in first if name.endswith("_proj.weight")]
    assert len(names) % 7 == 0 < len(names)
    return max(((first[n] - second[n]).abs().max() / first[n].abs().max()).item() for n in names)


def checked_run(recipe, model, folder, layers=2):
    """Run a recipe and check what every recipe must leave; return what it said and took."""
    said = []
    ran = running.run(recipe, job_for(model, folder), folder, said.append)
    with (folder / "layers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["layer"], row["module"]) for row in rows}) == len(rows) == 7 * layers
    assert all(float(row["error"]) >= 0 for row in rows)
    told = [line.strip().split(",")[0] for line in said if line.startswith("  layer ")]
    assert told == [f"layer {number} of {layers}" for number in range(1, layers + 1)]
    floats = {t.dtype for t in load_file(folder / "raw/model.safetensors").values()}
    assert not floats & {torch.bfloat16, torch.float32} or recipe == "bnb"
    assert 100e6 < ran.peak_bytes < 4e9
    assert ran.cpu_seconds > 1
    return said, ran


@pytest.mark.parametrize("group", [64, 128])
def test_rounding_is_right_to_half_a_step(group):
    torch.manual_seed(0)
    weight = torch.randn(96, 256)
    weight[5] = 0.0  # a row of zeros has no scale of its own
    steps, scales = rounded(weight, group)
    plain = dequantize(**packed(steps, scales))
    spread = scales.float().repeat_interleave(group, 0).T
    assert ((plain - weight).abs() <= spread * 0.51).all()
    assert plain[5].abs().max() == 0


def test_round_to_nearest(model, tmp_path):
    checked_run("round-to-nearest", model, tmp_path)
    assert quantization(tmp_path / "raw") == gptq_settings(128)
    assert largest_error(model, tmp_path / "raw") < 0.6 / 127


def test_bitsandbytes(model, tmp_path):
    checked_run("bnb", model, tmp_path)
    assert quantization(tmp_path / "raw")["load_in_8bit"] is True
    tensors = load_file(tmp_path / "raw/model.safetensors")
    assert tensors["model.layers.0.mlp.up_proj.weight"].dtype == torch.int8
    # What is read back must also compute: its kernels take no other scales than float32.
    logits = load(tmp_path / "raw")(torch.arange(8).reshape(1, 8)).logits
    difference = logits - load(model)(torch.arange(8).reshape(1, 8)).logits
    assert difference.abs().max() < 0.1 * logits.abs().max()


def test_weights_that_float16_has_not_are_told(model, tmp_path):
    spoilt = tmp_path / "spoilt"
    tiny.make_model(spoilt, torch.bfloat16)
    tensors = load_file(spoilt / "model.safetensors")
    tensors["model.norm.weight"][3] = 1e6
    save_file(tensors, spoilt / "model.safetensors", {"format": "pt"})
    with pytest.raises(RecipeRunError) as fault:
        running.run("round-to-nearest", job_for(spoilt, tmp_path / "work"), tmp_path / "work")
    assert "model.norm.weight holds 999424, float16 ends at 65504" in str(fault.value)
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "work/raw/config.json").exists()


def test_a_config_is_read_alike_by_both_generations():
    new = {"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}, "dtype": "bfloat16"}
    assert readable(new)["rope_theta"] == 5e5
    assert readable(new)["torch_dtype"] == readable(new)["dtype"] == "float16"
    assert "rope_scaling" not in readable(new)
    scaled = readable({"rope_parameters": {"rope_theta": 1e4, "rope_type": "yarn", "factor": 4}})
    assert scaled["rope_scaling"] == {"rope_type": "yarn", "factor": 4}
    old = {"rope_theta": 1e4, "torch_dtype": "bfloat16"}
    assert readable(old)["rope_theta"] == 1e4


def test_no_path_of_the_machine_is_kept(model, tmp_path):
    meta = {"offload_to_disk_path": "/tmp/x1", "damp_percent": 0.05}
    write_config(model, tmp_path, gptq_settings(64, meta=meta))
    assert quantization(tmp_path)["meta"] == {"damp_percent": 0.05}


def test_the_time_left_follows_the_layers():
    clock = iter([100.0, 110.0, 120.0])
    told = LayerClock(lambda: next(clock))
    assert told.line({"layer": 12, "of": 30, "error": None}) == "layer 13 of 30"
    assert told.line({"layer": 13, "of": 30, "error": 2e-6}) == (
        "layer 14 of 30, error 2.00e-06, about 3 min left"
    )
    assert told.line({"layer": 14, "of": 30}).endswith("about 2 min left")


def test_a_recipe_ends_with_the_build():
    sleeper = "import subprocess, sys; print('{}', flush=True); subprocess.run(['sleep', '600'])"
    process = subprocess.Popen(
        [sys.executable, "-c", sleeper], stdout=subprocess.PIPE, start_new_session=True
    )

    process.stdout.readline()
    running._end(process)
    assert process.poll() is not None
    # What was killed may wait for its parent for a moment; only what runs is left over.
    for _ in range(100):
        command = ["ps", "-eo", "pgid,stat", "--no-headers"]
        listed = subprocess.run(command, capture_output=True, text=True).stdout
        left = [row for row in map(str.split, listed.splitlines()) if row[0] == str(process.pid)]
        if not (running_ones := [row for row in left if not row[1].startswith("Z")]):
            break
        time.sleep(0.1)
    assert not running_ones


def test_the_environments_are_pinned_with_hashes():
    assert environment.names() == ["auto-gptq", "gptq", "w8a8"]
    for name in environment.names():
        lines = (environment.LISTS / f"{name}.txt").read_text().splitlines()
        pins = [line for line in lines if line[:1].isalnum()]
        assert pins and all("==" in line and line.endswith("\\") for line in pins)
        assert not [pin for pin in pins if pin.startswith(("torch==", "triton=="))]


def test_an_environment_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def refuse(command, **options):
        failed = "torch==" in command[-1]
        error = "noise\nERROR: No matching distribution found for torch\n" if failed else ""
        return subprocess.CompletedProcess(command, int(failed), "", error)

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(SetupError, match="torch failed: ERROR: No matching") as fault:
        environment.python("gptq", lambda line: None)
    assert "\n" not in str(fault.value)
    assert not environment.ready("gptq")


def test_another_list_is_another_environment(tmp_path, monkeypatch):
    before = environment.folder("gptq")
    (tmp_path / "gptq.txt").write_text("numpy==1.0 \\\n")
    monkeypatch.setattr(environment, "LISTS", tmp_path)
    assert environment.folder("gptq") != before


def needs_environment(name):
    """Return a mark that skips where an environment has not been made."""
    reason = f"needs the environment {name}: python -m quantize.environments.environment {name}"
    return pytest.mark.skipif(not environment.ready(name), reason=reason)


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_environment("gptq")
def test_gptq_goes_on_where_it_was_cut_off(tmp_path, monkeypatch):
    # Deep enough that the rest is not done by the time the build hears of the first layer.
    model = tiny.make_model(tmp_path / "deep", torch.bfloat16, num_hidden_layers=8)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    checked_run("gptq", model, whole, layers=8)
    settings = quantization(whole / "raw")
    wanted = {"bits": 8, "group_size": 128, "sym": True, "desc_act": False}
    assert {key: settings[key] for key in wanted} == wanted
    assert largest_error(model, whole / "raw") < 2 / 127
    job = job_for(model, cut)

    def stop_after_two_layers(line):
        if "layer 2 of 8" in line:
            raise KeyboardInterrupt

    # As where the power goes: asked politely, the library first finishes what it has in hand.
    monkeypatch.setattr(running, "_end", lambda process: os.killpg(process.pid, signal.SIGKILL))
    with pytest.raises(KeyboardInterrupt):
        running.run("gptq", job, cut, stop_after_two_layers)
    assert not (cut / "raw/config.json").exists()
    said = []
    running.run("gptq", job, cut, said.append)
    told = [line for line in said if line.startswith("  layer ")]
    # A layer counts once it is kept; the one in hand at the cut is done again.
    assert not [line for line in told if "layer 1 of 8" in line]
    assert "layer 8 of 8" in told[-1]
    first, second = (load_file(f / "raw/model.safetensors") for f in (whole, cut))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (cut / "raw/config.json").read_text() == (whole / "raw/config.json").read_text()
    assert len((cut / "layers.csv").read_text().splitlines()) == 1 + 7 * 8


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_environment("w8a8")
def test_w8a8(model, tmp_path):
    said, _ = checked_run("w8a8", model, tmp_path)
    assert "cannot resume" in said[0]
    group = quantization(tmp_path / "raw")["config_groups"]["group_0"]
    assert group["weights"]["num_bits"] == group["input_activations"]["num_bits"] == 8
    assert group["weights"]["strategy"] == "channel"
    assert group["input_activations"]["dynamic"] is True
    tensors = load_file(tmp_path / "raw/model.safetensors")
    assert tensors["model.layers.1.mlp.down_proj.weight"].dtype == torch.int8
