"""What only the real machine can show, check by check, as one JSON: run by `probe.ipynb` on Kaggle.

Covers: vLLM on the image's torch, the mounted model end to end with its quantization, steps of six
batches with each attention, prefill, float16 logits on the GPU against bfloat16 on the CPU; what
`probe_machine` asks; and the constants that `make plan` and `make simulate` take as calibration
(`probe_fit`). Does not cover: a whole competition; the submission's own rehearsal does that.

Each check is a process of its own (`python probe_checks.py CHECK MODEL ARGUMENTS_AS_JSON`): what
crashes or hangs costs that check, and its GPU memory is free for the next.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kernel.checks.machine import read_machine
from kernel.config import Config
from kernel.engine.gpu import usable_gpus
from kernel.engine.model import read_model
from kernel.engine.probe import TRIED, settled
from kernel.engine.trial import step_seconds

CHECK_SECONDS = 25 * 60
"""Loading 7 GB from Kaggle's disk can take ten minutes."""
RESULT = "result of the check: "
Sizes = Sequence[tuple[int, int]]
"""Sequences and tokens of their contexts."""
SIZES: Sizes = ((48, 700), (48, 64), (24, 900), (16, 1000), (8, 1200), (1, 1500))
"""A problem's way: all candidates, fewer and longer ones, the last straggler."""
PREFILLED = 8
"""Prompts read at once."""
TEXT = (
    "The sum of the first n odd numbers is n^2. For n = 12 this is 144, and 144 = 12 * 12. "
    "Modulo 1000 it stays 144. Hence the remainder of 144 by 7 is 4, since 7 * 20 = 140."
)


