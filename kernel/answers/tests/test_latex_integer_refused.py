"""Attacks `latex_integer`: what is refused, and giants, at once."""

import math
import sys

import pytest

from kernel.answers.arithmetic import Budget
from kernel.answers.latex_integer import evaluate_integer, evaluate_within

REFUSED = [
    # Not integers.
    r"\frac{1}{2}",
    r"\frac12",
    "0.5",
    "5.5555",
    r"2\frac{1}{2}",
    r"6\frac{1}{2}",
    r"\sqrt{2}",
    r"\sqrt[3]{9}",
    r"\sqrt{-4}",
    r"2^{1/2}",
    r"2^{-1}",
    r"\frac{840}{13}",
    r"3 \approx 3.1",
    # Variables and constants.
    "x",
    "5x",
    "5abc",
    "5 m",
    "2xy",
    "20 - 2l",
    r"\pi",
    r"2\pi",
    r"\infty",
    "x = y",
    "5 = x",
    "e^2",
    r"\log 8",
    r"\sin 90",
    "1e+16",
    "101_2",
    # Several values, bounds.
    "3, 4",
    "1,23",
    "1,2345",
    "0,123",
    "1234,567",
    "(3, 4)",
    r"\{1, 2\}",
    "[3, 4)",
    "(3, 4]",
    r"5 \text{ or } 6",
    "5 and 6",
    "x = 5, y = 6",
    r"x = 3 \text{ or } x = 5",
    r"\pm 5",
    "±5",
    "x > 5",
    "0 < x = 5",
    r"x \ge 5",
    r"x \ne 5",
    r"x \not= 5",
    "x <= 5",
    "3:4",
    "10:30",
    # Two readings, or none.
    "2 3",
    "2{3}",
    "(5]",
    "|5",
    "2^3!",
    "5!!",
    "0^0",
    "5/0",
    r"\frac{1}{0}",
    "0^{-1}",
    "5 mod 0",
    "5 mod -3",
    "(1/2) mod 3",
    "2 +",
    "* 2",
    "2 ** ",
    "()",
    "5th",
    r"5^{th}",
    "42 million",
    "42 thousand",
    "5 squared",
    "5 dozen eggs",
    "5 apples 3 pears",
    "5 apples - 3",
    "(-5)!",
    "(1/2)!",
    r"\binom{-3}{2}",
    r"\binom{5}{1/2}",
    r"\sqrt[1]{5}",
    r"\sqrt[0]{5}",
    r"0.\overline{3}",
    r"5\ldots",
    "1..2",
    r"\frac1.5",
    r"\frac.5",
    # No value at all.
    "",
    " ",
    ".",
    "-",
    "{}",
    r"\text{}",
    r"\text{Yes}",
    r"\text{No solution}",
    "True",
    "nan",
    "(A)",
    "{{ans}}",
    "\x00",
    "𝟜𝟚x",
]

TOO_LARGE = [
    "9^{9^{9}}",
    "9^9^9^9^9",
    "(10^6)!",
    "100000!",
    "((5!)!)!",
    r"\binom{10^9}{5*10^8}",
    "10^{10^5}",
    "10^(10^5)",
    "(1/10)^{10^5}",
    "10^{-100000}",
    "2^{5000}",
    "9" * 641,
    "9" * 100_000,
    "0." + "9" * 700,
    r"\sqrt[1000000000]{2}",
    "(" * 400 + "5" + ")" * 400,
    "{" * 300 + "5" + "}" * 300,
    "2^" * 400 + "2",
    "√" * 900 + "1",
    r"\frac" * 190,
    "|" * 900,
    "1+" * 5000 + "1",
    "10^{600}*" * 10 + "1",
]


@pytest.mark.parametrize("text", REFUSED)
def test_is_refused(text: str) -> None:
    assert evaluate_integer(text) is None


@pytest.mark.parametrize("text", TOO_LARGE)
def test_what_is_too_large_gets_none_at_once(text: str) -> None:
    budget = Budget()
    assert evaluate_within(text, budget) is None
    assert budget.left > 0


def test_reducible_giants_within_bounds_are_exact() -> None:
    assert evaluate_integer(r"7^{1400} \bmod 1000") == pow(7, 1400, 1000)
    assert evaluate_integer(r"500! / 499!") == 500
    assert evaluate_integer(r"\binom{4000}{2000}") == math.comb(4000, 2000)
    assert evaluate_integer("9007199254740993 + 2") == 9007199254740995


def test_the_interpreters_digit_limit_does_not_matter() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        assert evaluate_integer("9" * 640 + " mod 1000") == 999
        assert evaluate_integer("9" * 641 + " mod 1000") is None
        assert evaluate_integer("10^{1000} + 1 - 10^{1000}") == 1
    finally:
        sys.set_int_max_str_digits(limit)


def test_it_works_near_the_recursion_limit() -> None:
    def from_depth(frames: int) -> int | None:
        return (
            from_depth(frames - 1) if frames else evaluate_integer("1+" + "(" * 23 + "5" + ")" * 23)
        )

    assert from_depth(400) == 6
