# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false, reportUntypedFunctionDecorator=false
# pyright: reportIndexIssue=false
# Triton's language is Python in form only, and Triton is where a GPU is.
"""Decode attention in plain Triton, for GPUs before Ampere.

Covers: one new token per sequence over a paged cache of keys and values; float16 and bfloat16;
heads of 64, 96, 128 and 256; 1 to 8 query heads per KV head, which share one read of keys and
values; blocks of any size; splitting the context over several programs where few sequences run.
Does not cover: prefill, masks other than causal, quantized caches: for those vLLM's GPU kernel
stays (`own_attention`).

Why not vLLM's GPU kernel: below sm_80 Triton's `dot` cannot use tensor cores, so its matrix
products become plain multiply-adds over 16 query rows of which 15 are padding, through shared
memory. Here a program handles one sequence and KV head. Its threads lie along the head, so that a
key is one 16-byte load per thread and a score is a product summed over a few lanes; each of the
TILE positions keeps its own softmax (largest score, sum, weighted values), and all are merged once,
at the end. The loop therefore has no shared memory and no barrier, and reads keys and values once.

The running softmax is that of Milakov and Gimelshein, "Online normalizer calculation for softmax"
(2018); the split and its merge are those of Flash-Decoding (Dao and others, 2023).
"""

from typing import Any

import triton
import triton.language as tl

WARPS = 4
LOAD_BYTES = 16
"""What one thread reads at once; a warp's threads lie side by side along a head."""
LOG2E = 1.4426950408889634
LOWEST = tl.constexpr(-3.0e38)
"""In place of minus infinity: differences of finite numbers are never NaN."""


@triton.jit
def softmax_step(query, key, value, real, top, total, summed, MASKED: tl.constexpr):  # noqa: N803
    """Take a tile's keys and values into the running softmax of each of its positions."""
    score = tl.sum(query * key.to(tl.float32), axis=2, keep_dims=True)
    if MASKED:
        score = tl.where(real, score, LOWEST)
    higher = tl.maximum(top, score)
    shrunk = tl.exp2(top - higher)
    weight = tl.exp2(score - higher)
    if MASKED:
        weight = tl.where(real, weight, 0.0)
    summed = summed * shrunk + weight * value.to(tl.float32)
    return higher, total * shrunk + weight, summed


