"""Attacks `arithmetic`: exact values where rules meet, and the work that each operation costs."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from kernel.answers import arithmetic, functions, surds
from kernel.answers.arithmetic import (
    CALL_WORK,
    MAX_BITS,
    Budget,
    NoIntegerError,
    digits,
    floor_root,
    power,
)

SIZES = {0: 1, 1: 1, 29: 1, 30: 2, 59: 2, 60: 3, 4096: 137}
ENOUGH = 10**9
BIG = Fraction(2**60 + 1)
"""Three digits of Python's."""
WORK: dict[str, tuple[Callable[[Budget], object], int]] = {
    "sum": (lambda b: arithmetic.add(BIG, Fraction(1), b), CALL_WORK + 3 * 1),
    "product": (lambda b: arithmetic.multiply(BIG, BIG, b), CALL_WORK + 3 * 3),
    "quotient": (lambda b: arithmetic.quotient(BIG, Fraction(2), b), CALL_WORK + 3 * 1),
    "power": (lambda b: arithmetic.power(Fraction(2), 60, b), CALL_WORK + digits(2 * 60) ** 2),
    "square root": (lambda b: floor_root(2**60, 2, b), CALL_WORK + 8 * 3**2),
    "cube root": (lambda b: floor_root(2**60, 3, b), 10 * CALL_WORK + 8 * 3**2),
    "root of a fraction": (
        lambda b: arithmetic.rational_root(BIG / 4, 2, b),
        2 * CALL_WORK + 8 * 3**2 + 8 * 1 + 2 * 3**2,
    ),
    "permutations": (
        lambda b: functions.permutations(Fraction(20), Fraction(13), b),
        CALL_WORK + 13 * digits(13 * 5),
    ),
    "floor of a root": (
        # The root of 2 is taken with PRECISIONS[0] bits behind the point: twice as many in 2.
        lambda b: surds.floor(surds.root(Fraction(2), Fraction(2), Budget()), b),
        2 * CALL_WORK
        + digits(2 * (1 + surds.PRECISIONS[0])) ** 2
        + 8 * digits((2 << 2 * surds.PRECISIONS[0]).bit_length()) ** 2,
    ),
}


@pytest.mark.parametrize("size", SIZES)
def test_digits(size: int) -> None:
    assert digits(size) == SIZES[size]


@pytest.mark.parametrize("name", WORK)
def test_an_operation_takes_its_work_off_the_budget(name: str) -> None:
    budget = Budget(ENOUGH)
    operation, work = WORK[name]
    operation(budget)
    assert ENOUGH - budget.left == work


@pytest.mark.parametrize("base", [-1, 0, 1])
@pytest.mark.parametrize("times", [1, 2, 3, 4, 6, 9, 10**9, 10**9 + 1])
def test_powers_of_the_smallest(base: int, times: int) -> None:
    assert power(Fraction(base), times, Budget()) == (base if times % 2 else abs(base))


@pytest.mark.parametrize("degree", [2, 3, 5, 7, 64])
def test_roots_of_powers_and_of_their_neighbours(degree: int) -> None:
    for root in (1, 2, 3, 10, 99):
        value = root**degree
        if value.bit_length() <= MAX_BITS:
            found = [floor_root(value + step, degree, Budget()) for step in (-1, 0, 1)]
            assert found == [root - 1, root, root]


def test_a_root_of_few_bits_is_one() -> None:
    assert [floor_root(value, 3, Budget()) for value in range(9)] == [0, *[1] * 7, 2]
    assert floor_root(2**64 - 1, 64, Budget()) == 1


@pytest.mark.parametrize(("upper", "lower"), [(-5, 2), (5, -1), (-5, -6), (2, 5000)])
def test_permutations_of_negative_and_of_giant_numbers_are_refused(upper: int, lower: int) -> None:
    with pytest.raises(NoIntegerError):
        functions.permutations(Fraction(upper), Fraction(lower), Budget())
