"""Families on how many integers of an interval have a property."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import divisors, listed, primes


@family(
    ask=(
        "How many perfect squares are there from $<a>$ to $<b>$?",
        "Find the number of perfect squares between $<a>$ and $<b>$, inclusive.",
        "How many integers $n$ with $<a> \\le n \\le <b>$ are squares of integers?",
        "The houses from $<a>$ to $<b>$ whose number is a perfect square are painted. How many is "
        "that?",
    ),
    plan=("A number is a perfect square if its root, rounded down, has it as square.",),
    code=(
        "from math import isqrt\nprint(sum(1 for n in range(<a>, <b> + 1) if isqrt(n) ** 2 == n))",
        "count = 0\nk = 1\nwhile k * k <= <b>:\n    if k * k >= <a>:\n        count += 1\n"
        "    k += 1\nprint(count)",
    ),
    result="the number of squares",
)
def squares_between(d: Draw) -> Case:
    """Perfect squares in an interval."""
    a = d.upto(2, 60, 400)
    b = a + d.upto(30, 200, 4000)
    first, last = math.isqrt(a - 1) + 1, math.isqrt(b)
    steps = [
        f"The first is {first}^2 = {first**2} and the last is {last}^2 = {last**2}",
        f"{last} - {first} + 1 = {last - first + 1}",
    ]
    return case(last - first + 1, steps, a=a, b=b)


@family(
    ask=(
        "How many integers from $1$ to $<n>$ have exactly $<k>$ positive divisors?",
        "Find the number of positive integers up to $<n>$ with exactly $<k>$ divisors.",
        "How many of the numbers $1, 2, \\ldots, <n>$ have <k> divisors, no more and no fewer?",
        "<who> lists the positive integers up to $<n>$ that have exactly $<k>$ divisors. How many "
        "are listed?",
    ),
    plan=("We count the divisors of each number by trial.",),
    code=(
        "def divisors(n):\n    return sum(1 for d in range(1, n + 1) if n % d == 0)\n\n"
        "print(sum(1 for n in range(1, <n> + 1) if divisors(n) == <k>))",
        "from sympy import divisor_count\n"
        "print(sum(1 for n in range(1, <n> + 1) if divisor_count(n) == <k>))",
        "count = 0\nfor n in range(1, <n> + 1):\n    found = 0\n    for d in range(1, n + 1):\n"
        "        if n % d == 0:\n            found += 1\n    if found == <k>:\n        count += 1\n"
        "print(count)",
    ),
    result="the number",
)
def numbers_with_divisors(d: Draw) -> Case:
    """Numbers with a given number of divisors."""
    n, k = d.upto(20, 60, 300), d.pick(3, 4, 5, 6)
    found = [m for m in range(1, n + 1) if len(divisors(m)) == k]
    steps = [f"They are {listed(found)}", f"The number of them is {len(found)}"]
    return case(len(found), steps, n=n, k=k, who=d.person())


@family(
    ask=(
        "How many composite numbers are there from $<a>$ to $<b>$?",
        "Find the number of composite integers between $<a>$ and $<b>$, inclusive.",
        "How many integers $n$ with $<a> \\le n \\le <b>$ are composite?",
        "How many numbers from $<a>$ to $<b>$ can be written as a product of two smaller ones?",
    ),
    plan=("A number is composite if a number from 2 to its root divides it.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) "
        "if any(n % d == 0 for d in range(2, int(n**0.5) + 1))))",
        "from sympy import isprime\nprint(sum(1 for n in range(<a>, <b> + 1) if not isprime(n)))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    for d in range(2, n):\n"
        "        if n % d == 0:\n            count += 1\n            break\nprint(count)",
    ),
    result="the number of composite numbers",
)
def composites_between(d: Draw) -> Case:
    """Composite numbers in an interval."""
    a = d.upto(4, 40, 200)
    b = a + d.upto(8, 25, 150)
    others = primes(a, b)
    all_of_them = b - a + 1
    steps = [
        f"{b} - {a} + 1 = {all_of_them} numbers",
        f"Primes are {listed(others) or 'none'}",
        f"{all_of_them} - {len(others)} = {all_of_them - len(others)}",
    ]
    return case(all_of_them - len(others), steps, a=a, b=b)


@family(
    ask=(
        "How many integers from $<a>$ to $<b>$ have only <kind> digits?",
        "Find the number of integers $n$ with $<a> \\le n \\le <b>$ and only <kind> digits.",
        "How many of the page numbers from $<a>$ to $<b>$ are written with <kind> digits only?",
        "Count the numbers from $<a>$ to $<b>$ in which every digit is <kind>.",
    ),
    plan=("We look at the digits of each number as a string.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) if all(int(c) % 2 == <r> for c in str(n))))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    if all(c in '<set>' for c in str(n)):\n"
        "        count += 1\nprint(count)",
    ),
    result="the number",
)
def digits_of_one_parity(d: Draw) -> Case:
    """Numbers whose digits are all even, or all odd."""
    kind, r, digits = d.pick(("even", 0, "02468"), ("odd", 1, "13579"))
    a = d.upto(10, 60, 300)
    b = a + d.upto(20, 60, 900)
    found = [n for n in range(a, b + 1) if set(str(n)) <= set(digits)]
    shown = listed(found) or "none"
    steps = [f"They are {shown}", f"The number of them is {len(found)}"]
    return case(len(found), steps, a=a, b=b, kind=kind, r=r, set=digits)


@family(
    ask=(
        "How many integers from $1$ to $<n>$ have a common divisor with $<k>$ that is larger than "
        "$1$?",
        "Find the number of positive integers up to $<n>$ that share a prime factor with $<k>$.",
        "For how many integers $m$ with $1 \\le m \\le <n>$ is $\\gcd(m, <k>) > 1$?",
        "<who> crosses out each of the numbers $1$ to $<n>$ that shares a factor above $1$ with "
        "$<k>$. How many are crossed out?",
    ),
    plan=("We count the numbers whose greatest common divisor with $<k>$ is above 1.",),
    code=(
        "from math import gcd\nprint(sum(1 for m in range(1, <n> + 1) if gcd(m, <k>) > 1))",
        "from math import gcd\ncount = 0\nfor m in range(1, <n> + 1):\n    if gcd(m, <k>) != 1:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number",
)
def sharing_a_factor(d: Draw) -> Case:
    """Numbers that are not coprime to a given one."""
    p, q = d.pick((2, 3), (2, 5), (3, 5), (2, 7), (3, 7), (5, 7))
    k, n = p * q * d.pick(1, p), d.upto(15, 80, 600)
    first, second, both = n // p, n // q, n // (p * q)
    steps = [
        f"{first} multiples of {p}, {second} of {q}, {both} of both",
        f"{first} + {second} - {both} = {first + second - both}",
    ]
    return case(first + second - both, steps, n=n, k=k, who=d.person())


@family(
    ask=(
        "How many integers from $1$ to $<n>$ are not divisible by the square of a prime?",
        "Find the number of square-free integers from $1$ to $<n>$.",
        "How many positive integers up to $<n>$ are divisible by no perfect square except $1$?",
        "An integer is called plain if no square above $1$ divides it. How many plain integers are "
        "there from $1$ to $<n>$?",
    ),
    plan=("We test each number with the squares up to it.",),
    code=(
        "print(sum(1 for n in range(1, <n> + 1) "
        "if all(n % (k * k) for k in range(2, int(n**0.5) + 1))))",
        "count = 0\nfor n in range(1, <n> + 1):\n    k = 2\n    while k * k <= n and n % (k * k):\n"
        "        k += 1\n    if k * k > n:\n        count += 1\nprint(count)",
    ),
    result="the number",
)
def square_free(d: Draw) -> Case:
    """Numbers that no square divides."""
    n = d.upto(12, 60, 400)
    others = [m for m in range(1, n + 1) if any(m % (k * k) == 0 for k in range(2, m))]
    steps = [
        f"Divisible by a square are {listed(others)}",
        f"{n} - {len(others)} = {n - len(others)}",
    ]
    return case(n - len(others), steps, n=n)
