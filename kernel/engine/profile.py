"""The engine's settings for a machine, chosen from what is known about its GPUs and the model.

Covers: two T4s, one, other GPUs (L4, H100, ...) and the CPU; how many GPUs share each layer, what
fits into their memory, and what a restart gives up. Does not cover: reading the machine, and trying
which attention is faster (`gpu`, `model`, `probe`); settings that a run sets take precedence.

What gives way: before the start, where memory is short, first the number of sequences at once, then
CUDA graphs; at each restart what the `LADDER` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kernel.engine.cpu import Cpu, read_cpu
from kernel.engine.gpu import Gpu
from kernel.engine.model import Model

MIB = 2**20
CUDA_SHARE = 0.9707
"""The share of the driver's stated memory that CUDA gives out: 14.56 of a T4's 15 GiB."""
UTILIZATION = 0.92
"""Of that, what vLLM may plan with; vLLM's own default since 0.2x."""
REST_MIB = 1126
"""A GPU's part for activations, CUDA graphs and CUDA itself: 1.1 GiB, from logs of T4 runs."""
GRAPHS_MIB = 500
"""Of that, what CUDA graphs for 48 sequences take."""
SHARE_MIB = 1024
"""Of weights a GPU reads at least, where sharing layers pays: a T4 reads as many in 5 ms, about
what the all-reduces of 30 layers take over PCIe."""
FAIR_TOKENS = 512
"""With fewer KV tokens per sequence than this, sequences constantly evict one another."""
PROVEN = "TRITON_ATTN"
"""The attention known to run before Ampere, where FlashAttention does not."""
OWN = "OWN_ATTN"
"""The package's own decode attention, in place of that one's."""
OWN_ARGUMENTS: Mapping[str, Any] = MappingProxyType(
    {
        "attention_backend": PROVEN,
        "worker_extension_cls": "kernel.engine.attention_worker.AttentionWorker",
    }
)
AMPERE = (8, 0)
HOPPER = (9, 0)
SPARE_TOKENS = 256
"""Room that a shorter context leaves behind the longest text that waits."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a start asks for and what it gives up."""

    sequences: int
    """One part in so many of those wanted."""
    context: int
    """Quarters of the tokens wanted."""
    spared: float
    """Part of a GPU's memory left free in addition to the usual."""
    probed: bool = False
    """The attention may be one that a trial found; else it is the proven one."""
    graphs: bool = True
    """CUDA graphs, which take memory of their own; without them the T4 is several times slower."""
    shared: bool = True
    """Several GPUs may share each layer even where one holds the weights and a context."""


LADDER = (
    Step(1, 4, 0.0, probed=True),
    Step(2, 3, 0.04),
    Step(4, 2, 0.08, graphs=False, shared=False),
    Step(8, 2, 0.12, graphs=False, shared=False),
)
"""The first start, and the restarts in a row without a completion between: two may fail, too."""

T4X2: Mapping[str, Any] = MappingProxyType(
    {
        # The T4 (capability 7.5) has no bfloat16; the KV cache gets the same type.
        "dtype": "float16",
        "kv_cache_dtype": "auto",
        # Both GPUs share each layer: 37.8k KV tokens for a 7B at 8 bits, against 10.9k each for a
        # model a GPU, at about the same speed.
        "tensor_parallel_size": 2,
        # The two are linked by PCIe only, where vLLM's own all-reduce loses to NCCL's.
        "disable_custom_all_reduce": True,
        # The attention proven on the T4; FlashInfer's replaces it where a trial finds it faster.
        "attention_backend": "TRITON_ATTN",
        # Without CUDA graphs T4s were seen 7 to 10 times slower. Captured up to 48 sequences.
        "enforce_eager": False,
        "cudagraph_capture_sizes": (1, 2, 4, 8, 16, 24, 32, 40, 48),
        # The 48 copies share the prompt's blocks, and continued candidates find theirs.
        "enable_prefix_caching": True,
        # Prefill in parts: small enough activations that 0.92 of the memory can be planned with.
        "max_num_batched_tokens": 2048,
        "gpu_memory_utilization": 0.92,
        # Read from the checkpoint: GPTQ of 8 bits runs on Marlin; "gptq" here would force the
        # slow GPU kernel.
        "quantization": None,
    }
)
"""Arguments of vLLM's EngineArgs (0.18.1 and later) for the two T4s that Kaggle lends."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Arguments of vLLM's EngineArgs, and why they are what they are, a sentence each."""

    arguments: Mapping[str, Any]
    notes: tuple[str, ...]


