"""What a build can be asked for, and the defaults that depend on it.

Covers: the command's options, and the choices that depend on the model (samples, texts, gates).
Does not cover: checking the model (`check`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from quantize.calibration import samples as calibration
from quantize.comparison import gates
from quantize.comparison.gates import Gates
from quantize.environments import environment, running
from quantize.source.check import InputError, Source
from quantize.workplace import fingerprint, recipe_digest

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = 256
EMBEDDED_SAMPLES = 24
"""For the embedded model, on a CPU: what a build of under ten minutes has time for."""


@dataclass
class QuantizeOptions:
    """Quantize a model to 8 bit and write it as a Kaggle dataset, measured and checked."""

    model: str = ""
    """Folder or hub id of an unquantized model; the embedded one if not given."""
    recipe: Literal["gptq", "w8a8", "bnb", "round-to-nearest", "auto-gptq"] = "gptq"
    """The recipe; gptq is for T4s, w8a8 also runs on a CPU."""
    samples: int | None = None
    """Number of calibration conversations: 256, or 24 for the embedded model."""
    calibration: str = ""
    """A JSONL file, AI-MO/NuminaMath-TIR or own; for the embedded model own if not given."""
    heldout: str = ""
    """JSONL of held-out TIR conversations, or numina; this package's own texts if not given."""
    seed: int = 0
    """Decides which conversations are drawn."""
    gate_perplexity_ratio: float | None = None
    """The highest perplexity ratio allowed; the recipe's own gate if not given."""
    gate_mean_kl: float | None = None
    """The highest mean KL allowed, in nats per token."""
    gate_top1: float | None = None
    """The lowest top-1 agreement allowed, as a share."""
    out: Path = ROOT / "dist/model"
    """The folder to write; it must not exist yet."""
    work: Path | None = None
    """Where unfinished work is kept; runs/quantize/RECIPE if not given."""
    solve: bool = True
    """Solve one problem with the finished model, if this machine's engine can load it."""

    @property
    def conversations(self) -> str:
        """Where the calibration comes from."""
        return self.calibration or (calibration.HUB if self.model else calibration.OWN)

    @property
    def count(self) -> int:
        """How many conversations to calibrate with.

        Raises:
            InputError: less than one is asked for.
        """
        if self.samples is not None and self.samples < 1:
            raise InputError(f"SAMPLES is {self.samples}: set it to at least 1.")
        return self.samples or (SAMPLES if self.model else EMBEDDED_SAMPLES)

    @property
    def workplace(self) -> Path:
        """Where unfinished work is kept."""
        return (self.work or ROOT / "runs/quantize" / self.recipe).resolve()

    @property
    def gates(self) -> Gates:
        """The recipe's gates with what is set here."""
        chosen = {
            "perplexity_ratio": self.gate_perplexity_ratio,
            "mean_kl": self.gate_mean_kl,
            "top1": self.gate_top1,
        }
        set_here = {name: value for name, value in chosen.items() if value is not None}
        return replace(gates.GATES[self.recipe], **set_here)

    def key(self, source: Source) -> Mapping[str, Any]:
        """Return what the results depend on; with another key everything starts over."""
        named = running.RECIPES[self.recipe].environment
        local = Path(self.conversations)
        return {
            "recipe": self.recipe,
            "model": str(source.folder.resolve()),
            "files": fingerprint(source),
            "calibration": self.conversations,
            "changed": local.stat().st_mtime_ns if local.is_file() else 0,
            "samples": self.count,
            "seed": self.seed,
            "heldout": self.heldout,
            "code": recipe_digest(environment.folder(named) if named else None),
        }
