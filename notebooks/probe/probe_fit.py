"""Turns measured steps into the constants that `make plan` and `make simulate` take.

Covers: a step's fixed cost, its cost a sequence and its cost a byte of keys and values, by least
squares over batches of different size and length; what follows for weights, matrix products and
memory. Does not cover: measuring (`probe_checks`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kernel.engine.model import read_model

FIXED_SECONDS, LINK_SECONDS, LINK_GB_S = 0.006, 30e-6, 6.0
"""What is not told apart from reading the weights and from a cost a sequence: a step's fixed cost
and the all-reduces, as `simulation/costs` has them."""


def fitted(steps: Sequence[Sequence[float]], kv_bytes: float) -> dict[str, Any]:
    """Return the three costs of a step, and the rate of reading in each batch.

    Args:
        steps: sequences, tokens of their contexts and seconds, a batch each.
        kv_bytes: of a token, on one GPU.
    """
    rows = np.array(steps, dtype=float)
    sequences, read, seconds = rows[:, 0], rows[:, 0] * rows[:, 1] * kv_bytes, rows[:, 2]
    terms = np.stack([np.ones_like(sequences), sequences, read / 1e9], axis=1)
    fixed, each, byte = np.linalg.lstsq(terms, seconds, rcond=None)[0]
    reading = seconds - fixed - each * sequences
    rates = np.where(reading > 0, read / np.maximum(reading, 1e-12) / 1e9, np.nan)
    return {
        "fixed_seconds": float(fixed),
        "sequence_seconds": float(each),
        "attention_gb_s": float(1 / byte) if byte > 0 else None,
        "gb_s": {
            f"{int(n)} x {int(length)}": None if np.isnan(rate) else round(float(rate), 1)
            for (n, length, _), rate in zip(rows, rates, strict=True)
        },
        "largest_error": float(np.abs(terms @ (fixed, each, byte) / seconds - 1).max()),
    }


def constants(
    measured: Mapping[str, Any], folder: Path, memory_gib: float | None = None
) -> dict[str, float | None]:
    """Return the calibration that a `speed` result gives, None for what it does not show."""
    model, ranks = read_model(folder), measured["ranks"]
    if model is None:
        return {}
    sizes = model.sizes
    fit = fitted(measured["steps"], sizes.kv_bytes / ranks)
    reductions = 2 * sizes.layers if ranks > 1 else 0
    reduced, each = reductions * LINK_SECONDS, reductions * sizes.hidden * 2 / LINK_GB_S / 1e9
    # The embedding of the input is not read.
    embedding = sizes.vocabulary * sizes.hidden
    used = model.weight_bytes - 2 * embedding
    parameters = sizes.linear + 2 * embedding
    tokens, seconds = measured["prefill"]
    found: dict[str, float | None] = {
        "attention_gb_s": fit["attention_gb_s"],
        "sequence_seconds": fit["sequence_seconds"] - each,
        "step_seconds": FIXED_SECONDS,
        "weight_gb_s": used / ranks / (fit["fixed_seconds"] - FIXED_SECONDS - reduced) / 1e9,
        "compute_tflops": 2 * parameters * tokens / ranks / seconds / 1e12,
    }
    if memory_gib and measured.get("kv_tokens"):
        held = (model.weight_bytes + measured["kv_tokens"] * sizes.kv_bytes) / ranks / 2**30
        found |= {
            "memory_gib": memory_gib,
            "utilization": measured["utilization"],
            "rest_gib": measured["utilization"] * memory_gib - held,
        }
    # Where a difference drowned in noise the estimate stays.
    return {name: value if value and value > 0 else None for name, value in found.items()}
