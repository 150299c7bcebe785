"""Fits the families of generated shapes to recorded ones.

Run as `python -m validation.simulation.fit_shapes --recorded RECORDED.jsonl.gz`.

Covers: one family per recorded problem, by maximum likelihood: shares are counted, the mixtures of
log-normals are fitted by expectation maximisation (Dempster, Laird and Rubin, 1977) to the
logarithms of the token counts, the tail's exponent to the answers' ranks; and how close a run on
generated shapes comes to one on the recorded ones. Does not cover: how many components a mixture
should have; two separate short conclusions from long ones, a third those that the limit cut off.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from common.console import user_errors
from common.files import write_json
from kernel.config import Config
from validation.simulation.costs import T4, Costs, Layout
from validation.simulation.generated_shapes import FAMILIES, LONGEST, Family, Mixture, generate
from validation.simulation.model_shape import NUMINA
from validation.simulation.run import START_SECONDS, simulate
from validation.simulation.shapes import ShapedProblem, ShapesError, draw, load_shapes

COMPONENTS = 3
FREQUENT = 8
"""Wrong answers with shares of their own; votes are decided among them."""
STEPS = 300
SEEDS = range(5)
"""Of the runs that are compared."""

Row = dict[str, Any]


@dataclass
class FitShapesOptions:
    """Fit families of shapes to recorded ones, and say how close they come."""

    recorded: Path
    """JSONL, may be gzipped: problem_id, gold, answer, generated_tokens, output_tokens."""
    source: str
    """What the transcripts are, in words, for the file."""
    out: Path = FAMILIES
    """The file written."""


def fitted_mixture(tokens: Sequence[int]) -> tuple[Mixture, NDArray[np.float64]]:
    """Return the mixture, and for each token count what each component has to do with it."""
    logs = np.log(np.clip(np.asarray(tokens, float), 1, LONGEST))
    means = np.quantile(logs, (np.arange(COMPONENTS) + 0.5) / COMPONENTS)
    deviations = np.full(COMPONENTS, logs.std() / 2 + 0.1)
    weights = np.full(COMPONENTS, 1 / COMPONENTS)
    belongs = np.empty((len(logs), COMPONENTS))
    for _ in range(STEPS):
        density = weights / deviations * np.exp(-0.5 * ((logs[:, None] - means) / deviations) ** 2)
        belongs = density / np.maximum(density.sum(axis=1, keepdims=True), 1e-300)
        sizes = np.maximum(belongs.sum(axis=0), 1e-9)
        weights, means = sizes / len(logs), (belongs * logs[:, None]).sum(axis=0) / sizes
        squares = (belongs * (logs[:, None] - means) ** 2).sum(axis=0)
        # Small counts come in steps: without a floor a component shrinks onto one of them.
        deviations = np.maximum(np.sqrt(squares / sizes), 0.1)
    parts = (tuple(round(float(v), 3) for v in values) for values in (weights, means, deviations))
    return Mixture(*parts), belongs


def fitted_family(rows: Sequence[Row]) -> Family:
    """Return the family of one problem's rows."""
    alone = [row for row in rows if len(row["generated_tokens"]) == 1]
    several = [row for row in rows if len(row["generated_tokens"]) > 1]
    only, only_belongs = fitted_mixture([row["generated_tokens"][0] for row in alone])
    last, last_belongs = fitted_mixture([row["generated_tokens"][-1] for row in several])
    between = [tokens for row in several for tokens in row["generated_tokens"][1:-1]]
    output = [tokens for row in several for tokens in row["output_tokens"]]
    answers = Counter(row["answer"] for row in rows if row["answer"])
    given, right = answers.total(), answers.pop(str(rows[0]["gold"]), 0)
    ranked = [count for _, count in answers.most_common()]
    return Family(
        more=_more([len(row["generated_tokens"]) for row in rows]),
        only=only,
        first=fitted_mixture([row["generated_tokens"][0] for row in several])[0],
        between=fitted_mixture(between)[0],
        last=last,
        output=fitted_mixture(output)[0],
        unanswered_only=_unanswered(alone, only_belongs),
        unanswered_last=_unanswered(several, last_belongs),
        right=round(right / given, 4),
        wrong=tuple(round(count / given, 4) for count in ranked[:FREQUENT]),
        tail=len(ranked[FREQUENT:]),
        tail_exponent=_exponent(ranked[FREQUENT:]),
    )


