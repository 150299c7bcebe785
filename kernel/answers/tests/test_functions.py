r"""Attacks `functions`, `surds` and their notations: exact values, against brute force."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.answers import functions, surds
from kernel.answers.arithmetic import MAX_BITS, Budget, NoIntegerError, floor_root
from kernel.answers.latex_integer import evaluate_integer

EXACT: dict[str, int | None] = {
    # Products without a sign.
    r"\frac{7!}{2!2!}": 1260,
    r"\frac{10!}{3!3!4!}": 4200,
    "8!2!": 80640,
    "2^3 3^2": 72,
    "2^{3}3^{2}": 72,
    "2^2 3 ": 12,
    "2^33": 2**33,
    "2(3)^2": 18,
    "3!(4)": 24,
    r"2\binom{4}{2}": 12,
    r"2\gcd(4,6)": 4,
    "1/2*4": 2,
    # Divisors and extremes.
    r"\gcd(12,18)": 6,
    r"\gcd(12, 18, 8)": 2,
    r"\gcd\left(12,18\right)": 6,
    r"\gcd\{12,18\}": 6,
    "gcd(12,18)": 6,
    r"\text{gcd}(12,18)": 6,
    r"\gcd(1,200)": 1,
    r"\gcd(1,200, 300)": 1,
    r"\operatorname{lcm}(4,6)": 12,
    r"\mathrm{lcm}[4,6,10]": 60,
    r"\text{lcm}(4,6)": 12,
    "lcm(4,6)": 12,
    r"\max(3,5)": 5,
    r"\max\{3,5,4\}": 5,
    r"\max{(3,5)}": 5,
    r"\min(3,5)": 3,
    r"\min\{\sqrt{2},5,2\}^2": 2,
    "max(1,200)": 200,
    "abs(-5)": 5,
    "floor(7/2)": 3,
    r"\operatorname{ceil}(7/2)": 4,
    "factorial(5)": 120,
    # Choices.
    "_9C_4": 126,
    "{}_9C_4": 126,
    "_{9}C_{4}": 126,
    "^9C_4": 126,
    r"{}_9\mathrm{C}_4": 126,
    "C(9,4)": 126,
    r"\mathrm{C}(9,4)": 126,
    "C_9^4": 126,
    "C^4_9": 126,
    "2C(9,4)": 252,
    "2*_9C_4": 252,
    "comb(9,4)": 126,
    "_9P_4": 3024,
    "9 choose 4": 126,
    r"9\text{ choose }4": 126,
    "2 + 9 choose 4": None,
    "9 choose 4 + 1": None,
    "2 * 9 choose 4": None,
    "C(4,9)": None,
    "C(1,200)": None,
    r"\left(\!\!\binom{3}{2}\!\!\right)": None,
    r"\left(\!\binom{3}{2}\!\right)": None,
    r"\left(\binom{3}{2}\right)": 3,
    "_4C_9": 0,
    # Logarithms.
    r"\log_2 8": 3,
    r"\log_28": 3,
    r"\log_{2}{8}": 3,
    r"\log_2(8)": 3,
    r"\log_{10} 1000": 3,
    r"\log_2 256": 8,
    r"\log_2 \frac{1}{8}": -3,
    r"\log_{1/2} 8": -3,
    r"\log_2 1": 0,
    r"\log_1 1": None,
    r"2\log_4 8": 3,
    r"\log_2 8^2": 6,
    r"\log_2 8 + 1": 4,
    r"\log_2 8 \cdot \log_3 9": 6,
    r"\log_2 8 \log_3 9": 6,
    r"\log_2 16 / \log_2 4": 2,
    r"\frac{\log_2 27}{1} \cdot 0 + 1": None,
    r"\log_{2^{700}} 2^{2100}": 3,
    r"\log_2 2^{4000}": 4000,
    r"\lfloor\log_2 1000\rfloor": 9,
    r"\lceil\log_2 1000\rceil": 10,
    r"\lfloor\log_2 1024\rfloor": 10,
    r"\lceil\log_2 1024\rceil": 10,
    r"\lfloor\log_2 8 + 1/2\rfloor": 3,
    r"\lfloor\log_{10} 2^{100}\rfloor + 1": 31,
    r"\lfloor\log_2 \frac{1}{3}\rfloor": -2,
    # Roots.
    r"\lfloor 100\sqrt2\rfloor": 141,
    r"\lceil 100\sqrt2\rceil": 142,
    r"\lfloor -100\sqrt2\rfloor": -142,
    r"\lfloor \sqrt{2}+\sqrt{3}\rfloor": 3,
    r"\lfloor \frac{1+\sqrt{5}}{2} \rfloor": 1,
    r"\left\lfloor (2+\sqrt3)^4 \right\rfloor": 193,
    r"\lfloor \sqrt[3]{100} \rfloor": 4,
    r"\lfloor\sqrt{10^{100}-1}\rfloor": 10**50 - 1,
    r"\sqrt3\cdot\sqrt{12}": 6,
    r"\frac{\sqrt{8}}{\sqrt2}": 2,
    r"\sqrt{8} - 2\sqrt{2}": 0,
    r"(1+\sqrt2)(1-\sqrt2)": -1,
    r"\frac{1}{\sqrt2-1} - \sqrt2": 1,
    r"\frac{4}{\sqrt{5}-1} - \sqrt{5}": 1,
    r"\frac{1}{\sqrt[4]{2}-1}\cdot(\sqrt[4]{2}-1)": 1,
    r"(\sqrt2)^2": 2,
    r"\sqrt2^{-2}\cdot 4": 2,
    r"(\sqrt{2}+\sqrt{8})^2": 18,
    r"\sqrt[4]{4}\cdot\sqrt2": 2,
    r"\sqrt{\sqrt{16}}": 2,
    r"\sqrt{\sqrt{2}}^4": 2,
    r"\sqrt[3]{-8}": -2,
    r"\sqrt[3]{2}\cdot\sqrt[3]{4}": 2,
    "∛27": 3,
    r"|1-\sqrt2| - \sqrt2": -1,
    "8^{2/3}": 4,
    r"8^{-\frac{1}{3}} \cdot 2": 1,
    r"2^{1/2} \cdot 2^{1/2}": 2,
    r"\sqrt{\frac{1}{2}}\cdot\sqrt{2}": 1,
    # Sums.
    r"\sum_{k=1}^{4}k": 10,
    r"\sum_{k=1}^{4} k^2": 30,
    r"\sum_{k=1}^4{2k}": 20,
    r"\sum\limits_{k=1}^{4} (k+1)": 14,
    r"\sum^{4}_{k=1} k": 10,
    r"\sum_{k=-1}^{1+1} k": 2,
    r"\sum_{k=1}^{4} k = 10": 10,
    r"1 + \sum_{k=1}^{4} k": 11,
    r"\sum_{k=1}^{4} \binom{4}{k}": 15,
    r"\sum_{i=1}^{3}\sum_{j=1}^{3} ij": 36,
    r"\sum_{i=1}^{3}\sum_{j=i}^{3} 1": 6,
    r"2\sum_{k=1}^{4} k \pmod 7": 6,
    r"\prod_{k=1}^{5} k": 120,
    r"\sum_{k=1}^{2} \sqrt{2}k^2 \cdot \sqrt{2}": 10,
}
INEXACT = [
    # Two readings.
    *(
        "7!/2!2!",
        "6/2(3)",
        r"6\div 2(3)",
        r"6/2\sqrt{9}",
        "2^33^2",
        "2^3 03",
        "(2)3",
        r"\log_2 8\cdot 4",
    ),
    *(r"\log_2 (8)^2", r"\log_2 8!", r"\log_2 2 (4)", r"\log_2^2 8", r"\sum_{k=1}^{4} k + 1"),
    *(r"\sum_{k=1}^{4} k - k", r"\sum_{k=1}^10 k", "5!!", "2^3!"),
    # No value.
    *("P(9,4)", "C(9)", "C(9,4,1)", "C(x,4)", "9 C 4", "_9D_4", "_9C4", "_{9/2}C_1", "_9C_{-1}"),
    *(r"\gcd(12)", r"\gcd 12", r"\gcd(0,0)", r"\gcd(1/2,3)", r"\operatorname{lcm}(0,4)"),
    *(r"\max(5)", r"\max 5", r"\max(x,5)", r"\gcd(12,18", "floor(1,2)", "abs()", "comb(9)"),
    *(r"\log 8", r"\ln 8", r"\log_2 3", r"\log_1 5", r"\log_0 5", r"\log_{-2} 4", r"\log_2 0"),
    *(r"\log_2 (-8)", r"\log_2 \sqrt{2}", r"\lfloor\log 8\rfloor", r"\lfloor \pi \rfloor"),
    *(
        r"\sqrt2",
        r"\sqrt2+\sqrt3",
        r"\sqrt[3]{2}",
        r"\sqrt{-4}",
        r"\sqrt{1-\sqrt2}",
        r"\sqrt{1+\sqrt2}",
    ),
    *(r"2^{\sqrt2}", "(-8)^{2/3}", r"\sqrt[\sqrt2]{2}", r"\frac{1}{\sqrt2-\sqrt2}", r"5!^{1/2}"),
    *(
        r"\frac{1}{1+\sqrt2+\sqrt3}",
        r"\frac{1}{\sqrt[3]{2}+1}",
        r"\sqrt{2}!",
        r"(\sqrt2)^{65}(\sqrt2)",
    ),
    *(
        r"\sum_{k=1}^{n} k",
        r"\sum_{k=1}^{\infty} 1",
        r"\sum_{k=1} k",
        r"\sum k",
        r"\sum_{k=5}^{4} k",
    ),
    *(
        r"\sum_{k=1}^{1001} 1",
        r"\sum_{k \le 4} k",
        r"\sum_{d|12} d",
        r"\sum_{k=1}^{3}\sum_{k=1}^{3} 1",
    ),
    *(r"\sum_{ab=1}^{4} 1", r"\sum_{k=1/2}^{4} 1", r"\sum_{k=1}^{4} x", "k"),
]


@pytest.mark.parametrize("text", EXACT)
def test_it_is_exact(text: str) -> None:
    assert evaluate_integer(text) == EXACT[text]


@pytest.mark.parametrize("text", INEXACT)
def test_what_has_no_certain_value_is_none(text: str) -> None:
    assert evaluate_integer(text) is None


@given(st.integers(0, 2**MAX_BITS - 1), st.integers(2, 64))
@settings(max_examples=300, deadline=None)
def test_a_floor_root_is_the_largest_whose_power_fits(value: int, degree: int) -> None:
    for number in (value, value >> 3000, floor_root(value, degree, Budget()) ** degree):
        root = floor_root(number, degree, Budget())
        assert root**degree <= number < (root + 1) ** degree


def random_surd(rng: random.Random) -> tuple[surds.Number, float]:
    """Return a number with roots in it, and about what it is."""
    budget = Budget(10**9)
    value: surds.Number = Fraction(rng.randint(-9, 9), rng.randint(1, 5))
    near = float(value)
    for _ in range(rng.randint(0, 3)):
        radicand, degree = Fraction(rng.randint(1, 40), rng.randint(1, 6)), rng.choice([2, 2, 3, 4])
        factor = Fraction(rng.randint(-5, 5), rng.randint(1, 3))
        root = surds.root(radicand, Fraction(degree), budget)
        value = surds.add(value, surds.multiply(factor, root, budget), budget)
        near += float(factor) * float(radicand) ** (1 / degree)
    return value, near


@pytest.mark.parametrize("seed", range(150))
def test_numbers_with_roots_are_what_floats_say_they_are_about(seed: int) -> None:
    rng = random.Random(seed)
    budget = Budget(10**9)
    (x, near_x), (y, near_y) = random_surd(rng), random_surd(rng)
    for value, near in [
        (surds.add(x, y, budget), near_x + near_y),
        (surds.subtract(x, y, budget), near_x - near_y),
        (surds.absolute(x, budget), abs(near_x)),
        (surds.power(surds.add(x, Fraction(20), budget), Fraction(2), budget), (near_x + 20) ** 2),
    ]:
        scaled = surds.multiply(value, Fraction(10**6), budget)
        assert math.isclose(surds.floor(scaled, budget), near * 10**6, abs_tol=2, rel_tol=1e-12)
    assert surds.subtract(surds.add(x, y, budget), y, budget) == x


@pytest.mark.parametrize("seed", range(60))
def test_a_quotient_times_its_divisor_is_the_dividend(seed: int) -> None:
    rng = random.Random(seed)
    budget = Budget(10**9)
    x, _ = random_surd(rng)
    root = surds.root(Fraction(rng.randint(2, 30)), Fraction(rng.choice([2, 4])), budget)
    divisor = surds.add(
        surds.multiply(Fraction(rng.randint(1, 5)), root, budget), Fraction(7), budget
    )
    again = surds.multiply(surds.quotient(x, divisor, budget), divisor, budget)
    assert surds.subtract(again, x, budget) == 0


@given(st.fractions(0, 50), st.fractions(1, 9), st.integers(-6, 6), st.integers(1, 5))
@settings(deadline=None)
def test_a_logarithm_undoes_a_power(root: Fraction, _: Fraction, p: int, q: int) -> None:
    if root <= 0 or root == 1:
        return
    base, value = root**q, root**p
    assert functions.logarithm(base, value, Budget(10**9)) == Fraction(p, q)
    if base > 1:
        assert functions.floor_logarithm(base, value, Budget(10**9)) == p // q if root > 1 else True


@pytest.mark.parametrize("n", range(12))
def test_choices_agree_with_the_standard_library(n: int) -> None:
    for k in range(14):
        pair = Fraction(n), Fraction(k)
        assert functions.binomial(*pair, Budget()) == math.comb(n, k)
        assert functions.permutations(*pair, Budget()) == math.perm(n, k)


def test_the_largest_factorial_is_the_last_within_bounds() -> None:
    largest = Fraction(functions.MAX_FACTORIAL)
    assert functions.factorial(largest, Budget()).numerator.bit_length() <= MAX_BITS
    assert math.factorial(functions.MAX_FACTORIAL + 1).bit_length() > MAX_BITS
    with pytest.raises(NoIntegerError):
        functions.factorial(largest + 1, Budget())
