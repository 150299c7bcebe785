"""Whether activations fit float16, the only 16-bit type of a T4.

Covers: the largest magnitude that enters or leaves any module while a model scores text in a wider
type, by decoder layer, against 65,504. Does not cover: sums inside a GPU kernel (they are kept in
float32), texts that were not scored.
"""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.hooks import RemovableHandle

from quantize.comparison.records import Overflow

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FLOAT16_MAX = 65504.0
_LAYER = re.compile(r"^(.*?\.layers\.\d+)(\.|$)")


class Peaks:
    """The largest magnitudes seen, by module name."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}

    def note(self, name: str, values: Any) -> None:
        """Take in a module's input or output; anything but floating tensors is passed over."""
        if isinstance(values, torch.Tensor):
            if values.is_floating_point() and values.numel():
                # One pass without a copy: an eighth of what `abs().max()` takes on a CPU.
                low, high = (end.item() for end in values.detach().aminmax())
                peak = max(-low, high)
                # A value that is not a number compares as neither larger nor smaller.
                peak = float("inf") if peak != peak else peak
                self.seen[name] = max(self.seen.get(name, 0.0), peak)
        elif isinstance(values, tuple | list):
            for value in values:  # pyright: ignore[reportUnknownVariableType]
                self.note(name, value)

    def result(self) -> Overflow:
        """Return the largest, and each layer's.

        Raises:
            ValueError: the model has not run.
        """
        if not self.seen:
            raise ValueError("no activations were seen: score a text first.")
        layers: dict[str, float] = {}
        for name, peak in self.seen.items():
            match = _LAYER.match(name)
            layer = match[1] if match else name
            layers[layer] = max(layers.get(layer, 0.0), peak)
        module = max(self.seen, key=self.seen.__getitem__)
        largest = self.seen[module]
        return Overflow(largest, module, largest / FLOAT16_MAX, layers)


@contextmanager
def watch(model: "PreTrainedModel") -> Generator[Peaks]:
    """Note what passes through the model's layers and their parts while the context lasts."""
    peaks = Peaks()
    hooks: list[RemovableHandle] = []

    def hook(name: str) -> Callable[[torch.nn.Module, Any, Any], None]:
        def note(module: torch.nn.Module, inputs: Any, outputs: Any) -> None:
            peaks.note(name, inputs)
            peaks.note(name, outputs)

        return note

    for name, module in model.named_modules():
        # Leaves, and the decoder layers themselves, whose output is the residual stream.
        if not list(module.children()) or _LAYER.fullmatch(name):
            hooks.append(module.register_forward_hook(hook(name)))
    try:
        yield peaks
    finally:
        for handle in hooks:
            handle.remove()
