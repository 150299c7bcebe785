"""The package's attention in vLLM: what it takes, how it gets in, and what happens if it does not.

vLLM is the fake here, whose Triton backend has 0.18.1's function; its tensors are real.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from kernel.engine import own_attention
from kernel.engine.attention_comparison import TOLERANCE, difference, example
from kernel.engine.own_attention import OwnAttention, install, segments_for, unfit

FAKE = Path(__file__).parent / "fake_vllm"


def backend_module():
    """Import the fake's Triton backend under a name of its own."""
    path = FAKE / "vllm/v1/attention/backends/triton_attn.py"
    spec = importlib.util.spec_from_file_location("fake_triton_attn", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def backend():
    return backend_module()


def call(heads=16, kv_heads=16, head=128, dtype=torch.float16, **more):
    """Return the arguments of a decode call, with an output."""
    made = example(3, 40, heads, kv_heads, head, torch.empty(0, dtype=dtype))
    return {**made, "out": torch.zeros_like(made["q"]), "causal": True, **more}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("head", [64, 96, 128, 256])
@pytest.mark.parametrize(("heads", "kv_heads"), [(16, 16), (14, 2), (16, 4), (8, 1), (10, 2)])
def test_decoding_is_taken(dtype, head, heads, kv_heads):
    assert unfit(call(heads, kv_heads, head, dtype)) == ""


OTHERS = {
    "a prompt": {"max_seqlen_q": 12},
    "prompts beside decoding": {"max_seqlen_q": 2},
    "a sliding window": {"window_size": (1023, 0)},
    "an encoder's window": {"window_size": (5, 5)},
    "capped logits": {"softcap": 30.0},
    "not causal": {"causal": False},
    "ALiBi": {"alibi_slopes": torch.ones(16)},
    "ALiBi of roots": {"use_alibi_sqrt": True},
    "scaled queries": {"q_descale": torch.ones(1)},
    "a quantized output": {"output_scale": torch.ones(1)},
    "a bias": {"qq_bias": torch.ones(2, 2)},
    "sinks": {"sinks": torch.ones(16)},
    "images": {"mm_prefix_range": torch.zeros(3, 1, 2)},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_plain_decoding_is_left_to_vllm(name):
    assert unfit(call(**OTHERS[name]))


@pytest.mark.parametrize(
    ("heads", "kv_heads", "head", "dtype"),
    [
        (16, 16, 80, torch.float16),
        (16, 16, 512, torch.float16),
        (16, 16, 128, torch.float32),
        (18, 2, 128, torch.float16),
        (16, 1, 128, torch.float16),
    ],
)
def test_shapes_that_it_was_not_made_for_are_left_to_vllm(heads, kv_heads, head, dtype):
    assert unfit(call(heads, kv_heads, head, dtype))


def test_tensors_that_do_not_fit_together_are_left_to_vllm():
    plain = call()
    fp8 = {name: plain[name].to(torch.float8_e4m3fn) for name in ("k", "v")}
    assert unfit({**plain, **fp8})
    assert unfit({**plain, "out": plain["out"].float()})
    assert unfit({**plain, "k": plain["k"].transpose(2, 3).contiguous().transpose(2, 3)})


@pytest.mark.parametrize(
    ("sequences", "kv_heads", "group", "slots", "segments"),
    [
        (1, 16, 1, 128, 16),
        (8, 16, 1, 128, 8),
        (9, 16, 1, 128, 8),
        (16, 16, 1, 128, 4),
        (24, 16, 1, 128, 2),
        (40, 16, 1, 128, 1),
        (48, 16, 1, 128, 1),
        (24, 16, 2, 128, 2),
        (25, 16, 2, 128, 1),
        (48, 2, 7, 48 * 16, 2),
        (80, 2, 8, 80 * 16, 1),
        (48, 2, 4, 48 * 16, 4),
        (48, 4, 7, 128, 1),
        (8, 4, 7, 8 * 16, 8),
        (1, 2, 7, 128, 16),
        (200, 2, 7, 128, 1),
        (64, 1, 8, 128, 2),
        (4, 16, 1, 0, 1),
        (20, 32, 1, 64, 1),
    ],
)
def test_contexts_are_split_where_few_sequences_run(sequences, kv_heads, group, slots, segments):
    assert segments_for(sequences, kv_heads, group, slots) == segments
    assert segments == 1 or segments * sequences <= slots


class Attended(list):
    """Stands in for the kernel: does it with the fake's function, and remembers its arguments."""

    def __init__(self, backend, wrong=None):
        super().__init__()
        self.function, self.wrong = backend.unified_attention, wrong

    def __call__(self, query, keys, values, out, starts, lengths, table, scale, segments, parts):
        self.append({"segments": segments, "parts": parts})
        if self.wrong == "raises":
            raise RuntimeError("no such instruction")
        factor = 1.2 if self.wrong == "scale" else 1.0
        if self.wrong == "short":
            lengths = (lengths - 1).clamp(min=1)
        names = ("q", "k", "v", "out", "seqused_k", "block_table")
        given = dict(zip(names, (query, keys, values, out, lengths, table), strict=True))
        rest = dict.fromkeys(set(own_attention.PARAMETERS[:16]) - set(given))
        self.function(**{**rest, **given, "softmax_scale": scale * factor})
        if self.wrong == "nan":
            out[-1] = float("nan")


def test_calls_are_taken_or_handed_on(backend):
    attend = Attended(backend)
    own = OwnAttention(backend.unified_attention, attend)
    own(**call())
    own(**call(max_seqlen_q=5))
    own(**call(16, 16, 80))
    assert (own.taken, len(attend)) == (1, 1)


def test_only_a_split_context_gets_buffers(backend):
    attend = Attended(backend)
    own = OwnAttention(backend.unified_attention, attend)
    buffers = ("softmax_segm_output", "softmax_segm_max", "softmax_segm_expsum")
    whole = call()
    own(**whole)
    own(**{**whole, **dict.fromkeys(buffers)})
    assert [seen["segments"] for seen in attend] == [16, 1]
    assert attend[0]["parts"] == tuple(whole[name] for name in buffers)


def test_a_kernel_that_raises_is_not_asked_again(backend, capsys):
    attend = Attended(backend, "raises")
    own = OwnAttention(backend.unified_attention, attend)
    given = call()
    for _ in range(3):
        own(**given)
    assert len(attend) == 1
    assert own.taken == 0
    assert "no such instruction" in own.fault
    assert "vLLM's attention takes its place" in capsys.readouterr().err
    exact = torch.zeros_like(given["out"])
    backend.unified_attention(**{**given, "out": exact})
    assert torch.equal(given["out"], exact)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [(None, True), ("scale", False), ("short", False), ("nan", False), ("raises", False)],
)
def test_wrong_numbers_are_seen(backend, wrong, right):
    own = OwnAttention(backend.unified_attention, Attended(backend, wrong))
    found = difference(own, 2, 2, 64, torch.empty(0, dtype=torch.float16))
    assert (found <= TOLERANCE) is right


@pytest.fixture
def vllm(monkeypatch, backend):
    """vLLM 0.18.1 on a GPU, as far as the installation looks; the kernel is a stand-in."""
    platform = SimpleNamespace(is_cuda=lambda: True)
    fake = SimpleNamespace(__version__="0.18.1+cu128")
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.setitem(sys.modules, "vllm.platforms", SimpleNamespace(current_platform=platform))
    monkeypatch.setitem(sys.modules, own_attention.BACKEND, backend)
    kernel = SimpleNamespace(attend=Attended(backend))
    monkeypatch.setitem(sys.modules, "kernel.engine.attention", kernel)
    return SimpleNamespace(module=fake, platform=platform, backend=backend)


def test_one_function_is_wrapped_once(vllm, capsys):
    theirs = vllm.backend.unified_attention
    own = install()
    assert isinstance(own, OwnAttention)
    assert vllm.backend.unified_attention is own
    assert own.theirs is theirs
    assert install() is own
    assert "the package's" in capsys.readouterr().err


def other_signature(vllm):
    whole = vllm.backend.unified_attention
    vllm.backend.unified_attention = lambda *args, kv_quant_mode=None, **more: whole(*args, **more)


def no_function(vllm):
    del vllm.backend.unified_attention


def other_caller(vllm):
    vllm.backend.TritonAttentionImpl.forward = lambda self: None


def no_class(vllm):
    del vllm.backend.TritonAttentionImpl


def other_version(vllm):
    vllm.module.__version__ = "0.19.0"


def no_gpu(vllm):
    vllm.platform.is_cuda = lambda: False


def no_kernel(vllm):
    sys.modules["kernel.engine.attention"] = None  # an import of it raises


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (other_signature, "takes different arguments"),
        (no_function, "takes different arguments"),
        (other_caller, "does not call"),
        (no_class, "TritonAttentionImpl"),
        (other_version, "0.19.0, not 0.18.1"),
        (no_gpu, "no CUDA GPU"),
        (no_kernel, "ModuleNotFoundError"),
    ],
)
def test_vllms_attention_stays_where_anything_is_unexpected(
    vllm, monkeypatch, capsys, spoil, reason
):
    spoil(vllm)
    before = getattr(vllm.backend, "unified_attention", None)
    found = install()
    assert reason in found
    assert getattr(vllm.backend, "unified_attention", None) is before
    assert f"vLLM's attention stays: {found}" in capsys.readouterr().err
    # What the worker tells the engine's process.
    module = importlib.import_module("kernel.engine.attention_worker")
    monkeypatch.setattr(module, "OWN", found)
    worker = module.AttentionWorker()
    assert worker.own_attention_fault() == found
    assert worker.own_attention_taken() == 0
    assert worker.own_attention_difference() != worker.own_attention_difference()


