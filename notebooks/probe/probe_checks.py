"""What only the real machine can tell, check by check, as one JSON: run by `probe.ipynb` on Kaggle.

Covers: vLLM on the image's torch, the mounted model end to end with its quantization, FlashInfer
against Triton, tokens a second at 48 sequences, float16 logits on the GPU against bfloat16 on the
CPU, and the constants that `make plan` and `make simulate` take as calibration. Does not cover:
answers to problems; the submission's own rehearsal does that.

Each check is a process of its own (`python probe_checks.py CHECK MODEL ARGUMENTS_AS_JSON`): what
crashes or hangs costs that check, and its GPU memory is free for the next.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernel.checks import machine
from kernel.config import Config
from kernel.engine.probe import read_gpus, read_model, settled, step_seconds

CHECK_SECONDS = 25 * 60
"""Loading 7 GB from Kaggle's disk can take ten minutes."""
RESULT = "result of the check: "
LINK_SECONDS, FIXED_SECONDS = 30e-6, 0.003
"""Shares of a step that are not told apart from others: as `simulation/costs` has them."""
Sizes = Mapping[str, tuple[int, int]]
"""Sequences and tokens of their contexts, by name."""
SIZES: Sizes = {"long": (48, 700), "short": (48, 64), "alone": (1, 64)}
PREFILLED = 8
"""Prompts read at once."""
TEXT = (
    "The sum of the first n odd numbers is n^2. For n = 12 this is 144, and 144 = 12 * 12. "
    "Modulo 1000 it stays 144. Hence the remainder of 144 by 7 is 4, since 7 * 20 = 140."
)


def environment() -> dict[str, Any]:
    """Return versions, and whether vLLM's compiled part loads on the image's torch."""
    import torch
    import vllm

    found: dict[str, Any] = {**machine.facts(), "vllm": vllm.__version__}
    found["torch"] = f"{torch.__version__}, CUDA {torch.version.cuda}"
    __import__("vllm._C")  # the part that is built against one torch
    gpus = range(torch.cuda.device_count())
    found["memory_gib"] = [torch.cuda.get_device_properties(n).total_memory / 2**30 for n in gpus]
    return found


def open_engine(model: Path, more: Mapping[str, Any]) -> Any:
    """Return vLLM's engine with the settings that the kernel would choose here, `more` on top."""
    from vllm import EngineArgs, LLMEngine

    config = Config()
    given = {"model": str(model), "max_num_seqs": config.candidates, **more}
    profile = settled({"max_model_len": config.max_context, **given})
    for note in profile.notes:
        print(note, flush=True)
    return LLMEngine.from_engine_args(EngineArgs(**profile.arguments))


