r"""Texts at the edges of the rules: for each, a rule a little different gives another answer."""

from fractions import Fraction

import pytest

from kernel.answers.arithmetic import MAX_BITS, Budget
from kernel.answers.boxes import find_boxed
from kernel.answers.functions import floor_logarithm
from kernel.answers.latex_integer import evaluate_integer

VALUES: dict[str, int | None] = {
    # A number that is rounded is less than 1 away.
    r"\frac{5}{2} \approx 2": 2,
    r"\frac{5}{2} \approx 3": 3,
    r"\frac{5}{2} \approx 4": None,
    r"\frac{5}{2} \approx 1": None,
    r"4 \approx 5": None,
    r"5 \approx 4": None,
    r"\sqrt{2} + \sqrt{3} \approx 3": 3,
    r"\sqrt{2} + \sqrt{3} \approx 4": 4,
    r"\sqrt{2} + \sqrt{3} \approx 5": None,
    # Equations to be solved are no values; one term is.
    "x + 2 = 0": None,
    "x - 2 = 0": None,
    "x = 0": 0,
    "5 - 5 = 0": 0,
    # Words that follow on are no equals sign.
    r"x = 3\text{ so }m + n = 5": 5,
    r"x = 3\text{ is }m + n = 5": None,
    # A list as a whole has several values; one that stands beside something is an argument.
    "[x, y] = 5,120": None,
    r"\{x, y\} = 5,120": None,
    "(a) + f(x, y) = 7": 7,
    r"(1+2)\max(3, 4) = 12": 12,
    # A label goes, a sign stays.
    "(A) -5": -5,
    r"\text{(A)} -5": -5,
    "(B)+5": None,
    "(E) 42": 42,
    "option option (B) 42": 42,
    "x = choice option (B) 42": 42,
    "([A)] 42": None,
    "option": None,
    "(": None,
    # A set that is described is no number.
    r"\{x : x = 5\}": None,
    r"\{x | x = 5\}": None,
    # A dash in front of everything is a minus; so is one in front of a bracket.
    "–42": -42,
    "-(2)(3)": -6,
    # A mixed number's fraction is below 1.
    r"2\frac{3}{3}": 2,
    r"2\frac{0}{3}": 0,
    # A number with its unit, and more behind it.
    r"x = \text{42 apples} + \text{searching below }N = 1000": None,
    # A power of ten has at most three digits.
    "1e3": 1000,
    "1e999": 10**999,
    "1e0003": None,
    "1e1000": None,
    # Moduli.
    "5 mod 1": 0,
    "5 mod 2": 1,
    # What follows a logarithm has two readings.
    r"\log_2 4!": None,
    r"\log_2(4)!": None,
    r"\log_2(4)^2": None,
    # Units.
    "42°C": 42,
    "42° F": 42,
    r"42^\circ C": 42,
    r"12\text{ N}\cdot m": 12,
    r"12\text{ km}/h": 12,
    "12 C": None,
    # Two values, parted by room.
    r"4\quad[5]": None,
    r"4\quad(5)": None,
    r"4\quad-5": None,
    r"\quad[5]": 5,
}


# A control space keeps its blank, all others go; of an even number of backslashes none is one's.
BOXES: dict[str, str | None] = {
    r"\boxed{42\ }": "42\\ ",
    r"\boxed{ 42\  }": "42\\ ",
    r"\boxed{42\\\ }": "42\\\\\\ ",
    r"\boxed{42\\ }": "42\\\\",
    r"\boxed{42 }": "42",
    r"\boxed{ 42}": "42",
    r"\boxed{}": None,
    "no box": None,
}


@pytest.mark.parametrize(("text", "content"), BOXES.items())
def test_boxes(text: str, content: str | None) -> None:
    assert find_boxed(text) == content


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values(text: str, value: int | None) -> None:
    assert evaluate_integer(text) == value


def test_a_base_of_the_most_bits_has_a_logarithm() -> None:
    largest = Fraction(1 << (MAX_BITS - 1))
    assert floor_logarithm(largest, largest, Budget()) == 1
