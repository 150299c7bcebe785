"""Reads the machine and tries what cannot be read, in seconds, before the model is loaded.

Covers: the GPUs as the driver tells, the model's sizes, and which attention runs and decodes faster
(with the checkpoint's own quantization: two of its layers, random weights). Does not cover: what
follows from it (`engine/profile`), loading the model (`engine/process`).

The trials run in processes of their own, a GPU each where there are several, and are given up after
`TRIAL_SECONDS`: a crash, a hang or a compiler that is missing costs that attention, not the run.
Run as `python -m kernel.engine.probe ARGUMENTS_AS_JSON [SEQUENCES CONTEXT]`, which prints the
seconds of a decode step.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernel.engine.profile import AMPERE, PROVEN, Choice, Gpu, ModelFacts, choose

TRIED = (PROVEN, "FLASHINFER")
"""Attention that may run before Ampere; the first one stays where the second gains nothing."""
GAIN = 1.05
"""A newcomer must be this much faster: less lies within what two trials differ by."""
TRIAL_SECONDS = 90.0
SEQUENCES, CONTEXT, STEPS = 48, 700, 24
"""A full batch of a 7B in the middle of a problem."""
LAST_LINE = "seconds a step: "

StartTrial = Callable[[Mapping[str, Any], int], "subprocess.Popen[str]"]
"""Starts a trial with arguments on the GPU of that number."""


def settled(arguments: Mapping[str, Any]) -> Choice:
    """Return the arguments for this machine, those given on top, without `restart`."""
    given = dict(arguments)
    restart = given.pop("restart", 0)
    gpus, model = read_gpus(), read_model(Path(given["model"]))
    attention, notes = None, ()
    old = any(gpu.capability < AMPERE for gpu in gpus)
    if old and not restart and "attention_backend" not in given:
        attention, notes = fastest_attention(given, len(gpus))
    wanted = given["max_num_seqs"], given["max_model_len"]
    choice = choose(gpus, model, *wanted, restart=restart, attention=attention)
    merged = {**choice.arguments, **given}
    # Of two limits the lower holds, and graphs are off if either side has reason to.
    merged["max_num_seqs"] = min(choice.arguments.get("max_num_seqs", wanted[0]), wanted[0])
    eager = choice.arguments.get("enforce_eager"), given.get("enforce_eager")
    merged["enforce_eager"] = any(eager)
    return Choice(merged, (*notes, *choice.notes))


def read_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that CUDA can use, read from the driver: CUDA itself stays untouched.

    A process that has begun to use CUDA cannot fork workers any more.
    """
    import torch

    if not torch.cuda.is_available():
        return ()
    from vllm.platforms import current_platform

    platform: Any = current_platform
    found: list[Gpu] = []
    for index in range(torch.cuda.device_count()):
        capability = platform.get_device_capability(index)
        mib = platform.get_device_total_memory(index) >> 20
        name = platform.get_device_name(index)
        found.append(Gpu(name, mib, (capability.major, capability.minor)))
    return tuple(found)


def read_model(folder: Path) -> ModelFacts | None:
    """Return the sizes of a model's folder, None where it does not tell them."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        read: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        quantization: dict[str, Any] = read.get("quantization_config") or {}
        heads = int(read["num_attention_heads"])
        head_size = int(read.get("head_dim") or read["hidden_size"] // heads)
        kv_heads = int(read.get("num_key_value_heads") or heads)
        return ModelFacts(
            weight_mib=weights >> 20,
            kv_bytes=int(read["num_hidden_layers"]) * kv_heads * head_size * 4,
            heads=heads,
            intermediate=int(read["intermediate_size"]),
            group=_group(quantization),
            alone=quantization.get("quant_method") == "bitsandbytes",
        )
    return None


def _group(quantization: Mapping[str, Any]) -> int:
    """Return how many weights share a scale, 0 where none or a whole row do."""
    groups: Mapping[str, Any] = quantization.get("config_groups") or {}
    weights: list[Mapping[str, Any]] = [group.get("weights") or {} for group in groups.values()]
    sizes: list[int] = [int(part.get("group_size") or 0) for part in (quantization, *weights)]
    return max(0, *sizes)


def fastest_attention(
    arguments: Mapping[str, Any], gpus: int, start: StartTrial | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """Return the attention whose trial decoded fastest, None if none ran, and what was seen."""
    begun = time.monotonic()
    seconds: dict[str, float] = {}
    waves = [TRIED] if gpus >= len(TRIED) else [(backend,) for backend in TRIED]
    for wave in waves:
        trials = {
            backend: (start or _start_trial)({**arguments, "attention_backend": backend}, number)
            for number, backend in enumerate(wave)
        }
        end = time.monotonic() + TRIAL_SECONDS / len(waves)
        for backend, process in trials.items():
            found = _result(process, end - time.monotonic())
            if found is not None:
                seconds[backend] = found
    took = time.monotonic() - begun
    seen = [
        f"{backend} {1000 * seconds[backend]:.1f} ms a step"
        if backend in seconds
        else f"{backend} does not run"
        for backend in TRIED
    ]
    note = f"Attention tried for {took:.0f} s on two layers: {', '.join(seen)}."
    return _fastest(seconds), (note,)


def _fastest(seconds: Mapping[str, float]) -> str | None:
    """Return the first of `TRIED` unless another gains by more than the trials' noise."""
    best: str | None = None
    for backend in TRIED:
        if backend in seconds and (best is None or seconds[backend] * GAIN < seconds[best]):
            best = backend
    return best


