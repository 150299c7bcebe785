"""Generated shapes: the same for a seed, as their families say, near what they are fitted to."""

import json
import random
from collections import Counter
from dataclasses import asdict, replace

import pytest

from validation.simulation.fit_shapes import fitted_family, fitted_mixture
from validation.simulation.generated_shapes import (
    FAMILIES,
    LONGEST,
    Family,
    Mixture,
    families,
    generate,
)

SHORT = Mixture((1.0,), (3.0,), (0.1,))
FAMILY = Family(
    more=(0.5, 0.4, 0.3),
    only=Mixture((0.5, 0.5), (3.0, 6.0), (0.1, 0.1)),
    first=SHORT,
    between=SHORT,
    last=SHORT,
    output=SHORT,
    unanswered_only=(0.0, 1.0),
    unanswered_last=(0.25,),
    right=0.3,
    wrong=(0.4, 0.1),
    tail=10,
    tail_exponent=1.5,
)


def rows(problem):
    return [
        {
            "gold": problem.truth,
            "answer": shape.answer,
            "generated_tokens": list(shape.generated),
            "output_tokens": list(shape.outputs),
        }
        for shape in problem.shapes
    ]


def test_the_same_seed_gives_the_same_and_another_another():
    assert generate(6, 10, seed=1) == generate(6, 10, seed=1)
    assert generate(6, 10, seed=1) != generate(6, 10, seed=2)
    # More problems or candidates do not change those before them.
    assert generate(3, 10, seed=1) == generate(6, 10, seed=1)[:3]


def test_shapes_keep_their_form():
    for problem in generate(10, 200, seed=0):
        for shape in problem.shapes:
            assert len(shape.outputs) == len(shape.generated) - 1
            assert min(shape.generated) >= 1
            assert sum(shape.generated) <= LONGEST
            assert shape.answer == "" or 0 <= int(shape.answer) < 1000


def test_a_family_says_how_many_and_what():
    (problem,) = generate(1, 20_000, seed=0, of=[FAMILY])
    counts = Counter(len(shape.generated) for shape in problem.shapes)
    assert counts[1] / 20_000 == pytest.approx(0.5, abs=0.02)
    assert counts[2] / 20_000 == pytest.approx(0.3, abs=0.02)
    assert counts[3] / 20_000 == pytest.approx(0.2 * 0.7, abs=0.02)
    given = Counter(shape.answer for shape in problem.shapes if shape.answer)
    assert given[str(problem.truth)] / given.total() == pytest.approx(0.3, abs=0.02)
    assert given.most_common(1)[0][1] / given.total() == pytest.approx(0.4, abs=0.02)
    assert len(given) == 13
    long = [s for s in problem.shapes if len(s.generated) == 1 and s.generated[0] > 150]
    assert long and not any(shape.answer for shape in long)


def test_fitting_finds_the_family_again():
    (problem,) = generate(1, 20_000, seed=0, of=[FAMILY])
    found = fitted_family(rows(problem))
    assert found.more == pytest.approx(FAMILY.more, abs=0.03)
    assert found.right == pytest.approx(FAMILY.right, abs=0.02)
    assert found.wrong[:2] == pytest.approx(FAMILY.wrong, abs=0.02)
    (again,) = generate(1, 20_000, seed=1, of=[found])
    for wanted, got in zip(totals(problem), totals(again), strict=True):
        assert got == pytest.approx(wanted, rel=0.1)


def totals(problem):
    """Return quantiles of the tokens, and the share without answer."""
    tokens = sorted(sum(shape.generated) for shape in problem.shapes)
    missing = sum(not shape.answer for shape in problem.shapes) / len(tokens)
    return [*(tokens[len(tokens) * share // 100] for share in (10, 40, 60, 90)), missing]


def test_a_mixture_is_found_again():
    choose = random.Random(0)
    wanted = Mixture((0.5, 0.3, 0.2), (2.0, 5.0, 7.0), (0.3, 0.3, 0.2))
    found, _ = fitted_mixture([wanted.draw(choose)[0] for _ in range(20_000)])
    order = sorted(range(3), key=lambda part: found.means[part])
    assert [found.weights[n] for n in order] == pytest.approx(wanted.weights, abs=0.03)
    assert [found.means[n] for n in order] == pytest.approx(wanted.means, abs=0.1)


def test_families_come_back_from_json(tmp_path):
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"families": [asdict(FAMILY)]}))
    assert families(path) == (FAMILY,)
    assert replace(FAMILY, right=0.2) != FAMILY


def test_the_fitted_families_are_near_what_they_are_fitted_to():
    """By the figures that were written down when they were fitted."""
    for name, figures in json.loads(FAMILIES.read_text())["nearness"].items():
        near = 0.03 if "share" in name else 0.1 * figures["recorded"]
        assert abs(figures["generated"] - figures["recorded"]) <= near, name


def test_the_written_figures_still_hold():
    written = json.loads(FAMILIES.read_text())["nearness"]
    shapes = [s for seed in range(5) for p in generate(50, 48, seed) for s in p.shapes]
    mean = sum(sum(shape.generated) for shape in shapes) / len(shapes)
    assert mean == pytest.approx(written["tokens_mean"]["generated"], abs=0.001)
    answered = sum(bool(shape.answer) for shape in shapes) / len(shapes)
    assert answered == pytest.approx(written["answered"]["generated"], abs=0.0001)
