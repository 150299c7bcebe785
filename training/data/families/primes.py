"""Families on primes and prime factors."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import (
    adding,
    factored,
    listed,
    prime_powers,
    primes,
)


@family(
    ask=(
        "How many zeros are at the end of $<n>!$?",
        "Find the number of trailing zeros of $<n>!$.",
        "In how many zeros does the decimal form of $<n>!$ end?",
        "What is the largest $k$ such that $10^k$ divides $<n>!$?",
    ),
    plan=(
        "Each factor 10 of $<n>!$ needs a 5, so we count the factors 5.",
        "We compute the factorial and count the zeros at its end.",
    ),
    code=(
        "from math import factorial\ns = str(factorial(<n>))\nprint(len(s) - len(s.rstrip('0')))",
        "n, count = <n>, 0\nwhile n:\n    n //= 5\n    count += n\nprint(count)",
        "count = 0\nfor k in range(1, <n> + 1):\n    while k % 5 == 0:\n        k //= 5\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of zeros",
)
def factorial_zeros(d: Draw) -> Case:
    """Zeros at the end of a factorial."""
    n = d.upto(10, 130, 600)
    parts = [n // 5**k for k in range(1, 5) if n // 5**k]
    lines = [f"Multiples of {5**k} up to {n}: {n // 5**k}" for k in range(1, len(parts) + 1)]
    return case(sum(parts), [*lines, adding(parts)], n=n)


@family(
    ask=(
        "What is the largest $k$ such that $<p>^k$ divides $<n>!$?",
        "Find the exponent of $<p>$ in the prime factorization of $<n>!$.",
        "How many times can $<n>!$ be divided by $<p>$ with an integer as the result?",
        "Find the greatest integer $k$ for which $<n>!$ is a multiple of $<p>^k$.",
    ),
    plan=("We count the factors $<p>$ in the numbers from 1 to $<n>$.",),
    code=(
        "from math import factorial\nn, k = factorial(<n>), 0\nwhile n % <p> == 0:\n"
        "    n //= <p>\n    k += 1\nprint(k)",
        "n, k = <n>, 0\nwhile n:\n    n //= <p>\n    k += n\nprint(k)",
        "from sympy import factorial, multiplicity\nprint(multiplicity(<p>, factorial(<n>)))",
    ),
    result="the exponent",
)
def factorial_exponent(d: Draw) -> Case:
    """Exponent of a prime in a factorial."""
    p, n = d.pick(2, 3, 7), d.upto(8, 60, 250)
    parts: list[int] = []
    left = n
    while left := left // p:
        parts.append(left)
    parts = parts or [0]
    lines = [f"Multiples of {p**k} up to {n}: {x}" for k, x in enumerate(parts, 1)]
    return case(sum(parts), [*lines, adding(parts)], p=p, n=n)


@family(
    ask=(
        "What is the largest prime factor of $<n>$?",
        "Find the greatest prime that divides $<n>$.",
        "Find the largest prime in the prime factorization of $<n>$.",
        "The number $<n>$ is written as a product of primes. Which is the largest of them?",
    ),
    plan=("We factor $<n>$ and take the largest prime.",),
    code=(
        "from sympy import primefactors\nprint(max(primefactors(<n>)))",
        "from sympy import factorint\nprint(max(factorint(<n>)))",
        "n, p = <n>, 2\nwhile n > 1:\n    if n % p == 0:\n        n //= p\n    else:\n"
        "        p += 1\nprint(p)",
    ),
    result="the largest prime factor",
)
def largest_prime_factor(d: Draw) -> Case:
    """Largest prime factor."""
    n = math.prod(d.pick(2, 3, 5, 7, 11, 13) for _ in range(d.number(2, 3))) * d.pick(
        3, 7, 11, 17, 19, 23
    )
    largest = max(prime_powers(n))
    return case(largest, [factored(n), f"The largest prime is {largest}"], n=n)


@family(
    ask=(
        "How many different primes divide $<n>$?",
        "Find the number of distinct prime factors of $<n>$.",
        "How many distinct primes occur in the prime factorization of $<n>$?",
        "Of the divisors of $<n>$, how many are prime?",
    ),
    plan=("We factor $<n>$ and count the different primes.",),
    code=(
        "from sympy import primefactors\nprint(len(primefactors(<n>)))",
        "from sympy import factorint\nprint(len(factorint(<n>)))",
        "n, p, count = <n>, 2, 0\nwhile n > 1:\n    if n % p == 0:\n        count += 1\n"
        "        while n % p == 0:\n            n //= p\n    p += 1\nprint(count)",
    ),
    result="the number of different primes",
)
def distinct_primes(d: Draw) -> Case:
    """Number of different prime factors."""
    n = d.upto(30, 700, 5000)
    found = list(prime_powers(n))
    steps = [factored(n), f"The primes are {listed(found)}", f"Their number is {len(found)}"]
    return case(len(found), steps, n=n)


@family(
    ask=(
        "How many integers from $1$ to $<n>$ have no common divisor with $<n>$ other than $1$?",
        "How many positive integers up to $<n>$ are relatively prime to $<n>$?",
        r"Find $\varphi(<n>)$, where $\varphi$ is Euler's totient function.",
        r"How many integers $k$ with $1 \le k \le <n>$ satisfy $\gcd(k, <n>) = 1$?",
    ),
    plan=(
        "We count the $k$ from 1 to $<n>$ with $\\gcd(k, <n>) = 1$.",
        "This is Euler's function of $<n>$.",
    ),
    code=(
        "from math import gcd\nprint(sum(1 for k in range(1, <n> + 1) if gcd(k, <n>) == 1))",
        "from sympy import totient\nprint(totient(<n>))",
        "from math import gcd\ncount = 0\nfor k in range(1, <n> + 1):\n    if gcd(k, <n>) == 1:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of such integers",
)
def coprime_count(d: Draw) -> Case:
    """How many numbers are prime to a number."""
    n = d.upto(8, 150, 900)
    value, lines = n, [factored(n)]
    for p in prime_powers(n):
        lines.append(f"For the prime {p}: {value} / {p} * {p - 1} = {value // p * (p - 1)}")
        value = value // p * (p - 1)
    return case(value, lines, n=n)


@family(
    ask=(
        "How many primes are there between $<a>$ and $<b>$?",
        "How many prime numbers $p$ satisfy $<a> \\le p \\le <b>$?",
        "Find the number of primes from $<a>$ to $<b>$.",
        "A list holds all integers from $<a>$ to $<b>$. How many of them are prime?",
    ),
    plan=("We test each number from $<a>$ to $<b>$.", "Sympy can list the primes of an interval."),
    code=(
        "from sympy import primerange\nprint(len(list(primerange(<a>, <b> + 1))))",
        "from sympy import isprime\nprint(sum(1 for n in range(<a>, <b> + 1) if isprime(n)))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    if all(n % d for d in range(2, n)):\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of primes",
)
def primes_between(d: Draw) -> Case:
    """Primes in an interval."""
    a = 2 * d.upto(5, 50, 200)
    b = a + 2 * d.upto(5, 20, 150)
    found = primes(a, b)
    shown = f"The primes are {listed(found)}" if found else "There are none"
    return case(len(found), [shown, f"Their number is {len(found)}"], a=a, b=b)


@family(
    ask=(
        "What is the sum of all primes less than $<n>$?",
        "Find the sum of the prime numbers below $<n>$.",
        "All primes smaller than $<n>$ are added. What is the result?",
        "Find the sum of all primes $p$ with $p < <n>$.",
    ),
    plan=("We list the primes below $<n>$ and add them.",),
    code=(
        "from sympy import primerange\nprint(sum(primerange(2, <n>)))",
        "from sympy import isprime\nprint(sum(n for n in range(2, <n>) if isprime(n)))",
        "total = 0\nfor n in range(2, <n>):\n    if all(n % d != 0 for d in range(2, n)):\n"
        "        total += n\nprint(total)",
    ),
    result="the sum of the primes",
)
def prime_sum(d: Draw) -> Case:
    """Sum of the primes below a bound."""
    n = d.upto(11, 60, 700)
    found = primes(2, n - 1)
    return case(sum(found), [f"The primes are {listed(found)}", adding(found)], n=n)