def _start_trial(arguments: Mapping[str, Any], gpu: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "kernel.engine.probe", json.dumps(dict(arguments))]
    # An engine beside others sees one GPU only, which has another number for the driver.
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    number = visible[gpu] if gpu < len(visible) else str(gpu)
    # In this process's group: what ends the engine's processes ends these too.
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": number},
    )


def _result(process: "subprocess.Popen[str]", seconds: float) -> float | None:
    """Return the seconds that a trial printed, None where it failed or took too long."""
    try:
        printed, _ = process.communicate(timeout=max(0.1, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    lines = [line for line in printed.splitlines() if line.startswith(LAST_LINE)]
    return float(lines[-1].removeprefix(LAST_LINE)) if lines and not process.returncode else None


def trial_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a trial: two layers with random weights, nothing captured."""
    kept = ("model", "quantization", "attention_backend", "dtype", "block_size")
    return {
        **{name: arguments[name] for name in kept if name in arguments},
        "load_format": "dummy",
        "hf_overrides": {"num_hidden_layers": 2},
        "enforce_eager": True,
        "max_model_len": CONTEXT + 2 * STEPS,
        "max_num_seqs": SEQUENCES,
        "enable_prefix_caching": False,
        "gpu_memory_utilization": 0.5,
        "disable_log_stats": True,
    }


def step_seconds(engine: Any, sequences: int, context: int) -> float:
    """Return the seconds of one decode step of a full batch."""
    from vllm import SamplingParams
    from vllm.inputs import TokensPrompt

    for number in range(sequences):
        # Ordinary ids of any vocabulary, no two prompts alike.
        ids = [100 + (number + i) % 900 for i in range(context)]
        prompt = TokensPrompt(prompt_token_ids=ids)
        params = SamplingParams(max_tokens=2 * STEPS, ignore_eos=True, detokenize=False)
        engine.add_request(str(number), prompt, params)
    written = dict.fromkeys(map(str, range(sequences)), 0)
    # Until all prompts are read, and for a few steps more: kernels compile at first use.
    while min(written.values()) < STEPS // 4:
        _step(engine, written)
    begun = time.perf_counter()
    for _ in range(STEPS):
        _step(engine, written)
    seconds = (time.perf_counter() - begun) / STEPS
    engine.abort_request(list(written))
    return seconds


def _step(engine: Any, written: dict[str, int]) -> None:
    for output in engine.step():
        written[output.request_id] = len(output.outputs[0].token_ids)


def main(arguments: Sequence[str]) -> None:
    """Try the settings given, and print the seconds of a step."""
    # vLLM logs to the standard output, which here carries the result alone.
    result = os.dup(1)
    os.dup2(2, 1)
    os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", HF_HUB_OFFLINE="1")
    os.environ.update(VLLM_NO_USAGE_STATS="1", VLLM_USE_FLASHINFER_SAMPLER="0")
    from vllm import EngineArgs, LLMEngine

    given = json.loads(arguments[0])
    size = [int(number) for number in arguments[1:]] or [SEQUENCES, CONTEXT]
    own = choose(read_gpus(), None, SEQUENCES, CONTEXT + 2 * STEPS).arguments
    fitting = {name: own[name] for name in ("dtype", "enable_chunked_prefill") if name in own}
    if not own.get("enable_chunked_prefill", True):
        fitting["max_num_batched_tokens"] = CONTEXT + 2 * STEPS
    engine = LLMEngine.from_engine_args(EngineArgs(**{**fitting, **trial_arguments(given)}))
    os.write(result, f"{LAST_LINE}{step_seconds(engine, *size)}\n".encode())
    # vLLM's threads may hang at the end; what was asked for is printed.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
