"""How far one model's logits are from another's, position by position, in bounded memory.

Covers: KL divergence, perplexities, agreement and the worst positions of a stream of chunks; only
one number per position is kept. Does not cover: where the logits come from (`compare`).
"""

import heapq
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

WORST = 10
"""Positions kept in full."""
P99 = 0.99


class Position(NamedTuple):
    """One of the worst positions; sorts by its divergence."""

    kl: float
    window: int
    offset: int
    """Index of the predicting token in its window."""
    original: int
    """The original's first choice."""
    quantized: int


@dataclass
class Distance:
    """Collects the figures of one domain; `add` chunks in any order."""

    kls: list[float] = field(default_factory=list[float])
    original_nll: float = 0.0
    quantized_nll: float = 0.0
    agreed: int = 0
    largest: float = 0.0
    _worst: list[Position] = field(default_factory=list[Position])

    def add(
        self,
        original: torch.Tensor,
        quantized: torch.Tensor,
        targets: torch.Tensor,
        *,
        window: int = 0,
        start: int = 0,
    ) -> None:
        """Take in one chunk: logits (positions by vocabulary) and the tokens that followed."""
        first, second = original.float(), quantized.float()
        self.largest = max(self.largest, (first - second).abs().max().item())
        choices, others = first.argmax(-1), second.argmax(-1)
        self.agreed += int((choices == others).sum())
        log_p, log_q = first.log_softmax(-1), second.log_softmax(-1)
        rows = torch.arange(len(targets), device=targets.device)
        self.original_nll -= log_p[rows, targets].double().sum().item()
        self.quantized_nll -= log_q[rows, targets].double().sum().item()
        # Rounding may leave a hair below zero where both models agree.
        divergence = (log_p.exp() * (log_p - log_q)).sum(-1, dtype=torch.float64).clamp(min=0)
        kls: list[float] = divergence.numpy().tolist()
        self.kls += kls
        for row in sorted(range(len(kls)), key=kls.__getitem__)[-WORST:]:
            item = Position(kls[row], window, start + row, int(choices[row]), int(others[row]))
            heapq.heappush(self._worst, item)
            if len(self._worst) > WORST:
                heapq.heappop(self._worst)

    @property
    def tokens(self) -> int:
        """Positions taken in."""
        return len(self.kls)

    @property
    def mean_kl(self) -> float:
        """Nats a token."""
        return math.fsum(self.kls) / self.tokens

    @property
    def p99_kl(self) -> float:
        """Nats: the smallest divergence that 99% of the positions do not exceed."""
        return sorted(self.kls)[math.ceil(P99 * self.tokens) - 1]

    @property
    def top1(self) -> float:
        """Share of positions with the same first choice."""
        return self.agreed / self.tokens

    @property
    def original_perplexity(self) -> float:
        """Of the text under the original."""
        return math.exp(self.original_nll / self.tokens)

    @property
    def quantized_perplexity(self) -> float:
        """Of the text under the quantized model."""
        return math.exp(self.quantized_nll / self.tokens)

    @property
    def worst(self) -> list[Position]:
        """The positions of largest divergence, worst first."""
        return sorted(self._worst, reverse=True)
