"""Compares the package's decode attention with vLLM's on the same random inputs, on the GPU itself.

Covers: a full batch, a few sequences and one, each through both; how far the outputs differ. Does
not cover: what is done about it (`trial`).
"""

from typing import Any

from kernel.engine.own_attention import MOST_SEGMENTS, OwnAttention

SIZES = ((48, 300), (8, 600), (1, 1500))
"""Sequences and their longest context; the last two are split."""
TOLERANCE = 4.0
"""Roundings by which the two may differ; in Triton's interpreter they differ by one
(`make bench-attention`), on a GPU the products are summed in another order, too."""
BLOCK = 16


def difference(own: OwnAttention, heads: int, kv_heads: int, head: int, like: Any) -> float:
    """Return the largest difference from vLLM's output, in roundings of the largest number.

    NaN where either has any, or where the package's attention did not take the call.

    Args:
        own: what was installed.
        heads: query heads of this GPU.
        kv_heads: KV heads of this GPU.
        head: numbers a head.
        like: an empty tensor of the model's type, on its GPU.
    """
    import torch

    found: list[float] = []
    for sequences, longest in SIZES:
        call = example(sequences, longest, heads, kv_heads, head, like)
        ours, theirs = torch.zeros_like(call["q"]), torch.zeros_like(call["q"])
        before = own.taken
        own(**{**call, "out": ours})
        own.theirs(**{**call, "out": theirs})
        apart = (ours.double() - theirs.double()).abs().max() / theirs.double().abs().max()
        found.append(float(apart) if own.taken > before else float("nan"))
    worst = next((apart for apart in found if apart != apart), max(found))
    return worst / torch.finfo(like.dtype).eps


def example(
    sequences: int, longest: int, heads: int, kv_heads: int, head: int, like: Any
) -> dict[str, Any]:
    """Return a decode call, without its output, as vLLM's Triton backend makes it."""
    import torch

    place, rows = like.device, -(-longest // BLOCK)
    cache = like.new_empty((sequences * rows, BLOCK, kv_heads, head))
    shortest = 1 if sequences > 1 else longest
    slots = (8, heads, MOST_SEGMENTS)  # vLLM's buffers where a GPU has 16 KV heads
    padded = 1 << (head - 1).bit_length()
    ones = torch.ones((sequences, kv_heads), device=place)
    table = torch.randperm(sequences * rows, device=place).view(sequences, rows)
    return {
        # Spread so that some positions weigh far more than others.
        "q": like.new_empty((sequences, heads, head)).normal_() * 3,
        "k": cache.normal_(),
        "v": torch.empty_like(cache).normal_(),
        "cu_seqlens_q": torch.arange(sequences + 1, dtype=torch.int32, device=place),
        "max_seqlen_q": 1,
        "seqused_k": torch.linspace(shortest, longest, sequences, device=place).int(),
        "max_seqlen_k": longest,
        "softmax_scale": head**-0.5,
        "causal": True,
        "window_size": (-1, -1),
        "block_table": table.int(),
        "softcap": 0,
        "q_descale": None,
        "k_descale": ones,
        "v_descale": ones,
        "seq_threshold_3D": slots[0],
        "num_par_softmax_segments": MOST_SEGMENTS,
        "softmax_segm_output": torch.empty((*slots, padded), device=place),
        "softmax_segm_max": torch.empty(slots, device=place),
        "softmax_segm_expsum": torch.empty(slots, device=place),
    }
