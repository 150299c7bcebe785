"""What a comparison of two models says: records that go to JSON and back.

Covers: the figures of a quantized model against its original, per domain and as a whole. Does not
cover: measuring them (`compare`), judging them (`gates`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class WorstToken:
    """One position where the two models differ most."""

    kl: float
    """Nats, original against quantized."""
    before: str
    """The text that leads up to it."""
    token: str
    """What follows it in the text."""
    original: str
    """What the original would have written."""
    quantized: str
    """What the quantized model would have written."""


@dataclass(frozen=True)
class Domain:
    """The figures on one kind of text; KL divergences are nats a token, original first."""

    name: str
    """`maths` (the domain that gates look at) or `general`."""
    texts: str
    """SHA-256 of the texts that were scored."""
    tokens: int
    """Positions scored."""
    original_perplexity: float
    quantized_perplexity: float
    perplexity_ratio: float
    """Quantized over original: above 1 is worse."""
    mean_kl: float
    p99_kl: float
    top1: float
    """Share of positions where both models rank the same token first."""
    largest_logit_difference: float
    """Over all positions and the whole vocabulary."""
    worst: tuple[WorstToken, ...] = ()
    """The ten positions of largest KL, worst first."""


@dataclass(frozen=True)
class Cost:
    """What it takes to keep and run one model here; times are seconds on this machine."""

    bytes: int
    """Of its safetensors files."""
    load_seconds: float
    tokens_per_second: float
    """Scored tokens, not generated ones; a dequantized model runs at its original's speed."""


@dataclass(frozen=True)
class Overflow:
    """The largest activations against float16's range, on the scored texts."""

    largest: float
    """Magnitude over all modules."""
    module: str
    """Whose input or output it is."""
    share: float
    """`largest` over float16's 65,504; 1 and above overflows."""
    layers: Mapping[str, float] = field(default_factory=dict[str, float])
    """Largest magnitude by decoder layer (`model.layers.0`) and outermost module (`lm_head`)."""


@dataclass(frozen=True)
class Comparison:
    """A quantized model against its original."""

    recipe: str
    dtype: str
    """What both were computed in."""
    device: str
    domains: tuple[Domain, ...]
    original: Cost
    quantized: Cost
    size_ratio: float
    """Bytes, quantized over original."""
    overflow: Overflow | None = None
    """None where it was not looked at."""

    def domain(self, name: str) -> Domain:
        """Return one domain's figures.

        Raises:
            KeyError: it was not compared.
        """
        for domain in self.domains:
            if domain.name == name:
                return domain
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Return what `json.dump` takes."""
        return asdict(self)


def from_json(value: Mapping[str, Any]) -> Comparison:
    """Return the Comparison that `to_json` gave, also after a round through a file."""
    domains = tuple(
        replace(Domain(**domain), worst=tuple(WorstToken(**token) for token in domain["worst"]))
        for domain in value["domains"]
    )
    overflow = value.get("overflow")
    return replace(
        Comparison(**value),
        domains=domains,
        original=Cost(**value["original"]),
        quantized=Cost(**value["quantized"]),
        overflow=None if overflow is None else Overflow(**overflow),
    )
