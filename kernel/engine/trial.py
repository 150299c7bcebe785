"""A trial of an attention in a process of its own: two layers of the model with random weights.

Covers: the seconds of a decode step of a full batch, with the checkpoint's own quantization; for
the package's attention also that vLLM used it, and that its numbers match vLLM's. Does not cover:
which attention is tried and what follows (`probe`).

Run as `python -m kernel.engine.trial ARGUMENTS_AS_JSON [SEQUENCES CONTEXT]`. Prints one line, the
seconds or why there are none; what vLLM prints goes to standard error. If its standard input is a
pipe, it ends, with everything it started, when that closes.
"""

import json
import os
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kernel.child import end_with
from kernel.engine.attention_comparison import TOLERANCE
from kernel.engine.gpu import usable_gpus
from kernel.engine.profile import choose

SEQUENCES, CONTEXT, STEPS = 48, 700, 24
"""A full batch of a 7B in the middle of a problem."""
SECONDS, REASON = "seconds a step: ", "no seconds: "
"""How its one line begins."""


def trial_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a trial: two layers with random weights, nothing captured."""
    kept = ("model", "quantization", "attention_backend", "dtype", "block_size")
    kept += ("worker_extension_cls",)
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


def step_seconds(
    engine: Any, sequences: int, context: int, sampling: Mapping[str, Any] | None = None
) -> float:
    """Return the seconds of one decode step.

    Args:
        engine: vLLM's.
        sequences: that decode together.
        context: tokens of each before the first step.
        sampling: arguments of vLLM's SamplingParams; none are the cheapest.
    """
    from vllm import SamplingParams
    from vllm.inputs import TokensPrompt

    for number in range(sequences):
        # Ordinary ids of any vocabulary, no two prompts alike.
        ids = [100 + (number + i) % 900 for i in range(context)]
        prompt = TokensPrompt(prompt_token_ids=ids)
        given = sampling or {"detokenize": False}
        params = SamplingParams(max_tokens=2 * STEPS, ignore_eos=True, **given)
        engine.add_request(str(number), prompt, params)
    written = dict.fromkeys(map(str, range(sequences)), 0)
    # Until all prompts are read, and for a few steps more: GPU kernels compile at first use.
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


def fault_of_own(engine: Any) -> str:
    """Return what is wrong with the package's attention in this engine, "" where nothing is.

    To be asked after some steps: a worker that never called it is a fault, too.
    """
    for fault in engine.collective_rpc("own_attention_fault"):
        if fault:
            return str(fault)
    if not all(engine.collective_rpc("own_attention_taken")):
        return "vLLM did not call it"
    for difference in engine.collective_rpc("own_attention_difference"):
        if not difference <= TOLERANCE:  # NaN too
            return f"its output differs from vLLM's by {difference:.1f} roundings"
    return ""


def end_with_the_engine() -> None:
    """End this session once the process that started the trial is gone."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        end_with(0)


def measured(given: Mapping[str, Any], size: Sequence[int]) -> str:
    """Run the trial; return its line."""
    from vllm import EngineArgs, LLMEngine

    own = choose(usable_gpus(), None, SEQUENCES, CONTEXT + 2 * STEPS).arguments
    fitting = {name: own[name] for name in ("dtype", "enable_chunked_prefill") if name in own}
    if not own.get("enable_chunked_prefill", True):
        fitting["max_num_batched_tokens"] = CONTEXT + 2 * STEPS
    engine = LLMEngine.from_engine_args(EngineArgs(**{**fitting, **trial_arguments(given)}))
    seconds = step_seconds(engine, size[0], size[1])
    if given.get("worker_extension_cls") and (fault := fault_of_own(engine)):
        return REASON + fault
    return f"{SECONDS}{seconds}"


def main(arguments: Sequence[str]) -> None:
    """Try the given settings, and print the outcome."""
    # vLLM logs to the standard output, which here carries the result alone.
    result = os.dup(1)
    os.dup2(2, 1)
    end_with_the_engine()
    os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", HF_HUB_OFFLINE="1")
    os.environ.update(VLLM_NO_USAGE_STATS="1", VLLM_USE_FLASHINFER_SAMPLER="0")
    size = [int(number) for number in arguments[1:]] or [SEQUENCES, CONTEXT]
    os.write(result, f"{measured(json.loads(arguments[0]), size)}\n".encode())
    # vLLM's threads may hang at the end; what was asked for is printed.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