def _more(counts: Sequence[int]) -> tuple[float, float, float]:
    """Return the probabilities of a second generation, of a third, and of each further one."""
    reached = Counter(number for count in counts for number in range(1, count + 1))
    further = sum(reached[number] for number in reached if number > 3)
    followed = sum(reached[number] for number in reached if number > 2)
    shares = (reached[2] / reached[1], reached[3] / reached[2], further / followed)
    return tuple(round(share, 4) for share in shares)  # pyright: ignore[reportReturnType]


def _unanswered(rows: Sequence[Row], belongs: NDArray[np.float64]) -> tuple[float, ...]:
    missing = np.array([not row["answer"] for row in rows], float)
    shares = (belongs * missing[:, None]).sum(axis=0) / np.maximum(belongs.sum(axis=0), 1e-9)
    return tuple(round(float(share), 4) for share in shares)


def _exponent(counts: Sequence[int]) -> float:
    """Return the exponent by which a share falls with its rank, of maximum likelihood."""
    logs = np.log(np.arange(1, len(counts) + 1) + FREQUENT)
    weights = np.asarray(counts, float)
    exponents = np.arange(0, 10, 0.005)
    norms = np.log(np.exp(-np.outer(exponents, logs)).sum(axis=1))
    return round(
        float(exponents[(exponents * (weights @ logs) + weights.sum() * norms).argmin()]), 3
    )


def quantities(problems: Sequence[ShapedProblem]) -> dict[str, float]:
    """Return what a run depends on, of shapes of whatever origin."""
    config = Config()
    shapes = [shape for problem in problems for shape in problem.shapes]
    tokens = np.array([sum(shape.generated) for shape in shapes])
    run = simulate(list(problems), config, Costs(T4, NUMINA, Layout(2, 1, 8)))
    quantiles = {
        f"tokens_{share}": float(np.quantile(tokens, share / 100)) for share in (5, 25, 50, 75, 95)
    }
    return {
        "tokens_mean": float(np.minimum(tokens, LONGEST).mean()),
        **quantiles,
        "blocks_mean": float(np.mean([len(shape.outputs) for shape in shapes])),
        "answered": float(np.mean([bool(shape.answer) for shape in shapes])),
        "leading_share": float(np.mean([_leading(problem) for problem in problems])),
        "hours": run.hours - START_SECONDS / 3600,
        "tokens_until_decided": run.tokens / len(problems),
        "half_empty_share": run.occupancy.half_empty_share,
    }


def _leading(problem: ShapedProblem) -> float:
    """Return the share of the candidates that the most frequent answer has."""
    answers = Counter(shape.answer for shape in problem.shapes if shape.answer)
    return answers.most_common(1)[0][1] / len(problem.shapes) if answers else 0.0


def nearness(recorded: dict[str, list[Row]], of: Sequence[Family]) -> dict[str, dict[str, float]]:
    """Return each quantity on recorded and on generated shapes, fifty problems a seed."""
    size = 50, Config().candidates
    both = {
        "recorded": [quantities(draw(recorded, *size, seed)) for seed in SEEDS],
        "generated": [quantities(generate(*size, seed, of)) for seed in SEEDS],
    }
    found: dict[str, dict[str, float]] = {}
    for name in both["recorded"][0]:
        means = {k: round(float(np.mean([q[name] for q in v])), 4) for k, v in both.items()}
        spread = float(np.std([q[name] for q in both["recorded"]], ddof=1))
        found[name] = {**means, "deviation_between_seeds": round(spread, 4)}
    return found


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(FitShapesOptions)
    with user_errors(ShapesError):
        recorded = load_shapes(options.recorded)
        fitted = [fitted_family(recorded[name]) for name in sorted(recorded)]
        near = nearness(recorded, fitted)
        about = {
            "fitted_to": options.source,
            "transcripts": sum(map(len, recorded.values())),
            "nearness": near,
            "families": [asdict(family) for family in fitted],
        }
        write_json(options.out, about)
    for name, values in near.items():
        print(f"{name:<24}" + "".join(f"{value:>12.4g}" for value in values.values()))
    print(options.out)


if __name__ == "__main__":
    main()
