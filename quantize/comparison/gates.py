"""What a quantized model must achieve before it is written: the gates of each recipe, as data.

Covers: the limits and one sentence for each one missed. Does not cover: measuring (`compare`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quantize.comparison.records import Comparison


@dataclass(frozen=True)
class Gates:
    """Limits on the figures of one domain; a limit reached exactly is kept."""

    perplexity_ratio: float
    """At most."""
    mean_kl: float
    """Nats a token, at most."""
    top1: float
    """At least."""
    domain: str = "maths"
    overflow_share: float = 1.0
    """Largest activation over float16's largest number: below this."""


GPTQ = Gates(perplexity_ratio=1.005, mean_kl=1.5e-3, top1=0.985)

GATES: Mapping[str, Gates] = {
    "gptq": GPTQ,
    "auto-gptq": GPTQ,
    "w8a8": Gates(perplexity_ratio=1.04, mean_kl=5e-2, top1=0.89),
    "bnb": Gates(perplexity_ratio=1.04, mean_kl=4e-2, top1=0.91),
    "round-to-nearest": Gates(perplexity_ratio=1.02, mean_kl=3e-3, top1=0.965),
}
"""By recipe. Those of the last three are what the embedded model was measured to reach (mean KL and
agreement 3.3e-2 and 91.2%, 1.8e-2 and 94.7%, 1.6e-3 and 97.7%) with room for other texts: they stop
a broken checkpoint, not a mediocre one. Both int8 recipes round activations, too, and this model
has a few huge ones. `make quantize` takes stricter gates.
"""


def failures(comparison: Comparison, gates: Gates | None = None) -> list[str]:
    """Return a sentence for each figure that misses its gate, none where all are kept.

    Args:
        comparison: what was measured; its recipe says which gates hold.
        gates: others than the recipe's; a recipe without any is held to none.
    """
    gates = gates or GATES.get(comparison.recipe)
    if gates is None:
        return []
    found = comparison.domain(gates.domain)
    missed: list[str] = []
    # Written so that a figure that is not a number misses its gate, too.
    if not found.perplexity_ratio <= gates.perplexity_ratio:
        missed.append(_at_most("perplexity ratio", found.perplexity_ratio, gates.perplexity_ratio))
    if not found.mean_kl <= gates.mean_kl:
        missed.append(_at_most("mean KL", found.mean_kl, gates.mean_kl))
    if not found.top1 >= gates.top1:
        missed.append(f"top-1 agreement is {found.top1:.2%}, but must be {gates.top1:.2%} or more.")
    missed = [f"On {gates.domain}, the {sentence}" for sentence in missed]
    over = comparison.overflow
    if over and not over.share < gates.overflow_share:
        missed.append(
            f"The largest activation is {over.largest:.0f} in {over.module}, but float16 ends at "
            "65504: a T4 would compute infinities."
        )
    return missed


def _at_most(name: str, value: float, limit: float) -> str:
    return f"{name} is {value:.4g}, but must be at most {limit:.4g}."