def kv_tokens(
    memory_mib: float,
    ranks: int,
    weight_mib: float,
    kv_bytes: int,
    rest_mib: float = REST_MIB,
    utilization: float = UTILIZATION,
) -> int:
    """Return the tokens whose keys and values fit beside the weights; below 0: not even those.

    Args:
        memory_mib: of one GPU, as CUDA gives it out.
        ranks: GPUs that share each layer, and with it weights, keys and values.
        weight_mib: of the whole model.
        kv_bytes: a token, over all layers and on all these GPUs.
        rest_mib: what else a GPU holds.
        utilization: the part of the memory that may be used.
    """
    left = ranks * (utilization * memory_mib - rest_mib) - weight_mib
    return int(left * MIB / kv_bytes)


def attention_arguments(name: str) -> dict[str, Any]:
    """Return the arguments of vLLM's that give an attention: a backend of vLLM's, or `OWN`."""
    return dict(OWN_ARGUMENTS) if name == OWN else {"attention_backend": name}


def choose(
    gpus: tuple[Gpu, ...],
    model: Model | None,
    candidates: int,
    context: int,
    step: Step = LADDER[0],
    attention: str | None = None,
    cpu: Cpu | None = None,
) -> Choice:
    """Return the settings for a machine.

    Args:
        gpus: the machine's; none for a CPU.
        model: None where its `config.json` cannot be understood.
        candidates: sequences that are wanted at once.
        context: most tokens of one.
        step: of the ladder.
        attention: the backend that a trial found to be the fastest, if there was one.
        cpu: what computes where there are no GPUs; None: this machine's.
    """
    if not gpus:
        return _on_cpu(context, cpu or read_cpu())
    if any(gpu.capability < AMPERE for gpu in gpus):
        choice = _before_ampere(gpus, candidates, attention if step.probed else None)
    else:
        choice = _from_ampere_on(gpus)
    ranks, note = _ranks(gpus, model, candidates * context, one=not step.shared)
    arguments = {**choice.arguments, "tensor_parallel_size": ranks}
    if ranks == 1 or min(gpu.capability for gpu in gpus) >= HOPPER:
        arguments.pop("disable_custom_all_reduce", None)
    if not step.graphs:
        arguments["enforce_eager"] = True
    notes = (*choice.notes, note)
    return _fitted(Choice(arguments, notes), gpus, model, candidates, context)


