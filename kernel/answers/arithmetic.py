"""Exact arithmetic on fractions that refuses what would get too large, before it computes it.

Covers: the operations of boxed expressions on rational numbers, and the budget that bounds the work
of a whole expression: it is counted before an operation is done, in products of two machine digits,
never in time, so that the same text has the same value on every machine. Does not cover: irrational
roots (`surds`), named functions (`functions`), floats.
"""

import math
from fractions import Fraction

MAX_BITS = 4096
"""Of every numerator and denominator: 1,233 digits, room for 2^2024 and 500!."""
MAX_DIGITS = 640
"""Of a literal: `sys.set_int_max_str_digits` takes no lower limit, so `int` never refuses."""
MAX_ROOT = 64
"""Degree of a root; keeps Newton's iteration short."""
MAX_WORK = 1_000_000
"""For one text, in steps of 2 to 7 ns: 2 to 7 ms, the latter on a crowded machine."""
CALL_WORK = 1000
"""Of any operation, however small its numbers: what Python takes to get there."""
DIGIT_BITS = 30
"""Of one digit of Python's integers."""


class NoIntegerError(Exception):
    """There is no exact value within bounds; every function here may raise it."""


class Budget:
    """The work that one text may still cause."""

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work

    def spend(self, work: int) -> None:
        """Take `work` off what is left; refuse what is more than that, and all that comes after."""
        self.left -= work
        if self.left < 0:
            raise NoIntegerError


def bits(value: Fraction) -> int:
    """Return the size of the larger part."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def bounded(value: Fraction) -> Fraction:
    """Return `value` if its size is within bounds."""
    if bits(value) > MAX_BITS:
        raise NoIntegerError
    return value


def integer(value: Fraction) -> int:
    """Return `value` if it is an integer."""
    if value.denominator != 1:
        raise NoIntegerError
    return value.numerator


def number(literal: str) -> Fraction:
    """Return the value of digits with at most one point before the last, and a power of ten."""
    mantissa, _, exponent = literal.partition("e")
    whole, _, decimals = mantissa.partition(".")
    if len(whole) + len(decimals) > MAX_DIGITS or len(exponent) > 3:
        raise NoIntegerError
    value = Fraction(int(whole + decimals), 10 ** len(decimals))
    return bounded(value * 10 ** int(exponent or 0))


def add(first: Fraction, second: Fraction, budget: Budget) -> Fraction:
    """Return the sum."""
    budget.spend(_work(first, second))
    return bounded(first + second)


def multiply(first: Fraction, second: Fraction, budget: Budget) -> Fraction:
    """Return the product."""
    budget.spend(_work(first, second))
    return bounded(first * second)


def quotient(dividend: Fraction, divisor: Fraction, budget: Budget) -> Fraction:
    """Return `dividend / divisor`."""
    if divisor == 0:
        raise NoIntegerError
    budget.spend(_work(dividend, divisor))
    return bounded(dividend / divisor)


def power(base: Fraction, times: int, budget: Budget) -> Fraction:
    """Return `base ** times`; 0^0 is refused."""
    if base == 0 and times <= 0:
        raise NoIntegerError
    if abs(base) in (0, 1):
        return base if times % 2 else base * base
    # bit_length says 2 for the number 2, whose powers take one bit each.
    size = bits(base) * abs(times)
    if size > 2 * MAX_BITS:
        raise NoIntegerError
    budget.spend(CALL_WORK + digits(size) ** 2)
    return bounded(base**times)


def rational_root(value: Fraction, degree: int, budget: Budget) -> Fraction | None:
    """Return the root of a `value` of at least 0, None where it is irrational."""
    if value < 0 or not 2 <= degree <= MAX_ROOT:
        raise NoIntegerError
    above = floor_root(value.numerator, degree, budget)
    found = Fraction(above, floor_root(value.denominator, degree, budget))
    budget.spend(2 * digits(bits(value)) ** 2)
    return found if found**degree == value else None


def floor_root(value: int, degree: int, budget: Budget) -> int:
    """Return the integer part of a root of `value`, which is at least 0."""
    size = value.bit_length()
    budget.spend((CALL_WORK if degree == 2 else 10 * CALL_WORK) + 8 * digits(size) ** 2)
    if value < 2:
        return value
    if size <= degree:
        return 1
    return math.isqrt(value) if degree == 2 else _newton_root(value, degree)


def _newton_root(value: int, degree: int) -> int:
    """Find the root of the upper half of the bits first: from there few steps are left.

    Newton's iteration falls from any start above the root until it is at its integer part.
    """
    half = value.bit_length() // (2 * degree)
    guess = 4 if half == 0 else (_newton_root(value >> half * degree, degree) + 1) << half
    while (better := ((degree - 1) * guess + value // guess ** (degree - 1)) // degree) < guess:
        guess = better
    return guess


def digits(size: int) -> int:
    """Return how many of Python's digits hold `size` bits."""
    return size // DIGIT_BITS + 1


def _work(first: Fraction, second: Fraction) -> int:
    """Return the work of one operation: each has products, and divisors in common to look for."""
    return CALL_WORK + _length(first) * _length(second)


def _length(value: Fraction) -> int:
    return digits(value.numerator.bit_length() + value.denominator.bit_length())
