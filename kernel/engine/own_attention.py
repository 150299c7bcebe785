"""Puts the package's decode attention into vLLM, or keeps vLLM's own where anything is unexpected.

Covers: which calls it handles (`unfit` is the table), over how many programs a context is split,
the one function of vLLM 0.18.1 that is wrapped. Does not cover: the GPU kernel (`attention`),
whether its numbers are right (`attention_comparison`), when this is used (`probe`).

vLLM's files stay as they are: its Triton backend looks `unified_attention` up in its own module at
each call, and there it finds `OwnAttention`. With another version, another signature, a GPU kernel
that does not load or a call that raises, the log says so and vLLM's attention does the work.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

VERSION = "0.18.1"
"""The vLLM whose source was read."""
BACKEND, NAME = "vllm.v1.attention.backends.triton_attn", "unified_attention"
PARAMETERS = (
    *("q", "k", "v", "out", "cu_seqlens_q", "max_seqlen_q", "seqused_k", "max_seqlen_k"),
    *("softmax_scale", "causal", "window_size", "block_table", "softcap", "q_descale"),
    *("k_descale", "v_descale", "seq_threshold_3D", "num_par_softmax_segments"),
    *("softmax_segm_output", "softmax_segm_max", "softmax_segm_expsum", "alibi_slopes"),
    *("output_scale", "qq_bias", "sinks", "mm_prefix_range", "use_alibi_sqrt"),
)
"""Of that function, in order."""
ABSENT = (
    *("q_descale", "alibi_slopes", "output_scale", "qq_bias", "sinks", "mm_prefix_range"),
    "use_alibi_sqrt",
)
"""Arguments that stand for something else than plain causal attention, unless None or False."""
HEADS = (64, 96, 128, 256)
MOST_GROUPED = 8
"""Query heads a KV head: more would not fit into a thread's registers."""
T4_MULTIPROCESSORS = 40
HELD = {1: 8, 2: 5, 4: 4, 8: 2}
"""Programs that a multiprocessor holds at once, by the most query heads a KV head: each keeps its
heads' sums in registers (`make bench-attention`)."""
MOST_SEGMENTS = 16
Attend = Callable[..., None]


def unfit(call: Mapping[str, Any]) -> str:
    """Return why the package's GPU kernel cannot take a call, "" where it can."""
    query, keys, values, out = (call[name] for name in ("q", "k", "v", "out"))
    if call["max_seqlen_q"] != 1:
        return "prompts are read"
    if not call["causal"] or tuple(call["window_size"]) != (-1, -1) or call["softcap"]:
        return "the attention is windowed, capped or not causal"
    for name in ABSENT:
        if (value := call.get(name)) is not None and value is not False:
            return f"{name} is set"
    if str(query.dtype) not in ("torch.float16", "torch.bfloat16"):
        return f"queries are {query.dtype}"
    if any(tensor.dtype != query.dtype for tensor in (keys, values, out)):
        return "keys, values or output have another type than queries"
    heads, kv_heads, head = query.shape[1], keys.shape[2], query.shape[2]
    if head not in HEADS or keys.shape[3] != head or values.shape != keys.shape:
        return f"heads of {head}"
    if heads % kv_heads or heads // kv_heads > MOST_GROUPED:
        return f"{heads} query heads for {kv_heads} KV heads"
    if any(tensor.stride(-1) != 1 for tensor in (query, keys, values, out)):
        return "a head's numbers do not lie side by side"
    return ""