def lowered(arguments: Mapping[str, Any], step: Step, longest: int = 0) -> dict[str, Any]:
    """Return what a run sets as a step of the ladder asks for it.

    The context is never too short for the `longest` text, in tokens, that waits to be continued.
    """
    whole, share = arguments["max_model_len"], arguments.get("gpu_memory_utilization", UTILIZATION)
    return {
        **arguments,
        "max_num_seqs": max(1, arguments["max_num_seqs"] // step.sequences),
        "max_model_len": min(whole, max(whole * step.context // 4, longest + SPARE_TOKENS)),
        "gpu_memory_utilization": share - step.spared,
        "enforce_eager": arguments.get("enforce_eager", False) or not step.graphs,
    }


def _on_cpu(context: int, cpu: Cpu) -> Choice:
    arguments = {
        "dtype": cpu.dtype,
        "enforce_eager": True,
        # Chunked prefill with a seeded request stops vLLM's CPU engine: a prompt goes in whole.
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": context,
        # Only whole blocks are shared between candidates and kept from round to round: of vLLM's
        # 128 tokens a short prompt fills none. The fewest that its fast CPU code takes.
        "block_size": 32,
    }
    return Choice(arguments, (f"No GPU: vLLM computes in {cpu.dtype} on {cpu}.",))


def _before_ampere(gpus: tuple[Gpu, ...], candidates: int, attention: str | None) -> Choice:
    """Return what the T4 needs; other GPUs of its time and before need the same."""
    backend = attention or PROVEN
    arguments = {**T4X2, **attention_arguments(backend)}
    # No graph is captured for more sequences than there will be.
    wanted = [size for size in T4X2["cudagraph_capture_sizes"] if size <= candidates]
    arguments["cudagraph_capture_sizes"] = wanted or [1]
    tried = "the fastest of those tried" if backend == attention else "proven there"
    return Choice(arguments, (f"{gpus[0].name}: float16, {backend} ({tried}).",))


def _from_ampere_on(gpus: tuple[Gpu, ...]) -> Choice:
    """Return what newer GPUs need: vLLM's own choices are good there."""
    arguments = {
        "dtype": "auto",
        "gpu_memory_utilization": UTILIZATION,
        # Only GPUs that are linked to one another gain by it; from Hopper on it stays on.
        "disable_custom_all_reduce": True,
    }
    return Choice(arguments, (f"{gpus[0].name}: the checkpoint's type, vLLM's own attention.",))


def _ranks(gpus: tuple[Gpu, ...], model: Model | None, tokens: int, one: bool) -> tuple[int, str]:
    """Return how many GPUs share each layer.

    As many as gain by it, however few would hold all tokens: with grouped KV heads one often does,
    and the others would idle. More where those do not hold them.
    """
    possible = [n for n in (1, 2, 4, 8) if n <= len(gpus) and (not model or model.splits_into(n))]
    if model is None:
        ranks = min(possible[-1], 2)
        return ranks, f"Tensor parallel {ranks}: the model's sizes are not known."
    room = {n: kv_room(gpus, model, n) for n in possible}
    if one and room[1] > 0:
        return 1, "One GPU: two have failed to start together."
    gaining = max(n for n in possible if n == 1 or model.weight_mib >= n * SHARE_MIB)
    ranks = next((n for n in possible if n >= gaining and room[n] >= tokens), possible[-1])
    return ranks, f"Tensor parallel {ranks} of {len(gpus)}: room for about {room[ranks]} KV tokens."


def kv_room(gpus: tuple[Gpu, ...], model: Model, ranks: int, rest: int = REST_MIB) -> int:
    """Return the tokens whose keys and values fit on so many of the machine's GPUs."""
    smallest = min(gpu.memory_mib for gpu in gpus) * CUDA_SHARE
    kv_bytes = model.sizes.kv_bytes_over(ranks)
    return kv_tokens(smallest, ranks, model.weight_mib, kv_bytes, rest)


def _fitted(
    choice: Choice,
    gpus: tuple[Gpu, ...],
    model: Model | None,
    candidates: int,
    context: int,
) -> Choice:
    """Return the choice without what does not fit into memory."""
    if model is None:
        return choice
    arguments, notes = dict(choice.arguments), list(choice.notes)
    ranks = arguments["tensor_parallel_size"]
    room = kv_room(gpus, model, ranks)
    if room < context and not arguments.get("enforce_eager"):
        arguments |= {"enforce_eager": True}
        room = kv_room(gpus, model, ranks, REST_MIB - GRAPHS_MIB)
        notes.append("No CUDA graphs: their memory is needed for keys and values.")
    if room < context:
        notes.append(
            f"{model.weight_mib} MiB of weights leave no room for one context: the engine "
            "will hardly start; use 8-bit weights, or a GPU with more memory."
        )
    most = max(1, room // FAIR_TOKENS)
    if most < candidates:
        arguments["max_num_seqs"] = most
        notes.append(f"{most} sequences at once, not {candidates}: more would not fit.")
    return Choice(arguments, tuple(notes))
