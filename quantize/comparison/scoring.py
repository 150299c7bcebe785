"""Lets two models score the same windows, one after the other, and measures the distance.

Covers: how both are computed, the scratch file that holds the original's logits meanwhile (4 bytes
times vocabulary times tokens), progress, and what each run cost. Does not cover: what the distances
mean (`distance`), the report (`compare`).
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from quantize.calibration.heldout import Window
from quantize.comparison import overflow
from quantize.comparison.distance import Distance
from quantize.comparison.load import load
from quantize.comparison.records import Cost
from quantize.estimate import available_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHUNK = 64
"""Positions compared at once: 64 rows of a 100,000 vocabulary are 26 MB in float32."""
FLOAT32_SHARE = 0.4
"""Of the free memory: a model that needs more in float32 is computed in 16 bits."""

Progress = Callable[[str], None]
Logits = NDArray[np.float32]
"""Positions by vocabulary."""


class CompareError(ValueError):
    """A comparison that cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Setup:
    """How both models are computed."""

    dtype: torch.dtype
    device: str


@dataclass
class ModelRun:
    """One model's run over the windows."""

    load_seconds: float
    seconds: float = 0.0
    tokens: int = 0
    peaks: overflow.Peaks = field(default_factory=overflow.Peaks)

    def cost(self, folder: Path) -> Cost:
        """Return the run's figures with the folder's size."""
        return Cost(weight_bytes(folder), self.load_seconds, self.tokens / self.seconds)


def weight_bytes(folder: Path) -> int:
    """Return the size of a model's weight files."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def choose_setup(original: Path, dtype: str, device: str | None) -> Setup:
    """Return type and device; `auto` is float32 where it fits: it adds no rounding of its own."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if dtype == "auto":
        free = torch.cuda.mem_get_info()[0] if device == "cuda" else available_memory()
        # Weights come in two bytes each, float32 takes four.
        fits = 2 * weight_bytes(original) < FLOAT32_SHARE * free
        dtype = "float32" if fits else "float16" if device == "cuda" else "bfloat16"
    return Setup(getattr(torch, dtype), device)


def score_original(
    folder: Path, setup: Setup, pieces: Sequence[Window], store: Path, progress: Progress
) -> ModelRun:
    """Write the original's logits of every position that has a next token to `store`."""
    progress(f"Loading the original, {folder} ...")
    model, scored = _timed_load(folder, setup)
    vocabulary = model.config.vocab_size
    positions = sum(len(piece.ids) - 1 for piece in pieces)
    needed, free = 4 * vocabulary * positions, shutil.disk_usage(store.parent).free
    if needed > free:
        raise CompareError(
            f"the comparison needs {needed >> 20} MiB in {store.parent.parent}, which has "
            f"{free >> 20}: free some, or set TMPDIR to a larger disk."
        )
    kept = np.memmap(store, np.float32, "w+", shape=(positions, vocabulary))
    at = 0
    for _, logits in _run(model, setup, pieces, scored, "original", progress):
        kept[at : at + len(logits)] = logits.float().cpu().numpy()
        at += len(logits)
    kept.flush()
    return scored


def score_quantized(
    folder: Path, setup: Setup, pieces: Sequence[Window], store: Path, progress: Progress
) -> tuple[dict[str, Distance], ModelRun]:
    """Return the distances by domain from the logits in `store`."""
    progress(f"Loading the quantized model, {folder} ...")
    model, scored = _timed_load(folder, setup)
    positions = sum(len(piece.ids) - 1 for piece in pieces)
    distances = {piece.domain: Distance() for piece in pieces}
    kept: Logits | None = None
    at = 0
    with overflow.watch(model) as scored.peaks:
        for index, logits in _run(model, setup, pieces, scored, "quantized model", progress):
            if kept is None:
                kept = _stored(store, positions, logits.shape[-1])
            targets = torch.tensor(pieces[index].ids[1:])
            for start in range(0, len(logits), CHUNK):
                part = slice(start, start + CHUNK)
                rows = torch.tensor(kept[at + start : at + len(logits)][:CHUNK])
                distances[pieces[index].domain].add(
                    rows, logits[part].cpu(), targets[part], window=index, start=start
                )
            at += len(logits)
    return distances, scored


def _stored(store: Path, positions: int, vocabulary: int) -> Logits:
    if store.stat().st_size != 4 * positions * vocabulary:
        raise CompareError(
            f"the quantized model's vocabulary ({vocabulary}) is not the original's: compare a "
            "model with the one it was made from."
        )
    return np.memmap(store, np.float32, "r", shape=(positions, vocabulary))


def _timed_load(folder: Path, setup: Setup) -> tuple["PreTrainedModel", ModelRun]:
    start = time.perf_counter()
    model = load(folder, setup.dtype, setup.device)
    return model, ModelRun(time.perf_counter() - start)


def _run(
    model: "PreTrainedModel",
    setup: Setup,
    pieces: Sequence[Window],
    scored: ModelRun,
    what: str,
    tell: Progress,
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield each window's logits but the last position's, which nothing follows."""
    total = sum(len(piece.ids) for piece in pieces)
    told = time.monotonic()
    for index, piece in enumerate(pieces):
        start = time.perf_counter()
        with torch.inference_mode():
            ids = torch.tensor([piece.ids], device=setup.device)
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
        scored.seconds += time.perf_counter() - start
        scored.tokens += len(piece.ids)
        yield index, logits
        if time.monotonic() - told > 5:
            told = time.monotonic()
            left = (total - scored.tokens) * scored.seconds / scored.tokens
            tell(f"  {what}: {scored.tokens} of {total} tokens scored, {left:.0f} s left")
