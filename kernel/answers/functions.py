"""Functions of boxed expressions that have exact values: factorials, choices, divisors, logarithms.

Covers: what a name or a sign other than + - * / ^ stands for, on rational numbers of bounded size.
Does not cover: roots (`surds`), and values that are irrational.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from kernel.answers import arithmetic as exact
from kernel.answers.arithmetic import MAX_BITS, Budget, NoIntegerError, integer

MAX_FACTORIAL = 536
"""The largest whose factorial has at most `MAX_BITS` bits."""
MAX_QUOTIENTS = 24
"""Steps of a logarithm's continued fraction; rational ones within bounds take fewer."""


def factorial(value: Fraction, budget: Budget) -> Fraction:
    """Return `value!`."""
    if not 0 <= integer(value) <= MAX_FACTORIAL:
        raise NoIntegerError
    budget.spend(exact.CALL_WORK + 20 * integer(value))
    return Fraction(math.factorial(integer(value)))


def binomial(upper: Fraction, lower: Fraction, budget: Budget) -> Fraction:
    """Return the number of ways to choose `lower` of `upper`."""
    n, k = integer(upper), integer(lower)
    if n < 0 or k < 0:
        raise NoIntegerError
    least = min(k, abs(n - k))
    # Two upper bounds of the result's bits: it is at most n^k, by symmetry n^(n-k), and below 2^n.
    size = min(n, least * n.bit_length())
    if size > 2 * MAX_BITS:
        raise NoIntegerError
    budget.spend(exact.CALL_WORK + least * exact.digits(size))
    return exact.bounded(Fraction(math.comb(n, k)))


def permutations(upper: Fraction, lower: Fraction, budget: Budget) -> Fraction:
    """Return the number of ordered ways to choose `lower` of `upper`."""
    n, k = integer(upper), integer(lower)
    if n < 0 or k < 0 or k * n.bit_length() > 2 * MAX_BITS:
        raise NoIntegerError
    budget.spend(exact.CALL_WORK + k * exact.digits(k * n.bit_length()))
    return exact.bounded(Fraction(math.perm(n, k)))


def residue(value: Fraction, modulus: Fraction, budget: Budget) -> Fraction:
    """Return the remainder of `value` in 0..modulus-1."""
    if integer(modulus) <= 0:
        raise NoIntegerError
    budget.spend(exact.CALL_WORK + exact.digits(exact.bits(value)) ** 2)
    return Fraction(integer(value) % integer(modulus))


def greatest_common_divisor(values: Sequence[Fraction], budget: Budget) -> Fraction:
    """Return the greatest common divisor of two or more integers that are not all 0."""
    _spend_on_divisors(values, budget)
    found = math.gcd(*map(integer, values))
    if found == 0:
        raise NoIntegerError
    return Fraction(found)


def least_common_multiple(values: Sequence[Fraction], budget: Budget) -> Fraction:
    """Return the least common multiple of two or more positive integers."""
    _spend_on_divisors(values, budget)
    if min(values) <= 0 or sum(map(exact.bits, values)) > 2 * MAX_BITS:
        raise NoIntegerError
    return exact.bounded(Fraction(math.lcm(*map(integer, values))))


def _spend_on_divisors(values: Sequence[Fraction], budget: Budget) -> None:
    if len(values) < 2:
        raise NoIntegerError
    work = sum(exact.digits(exact.bits(value)) ** 2 for value in values)
    budget.spend(len(values) * exact.CALL_WORK + 4 * work)


def logarithm(base: Fraction, value: Fraction, budget: Budget) -> Fraction:
    """Return the exponent that makes `value` of `base`, if it is rational.

    Its continued fraction: the integer part, then one over the logarithm that has base and rest
    change places. It ends exactly where both are powers of one number.
    """
    if base == 1:
        raise NoIntegerError
    if 0 < base < 1:
        return -logarithm(1 / base, value, budget)
    quotients: list[int] = []
    while value != 1:
        if len(quotients) == MAX_QUOTIENTS:
            raise NoIntegerError
        whole = floor_logarithm(base, value, budget)
        rest = exact.quotient(value, exact.power(base, whole, budget), budget)
        quotients.append(whole)
        base, value = rest, base
        if rest == 1:
            break
    found = Fraction(quotients.pop()) if quotients else Fraction(0)
    while quotients:
        found = quotients.pop() + 1 / found
    return found


def floor_logarithm(base: Fraction, value: Fraction, budget: Budget) -> int:
    """Return the largest integer exponent whose power of `base` is not above `value`."""
    if base <= 1 or value <= 0:
        raise NoIntegerError
    if value < 1:
        inverse = 1 / value
        exponent = floor_logarithm(base, inverse, budget)
        exact_power = exact.power(base, exponent, budget) == inverse
        return -exponent if exact_power else -exponent - 1
    # Squares of the base as long as they fit, then the exponent's bits from the highest down.
    squares = [base]
    while squares[-1] <= value:
        if exact.bits(squares[-1]) > MAX_BITS:
            raise NoIntegerError
        budget.spend(exact.CALL_WORK + exact.digits(2 * exact.bits(squares[-1])) ** 2)
        squares.append(squares[-1] ** 2)
    exponent, reached = 0, Fraction(1)
    for place in reversed(range(len(squares) - 1)):
        higher = exact.multiply(reached, squares[place], budget)
        if higher <= value:
            exponent, reached = exponent + (1 << place), higher
    return exponent