def environment(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return versions, and whether vLLM's compiled part loads on the image's torch."""
    import torch
    import vllm

    found: dict[str, Any] = {**read_machine().facts(), "vllm": vllm.__version__}
    found["torch"] = f"{torch.__version__}, CUDA {torch.version.cuda}"
    __import__("vllm._C")  # the part that is built against one torch
    cuda: Any = torch.cuda
    gpus = map(cuda.get_device_properties, range(cuda.device_count()))
    found["memory_gib"] = [gpu.total_memory / 2**30 for gpu in gpus]
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
    context = sizes[0][1]
    # Kernels compile at first use, and clocks are low until there is work.
    prefill_seconds(engine, PREFILLED, context, first=100)
    found: dict[str, Any] = {
        "prefill": [PREFILLED * context, prefill_seconds(engine, PREFILLED, context)],
        "steps": [[*size, step_seconds(engine, *size, as_submitted())] for size in sizes],
        "ranks": engine.vllm_config.parallel_config.tensor_parallel_size,
        "text": continued(engine, "The capital of France is", 12),
    }
    cache = engine.vllm_config.cache_config
    if cache.num_gpu_blocks:
        found["kv_tokens"] = cache.num_gpu_blocks * cache.block_size
        found["utilization"] = cache.gpu_memory_utilization
    sequences, _, seconds = found["steps"][0]
    found["tokens_per_second"] = sequences / seconds
    return found


def as_submitted() -> dict[str, Any]:
    """Return the sampling that the submission asks for: all of it costs time in each step."""
    config = Config()
    sampling = {"temperature": config.temperature, "top_p": config.top_p, "seed": config.seed}
    stops = {"stop": list(config.stop), "include_stop_str_in_output": True}
    return {**sampling, **stops, "detokenize": True}


def lasting(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ten minutes of a full batch do to steps, clocks and power."""
    import probe_machine

    engine = open_engine(model, more)
    return probe_machine.lasting(lambda: step_seconds(engine, *SIZES[0], as_submitted()))


def start_trials(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """See `probe_machine`."""
    import probe_machine

    return probe_machine.start_trials(model, more)


def whole_problem(model: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """See `probe_machine`."""
    import probe_machine

    return probe_machine.whole_problem(model, more)


def prefill_seconds(engine: Any, prompts: int, length: int, first: int = 2000) -> float:
    """Return the seconds of reading prompts that no cache holds; `first` tells prompts apart."""
    from vllm import SamplingParams
    from vllm.inputs import TokensPrompt

    for number in range(prompts):
        ids = [first + (31 * number + i) % 900 for i in range(length)]
        params = SamplingParams(max_tokens=1, ignore_eos=True, detokenize=False)
        engine.add_request(f"prefill {first} {number}", TokensPrompt(prompt_token_ids=ids), params)
    begun = time.perf_counter()
    while engine.has_unfinished_requests():
        engine.step()
    return time.perf_counter() - begun


def continued(engine: Any, text: str, tokens: int) -> str:
    """Return how the model continues a text, with the likeliest token each time."""
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
    from probe_weights import load
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(model))
    ids: list[int] = more.get("ids") or tokenizer.encode(TEXT)
    with torch.inference_mode():
        logits = load(model)(torch.tensor([ids])).logits[0, :-1].float()
    logprobs = logits.log_softmax(-1)
    own = [float(logprobs[place, token]) for place, token in enumerate(ids[1:])]
    return {"ids": ids, "logprobs": own, "likeliest": logits.argmax(-1).tolist()}


def compared(gpu: Mapping[str, Any], cpu: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far two results of the logits differ."""
    pairs = list(zip(gpu["logprobs"], cpu["logprobs"], strict=True))
    same = [a == b for a, b in zip(gpu["likeliest"], cpu["likeliest"], strict=True)]
    return {
        "tokens": len(pairs),
        "mean_difference": sum(abs(a - b) for a, b in pairs) / len(pairs),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        "same_likeliest": sum(same) / len(same),
        "all_finite": all(abs(a) < float("inf") for a, _ in pairs),
    }


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
    gpus = usable_gpus()
    checks["trials"] = run("start_trials", model, {})
    # A CPU has one attention, its own.
    backends = TRIED if gpus else TRIED[:1]
    for backend in backends:
        checks[backend] = run("speed", model, {"attention_backend": backend} if gpus else {})
    checks["gpu_logprobs"] = gpu = run("gpu_logprobs", model, {})
    ids = {"ids": gpu["ids"]} if "ids" in gpu else {}
    checks["cpu_logprobs"] = cpu = run("cpu_logprobs", model, ids)
    if "ids" in gpu and "ids" in cpu:
        checks["logits"] = compared(gpu, cpu)
    memory = checks["environment"].get("memory_gib") or [None]
    ran = {b: checks[b] for b in backends if "steps" in checks[b]}
    # What the kernel would take: the fastest with a full batch.
    best = min(ran, key=lambda name: ran[name]["steps"][0][2], default="")
    chosen = {"attention_backend": best} if gpus and best else {}
    checks["whole_problem"] = run("whole_problem", model, {"engine": chosen} if chosen else {})
    checks["lasting"] = run("lasting", model, chosen)
    by_backend = {name: constants(found, model, memory[0]) for name, found in ran.items()}
    return {
        "gpu": gpus[0].name if gpus else "CPU",
        "attention": best,
        "constants": by_backend.get(best, {}),
        "constants_of": by_backend,
        "rates": {name: rates(found, model) for name, found in ran.items()},
        "checks": checks,
    }


def constants(found: Mapping[str, Any], model: Path, memory: float | None) -> dict[str, Any]:
    """See `probe_fit`."""
    import probe_fit

    return probe_fit.constants(found, model, memory)


def rates(found: Mapping[str, Any], model: Path) -> dict[str, Any]:
    """Return the three costs of a step with one attention, and its rate in each batch."""
    import probe_fit

    read = read_model(model)
    kv_bytes = read.sizes.kv_bytes if read else 0
    return probe_fit.fitted(found["steps"], kv_bytes / found["ranks"]) if read else {}


CHECKS = {
    check.__name__: check
    for check in (
        *(environment, speed, start_trials, whole_problem, lasting),
        *(gpu_logprobs, cpu_logprobs),
    )
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
