"""Exact arithmetic on fractions that refuses what would get too large, before it computes it.

Covers: the operations of boxed expressions, each within a fraction of a millisecond for operands
within bounds. Does not cover: irrational or negative roots, floats, modular inverses.
"""

import math
from fractions import Fraction

MAX_BITS = 4096
"""Of every numerator and denominator: 1,233 digits, room for 2^2024 and 500!."""
MAX_DIGITS = 640
"""Of a literal: `sys.set_int_max_str_digits` takes no lower limit, so `int` never refuses."""
MAX_ROOT = 64
"""Degree of a root; keeps Newton's iteration short."""


class NoIntegerError(Exception):
    """There is no exact value within bounds; every function here may raise it."""


def bounded(value: Fraction) -> Fraction:
    """Return `value` if its size is within bounds."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise NoIntegerError
    return value


def integer(value: Fraction) -> int:
    """Return `value` if it is an integer."""
    if value.denominator != 1:
        raise NoIntegerError
    return value.numerator


def number(literal: str) -> Fraction:
    """Return the value of digits with at most one point before the last."""
    whole, _, decimals = literal.partition(".")
    if len(whole) + len(decimals) > MAX_DIGITS:
        raise NoIntegerError
    return Fraction(int(whole + decimals), 10 ** len(decimals))


def quotient(dividend: Fraction, divisor: Fraction) -> Fraction:
    """Return `dividend / divisor`."""
    if divisor == 0:
        raise NoIntegerError
    return bounded(dividend / divisor)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return `base ** exponent` for an integral exponent; 0^0 is refused."""
    times = integer(exponent)
    if base == 0 and times <= 0:
        raise NoIntegerError
    if abs(base) in (0, 1):
        return base if times % 2 else base * base
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # bit_length says 2 for the number 2, whose powers take one bit each.
    if bits * abs(times) > 2 * MAX_BITS:
        raise NoIntegerError
    return bounded(base**times)


def factorial(value: Fraction) -> Fraction:
    """Return `value!`."""
    if not 0 <= integer(value) <= MAX_BITS:
        raise NoIntegerError
    return bounded(Fraction(math.factorial(integer(value))))


def binomial(upper: Fraction, lower: Fraction) -> Fraction:
    """Return the number of ways to choose `lower` of `upper`."""
    n, k = integer(upper), integer(lower)
    if n < 0 or k < 0:
        raise NoIntegerError
    # Two upper bounds of the result's bits: it is at most n^k, by symmetry n^(n-k), and below 2^n.
    if min(n, min(k, abs(n - k)) * n.bit_length()) > 2 * MAX_BITS:
        raise NoIntegerError
    return bounded(Fraction(math.comb(n, k)))


def residue(value: Fraction, modulus: Fraction) -> Fraction:
    """Return the remainder of `value` in 0..modulus-1."""
    if integer(modulus) <= 0:
        raise NoIntegerError
    return Fraction(integer(value) % integer(modulus))


def root(value: Fraction, degree: Fraction) -> Fraction:
    """Return the root of `value` if it is rational."""
    k = integer(degree)
    if value < 0 or not 2 <= k <= MAX_ROOT:
        raise NoIntegerError
    found = Fraction(_floor_root(value.numerator, k), _floor_root(value.denominator, k))
    if found**k != value:
        raise NoIntegerError
    return found


def _floor_root(value: int, degree: int) -> int:
    """Return the integer part of a root by Newton's iteration from above."""
    if value < 2 or degree == 2:
        return math.isqrt(value) if degree == 2 else value
    guess = 1 << -(-value.bit_length() // degree)
    while (better := ((degree - 1) * guess + value // guess ** (degree - 1)) // degree) < guess:
        guess = better
    return guess
