"""Attention computed by the GPU kernel, on a GPU or in Triton's interpreter, beside float64.

Run as `python -m kernel.engine.tests.attention_cases CASES_AS_JSON` with Triton on the path and
TRITON_INTERPRET=1; prints what each case came to as JSON. Keys and values that no sequence may read
are NaN, entries of the block table behind a context point nowhere, and every query's output is
something else before.
"""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One call of the kernel."""

    lengths: tuple[int, ...]
    kv_heads: int = 1
    group: int = 1
    head: int = 64
    block: int = 16
    segments: int = 1
    dtype: str = "float16"
    spread: float = 1.0
    """Standard deviation of queries and keys; logits grow with its square."""
    value: float = 0.0
    """Added to all values."""
    padding: int = 0
    """Sequences without a token, as a captured graph has them."""
    heads_apart: bool = False
    """Whether a token's heads are not side by side, as where they come out of one product."""


@dataclass(frozen=True)
class Inputs:
    """The tensors of a call, see `attend`."""

    query: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    out: torch.Tensor
    starts: torch.Tensor
    lengths: torch.Tensor
    table: torch.Tensor


def inputs(case: Case, device: str = "cpu") -> Inputs:
    """Return random inputs, the same for the same case."""
    torch.manual_seed(sum(case.lengths) + case.head + case.group)
    dtype = getattr(torch, case.dtype)
    counts = [-(-length // case.block) for length in case.lengths]
    shape = (sum(counts) + 2, case.block, case.kv_heads, case.head)
    keys = (torch.randn(shape) * case.spread).to(dtype)
    values = (torch.randn(shape) + case.value).to(dtype)
    blocks = torch.randperm(shape[0])[: sum(counts)].int()
    sequences = len(case.lengths) + case.padding
    table = torch.full((sequences, max(counts) + 2), 2**30, dtype=torch.int32)
    unread = torch.ones(shape[:2], dtype=torch.bool)
    for row, (own, length) in enumerate(zip(blocks.split(counts), case.lengths, strict=True)):
        table[row, : len(own)] = own
        places = torch.arange(length)
        unread[own[places // case.block].long(), places % case.block] = False
    keys[unread] = values[unread] = float("nan")
    tokens, heads = len(case.lengths), case.kv_heads * case.group
    apart = 3 if case.heads_apart else 1
    query = (torch.randn(tokens, heads * apart, case.head) * case.spread).to(device, dtype)
    starts = torch.tensor([*range(tokens + 1), *[tokens] * case.padding], dtype=torch.int32)
    lengths = torch.tensor([*case.lengths, *[0] * case.padding], dtype=torch.int32)
    out = torch.full((tokens + 1, heads, case.head), 7.0, dtype=dtype)
    rest = (tensor.to(device) for tensor in (keys, values, out, starts, lengths, table))
    return Inputs(query[:, ::apart], *rest)


def reference(case: Case, given: Inputs) -> torch.Tensor:
    """Return the attention of each token in float64."""
    found: list[torch.Tensor] = []
    for row, length in enumerate(case.lengths):
        places = torch.arange(length, device=given.table.device)
        where = given.table[row, places // case.block].long(), places % case.block
        keys, values = (
            cache[where].double().repeat_interleave(case.group, 1)
            for cache in (given.keys, given.values)
        )
        scores = torch.einsum("hd,lhd->hl", given.query[row].double(), keys) * case.head**-0.5
        found.append(torch.einsum("hl,lhd->hd", scores.softmax(-1), values))
    return torch.stack(found)


def outcome(case: Case, device: str = "cpu") -> dict[str, Any]:
    """Return how far the kernel's output lies from the reference."""
    from kernel.engine.attention import attend, constants  # Triton is not everywhere

    given = inputs(case, device)
    slots = len(given.lengths) * case.kv_heads * case.group * case.segments
    padded = constants(case.group, case.head, case.block, case.segments)["HEAD_PAD"]
    unset = torch.full((slots, padded + 2), float("nan"), device=device)
    parts = unset[:, 2:].contiguous(), unset[:, 0].contiguous(), unset[:, 1].contiguous()
    attend(**vars(given), scale=case.head**-0.5, segments=case.segments, parts=parts)
    tokens = len(case.lengths)
    exact, own = reference(case, given), given.out[:tokens]
    largest = float((own.double() - exact).abs().max())
    return {
        "difference": largest,
        "finite": bool(own.isfinite().all()),
        "rounding": float(exact.abs().max()) * torch.finfo(own.dtype).eps,
        "untouched": bool((given.out[tokens:] == 7).all()),
    }


if __name__ == "__main__":
    cases = [Case(**{**c, "lengths": tuple(c["lengths"])}) for c in json.loads(sys.argv[1])]
    print(json.dumps([{**outcome(case), "case": asdict(case)} for case in cases]))
