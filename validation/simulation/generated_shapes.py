"""Generated shapes: candidates whose lengths and answers follow stated distributions.

Covers: as many problems and candidates as are asked for, the same for the same seed, from the
families of `shape_families.json`: each is fitted to one recorded problem (`fit_shapes`). Does not
cover: texts, and what problems of another kind or another model's candidates would look like.

A family says of one problem's candidates, each independent of the others:

- generations: one with the probability `1 - more[0]`; of those with a second one a share `more[1]`
  has a third, and from there on each is followed by another with the probability `more[2]`;
- tokens of a generation: a mixture of log-normals, one for the only generation of a candidate, the
  first of several, one between two outputs, and the last; of an output likewise. A candidate's
  generations together end at `LONGEST`;
- no answer: with a probability that belongs to the component from which the length of the last
  generation was drawn, since a text that was cut off has boxed nothing;
- the answer: the truth with the probability `right`; a frequent wrong one with its share; else one
  of a tail in which the share of rank r falls as r to the power of `-tail_exponent`.

Problems take the families in turn, each with a truth and wrong answers of its own.
"""

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from validation.simulation.shapes import Shape, ShapedProblem

FAMILIES = Path(__file__).parent / "shape_families.json"
"""Written by `validation.simulation.fit_shapes`."""
LONGEST = 2500
"""Tokens of a candidate: the recorded ones' limit."""
ANSWERS = 1000
"""AIMO-1's range: wrong answers are drawn from it."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of log-normal distributions of token counts."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    """Of the tokens' logarithms."""
    deviations: tuple[float, ...]

    def draw(self, choose: random.Random) -> tuple[int, int]:
        """Return a number of tokens, and the component that it is drawn from."""
        (part,) = choose.choices(range(len(self.weights)), self.weights)
        logarithm = choose.gauss(self.means[part], self.deviations[part])
        return max(1, round(math.exp(min(logarithm, math.log(LONGEST))))), part


@dataclass(frozen=True, slots=True)
class Family:
    """How one problem's candidates are distributed; see the module."""

    more: tuple[float, float, float]
    only: Mixture
    first: Mixture
    between: Mixture
    last: Mixture
    output: Mixture
    unanswered_only: tuple[float, ...]
    """By component of `only`."""
    unanswered_last: tuple[float, ...]
    """By component of `last`."""
    right: float
    """Of the answers given; so are the shares."""
    wrong: tuple[float, ...]
    """Shares of the most frequent wrong answers."""
    tail: int
    """Further wrong answers."""
    tail_exponent: float

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Family":
        """Return a family from JSON."""
        found: dict[str, Any] = {}
        for each in fields(cls):
            value = values[each.name]
            if isinstance(value, dict):
                parts = cast(dict[str, list[float]], value)
                value = Mixture(*(tuple(parts[part.name]) for part in fields(Mixture)))
            is_list = isinstance(value, list)
            found[each.name] = tuple(cast(list[Any], value)) if is_list else value
        return cls(**found)

    def shares(self) -> list[float]:
        """Return the shares of all answers: the truth's, the frequent wrong ones', the tail's."""
        rest = max(0.0, 1 - self.right - sum(self.wrong))
        known = len(self.wrong)
        tail = [(known + rank) ** -self.tail_exponent for rank in range(1, self.tail + 1)]
        return [self.right, *self.wrong, *(rest * each / sum(tail) for each in tail)]


@cache
def families(path: Path = FAMILIES) -> tuple[Family, ...]:
    """Return the fitted families."""
    return tuple(map(Family.of, json.loads(path.read_text("utf-8"))["families"]))


def generate(
    problems: int, candidates: int, seed: int, of: Sequence[Family] | None = None
) -> list[ShapedProblem]:
    """Return a run's problems with their candidates.

    Args:
        problems: how many; they take the families in turn.
        candidates: of each problem.
        seed: another seed, other problems.
        of: the families; the fitted ones if not given.
    """
    known = of or families()
    made: list[ShapedProblem] = []
    for number in range(problems):
        choose = random.Random(f"{seed}/{number}")
        family = known[number % len(known)]
        shares = list(accumulate(family.shares()))
        names = choose.sample(range(ANSWERS), len(shares))
        shapes = tuple(_shape(family, shares, names, choose) for _ in range(candidates))
        made.append(ShapedProblem(f"{number}", names[0], shapes))
    return made


def _shape(
    family: Family, shares: Sequence[float], names: Sequence[int], choose: random.Random
) -> Shape:
    count = _generations(family.more, choose)
    if count == 1:
        tokens, part = family.only.draw(choose)
        generated, unanswered = [tokens], family.unanswered_only[part]
    else:
        generated = [family.first.draw(choose)[0]]
        generated += [family.between.draw(choose)[0] for _ in range(count - 2)]
        tokens, part = family.last.draw(choose)
        generated, unanswered = [*generated, tokens], family.unanswered_last[part]
    generated = _within(generated)
    outputs = tuple(family.output.draw(choose)[0] for _ in generated[1:])
    answer = ""
    if len(generated) == count and choose.random() >= unanswered:
        answer = str(choose.choices(names, cum_weights=shares)[0])
    return Shape(tuple(generated), outputs, answer)


def _generations(more: tuple[float, float, float], choose: random.Random) -> int:
    count = 1
    while choose.random() < more[min(count, len(more)) - 1]:
        count += 1
    return count


def _within(generated: Sequence[int]) -> list[int]:
    """Return the generations up to the limit; the one that reaches it is cut off there."""
    kept: list[int] = []
    for tokens in generated:
        left = LONGEST - sum(kept)
        if left <= 0:
            break
        kept.append(min(tokens, left))
    return kept
