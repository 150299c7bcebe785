"""Families on divisors and common multiples."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import (
    adding,
    divisors,
    euclid,
    factored,
    listed,
    multiplying,
    prime_powers,
)


@family(
    ask=(
        "What is the greatest common divisor of $<a>$ and $<b>$?",
        r"Find $\gcd(<a>, <b>)$.",
        "Find the largest integer that divides both $<a>$ and $<b>$.",
        "Two ropes of $<a>$ cm and $<b>$ cm are cut into pieces of one length, with nothing left "
        "over. How many centimeters long can a piece be at most?",
        r"Find the largest $d$ such that $d \mid <a>$ and $d \mid <b>$.",
    ),
    plan=(
        "Euclid's algorithm gives the greatest common divisor.",
        "We need the largest number that divides both $<a>$ and $<b>$.",
    ),
    code=(
        "from math import gcd\nprint(gcd(<a>, <b>))",
        "a, b = <a>, <b>\nwhile b:\n    a, b = b, a % b\nprint(a)",
        "print(max(d for d in range(1, <a> + 1) if <a> % d == 0 and <b> % d == 0))",
    ),
    result="the greatest common divisor",
)
def greatest_common_divisor(d: Draw) -> Case:
    """Greatest common divisor of two numbers."""
    g = d.upto(2, 30, 90)
    a, b = g * d.number(2, 24), g * d.number(2, 24)
    return case(math.gcd(a, b), euclid(a, b), a=a, b=b)


@family(
    ask=(
        "What is the least common multiple of $<a>$ and $<b>$?",
        r"Find $\operatorname{lcm}(<a>, <b>)$.",
        "Find the smallest positive integer that is a multiple of both $<a>$ and $<b>$.",
        "One lamp blinks every $<a>$ seconds, another every $<b>$ seconds. Both blink now. In how "
        "many seconds do they blink together again?",
    ),
    plan=(
        "The least common multiple is the product divided by the greatest common divisor.",
        "We look for the first common multiple of $<a>$ and $<b>$.",
    ),
    code=(
        "from math import lcm\nprint(lcm(<a>, <b>))",
        "from math import gcd\na, b = <a>, <b>\nprint(a * b // gcd(a, b))",
        "n = <a>\nwhile n % <b> != 0:\n    n += <a>\nprint(n)",
        "from sympy import ilcm\nprint(ilcm(<a>, <b>))",
    ),
    result="the least common multiple",
)
def least_common_multiple(d: Draw) -> Case:
    """Least common multiple of two numbers."""
    g = d.number(1, 9)
    a, b = g * d.number(3, 16), g * d.number(3, 16)
    c = math.gcd(a, b)
    steps = [*euclid(a, b), f"{a} / {c} = {a // c}", f"{a // c} * {b} = {math.lcm(a, b)}"]
    return case(math.lcm(a, b), steps, a=a, b=b)


@family(
    ask=(
        "How many positive divisors does $<n>$ have?",
        "Find the number of positive divisors of $<n>$.",
        "How many positive integers divide $<n>$ without remainder?",
        "In how many ways can $<n>$ chairs be set up in equal rows, if a single row and rows of "
        "one "
        "chair count too?",
    ),
    plan=(
        "We count the numbers from 1 to $<n>$ that divide $<n>$.",
        "A number $d$ divides $<n>$ when the remainder is 0.",
    ),
    code=(
        "n = <n>\nprint(sum(1 for d in range(1, n + 1) if n % d == 0))",
        "from sympy import divisor_count\nprint(divisor_count(<n>))",
        "count = 0\nfor d in range(1, <n> + 1):\n    if <n> % d == 0:\n        count += 1\n"
        "print(count)",
        "from sympy import divisors\nprint(len(divisors(<n>)))",
    ),
    result="the number of divisors",
)
def divisor_count(d: Draw) -> Case:
    """Number of divisors."""
    n = d.upto(12, 400, 1500)
    powers = prime_powers(n).values()
    sizes = [e + 1 for e in powers]
    counts = "Each exponent plus one: " + listed(sizes)
    return case(len(divisors(n)), [factored(n), counts, multiplying(sizes)], n=n)


@family(
    ask=(
        "What is the sum of all positive divisors of $<n>$?",
        "Find the sum of the divisors of $<n>$.",
        "Find $\\sigma(<n>)$, the sum of all positive integers that divide $<n>$.",
        "All positive integers that divide $<n>$ are written on a board. What is their sum?",
    ),
    plan=(
        "We add all numbers from 1 to $<n>$ that divide $<n>$.",
        "List the divisors and add them.",
    ),
    code=(
        "n = <n>\nprint(sum(d for d in range(1, n + 1) if n % d == 0))",
        "from sympy import divisors\nprint(sum(divisors(<n>)))",
        "total = 0\nfor d in range(1, <n> + 1):\n    if <n> % d == 0:\n        total += d\n"
        "print(total)",
    ),
    result="the sum of the divisors",
)
def divisor_sum(d: Draw) -> Case:
    """Sum of divisors."""
    n = d.upto(10, 120, 900)
    found = divisors(n)
    return case(sum(found), [f"The divisors are {listed(found)}", adding(found)], n=n)


@family(
    ask=(
        "How many <kind> positive divisors does $<n>$ have?",
        "How many positive divisors of $<n>$ are <kind>?",
        "Find the number of <kind> divisors of $<n>$.",
        "Among the positive integers that divide $<n>$, how many are <kind>?",
    ),
    plan=("We list the divisors of $<n>$ and count those that are <kind>.",),
    code=(
        "n = <n>\nprint(sum(1 for d in range(1, n + 1) if n % d == 0 and d % 2 == <r>))",
        "from sympy import divisors\nprint(len([d for d in divisors(<n>) if d % 2 == <r>]))",
        "count = 0\nfor d in range(1, <n> + 1):\n    if <n> % d == 0 and d % 2 == <r>:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of <kind> divisors",
)
def parity_divisors(d: Draw) -> Case:
    """Number of even or odd divisors."""
    n = 2 * d.upto(6, 60, 400)
    kind, r = d.pick(("even", 0), ("odd", 1))
    found = [x for x in divisors(n) if x % 2 == r]
    steps = [f"The {kind} divisors are {listed(found)}", f"Their number is {len(found)}"]
    return case(len(found), steps, n=n, kind=kind, r=r)


@family(
    ask=(
        "What is the smallest positive integer that is divisible by $<a>$, $<b>$ and $<c>$?",
        r"Find $\operatorname{lcm}(<a>, <b>, <c>)$.",
        "Find the least number of sweets that can be shared equally among $<a>$, among $<b>$ and "
        "among $<c>$ children.",
        "Three buses leave together. They come back every $<a>$, $<b>$ and $<c>$ minutes. After "
        "how many minutes do all three leave together again?",
    ),
    plan=("We take the least common multiple of the three numbers.",),
    code=(
        "from math import lcm\nprint(lcm(<a>, <b>, <c>))",
        "n = <a>\nwhile n % <b> != 0 or n % <c> != 0:\n    n += <a>\nprint(n)",
        "from math import lcm\nvalue = 1\nfor k in [<a>, <b>, <c>]:\n    value = lcm(value, k)\n"
        "print(value)",
    ),
    result="the least common multiple",
)
def common_multiple_of_three(d: Draw) -> Case:
    """Least common multiple of three numbers."""
    a, b, c = d.some(range(4, 25), 3)
    ab = math.lcm(a, b)
    abc = math.lcm(ab, c)
    steps = [
        f"{a} * {ab // a} = {ab}, a multiple of {b}",
        f"{ab} * {abc // ab} = {abc}, a multiple of {c}",
        f"It is {abc}",
    ]
    return case(abc, steps, a=a, b=b, c=c)


@family(
    ask=(
        "In how many ways can $<n>$ be written as a product of two positive integers, if the "
        "order does not matter?",
        r"How many pairs $(a, b)$ of positive integers with $a \le b$ satisfy $ab = <n>$?",
        "How many rectangles with integer sides have the area $<n>$, where turned ones count as "
        "one?",
        "Find the number of unordered pairs of positive integers whose product is $<n>$.",
    ),
    plan=("For each $a$ with $a^2 \\le <n>$ we test whether $a$ divides $<n>$.",),
    code=(
        "n = <n>\nprint(sum(1 for a in range(1, n + 1) if n % a == 0 and a <= n // a))",
        "from math import isqrt\nn = <n>\n"
        "print(sum(1 for a in range(1, isqrt(n) + 1) if n % a == 0))",
        "n, count, a = <n>, 0, 1\nwhile a * a <= n:\n    if n % a == 0:\n        count += 1\n"
        "    a += 1\nprint(count)",
    ),
    result="the number of pairs",
)
def factor_pairs(d: Draw) -> Case:
    """Ways to write a number as a product of two."""
    n = d.upto(12, 240, 1500)
    pairs = [f"{a} * {n // a} = {n}" for a in divisors(n) if a * a <= n]
    return case(len(pairs), [*pairs, f"The number of pairs is {len(pairs)}"], n=n)


@family(
    ask=(
        "Two positive integers have the greatest common divisor $<g>$ and the least common "
        "multiple $<l>$. One of "
        "them is $<a>$. What is the other?",
        r"Find $b$ if $\gcd(<a>, b) = <g>$ and $\operatorname{lcm}(<a>, b) = <l>$.",
        "The number $<a>$ and a second number have gcd $<g>$ and lcm $<l>$. Find the second "
        "number.",
        "If $<g>$ is the greatest common divisor and $<l>$ the least common multiple of $<a>$ and "
        "$x$, what is $x$?",
    ),
    plan=("The product of two numbers equals gcd times lcm.",),
    code=(
        "print(<g> * <l> // <a>)",
        "from math import gcd, lcm\n"
        "print(next(b for b in range(1, <l> + 1) if gcd(<a>, b) == <g> and lcm(<a>, b) == <l>))",
    ),
    result="the other number",
)
def gcd_and_lcm(d: Draw) -> Case:
    """The other number, from gcd and lcm."""
    g, (p, q) = (
        d.number(2, 12),
        d.pick((2, 3), (3, 4), (2, 5), (3, 5), (4, 5), (2, 7), (5, 6), (3, 7), (4, 7), (5, 8)),
    )
    a, b = d.pick((g * p, g * q), (g * q, g * p))
    product = g * (g * p * q)
    steps = [f"{g} * {g * p * q} = {product}", f"{product} / {a} = {b}"]
    return case(b, steps, g=g, l=g * p * q, a=a)


@family(
    ask=(
        "How many perfect squares divide $<n>$?",
        "How many divisors of $<n>$ are squares of integers?",
        "Find the number of positive integers $k$ such that $k^2$ divides $<n>$.",
        "Among the positive divisors of $<n>$, how many are perfect squares?",
    ),
    plan=("We count the $k$ for which $k^2$ divides $<n>$.",),
    code=(
        "print(sum(1 for k in range(1, <n> + 1) if <n> % (k * k) == 0))",
        "n, k, count = <n>, 1, 0\nwhile k * k <= n:\n    if n % (k * k) == 0:\n"
        "        count += 1\n    k += 1\nprint(count)",
    ),
    result="the number of square divisors",
)
def square_divisors(d: Draw) -> Case:
    """Number of square divisors."""
    n = 2 ** d.number(0, 6) * 3 ** d.number(0, 4) * 5 ** d.number(0, 2) * d.pick(1, 2, 3, 7, 11)
    sizes = [e // 2 + 1 for e in prime_powers(n).values()] or [1]
    steps = [factored(n), f"Half of each exponent, plus one: {listed(sizes)}", multiplying(sizes)]
    return case(math.prod(sizes), steps, n=n)
