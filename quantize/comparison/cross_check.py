"""Checks a GPTQ folder's logits against those of AutoGPTQ's own reader, where it is installed.

Covers: laying the folder out for transformers 4.41, running the reader in its environment on the
CPU, the difference between its logits and those of `load`. Does not cover: making the environment
(`python -m quantize.environments.environment auto-gptq`), other kinds of weights.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from quantize.calibration import heldout
from quantize.comparison.load import load, quantization
from quantize.comparison.scoring import weight_bytes
from quantize.environments import environment
from quantize.estimate import GIB, available_memory
from quantize.recipes.checkpoint import readable

ROOT = Path(__file__).resolve().parents[2]
NAME = "auto-gptq"
MEMORY_FACTOR = 5
"""Memory over the size of 8-bit weights: four bytes a weight, and room to read them."""
TOKENS = 256
"""Enough to pass through every weight; two readers differ everywhere or nowhere."""
TOLERANCE = 1e-2
"""Of a logit: both compute in float32 from the same integers, and were measured to differ by less
than 1e-4. A misread group or zero point moves logits by whole numbers."""


class CrossCheckError(RuntimeError):
    """The reader failed; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """What the other reader said."""

    ran: bool
    reason: str = ""
    """Why it did not, "" where it did."""
    tokens: int = 0
    largest_logit_difference: float = 0.0
    top1: float = 0.0
    """Share of positions where both rank the same token first."""
    agrees: bool = False
    """Whether the difference is within what float16 explains."""

    def to_json(self) -> dict[str, Any]:
        """Return what `json.dump` takes."""
        return asdict(self)

    def sentence(self) -> str:
        """Return what a build prints."""
        if not self.ran:
            return f"Not cross-checked: {self.reason}"
        verdict = "agrees" if self.agrees else "DISAGREES"
        return (
            f"AutoGPTQ's reader {verdict}: over {self.tokens} tokens no logit differs by more "
            f"than {self.largest_logit_difference:.4f}, first choices agree in {self.top1:.1%}."
        )


def cross_check(folder: Path) -> CrossCheck:
    """Compare both readers on this package's first held-out texts.

    Args:
        folder: a finished model folder.

    Raises:
        CrossCheckError: the reader failed.
    """
    if quantization(folder).get("quant_method") != "gptq":
        return CrossCheck(False, "AutoGPTQ reads GPTQ weights only.")
    if not environment.ready(NAME):
        command = f"python -m quantize.environments.environment {NAME}"
        return CrossCheck(False, f"AutoGPTQ is not installed: `{command}` makes its environment.")
    if available_memory() < (needed := MEMORY_FACTOR * weight_bytes(folder)):
        gib = needed / GIB
        return CrossCheck(False, f"reading it in float32 takes about {gib:.0f} GiB of memory.")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    pieces = heldout.windows(heldout.own()[:4], tokenizer, TOKENS // 2, TOKENS)
    ids = [list(piece.ids) for piece in pieces]
    theirs = _their_logits(folder, ids)
    return judged(_our_logits(folder, ids), theirs)


def judged(ours: torch.Tensor, theirs: torch.Tensor) -> CrossCheck:
    """Return the verdict on two sets of logits (positions by vocabulary)."""
    difference = (ours - theirs).abs().max().item()
    same = (ours.argmax(-1) == theirs.argmax(-1)).float().mean().item()
    # Written so that a difference that is not a number does not agree.
    return CrossCheck(True, "", len(ours), difference, same, bool(difference <= TOLERANCE))


def _our_logits(folder: Path, ids: Sequence[Sequence[int]]) -> torch.Tensor:
    model = load(folder)
    with torch.inference_mode():
        return torch.cat([model(torch.tensor([window])).logits[0] for window in ids])


def _their_logits(folder: Path, ids: Sequence[Sequence[int]]) -> torch.Tensor:
    """Run the reader in its environment.

    Raises:
        CrossCheckError: it ended with an error.
    """
    with tempfile.TemporaryDirectory(prefix="cross-check-") as name:
        room = Path(name)
        view = _legacy_view(folder, room / "model")
        (room / "ids.json").write_text(json.dumps(ids), "utf-8")
        program = [str(environment.python(NAME)), "-m", "quantize.comparison.auto_gptq_reader"]
        done = subprocess.run(
            [*program, str(view), str(room / "ids.json"), str(room / "logits.npy")],
            cwd=ROOT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise CrossCheckError(f"AutoGPTQ's reader failed: {lines[-1]}")
        return torch.tensor(np.load(room / "logits.npy"))


def _legacy_view(folder: Path, view: Path) -> Path:
    """Lay the folder out for transformers 4.41 and AutoGPTQ: weights linked, settings beside."""
    view.mkdir()
    for path in (*folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")):
        (view / path.name).symlink_to(path.resolve())
    config = readable(json.loads((folder / "config.json").read_text("utf-8")))
    for key in ("quantization_config", "rope_parameters"):
        config.pop(key, None)
    (view / "config.json").write_text(json.dumps(config), "utf-8")
    kept = quantization(folder)
    known = ("bits", "group_size", "sym", "desc_act", "checkpoint_format", "quant_method")
    settings = {key: kept[key] for key in known if key in kept}
    (view / "quantize_config.json").write_text(json.dumps(settings), "utf-8")
    return view


def main() -> int:
    """Check the folder named on the command line; 1 where the readers disagree."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "config.json").is_file():
        print(
            "Name one model folder: python -m quantize.comparison.cross_check FOLDER",
            file=sys.stderr,
        )
        return 2
    try:
        found = cross_check(Path(sys.argv[1]))
    except CrossCheckError as error:
        print(error, file=sys.stderr)
        return 1
    print(found.sentence())
    return int(found.ran and not found.agrees)


if __name__ == "__main__":
    sys.exit(main())