def segments_for(sequences: int, kv_heads: int, group: int, slots: int) -> int:
    """Return over how many programs each context is split, a power of two.

    As few as give a T4 twice what it holds at once: each program has its start and its end to pay,
    which took an H100 as long as 80 positions of the context. It follows from the batch's size
    alone, since a captured graph keeps it for all contexts.

    Args:
        sequences: of the batch.
        kv_heads: of this GPU.
        group: query heads a KV head.
        slots: contexts' parts that the buffers hold, a head.
    """
    held = next(held for most, held in HELD.items() if group <= most)
    wanted = 2 * T4_MULTIPROCESSORS * held / max(1, sequences * kv_heads)
    most = min(MOST_SEGMENTS, slots // max(1, sequences))
    segments = 1
    while segments < wanted and 2 * segments <= most:
        segments *= 2
    return segments


class OwnAttention:
    """Stands where vLLM looks its function up; passes on calls that the GPU kernel does not take.

    Args:
        theirs: vLLM's function.
        attend: the GPU kernel's.
    """

    def __init__(self, theirs: Attend, attend: Attend) -> None:
        self.theirs = theirs
        self.taken = 0
        """Calls that the GPU kernel took."""
        self.fault = ""
        """Why it takes no more calls; "" while it does."""
        self._attend = attend

    def __call__(self, *args: Any, **call: Any) -> None:
        """Attend; the same arguments as vLLM's."""
        if self.fault or args or unfit(call):
            self.theirs(*args, **call)
            return
        try:
            self._take(call)
            self.taken += 1
        except Exception as error:  # not caught here, it would cost the engine a start
            self.fault = f"it raised {type(error).__name__}: {error}"
            tell(f"vLLM's attention takes its place: {self.fault}")
            self.theirs(**call)

    def _take(self, call: Mapping[str, Any]) -> None:
        lengths, top = call["seqused_k"], call["softmax_segm_max"]
        parts = call["softmax_segm_output"], top, call["softmax_segm_expsum"]
        # The buffers that vLLM has for its own split: nothing may be allocated in a captured graph.
        slots = 0 if any(part is None for part in parts) else top.shape[0] * top.shape[2]
        kv_heads = call["k"].shape[2]
        group = call["q"].shape[1] // kv_heads
        segments = segments_for(lengths.shape[0], kv_heads, group, slots)
        self._attend(
            query=call["q"],
            keys=call["k"],
            values=call["v"],
            out=call["out"],
            starts=call["cu_seqlens_q"],
            lengths=lengths,
            table=call["block_table"],
            scale=call["softmax_scale"],
            segments=segments,
            parts=parts if segments > 1 else (call["out"],) * 3,
        )


class UnexpectedError(Exception):
    """Something about vLLM or the machine is not as it was read; the message says what."""


def install() -> OwnAttention | str:
    """Put the GPU kernel into vLLM in this process; return it, or why vLLM's attention stays."""
    try:
        return _installed()
    except UnexpectedError as error:
        found = str(error)
    except Exception as error:  # a file that does not even load costs no more
        found = f"{type(error).__name__}: {error}"
    tell(f"vLLM's attention stays: {found}")
    return found


def _installed() -> OwnAttention:
    import vllm
    from vllm.platforms import current_platform

    platform: Any = current_platform
    if not platform.is_cuda():
        raise UnexpectedError("there is no CUDA GPU")
    if vllm.__version__.partition("+")[0] != VERSION:
        raise UnexpectedError(f"this is vLLM {vllm.__version__}, not {VERSION}")
    backend = importlib.import_module(BACKEND)
    theirs = getattr(backend, NAME, None)
    if isinstance(theirs, OwnAttention):
        return theirs
    if theirs is None or tuple(inspect.signature(theirs).parameters) != PARAMETERS:
        raise UnexpectedError(f"{BACKEND}.{NAME} takes different arguments from vLLM {VERSION}'s")
    if NAME not in backend.TritonAttentionImpl.forward.__code__.co_names:
        raise UnexpectedError(f"{BACKEND} does not call its {NAME}")
    from kernel.engine.attention import attend

    own = OwnAttention(theirs, attend)
    setattr(backend, NAME, own)
    tell(f"decode attention is the package's, in place of vLLM {VERSION}'s")
    return own


def tell(text: str) -> None:
    """Write to the engine's log."""
    print(f"Own attention: {text}.", file=sys.stderr, flush=True)
