"""Planning a comparison: the power promised is the power that simulated runs have."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from validation import permutation, power
from validation.permutation import Seeds
from validation.power import Design, PowerOptions, Variances, detectable, on_others, on_these
from validation.runs.records import RunError
from validation.tests.run_files import RunFile

ROOT = Path(__file__).resolve().parents[2]


def test_the_power_on_these_problems_is_that_of_the_permutation_test():
    generator = np.random.default_rng(0)
    a = generator.uniform(0.1, 0.8, 60)
    b = a + generator.uniform(-0.04, 0.2, 60)
    difference, seeds, found = float((b - a).mean()), 6, 0
    for _ in range(600):
        runs = [[Seeds(int(r), seeds) for r in generator.binomial(seeds, p)] for p in (a, b)]
        found += permutation.within_problems(*runs).p < 0.05
    known = Variances(float((a * (1 - a) + b * (1 - b)).mean() / 2), float((b - a).std(ddof=1)))
    promised = on_these(difference, known, Design(60, seeds))
    # Three standard errors of 600 repetitions.
    assert 0.5 < promised < 0.95 and abs(found / 600 - promised) < 3 * math.sqrt(0.16 / 600)


def test_the_power_on_other_problems_is_that_of_students_t():
    generator = np.random.default_rng(1)
    a = generator.uniform(0.2, 0.7, (4000, 40))
    b = a + generator.choice([-0.1, 0.2], (4000, 40))
    shares = [generator.binomial(5, p) / 5 for p in (a, b)]
    found = (stats.ttest_rel(shares[1], shares[0], axis=1).pvalue < 0.05).mean()
    known = Variances(float((a * (1 - a) + b * (1 - b)).mean() / 2), 0.15)
    assert abs(found - on_others(0.05, known, Design(40, 5))) < 0.03


@pytest.mark.parametrize("test", [on_these, on_others])
def test_what_is_needed_is_the_fewest(test):
    known = Variances(0.08, 0.05)
    problems = power.problems_needed(test, 0.02, known, 4)
    assert test(0.02, known, Design(problems, 4)) >= 0.8
    assert test(0.02, known, Design(problems - 1, 4)) < 0.8
    seeds = power.seeds_needed(test, 0.02, known, 200)
    assert test(0.02, known, Design(200, seeds)) >= 0.8
    assert test(0.02, known, Design(200, seeds - 1)) < 0.8
    share = detectable(test, known, Design(90, 5))
    assert test(share, known, Design(90, 5)) == pytest.approx(0.8)


def test_no_number_of_seeds_makes_up_for_too_few_problems():
    known = Variances(0.1, 0.1)
    assert power.seeds_needed(on_others, 0.02, known, 50) is None
    assert power.seeds_needed(on_others, 0.02, known, 1) is None
    assert detectable(on_others, known, Design(1, 5)) is None


def recorded(tmp_path, name, rights):
    """Each problem's right answers by its seeds."""
    file = RunFile()
    for number, of_problem in enumerate(rights):
        for seed, right in enumerate(of_problem):
            file.votes(f"p{number}", 5, [5], 5 if right else 6, seed=seed)
    return str(file.save(tmp_path / f"{name}.jsonl"))


def test_variances_of_recorded_runs_by_hand(tmp_path):
    a = recorded(tmp_path, "a", [(1, 0), (1, 1), (0, 0)])
    b = recorded(tmp_path, "b", [(1, 1), (1, 1), (0, 0, 0, 1)])
    # Sampling: (1/2 + 0 + 0) / 3, and (0 + 0 + 3/16 * 4/3) / 3.
    assert power.variances(PowerOptions(a=a)).sampling == pytest.approx(1 / 6)
    both = power.variances(PowerOptions(a=a, b=b))
    assert both.sampling == pytest.approx((1 / 6 + 1 / 12) / 2)
    seen = np.var([1 / 2, 0, 1 / 4], ddof=1) - (1 / 4 + 1 / 16) / 3
    assert both.spread == pytest.approx(math.sqrt(max(0, seen)))
    few = recorded(tmp_path, "few", [(1, 0), (0, 1)])  # 1/2, more than can be
    assert power.variances(PowerOptions(a=few)).sampling == 0.25
    assert power.variances(PowerOptions(a=a, sampling=0.2, spread=0.3)) == Variances(0.2, 0.3)
    assert power.variances(PowerOptions(sampling=0.25, spread=1)) == Variances(0.25, 1)


