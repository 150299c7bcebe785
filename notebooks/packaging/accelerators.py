"""The machines that Kaggle offers, by the name that `kaggle.toml` gives them.

Covers: what Kaggle's service calls each machine, the wheels that are made for it, and what it
consists of. Does not cover: which of them a competition offers: Kaggle says so when the notebook is
pushed.

Sources: the names of machine shapes are those in the client's documentation (February 2026); GPUs
and hours are those of the competitions that offered them (AIMO-1: two T4s for nine hours; AIMO-2:
four L4s, AIMO-3: an H100, five hours each).
"""

from dataclasses import dataclass
from typing import Literal

AcceleratorName = Literal["t4x2", "l4x4", "h100"]


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One kind of machine."""

    name: AcceleratorName
    machine_shape: str
    """As the service calls it."""
    wheels: Literal["t4x2", "h100"]
    """The wheels' profile."""
    gpus: int
    gpu: str
    """As `make plan` calls it."""
    hours: float
    """The longest a scored run may take where it is lent."""


ACCELERATORS: dict[str, Accelerator] = {
    kind.name: kind
    for kind in (
        Accelerator("t4x2", "NvidiaTeslaT4", "t4x2", 2, "T4", 9.0),
        # The same wheels: vLLM 0.18.1 has an L4's kernels, and the image is the same.
        Accelerator("l4x4", "NvidiaL4", "t4x2", 4, "L4", 5.0),
        Accelerator("h100", "NvidiaH100", "h100", 1, "H100", 5.0),
    )
}
