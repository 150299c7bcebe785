"""Lines of calculation that solutions by hand share.

Covers: sums, products, factorizations, Euclid's algorithm and powers, written so that each line is
a true equation of plain numbers. Does not cover: what a problem's own reasoning says.
"""

import math
from collections.abc import Iterable, Sequence


def adding(numbers: Sequence[int]) -> str:
    """Return the numbers' sum, added one by one: `5 + 9 = 14, 14 + 12 = 26`."""
    if len(numbers) < 2:
        return f"The sum is {sum(numbers)}"
    parts: list[str] = []
    total = numbers[0]
    for number in numbers[1:]:
        parts.append(f"{total} + {number} = {total + number}")
        total += number
    return ", ".join(parts)


def multiplying(numbers: Sequence[int]) -> str:
    """Return the numbers' product, multiplied one by one."""
    if len(numbers) < 2:
        return f"The product is {math.prod(numbers)}"
    parts: list[str] = []
    total = numbers[0]
    for number in numbers[1:]:
        parts.append(f"{total} * {number} = {total * number}")
        total *= number
    return ", ".join(parts)


def listed(numbers: Iterable[int | str]) -> str:
    """Return the numbers with commas."""
    return ", ".join(map(str, numbers))


def euclid(a: int, b: int) -> list[str]:
    """Return the divisions of Euclid's algorithm; the last one's divisor is the result."""
    lines: list[str] = []
    while b:
        lines.append(f"{a} = {a // b} * {b} + {a % b}")
        a, b = b, a % b
    return [*lines, f"The last divisor is {a}"]


def prime_powers(n: int) -> dict[int, int]:
    """Return the exponents of n's primes."""
    found: dict[int, int] = {}
    p = 2
    while n > 1:
        while n % p == 0:
            found[p] = found.get(p, 0) + 1
            n //= p
        p += 1
    return found


def factored(n: int) -> str:
    """Return n as an equation with its prime powers: `360 = 2^3 * 3^2 * 5`."""
    powers = prime_powers(n).items()
    return f"{n} = " + (" * ".join(f"{p}^{e}" if e > 1 else f"{p}" for p, e in powers) or "1")


def powering(base: int, exponent: int, modulus: int) -> list[str]:
    """Return a power's remainder by repeated squaring; the last line ends in it."""
    lines: list[str] = []
    square, left, value = base % modulus, exponent, 1
    while left:
        if left % 2:
            new = value * square % modulus
            lines.append(f"Multiply: {value} * {square} = {value * square}, remainder {new}")
            value = new
        left //= 2
        if left:
            new = square * square % modulus
            lines.append(f"Square: {square} * {square} = {square * square}, remainder {new}")
            square = new
    return lines


def binomial(n: int, k: int) -> str:
    """Return a binomial coefficient as a quotient of products: `C(5, 2) = 20 / 2 = 10`."""
    top, bottom = math.perm(n, k), math.factorial(k)
    return f"C({n}, {k}) = {top} / {bottom} = {top // bottom}"


def divisors(n: int) -> list[int]:
    """Return all positive divisors."""
    return [d for d in range(1, n + 1) if n % d == 0]


def primes(low: int, high: int) -> list[int]:
    """Return the primes from `low` to `high`."""
    return [
        n for n in range(max(low, 2), high + 1) if all(n % d for d in range(2, math.isqrt(n) + 1))
    ]


def digits(n: int) -> list[int]:
    """Return the decimal digits, first to last."""
    return [int(c) for c in str(n)]


def signed(n: int) -> str:
    """Return an integer as the next term of a sum: `+ 3` or `- 3`."""
    return f"+ {n}" if n >= 0 else f"- {-n}"
