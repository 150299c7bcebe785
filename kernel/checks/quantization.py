"""Whether the machine can run a checkpoint's quantization, judged from its configuration alone.

Covers: what vLLM refuses or cannot run on the GPUs that Kaggle offers and on a CPU: formats by
compute capability and version, GPTQ's variants, bitsandbytes over several GPUs. Does not cover:
formats that vLLM does not know at all, which it reports itself; whether the files are complete
(`weights`); speed.

Sources: `get_min_capability` of each format in vLLM 0.32.0; for the T4 before 0.14 and since,
vLLM's change "add marlin kernel support for turing (sm75)"; for the CPU, loading each format there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.engine.gpu import Gpu
from kernel.engine.model import is_shareable

Capability = tuple[int, int]
Version = tuple[int, int]

TURING: Capability = (7, 5)
"""The T4's. What is older runs none of the formats, and no current torch."""
AMPERE: Capability = (8, 0)
MARLIN_ON_TURING: Version = (0, 14)
"""Since then weights of 8 bits, integer or float, run on a T4 with activations of 16 bits."""
NO_ACT_ORDER: Version = (0, 30)
"""Since then GPTQ weights with desc_act and groups are refused."""
MARLIN_ONLY: Version = (0, 32)
"""Since then GPTQ has no other GPU kernel, so nothing that Marlin cannot run."""
AMPERE_ONLY = ("mxfp4", "fbgemm_fp8", "modelopt", "experts_int8")
"""Formats that ask for Ampere in every version; bfloat16 activations are one reason."""


def quantization_fault(
    quantization: Mapping[str, Any],
    gpus: Sequence[Gpu],
    vllm: Version,
    engine: Mapping[str, Any],
) -> str:
    """Return why the machine cannot run a checkpoint's quantization, "" where it can.

    Args:
        quantization: `quantization_config` of the checkpoint.
        gpus: the machine's; none for a CPU.
        vllm: its version.
        engine: the engine's arguments that were set.
    """
    method = quantization.get("quant_method")
    if not method:
        return ""
    if not gpus:
        return _cpu_fault(method, quantization)
    fault = _capability_fault(method, quantization, gpus, vllm)
    if not fault and method == "gptq":
        fault = _gptq_fault(quantization, vllm)
    # Where nothing is set, `engine/profile` keeps them on one GPU by itself.
    if not fault and engine.get("tensor_parallel_size", 1) > 1 and not is_shareable(quantization):
        fault = f"{method} weights run on one GPU: set tensor_parallel_size of `engine` to 1."
    return fault


def _cpu_fault(method: str, quantization: Mapping[str, Any]) -> str:
    int8 = method == "compressed-tensors" and _activations_too(quantization)
    if (int8 and not _is_float(method, quantization)) or (
        method == "gptq" and quantization.get("bits") == 4
    ):
        return ""
    return (
        f"vLLM cannot run {method} weights of this kind on a CPU: use the unquantized or the W8A8 "
        "int8 model, or a machine with a GPU."
    )


def _capability_fault(
    method: str, quantization: Mapping[str, Any], gpus: Sequence[Gpu], vllm: Version
) -> str:
    """Return why the oldest GPU is too old for the format."""
    oldest = min(gpus, key=lambda gpu: gpu.capability)
    name = f"{oldest.name} (capability {oldest.capability[0]}.{oldest.capability[1]})"
    if oldest.capability < TURING:
        return f"{name} runs no quantized weights: choose the GPU T4 x2."
    if oldest.capability >= AMPERE:
        return ""
    if method in AMPERE_ONLY:
        return f"{name} cannot run {method}: use GPTQ or W8A8 int8 weights."
    if vllm >= MARLIN_ON_TURING:
        return ""
    weights_only = method == "compressed-tensors" and not _activations_too(quantization)
    if weights_only or _is_float(method, quantization):
        kind = "fp8" if _is_float(method, quantization) else "W8A16"
        return (
            f"{name} cannot run {kind} with vLLM {vllm[0]}.{vllm[1]}: use GPTQ or W8A8 int8 "
            "weights, or vLLM 0.18.1."
        )
    return ""


def _gptq_fault(quantization: Mapping[str, Any], vllm: Version) -> str:
    """Return why this version of vLLM refuses a GPTQ checkpoint."""
    name, whole_rows = f"vLLM {vllm[0]}.{vllm[1]}", quantization.get("group_size") == -1
    if quantization.get("desc_act") and not whole_rows and vllm >= NO_ACT_ORDER:
        return (
            f"{name} refuses GPTQ weights with desc_act: quantize with desc_act=False, or use "
            "vLLM 0.18.1."
        )
    marlin = quantization.get("bits") in (4, 8) and quantization.get("sym", True)
    if not marlin and vllm >= MARLIN_ONLY:
        return (
            f"{name} runs GPTQ weights of 4 or 8 bits only with sym=True: quantize again, or use "
            "vLLM 0.18.1."
        )
    return ""


def _weights(quantization: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how each group of a compressed-tensors checkpoint stores its weights."""
    return [group.get("weights") or {} for group in _groups(quantization)]


def _groups(quantization: Mapping[str, Any]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = quantization.get("config_groups") or {}
    return list(groups.values())


def _is_float(method: str, quantization: Mapping[str, Any]) -> bool:
    """Whether the weights are floats of few bits."""
    floats = (form.get("type") == "float" for form in _weights(quantization))
    return "fp8" in method or any(floats)


def _activations_too(quantization: Mapping[str, Any]) -> bool:
    """Whether weights of 8 bits meet activations of 8 bits (W8A8), in every group."""
    groups = _groups(quantization)
    eight = all(form.get("num_bits") == 8 for form in _weights(quantization))
    return bool(groups) and eight and all(group.get("input_activations") for group in groups)
