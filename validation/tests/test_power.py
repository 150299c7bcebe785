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


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"points": 0}, "POINTS is 0"),
        ({"points": 100}, "POINTS is 100"),
        ({"sampling": 0}, "SAMPLING is 0"),
        ({"sampling": 0.3}, "SAMPLING is 0.3"),
        ({"spread": -1}, "SPREAD is -1"),
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
    with pytest.raises(RunError, match="no two problems in common"):
        power.variances(PowerOptions(a=single, b=single))


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
