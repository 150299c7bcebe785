r"""Exact numbers with roots in them: sums such as 3 + 2\sqrt{5} - \sqrt[3]{2}.

Covers: the four operations, powers, roots of single terms, absolute values, floors; each gives a
fraction wherever the value is rational. Does not cover: roots of sums, other irrational numbers.

Two terms are merged where the ratio of their roots is rational. Roots of positive integers whose
ratios are all irrational are linearly independent over the rational numbers (Besicovitch 1940,
Mordell 1953), so what still has a root after merging is irrational: nothing here is ever decided by
an approximation alone.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from kernel.answers import arithmetic as exact
from kernel.answers.arithmetic import Budget, NoIntegerError

MAX_DEGREE = 12
"""Of a root that stays: common degrees of several stay small."""
MAX_TERMS = 16
MAX_TIMES = 64
"""Largest exponent of a sum with roots."""
PRECISIONS = (64, 512)
"""Binary places with which a floor is tried; a number so near an integer has no answer."""


class Term(NamedTuple):
    """A fraction times the positive root of a positive integer."""

    coefficient: Fraction
    radicand: int
    degree: int


class Surd(NamedTuple):
    """An irrational sum of at least one term."""

    terms: tuple[Term, ...]


Number = Fraction | Surd


def add(first: Number, second: Number, budget: Budget) -> Number:
    """Return the sum."""
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return exact.add(first, second, budget)
    return _sum([*_terms(first), *_terms(second)], budget)


def subtract(first: Number, second: Number, budget: Budget) -> Number:
    """Return the difference."""
    return add(first, negative(second), budget)


def negative(value: Number) -> Number:
    """Return `-value`."""
    if isinstance(value, Fraction):
        return -value
    return Surd(tuple(term._replace(coefficient=-term.coefficient) for term in value.terms))


def multiply(first: Number, second: Number, budget: Budget) -> Number:
    """Return the product."""
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return exact.multiply(first, second, budget)
    pairs = ((left, right) for left in _terms(first) for right in _terms(second))
    return _sum((_product(left, right, budget) for left, right in pairs), budget)


def quotient(dividend: Number, divisor: Number, budget: Budget) -> Number:
    """Return `dividend / divisor` where the divisor has at most two terms."""
    if isinstance(dividend, Fraction) and isinstance(divisor, Fraction):
        return exact.quotient(dividend, divisor, budget)
    # Times the conjugate: (x + y)(x - y) has smaller degrees. Cube roots never get there.
    for _ in range(3):
        if isinstance(divisor, Surd) and len(divisor.terms) == 2:
            first, second = divisor.terms
            conjugate = Surd((first, second._replace(coefficient=-second.coefficient)))
            dividend = multiply(dividend, conjugate, budget)
            divisor = multiply(divisor, conjugate, budget)
    terms = _terms(divisor)
    if len(terms) != 1:
        raise NoIntegerError
    return multiply(dividend, _reciprocal(terms[0], budget), budget)


def power(base: Number, exponent: Number, budget: Budget) -> Number:
    """Return `base ** exponent`; a fraction as exponent is a root, of a base of at least 0."""
    if isinstance(exponent, Surd):
        raise NoIntegerError
    times, degree = exponent.numerator, exponent.denominator
    if degree > 1:
        if isinstance(base, Surd) or base < 0:
            raise NoIntegerError
        return root(exact.power(base, times, budget), Fraction(degree), budget)
    if isinstance(base, Fraction):
        return exact.power(base, times, budget)
    if not 0 < abs(times) <= MAX_TIMES:
        raise NoIntegerError
    value: Number = Fraction(1)
    for bit in bin(abs(times))[2:]:
        value = multiply(value, value, budget)
        value = multiply(value, base, budget) if bit == "1" else value
    return value if times > 0 else quotient(Fraction(1), value, budget)


def root(value: Number, degree: Number, budget: Budget) -> Number:
    """Return the real root of one term; of a negative one where the degree is odd."""
    if isinstance(degree, Surd) or not 2 <= exact.integer(degree) <= exact.MAX_ROOT:
        raise NoIntegerError
    k = exact.integer(degree)
    if not value:
        return Fraction(0)
    if isinstance(value, Surd) and len(value.terms) > 1:
        raise NoIntegerError
    coefficient, radicand, inner = _terms(value)[0]
    if coefficient < 0:
        if k % 2 == 0:
            raise NoIntegerError
        return negative(root(negative(value), degree, budget))
    if inner == 1 and (rational := exact.rational_root(coefficient, k, budget)) is not None:
        return rational
    within = exact.multiply(exact.power(coefficient, inner, budget), Fraction(radicand), budget)
    # The root of p/q is the root of p q^(k-1), over q.
    below = exact.power(Fraction(within.denominator), inner * k - 1, budget)
    whole = exact.multiply(Fraction(within.numerator), below, budget)
    return _sum([_reduced(Fraction(1, within.denominator), int(whole), inner * k, budget)], budget)


def floor(value: Number, budget: Budget) -> int:
    """Return the largest integer that is not above `value`."""
    if isinstance(value, Fraction):
        return math.floor(value)
    for places in PRECISIONS:
        low, high = 0, 0
        for term in value.terms:
            near = _scaled(term, places, budget)
            low += near if term.coefficient > 0 else -near - 1
            high += near + 1 if term.coefficient > 0 else -near
        if low >> places == high >> places:
            return low >> places
    raise NoIntegerError


def absolute(value: Number, budget: Budget) -> Number:
    """Return the value without its sign."""
    return negative(value) if floor(value, budget) < 0 else value


def _scaled(term: Term, places: int, budget: Budget) -> int:
    """Return the integer part of the term, less its sign, times 2^places."""
    size = exact.bits(term.coefficient) + places
    budget.spend(exact.CALL_WORK + exact.digits(size * term.degree) ** 2)
    above = abs(term.coefficient.numerator) << places
    scaled = above**term.degree * term.radicand // term.coefficient.denominator**term.degree
    return exact.floor_root(scaled, term.degree, budget)


def _terms(value: Number) -> tuple[Term, ...]:
    if isinstance(value, Surd):
        return value.terms
    return (Term(value, 1, 1),) if value else ()


def _sum(terms: Iterable[Term], budget: Budget) -> Number:
    """Merge what can be merged and return the sum."""
    merged: list[Term] = []
    for term in terms:
        for index, other in enumerate(merged):
            if (ratio := _ratio(term, other, budget)) is not None:
                coefficient = exact.multiply(term.coefficient, ratio, budget)
                coefficient = exact.add(coefficient, other.coefficient, budget)
                merged[index] = other._replace(coefficient=coefficient)
                break
        else:
            merged.append(term)
        if len(merged) > MAX_TERMS:
            raise NoIntegerError
    left = [term for term in merged if term.coefficient]
    if all(term.degree == 1 for term in left):
        return sum((term.coefficient for term in left), Fraction(0))
    return Surd(tuple(left))


def _ratio(term: Term, other: Term, budget: Budget) -> Fraction | None:
    """Return how many times the other's root the term's root is, if that is rational."""
    degree = math.lcm(term.degree, other.degree)
    if degree == 1:
        return Fraction(1)
    above = exact.power(Fraction(term.radicand), degree // term.degree, budget)
    below = exact.power(Fraction(other.radicand), degree // other.degree, budget)
    return exact.rational_root(exact.quotient(above, below, budget), degree, budget)


def _product(first: Term, second: Term, budget: Budget) -> Term:
    coefficient = exact.multiply(first.coefficient, second.coefficient, budget)
    degree = math.lcm(first.degree, second.degree)
    left = exact.power(Fraction(first.radicand), degree // first.degree, budget)
    right = exact.power(Fraction(second.radicand), degree // second.degree, budget)
    return _reduced(coefficient, int(exact.multiply(left, right, budget)), degree, budget)


def _reciprocal(term: Term, budget: Budget) -> Number:
    """Return 1 over the term: the root of r is r over the root of r^(d-1)."""
    if term.coefficient == 0:
        raise NoIntegerError
    radicand = exact.power(Fraction(term.radicand), term.degree - 1, budget)
    below = exact.multiply(term.coefficient, Fraction(term.radicand), budget)
    return _sum([_reduced(1 / below, int(radicand), term.degree, budget)], budget)


def _reduced(coefficient: Fraction, radicand: int, degree: int, budget: Budget) -> Term:
    """Return the term with the smallest degree: the fourth root of 4 is the root of 2."""
    for prime in (2, 3, 5, 7, 11):
        while degree % prime == 0:
            found = exact.floor_root(radicand, prime, budget)
            if found**prime != radicand:
                break
            radicand, degree = found, degree // prime
    if degree == 1:
        return Term(exact.multiply(coefficient, Fraction(radicand), budget), 1, 1)
    if degree > MAX_DEGREE:
        raise NoIntegerError
    return Term(coefficient, radicand, degree)