@triton.jit
def decode(
    out,
    part,
    part_top,
    part_total,
    query_,
    keys,
    values,
    table,
    lengths,
    starts,
    scale,
    query_token,
    query_head,
    out_token,
    out_head,
    key_block,
    key_place,
    key_head,
    value_block,
    value_place,
    value_head,
    table_row,
    GROUP: tl.constexpr,  # noqa: N803 - Triton's constants are capitals
    GROUP_PAD: tl.constexpr,  # noqa: N803
    HEAD: tl.constexpr,  # noqa: N803
    HEAD_PAD: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
    TILE: tl.constexpr,  # noqa: N803
    SEGMENTS: tl.constexpr,  # noqa: N803
):
    """Attend with the heads of one KV head of one sequence to one segment of its context.

    The grid is (sequences, KV heads, segments). Sequences come first, so that those that run
    together find the prompt that they share in the L2 cache. With one segment the result goes to
    `out`, with several to `part`, `part_top` and `part_total`, for `merge`.
    """
    sequence, kv_head, segment = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    first = tl.load(starts + sequence)
    # A captured graph pads the batch with sequences that have no token.
    if tl.load(starts + sequence + 1) == first:
        return
    length = tl.load(lengths + sequence)
    member = tl.arange(0, GROUP_PAD)[:, None, None]
    position = tl.arange(0, TILE)[None, :, None]
    dim = tl.arange(0, HEAD_PAD)[None, None, :]
    head = kv_head * GROUP + member
    own = (member < GROUP) & (dim < HEAD)
    place_of_query = query_ + first * query_token + head * query_head + dim
    query = tl.load(place_of_query, mask=own, other=0.0).to(tl.float32) * scale
    keys += kv_head * key_head
    values += kv_head * value_head
    table += sequence.to(tl.int64) * table_row
    top = tl.full([GROUP_PAD, TILE, 1], LOWEST, tl.float32)
    total = tl.zeros([GROUP_PAD, TILE, 1], tl.float32)
    summed = tl.zeros([GROUP_PAD, TILE, HEAD_PAD], tl.float32)
    share = tl.cdiv(tl.cdiv(length, TILE), SEGMENTS) * TILE
    begin = segment * share
    end = tl.minimum(begin + share, length)
    whole = begin + tl.maximum(end - begin, 0) // TILE * TILE
    for at in range(begin, whole, TILE):
        if BLOCK % TILE == 0:  # one look at the table for the whole tile
            block = tl.load(table + at // BLOCK).to(tl.int64)
            inside = at % BLOCK + position
        else:
            block = tl.load(table + (at + position) // BLOCK).to(tl.int64)
            inside = (at + position) % BLOCK
        key_at = keys + block * key_block + (inside * key_place + dim)
        value_at = values + block * value_block + (inside * value_place + dim)
        if HEAD == HEAD_PAD:
            key, value = tl.load(key_at), tl.load(value_at)
        else:
            key = tl.load(key_at, mask=dim < HEAD, other=0.0)
            value = tl.load(value_at, mask=dim < HEAD, other=0.0)
        top, total, summed = softmax_step(query, key, value, True, top, total, summed, False)
    if whole < end:  # what is left is less than a tile
        place = whole + position
        real = place < end
        block = tl.load(table + place // BLOCK, mask=real, other=0).to(tl.int64)
        key_at = keys + block * key_block + (place % BLOCK * key_place + dim)
        value_at = values + block * value_block + (place % BLOCK * value_place + dim)
        key = tl.load(key_at, mask=real & (dim < HEAD), other=0.0)
        value = tl.load(value_at, mask=real & (dim < HEAD), other=0.0)
        top, total, summed = softmax_step(query, key, value, real, top, total, summed, True)
    highest = tl.max(top, axis=1, keep_dims=True)
    weight = tl.exp2(top - highest)
    total = tl.sum(total * weight, axis=1, keep_dims=True)
    summed = tl.sum(summed * weight, axis=1, keep_dims=True)
    if SEGMENTS == 1:
        result = summed / tl.where(total > 0, total, 1.0)
        place_of_out = out + first * out_token + head * out_head + dim
        tl.store(place_of_out, result.to(out.dtype.element_ty), mask=own)
    else:
        slot = (sequence * tl.num_programs(1) * GROUP + head) * SEGMENTS + segment
        tl.store(part + slot * HEAD_PAD + dim, summed, mask=own)
        tl.store(part_top + slot, highest, mask=member < GROUP)
        tl.store(part_total + slot, total, mask=member < GROUP)


@triton.jit
def merge(
    out,
    part,
    part_top,
    part_total,
    starts,
    out_token,
    out_head,
    HEAD: tl.constexpr,  # noqa: N803
    HEAD_PAD: tl.constexpr,  # noqa: N803
    SEGMENTS: tl.constexpr,  # noqa: N803
):
    """Put the segments of one head of one sequence together; the grid is (sequences, heads)."""
    sequence, head = tl.program_id(0), tl.program_id(1)
    first = tl.load(starts + sequence)
    if tl.load(starts + sequence + 1) == first:
        return
    dim = tl.arange(0, HEAD_PAD)
    slot = (sequence * tl.num_programs(1) + head) * SEGMENTS + tl.arange(0, SEGMENTS)
    top = tl.load(part_top + slot)
    weight = tl.exp2(top - tl.max(top, axis=0))
    total = tl.sum(tl.load(part_total + slot) * weight, axis=0)
    parts = part + slot[:, None] * HEAD_PAD + dim[None, :]
    summed = tl.sum(tl.load(parts, mask=(dim < HEAD)[None, :], other=0.0) * weight[:, None], axis=0)
    result = summed / tl.where(total > 0, total, 1.0)
    place = out + first * out_token + head * out_head + dim
    tl.store(place, result.to(out.dtype.element_ty), mask=dim < HEAD)


def constants(group: int, head: int, block: int, segments: int) -> dict[str, int]:
    """Return the constants that `decode` is compiled with.

    Args:
        group: query heads a KV head.
        head: numbers a head.
        block: positions a block of the cache.
        segments: programs that share a context.
    """
    padded = triton.next_power_of_2(head)
    # Positions of one load of all threads; two where the registers hold them.
    once = WARPS * 32 * LOAD_BYTES // 2 // padded
    tile = 2 * once if group <= 2 and block % (2 * once) == 0 else once
    return {
        "GROUP": group,
        "GROUP_PAD": triton.next_power_of_2(group),
        "HEAD": head,
        "HEAD_PAD": padded,
        "BLOCK": block,
        "TILE": tile,
        "SEGMENTS": segments,
    }


def attend(
    query: Any,
    keys: Any,
    values: Any,
    out: Any,
    starts: Any,
    lengths: Any,
    table: Any,
    scale: float,
    segments: int,
    parts: tuple[Any, Any, Any],
) -> None:
    """Write each sequence's attention to `out`; no allocation, no waiting for the GPU.

    Args:
        query: tokens x heads x head.
        keys: blocks x positions x KV heads x head.
        values: as `keys`.
        out: as `query`.
        starts: each sequence's token in `query`, and one number more: the end of the last.
        lengths: each sequence's context with the new token.
        table: sequences x blocks, each context's blocks in order.
        scale: of the scores, before the softmax.
        segments: programs that share a context, a power of two.
        parts: float32 buffers for sequences x heads x segments x (padded head, 1 and 1).
    """
    sequences, heads, head = lengths.shape[0], query.shape[1], query.shape[2]
    kv_heads = keys.shape[2]
    sizes = constants(heads // kv_heads, head, keys.shape[1], segments)
    decode[(sequences, kv_heads, segments)](
        out,
        *parts,
        query,
        keys,
        values,
        table,
        lengths,
        starts,
        scale * LOG2E,
        query.stride(0),
        query.stride(1),
        out.stride(0),
        out.stride(1),
        *keys.stride()[:3],
        *values.stride()[:3],
        table.stride(0),
        **sizes,
        num_warps=WARPS,
    )
    if segments > 1:
        merge[(sequences, heads)](
            out,
            *parts,
            starts,
            out.stride(0),
            out.stride(1),
            HEAD=head,
            HEAD_PAD=sizes["HEAD_PAD"],
            SEGMENTS=segments,
            num_warps=WARPS,
        )