def trial_on_fake_t4s(tmp_path, triton, **variables):
    """Run the start's trials as the engine's process does, on the fake's two T4s."""
    root = Path(__file__).resolve().parents[3]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (root, FAKE, triton))),
        "FAKE_GPUS": "2",
        "FAKE_VLLM_PLAN": str(tmp_path / "plan"),
        "TRITON_INTERPRET": "1",
        **variables,
    }
    (tmp_path / "plan").write_text("")
    code = (
        "import json; from kernel.engine import probe\n"
        "probe.TRIAL_SECONDS = dict.fromkeys(probe.TRIED, 250.0)  # an interpreter is slow\n"
        "given = {'model': 'm', 'max_num_seqs': 48, 'max_model_len': 4096}\n"
        "print(json.dumps(probe.fastest_attention(given, 2)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    name, (note,) = json.loads(done.stdout.splitlines()[-1])
    return name, note, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_kernel_in_the_interpreter_passes_its_trial(tmp_path):
    """All of it but the GPU: the extension, the wrap, the comparison, the choice."""
    from common import environment

    name, note, log = trial_on_fake_t4s(tmp_path, environment.triton())
    assert name == "OWN_ATTN", (note, log[-3000:])
    assert "decode attention is the package's" in log
    assert "FLASHINFER does not run" in note


@pytest.mark.slow
def test_without_triton_vllms_attention_is_taken(tmp_path):
    name, note, _ = trial_on_fake_t4s(tmp_path, "")
    assert name == "TRITON_ATTN"
    assert "OWN_ATTN does not run (ModuleNotFoundError: No module named 'triton')" in note