def speed(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the times of loading, steps and prefill, and the room for keys and values."""
    begun = time.monotonic()
    engine = open_engine(model, more)
    loaded = time.monotonic() - begun
    return {"load_seconds": loaded, **speed_of(engine, SIZES)}


def speed_of(engine: Any, sizes: Sizes) -> dict[str, Any]:
    """Return what `speed` measures on an engine."""
    context = sizes["long"][1]
    found: dict[str, Any] = {
        "prefill": [PREFILLED * context, prefill_seconds(engine, PREFILLED, context)],
        "steps": {name: [*size, step_seconds(engine, *size)] for name, size in sizes.items()},
        "ranks": engine.vllm_config.parallel_config.tensor_parallel_size,
        "text": continued(engine, "The capital of France is", 12),
    }
    cache = engine.vllm_config.cache_config
    if cache.num_gpu_blocks:
        found["kv_tokens"] = cache.num_gpu_blocks * cache.block_size
        found["utilization"] = cache.gpu_memory_utilization
    sequences, _, seconds = found["steps"]["long"]
    found["tokens_per_second"] = sequences / seconds
    return found


def prefill_seconds(engine: Any, prompts: int, length: int) -> float:
    """Return the seconds of reading prompts that no cache holds."""
    from vllm import SamplingParams
    from vllm.inputs import TokensPrompt

    for number in range(prompts):
        ids = [2000 + (31 * number + i) % 900 for i in range(length)]
        params = SamplingParams(max_tokens=1, ignore_eos=True, detokenize=False)
        engine.add_request(f"prefill {number}", TokensPrompt(prompt_token_ids=ids), params)
    begun = time.perf_counter()
    while engine.has_unfinished_requests():
        engine.step()
    return time.perf_counter() - begun


def continued(engine: Any, text: str, tokens: int) -> str:
    """Return what the model goes on to write, the likeliest token each time."""
    from vllm import SamplingParams

    engine.add_request("continued", text, SamplingParams(max_tokens=tokens, temperature=0))
    outputs: list[Any] = []
    while engine.has_unfinished_requests():
        outputs = engine.step() or outputs
    return outputs[-1].outputs[0].text


def gpu_logprobs(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the log-probability of each token of `TEXT`, and the likeliest one, by vLLM."""
    return logprobs_of(open_engine(model, more))


def logprobs_of(engine: Any) -> dict[str, Any]:
    """Return what `gpu_logprobs` measures on an engine."""
    from vllm import SamplingParams

    engine.add_request("logits", TEXT, SamplingParams(max_tokens=1, prompt_logprobs=1))
    outputs: list[Any] = []
    while engine.has_unfinished_requests():
        outputs = engine.step() or outputs
    ids = list(outputs[-1].prompt_token_ids)
    own: list[float] = []
    first: list[int] = []
    for token, entries in zip(ids[1:], outputs[-1].prompt_logprobs[1:], strict=True):
        own.append(entries[token].logprob)
        first.append(min(entries, key=lambda key: entries[key].rank))
    return {"ids": ids, "logprobs": own, "likeliest": first}


def cpu_logprobs(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same by transformers in bfloat16 on the CPU; GPTQ weights are unpacked."""
    import torch
    from probe_weights import load  # pyright: ignore[reportMissingImports] - beside this file
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(model))
    ids: list[int] = more.get("ids") or tokenizer.encode(TEXT)
    with torch.inference_mode():
        logits = load(model)(torch.tensor([ids])).logits[0, :-1].float()
    logprobs = logits.log_softmax(-1)
    own = [float(logprobs[place, token]) for place, token in enumerate(ids[1:])]
    return {"ids": ids, "logprobs": own, "likeliest": logits.argmax(-1).tolist()}


def compared(gpu: Mapping[str, Any], cpu: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far two results of the logits lie apart."""
    pairs = list(zip(gpu["logprobs"], cpu["logprobs"], strict=True))
    same = [a == b for a, b in zip(gpu["likeliest"], cpu["likeliest"], strict=True)]
    return {
        "tokens": len(pairs),
        "mean_difference": sum(abs(a - b) for a, b in pairs) / len(pairs),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        "same_likeliest": sum(same) / len(same),
        "all_finite": all(abs(a) < float("inf") for a, _ in pairs),
    }


def constants(
    measured: Mapping[str, Any], folder: Path, memory_gib: float | None = None
) -> dict[str, float | None]:
    """Return the calibration that a `speed` result gives, None for what it does not tell.

    Three steps and a prefill give the rates: long against short contexts the attention's, one
    sequence the weights', the prefill the matrix products'.
    """
    model, ranks = read_model(folder), measured["ranks"]
    if model is None:
        return {}
    read = json.loads((folder / "config.json").read_text("utf-8"))
    (batch, long, slow), (_, short, quick), (_, _, one) = measured["steps"].values()
    kv_bytes, weight_bytes = model.kv_bytes, model.weight_mib * 2**20
    reduced = 2 * read["num_hidden_layers"] * LINK_SECONDS if ranks > 1 else 0.0
    alone = one - FIXED_SECONDS - reduced
    tokens, seconds = measured["prefill"]
    found: dict[str, float | None] = {
        "attention_gb_s": batch * (long - short) * kv_bytes / ranks / (slow - quick) / 1e9,
        "weight_gb_s": weight_bytes / ranks / alone / 1e9,
        "compute_tflops": 2 * parameters(read) * tokens / ranks / seconds / 1e12,
    }
    if memory_gib and measured.get("kv_tokens"):
        held = (weight_bytes + measured["kv_tokens"] * kv_bytes) / ranks / 2**30
        found |= {
            "memory_gib": memory_gib,
            "utilization": measured["utilization"],
            "rest_gib": measured["utilization"] * memory_gib - held,
        }
    # Where a difference drowned in noise the estimate stays.
    return {name: value if value and value > 0 else None for name, value in found.items()}


def parameters(read: Mapping[str, Any]) -> int:
    """Return the parameters that a token is multiplied with, from a model's configuration."""
    hidden, heads = read["hidden_size"], read["num_attention_heads"]
    size = read.get("head_dim") or hidden // heads
    kv_heads = read.get("num_key_value_heads") or heads
    layer = hidden * size * (2 * heads + 2 * kv_heads) + 3 * hidden * read["intermediate_size"]
    return read["num_hidden_layers"] * layer + 2 * read["vocab_size"] * hidden


def run(check: str, model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Run a check in a process of its own; return its result, or `failed` with the reason."""
    print(f"\n=== {check} {dict(more) if len(str(more)) < 200 else ''}", flush=True)
    command = [sys.executable, __file__, check, str(model), json.dumps(dict(more))]
    # Where the kernel's modules lie: in the notebook the working folder.
    paths = [str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=CHECK_SECONDS, check=False, env=env
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no result after {CHECK_SECONDS} s"}
    results = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    found = {"failed": f"ended with {done.returncode}"}
    if results:
        found = json.loads(results[-1].removeprefix(RESULT))
    print(json.dumps(found)[:2000], flush=True)
    return found


def probe(model: Path) -> dict[str, Any]:
    """Run all checks and return the whole JSON: `gpu`, `constants`, `checks`."""
    checks: dict[str, Any] = {"environment": run("environment", model, {})}
    gpus = read_gpus()
    for backend in ("TRITON_ATTN", "FLASHINFER"):
        checks[backend] = run("speed", model, {"attention_backend": backend} if gpus else {})
        if not gpus:
            break  # a CPU has one attention, its own
    checks["gpu_logprobs"] = gpu = run("gpu_logprobs", model, {})
    ids = {"ids": gpu["ids"]} if "ids" in gpu else {}
    checks["cpu_logprobs"] = cpu = run("cpu_logprobs", model, ids)
    if "ids" in gpu and "ids" in cpu:
        checks["logits"] = compared(gpu, cpu)
    memory = checks["environment"].get("memory_gib") or [None]
    ran = [checks[b] for b in ("TRITON_ATTN", "FLASHINFER") if "steps" in checks.get(b, {})]
    # What the kernel would take: the faster one.
    best = min(ran, key=lambda found: found["steps"]["long"][2], default=None)
    return {
        "gpu": gpus[0].name if gpus else "CPU",
        "constants": constants(best, model, memory[0]) if best else {},
        "checks": checks,
    }


CHECKS = {
    "environment": lambda model, more: environment(),
    "speed": speed,
    "gpu_logprobs": gpu_logprobs,
    "cpu_logprobs": cpu_logprobs,
}


def main(arguments: list[str]) -> None:
    """Run one check, and print its result."""
    from kernel.engine.process import prepare

    prepare()
    check, model, more = arguments
    found = CHECKS[check](Path(model), json.loads(more))
    print(f"\n{RESULT}{json.dumps(found)}", flush=True)
    os._exit(0)  # vLLM's workers end with it; waiting for them may hang


if __name__ == "__main__":
    main(sys.argv[1:])
