import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from quantize import steps
from quantize.build import build
from quantize.calibration import heldout
from quantize.comparison import cross_check
from quantize.environments import running
from quantize.options import QuantizeOptions
from quantize.source.check import InputError
from quantize.source.tests import bad_models
from quantize.steps import BuildError
from quantize.tests import tiny
from quantize.workplace import opened

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.make_model(tmp_path_factory.mktemp("models") / "tiny", torch.bfloat16)


@pytest.fixture(autouse=True)
def short_texts(monkeypatch):
    """Compare on one text of each domain: here only that it happens is looked at."""
    texts = heldout.own()
    short = [texts[0], next(text for text in texts if text.domain == "general")]
    monkeypatch.setattr(steps, "held_out", lambda named: short)


@pytest.fixture(autouse=True)
def one_reader(monkeypatch):
    """Leave AutoGPTQ's reader out, which has tests of its own and may be installed or not."""
    skipped = cross_check.CrossCheck(False, "not in this test.")
    monkeypatch.setattr(cross_check, "cross_check", lambda folder: skipped)


def options(model, folder, **more):
    """Return the options of a build that takes seconds."""
    chosen = {"recipe": "round-to-nearest", "out": folder / "dist/model", "work": folder / "work"}
    return QuantizeOptions(model=str(model), solve=False, **{**chosen, **more})


def files_below(folder):
    """Return what a build left, lock files aside."""
    return sorted(path.name for path in folder.rglob("*") if not path.name.endswith(".lock"))


def test_a_build_from_end_to_end(model, tmp_path, monkeypatch, capsys):
    # A gate that nothing passes stops it with the figure, and nothing is written.
    with pytest.raises(BuildError, match=r"On maths, the mean KL is .* must be at most 0"):
        build(options(model, tmp_path, gate_mean_kl=0.0))
    assert not (tmp_path / "dist").exists()
    kept = json.loads((tmp_path / "work/report.json").read_text())
    assert len(kept["gates_missed"]) == 1
    capsys.readouterr()

    # The same build goes on: neither recipe nor comparison runs again.
    def refuse(*args, **more):
        raise AssertionError("this step is done")

    monkeypatch.setattr(running, "run", refuse)
    monkeypatch.setattr(steps.compare, "compare", refuse)
    build(options(model, tmp_path))
    printed = capsys.readouterr().out
    assert "resuming what" in printed
    assert printed.splitlines()[-1] == "Not loaded back here: not asked for."

    out = tmp_path / "dist/model"
    assert {"config.json", "quantize_config.json", "tokenizer.json", "README.md", "manifest.json",
            "quantization.json", "chat_template.jinja"} <= {
        path.name for path in out.iterdir()
    }  # fmt: skip
    report = json.loads((tmp_path / "work/report.json").read_text())
    assert report["comparison"] == kept["comparison"]
    assert report["calibration"] is None
    assert report["quantization"]["settings"]["bits"] == 8
    # The gigabytes are gone, the report stays.
    assert files_below(tmp_path / "work") == [
        "build.json", "job.json", "layers.csv", "recipe.log", "report.json",
    ]  # fmt: skip
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["model"]
    with pytest.raises(InputError, match="exists already"):
        build(options(model, tmp_path))


def test_another_seed_begins_anew(tmp_path):
    with opened(tmp_path / "work", {"seed": 0}) as (place, again):
        assert not again
        place.keep("quantize", {"seconds": 1})
    with opened(tmp_path / "work", {"seed": 0}) as (place, again):
        assert again
        assert place.result("quantize") == {"seconds": 1}
    with opened(tmp_path / "work", {"seed": 1}) as (place, again):
        assert not again
        assert place.result("quantize") is None


def test_one_build_at_a_time(tmp_path):
    with (
        opened(tmp_path / "work", {}),
        pytest.raises(InputError, match="in use by another build"),
        opened(tmp_path / "work", {}),
    ):
        pass


def test_a_torn_result_is_done_again(tmp_path):
    with opened(tmp_path / "work", {}) as (place, _):
        (place.folder / "compare.json").write_text('{"recipe": "gp')
        assert place.result("compare") is None


def test_autogptq_needs_a_gpu(model, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "read_gpus", tuple)
    monkeypatch.setattr(steps, "has_driver", lambda: False)
    with pytest.raises(InputError, match="auto-gptq quantizes on a CUDA device only"):
        build(options(model, tmp_path, recipe="auto-gptq"))
    assert files_below(tmp_path) == []


def test_no_sample_is_no_calibration(model, tmp_path):
    with pytest.raises(InputError, match="SAMPLES is 0"):
        build(options(model, tmp_path, recipe="gptq", samples=0))


def test_a_model_that_is_nowhere(tmp_path):
    with pytest.raises(InputError, match="neither a folder nor a hub id"):
        build(options("no such model", tmp_path))


def test_faults_of_serving_leave_nothing(model, tmp_path, monkeypatch):
    monkeypatch.setattr(steps.constraints, "faults", lambda folder: ["The groups straddle."])
    with pytest.raises(BuildError, match="would not serve it: The groups straddle"):
        build(options(model, tmp_path))
    assert not (tmp_path / "dist").exists() or not list((tmp_path / "dist").iterdir())


@pytest.mark.parametrize("fails", [True, False])
def test_weights_that_another_reader_refutes_are_not_kept(model, tmp_path, monkeypatch, fails):
    def refute(folder):
        if fails:
            raise cross_check.CrossCheckError("AutoGPTQ's reader failed: no.")
        return cross_check.CrossCheck(True, tokens=8, largest_logit_difference=3.0)

    monkeypatch.setattr(cross_check, "cross_check", refute)
    with pytest.raises(BuildError, match=r"reader (failed|DISAGREES)"):
        build(options(model, tmp_path))
    assert not (tmp_path / "dist").exists() or not list((tmp_path / "dist").iterdir())


def test_calibration_rows_are_checked_before_anything_long(model, tmp_path, monkeypatch):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"problem": "x", "solution": ""}\n')
    monkeypatch.setattr(running, "run", lambda *args: pytest.fail("too late"))
    with pytest.raises(InputError, match=r"rows.jsonl, line 1: the solution is empty"):
        build(options(model, tmp_path, recipe="gptq", calibration=str(rows)))
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("fault", ["truncated shard", "quantized already"])
def test_the_command_exits_2_with_one_sentence(model, tmp_path, fault):
    spoil, words = bad_models.FAULTS[fault]
    folder = bad_models.copy(model, tmp_path / "model")
    spoil(folder)
    command = [sys.executable, "-m", "quantize.build", "--model", str(folder)]
    places = ["--out", str(tmp_path / "dist"), "--work", str(tmp_path / "work")]
    done = subprocess.run([*command, *places], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "dist").exists() and not (tmp_path / "work").exists()