def test_the_spread_of_two_problems_by_hand(tmp_path):
    a = recorded(tmp_path, "a", [(1, 0, 0, 0), (0, 1, 1, 1)])
    b = recorded(tmp_path, "b", [(1, 1, 1, 1), (0, 0, 0, 1)])
    # Differences 3/4 and -1/2; a share's error is p (1 - p) / 3, in a 1/16 twice, in b 0 and 1/16.
    spread = power.variances(PowerOptions(a=a, b=b)).spread
    assert spread == pytest.approx(math.sqrt((5 / 4) ** 2 / 2 - (1 / 16 + 1 / 8) / 2))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"points": 0}, "POINTS is 0"),
        ({"points": 100}, "POINTS is 100"),
        ({"sampling": 0}, "SAMPLING is 0"),
        ({"sampling": 0.3}, "SAMPLING is 0.3"),
        ({"spread": -1}, "SPREAD is -1"),
        ({"spread": 1.5}, "SPREAD is 1.5"),
        ({"seeds": 0}, "must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(values, sentence):
    with pytest.raises(RunError, match=sentence):
        power.variances(PowerOptions(**values))


def test_runs_that_cannot_tell_are_refused(tmp_path):
    one_seed = recorded(tmp_path, "one", [(1,), (0,)])
    with pytest.raises(RunError, match="state SAMPLING"):
        power.variances(PowerOptions(a=one_seed))
    always = recorded(tmp_path, "always", [(1, 1), (0, 0)])
    with pytest.raises(RunError, match="whose answers vary"):
        power.variances(PowerOptions(a=always))
    single = recorded(tmp_path, "single", [(1, 0)])
    with pytest.raises(RunError, match=r"^The two runs have no two problems in common: state SP"):
        power.variances(PowerOptions(a=single, b=single))


@pytest.mark.parametrize("options", [PowerOptions(), PowerOptions(points=5, problems=60, seeds=3)])
def test_the_plan_has_each_designs_figures(options):
    known = Variances(0.1, 0.05)
    sizes, seeds, difference = [50, 83, 90, 754], [1, 2, 4, 8, 16, 32], options.points / 100
    if options.seeds:
        sizes, seeds = [50, 60, 83, 90, 754], [1, 2, 3, 4, 8, 16, 32]
    tests = {"on_these": on_these, "on_others": on_others}
    assert power.plan(options, known) == {
        "points": options.points,
        "sampling": 0.1,
        "spread": 0.05,
        "problems_needed": [
            {"seeds": n}
            | {name: power.problems_needed(t, difference, known, n) for name, t in tests.items()}
            for n in seeds
        ],
        "seeds_needed": [
            {"problems": n}
            | {name: power.seeds_needed(t, difference, known, n) for name, t in tests.items()}
            for n in sizes
        ],
        "detectable": {
            size: {
                n: [detectable(t, known, Design(size, n)) for t in tests.values()] for n in seeds
            }
            for size in sizes
        },
    }


@pytest.mark.parametrize(
    ("options", "known", "said"),
    [
        (
            PowerOptions(),
            Variances(0.1, 0.1),
            "83 problems with 5 seeds of each system show {} points on these problems and {} "
            "points on others of their kind; 2 points on these take {} seeds (80% power, p < "
            "0.05).",
        ),
        (
            PowerOptions(points=4, problems=200, seeds=3),
            Variances(0.2, 0.02),
            "200 problems with 3 seeds of each system show {} points on these problems and {} "
            "points on others of their kind; 4 points on these take {} seeds (80% power, p < "
            "0.05).",
        ),
    ],
)
def test_the_sentence_says_what_a_design_tells(options, known, said):
    design = Design(options.problems or 83, options.seeds or 5)
    points = [f"{100 * detectable(test, known, design):.1f}" for test in (on_these, on_others)]
    needed = power.seeds_needed(on_these, options.points / 100, known, design.problems)
    assert power.sentence(options, known) == said.format(*points, needed)


def test_the_sentence_says_that_no_number_is_enough():
    said = power.sentence(PowerOptions(points=0.001, problems=1), Variances(0.25, 1))
    assert "show no difference on these problems and no difference on others" in said
    assert "take no number of seeds" in said


def test_the_command_says_what_is_needed(tmp_path):
    line = [sys.executable, "-m", "validation.power", "--problems", "83", "--seeds", "5"]
    done = subprocess.run([*line, "--out", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    points = 100 * detectable(on_these, Variances(0.1, 0.1), Design(83, 5))
    assert f"83 problems with 5 seeds of each system show {points:.1f} points" in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-3])) <= 100
    assert (tmp_path / "power.png").read_bytes().startswith(b"\x89PNG")
    needed = json.loads((tmp_path / "power.json").read_text())["problems_needed"]
    assert [row["seeds"] for row in needed] == [1, 2, 4, 5, 8, 16, 32]
