"""Families on multiples, remainders and powers modulo a number."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import (
    listed,
    powering,
)


@family(
    ask=(
        "What is the remainder when $<a>^{<n>}$ is divided by $<m>$?",
        "Find the remainder of $<a>^{<n>}$ modulo $<m>$.",
        r"Find $<a>^{<n>} \bmod <m>$.",
        "If $<a>^{<n>}$ objects are packed in boxes of $<m>$, how many are left over?",
        r"Find the integer $r$ with $0 \le r < <m>$ and $<a>^{<n>} \equiv r \pmod{<m>}$.",
    ),
    plan=(
        "Python's `pow` with three arguments computes the power modulo $<m>$.",
        "We multiply by $<a>$ again and again and keep only the remainder.",
    ),
    code=(
        "print(pow(<a>, <n>, <m>))",
        "print(<a>**<n> % <m>)",
        "r = 1\nfor _ in range(<n>):\n    r = r * <a> % <m>\nprint(r)",
    ),
    result="the remainder",
)
def power_remainder(d: Draw) -> Case:
    """Remainder of a power."""
    a, n, m = d.number(2, 19), d.upto(6, 40, 400), d.upto(5, 25, 120)
    return case(pow(a, n, m), [f"{a} mod {m} is {a % m}", *powering(a, n, m)], a=a, n=n, m=m)


@family(
    ask=(
        "What is the units digit of $<a>^{<n>}$?",
        "Find the last digit of $<a>^{<n>}$.",
        "In which digit does $<a>^{<n>}$ end?",
        "The number $<a>^{<n>}$ is written in base ten. What is its ones digit?",
    ),
    plan=("The last digit is the remainder modulo 10.",),
    code=("print(pow(<a>, <n>, 10))", "print(<a>**<n> % 10)", "print(int(str(<a>**<n>)[-1]))"),
    result="the last digit",
)
def last_digit(d: Draw) -> Case:
    """Last digit of a power."""
    a, n = d.number(2, 99), d.upto(5, 60, 400)
    cycle = [pow(a, k, 10) for k in range(1, 5)]
    place = (n - 1) % 4 + 1
    steps = [
        f"The last digits of the powers repeat: {listed(cycle)}",
        f"{n} = {(n - place) // 4} * 4 + {place}",
        f"Number {place} of the cycle is {cycle[place - 1]}",
    ]
    return case(pow(a, n, 10), steps, a=a, n=n)


@family(
    ask=(
        "How many multiples of $<k>$ lie between $<a>$ and $<b>$, inclusive?",
        "How many integers from $<a>$ to $<b>$ are divisible by $<k>$?",
        r"Find the number of integers $n$ with $<a> \le n \le <b>$ that are multiples of $<k>$.",
        "Houses are numbered from $<a>$ to $<b>$. How many of the numbers can be divided by $<k>$?",
    ),
    plan=("We go through the numbers from $<a>$ to $<b>$ and count the multiples of $<k>$.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) if n % <k> == 0))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    if n % <k> == 0:\n        count += 1\n"
        "print(count)",
        "print(<b> // <k> - (<a> - 1) // <k>)",
    ),
    result="the number of multiples",
)
def multiples_between(d: Draw) -> Case:
    """Multiples in an interval."""
    k, a = d.number(3, 17), d.upto(10, 90, 400)
    b = a + d.upto(20, 120, 900)
    upper, lower = b // k, (a - 1) // k
    steps = [
        f"Multiples up to {b}: {upper}",
        f"Multiples up to {a - 1}: {lower}",
        f"{upper} - {lower} = {upper - lower}",
    ]
    return case(upper - lower, steps, k=k, a=a, b=b)


@family(
    ask=(
        "How many positive integers up to $<n>$ are divisible by $<a>$ or by $<b>$?",
        "How many of the numbers $1, 2, \\ldots, <n>$ are multiples of $<a>$ or $<b>$?",
        "In a row of $<n>$ lamps every $<a>$th is red and every $<b>$th is large. How many lamps "
        "are red, "
        "large or both?",
        "Find the number of integers from $1$ to $<n>$ that $<a>$ or $<b>$ divides.",
    ),
    plan=("We count the numbers that $<a>$ or $<b>$ divides; each number counts once.",),
    code=(
        "print(sum(1 for n in range(1, <n> + 1) if n % <a> == 0 or n % <b> == 0))",
        "print(len(set(range(<a>, <n> + 1, <a>)) | set(range(<b>, <n> + 1, <b>))))",
        "from math import lcm\nn, a, b = <n>, <a>, <b>\nprint(n // a + n // b - n // lcm(a, b))",
    ),
    result="the number of such integers",
)
def multiples_of_either(d: Draw) -> Case:
    """Multiples of one number or another."""
    a, b = d.some(range(2, 13), 2)
    n, c = d.upto(30, 200, 2000), math.lcm(a, b)
    value = n // a + n // b - n // c
    steps = [
        f"Multiples of {a}: {n // a}, of {b}: {n // b}, of both: {n // c}",
        f"{n // a} + {n // b} = {n // a + n // b}",
        f"{n // a + n // b} - {n // c} = {value}",
    ]
    return case(value, steps, n=n, a=a, b=b)


@family(
    ask=(
        "A number leaves the remainder $<r>$ on division by $<a>$ and the remainder $<s>$ on "
        "division by "
        "$<b>$. What is the smallest such positive integer?",
        r"Find the smallest positive integer $x$ with $x \equiv <r> \pmod{<a>}$ and $x \equiv <s> "
        r"\pmod{<b>}$.",
        "If marbles are put into bags of $<a>$, $<r>$ are left; with bags of $<b>$, $<s>$ are "
        "left. What is the "
        "least possible number of marbles?",
        "Find the least positive $n$ such that $n$ divided by $<a>$ leaves $<r>$ and $n$ divided "
        "by $<b>$ leaves $<s>$.",
    ),
    plan=("We try $x = 1, 2, 3, \\ldots$ until both remainders are right.",),
    code=(
        "x = 1\nwhile x % <a> != <r> or x % <b> != <s>:\n    x += 1\nprint(x)",
        "print(next(x for x in range(1, <a> * <b> + 1) if x % <a> == <r> and x % <b> == <s>))",
        "from sympy.ntheory.modular import crt\nprint(crt([<a>, <b>], [<r>, <s>])[0])",
    ),
    result="the smallest number",
)
def two_remainders(d: Draw) -> Case:
    """Smallest number with two given remainders."""
    a, b = d.pick(
        (3, 5), (4, 7), (5, 7), (5, 8), (7, 9), (8, 11), (7, 11), (9, 13), (11, 13), (6, 11)
    )
    r, s = d.number(1, a - 1), d.number(1, b - 1)
    x = next(x for x in range(1, a * b) if x % a == r and x % b == s)
    tried = list(range(s, x + 1, b))
    steps = [
        f"Try numbers that leave {s} on division by {b}: {listed(tried)}",
        f"{x} = {x // a} * {a} + {r}",
    ]
    return case(x, [*steps, f"The number is {x}"], a=a, b=b, r=r, s=s)


@family(
    ask=(
        "What is the inverse of $<a>$ modulo $<m>$?",
        r"Find the integer $x$ with $0 < x < <m>$ and $<a>x \equiv 1 \pmod{<m>}$.",
        "Find the smallest positive $x$ such that $<a>x$ leaves the remainder $1$ on division by "
        "$<m>$.",
        "By which positive integer less than $<m>$ must $<a>$ be multiplied so that the remainder "
        "modulo $<m>$ is $1$?",
    ),
    plan=("We look for $x$ with $<a>x$ of remainder 1 modulo $<m>$.",),
    code=(
        "print(pow(<a>, -1, <m>))",
        "print(next(x for x in range(1, <m>) if <a> * x % <m> == 1))",
        "from sympy import mod_inverse\nprint(mod_inverse(<a>, <m>))",
        "for x in range(1, <m>):\n    if <a> * x % <m> == 1:\n        break\nprint(x)",
    ),
    result="the inverse",
)
def modular_inverse(d: Draw) -> Case:
    """Inverse modulo a prime."""
    m = d.pick(7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
    a = d.number(2, m - 2)
    x = pow(a, -1, m)
    k = a * x // m
    return case(x, [f"{a} * {x} = {a * x}", f"{a * x} = {k} * {m} + 1", f"So x = {x}"], a=a, m=m)


@family(
    ask=(
        "What is the largest integer below $<n>$ that leaves the remainder $<r>$ on division by "
        "$<m>$?",
        "Find the greatest integer less than $<n>$ that is $<r>$ more than a multiple of $<m>$.",
        r"Find the largest $x < <n>$ with $x \equiv <r> \pmod{<m>}$.",
        "A teacher has fewer than $<n>$ sheets. Packs of $<m>$ leave $<r>$ over. How many sheets "
        "are there at most?",
    ),
    plan=("We go down from $<n> - 1$ until the remainder is $<r>$.",),
    code=(
        "x = <n> - 1\nwhile x % <m> != <r>:\n    x -= 1\nprint(x)",
        "print(max(x for x in range(<n>) if x % <m> == <r>))",
    ),
    result="the largest number",
)
def largest_with_remainder(d: Draw) -> Case:
    """Largest number below a bound with a given remainder."""
    m = d.number(5, 29)
    r, n = d.number(1, m - 1), d.upto(100, 900, 3000)
    k = (n - 1 - r) // m
    steps = [
        f"{n - 1} - {r} = {n - 1 - r}",
        f"The quotient by {m} is {k}",
        f"{k} * {m} + {r} = {k * m + r}",
    ]
    return case(k * m + r, steps, n=n, m=m, r=r)
