"""Mistakes: each kind breaks a program in its way, and the sandbox's real output shows it."""

import random
import re

import pytest

from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data import faults
from training.data.executions import run_steady
from training.data.faults import GENERAL, PARTICULAR, SPOILERS

PROGRAMS = {
    "loop": "count = 0\nfor d in range(1, 12 + 1):\n    if 12 % d == 0:\n        count += 1\n"
    "print(count)",
    "divisors": "n = 12\nprint(sum(1 for d in range(1, n + 1) if n % d == 0))",
    "gcd": "from math import gcd\nprint(gcd(12, 18))",
    "sympy": "from sympy import symbols, Eq, solve\nx = symbols('x')\n"
    "print(solve(Eq(3*x, 12), x)[0])",
    "system": "from sympy import symbols, solve\nx, y = symbols('x y')\n"
    "s = solve([x + y - 5, x - y - 1], [x, y])\nprint(s[x] * s[y])",
    "digits": "n = 123\nprint(sum(int(c) for c in str(n)))",
    "length": "found = [4, 5]\nprint(len(found))",
    "half": "print(sum(range(12 // 2)))",
    "root": "from math import isqrt\nprint(sum(1 for k in range(1, isqrt(30) + 1)))",
    "function": "def area(a, b):\n    return a * b\n\nprint(area(3, 4))",
    "range": "print(sum(range(5, 60 + 1)))",
    "named": "result = 6 * 7\nprint(result)",
}
MAKERS = [*SPOILERS, *PARTICULAR, *GENERAL]


@pytest.fixture(scope="module")
def outputs():
    """What each fault's broken and mended program really print, by maker and program."""
    made, programs = {}, []
    for maker in MAKERS:
        for name, code in PROGRAMS.items():
            fault = maker(code, random.Random(name))
            if fault and fault.broken != fault.mended:
                made[maker.__name__, name] = fault
                programs.append([fault.broken, fault.mended])
    with ForkedSandbox(Config()) as sandbox:
        done = run_steady([*programs, *([code] for code in PROGRAMS.values())], sandbox)
    whole = dict(zip(PROGRAMS, (run[0].output for run in done[len(programs) :]), strict=True))
    return {
        key: (fault, broken.output, mended.output, whole[key[1]])
        for (key, fault), (broken, mended) in zip(made.items(), done, strict=False)
    }


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_fault_shows_in_the_real_output_and_its_mended_program_works(outputs, maker):
    found = {key: value for key, value in outputs.items() if key[0] == maker.__name__}
    assert found, "no program of the table can have this mistake"
    shown = 0
    for fault, broken, mended, whole in found.values():
        # Most mistakes are left out where they do no harm; what is right is never changed.
        shown += re.search(fault.shows, broken) is not None
        assert mended.strip().splitlines()[-1] == whole.strip(), fault
        assert fault.remark.endswith(".") and "\n" not in fault.remark
    assert shown >= len(found) / 2


def test_a_check_reveals_an_end_that_is_off_by_one(outputs):
    fault, broken, mended, _ = outputs["off_by_one", "range"]
    assert broken.split() == ["5", "59", str(sum(range(5, 60)))]
    assert mended.split() == ["5", "60", str(sum(range(5, 61)))]
    assert "59" in fault.remark


def test_two_faults_are_mended_one_after_the_other():
    seen = 0
    for number in range(40):
        draw = random.Random(number)
        two = faults.two_faults_in(PROGRAMS["sympy"], draw)
        if two:
            first, second = two
            assert first.mended == second.broken and first.broken != second.broken
            seen += 1
    assert seen > 20


def test_every_kind_is_drawn():
    kinds = {
        fault.kind
        for code in PROGRAMS.values()
        for seed in range(300)
        if (fault := faults.fault_in(code, random.Random(seed)))
    }
    assert len(kinds) >= 20
