"""Families on sums of fractions, and of quotients and roots that are rounded down."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, listed


@family(
    ask=(
        r"Find $\sum_{k=1}^{<n>} \left\lfloor \frac{<a>k}{<b>} \right\rfloor$.",
        r"What is $\lfloor \frac{<a>}{<b>} \rfloor + \lfloor \frac{2 \cdot <a>}{<b>} \rfloor + "
        r"\cdots + \lfloor \frac{<n> \cdot <a>}{<b>} \rfloor$?",
        "For $k = 1, 2, \\ldots, <n>$ the quotient $<a>k / <b>$ is rounded down. What is the sum "
        "of these $<n>$ integers?",
        r"Let $f(k)$ be the greatest integer that is at most $<a>k/<b>$. Find $f(1) + f(2) + "
        r"\cdots + f(<n>)$.",
    ),
    plan=("Python's `//` rounds down, so we add the integer quotients.",),
    code=(
        "print(sum(<a> * k // <b> for k in range(1, <n> + 1)))",
        "from math import floor\nprint(sum(floor(<a> * k / <b>) for k in range(1, <n> + 1)))",
        "total = 0\nfor k in range(1, <n> + 1):\n    total += <a> * k // <b>\nprint(total)",
    ),
    result="the sum",
)
def floor_sum(d: Draw) -> Case:
    """Sum of rounded quotients."""
    a, b, n = d.number(2, 9), d.number(3, 11), d.upto(4, 10, 80)
    terms = [a * k // b for k in range(1, n + 1)]
    return case(sum(terms), [f"The terms are {listed(terms)}", adding(terms)], a=a, b=b, n=n)


@family(
    ask=(
        r"Find $\lfloor \sqrt{<a>} \rfloor + \lfloor \sqrt{<c>} \rfloor + \cdots + \lfloor "
        r"\sqrt{<b>} \rfloor$.",
        r"Find $\sum_{k=<a>}^{<b>} \lfloor \sqrt{k} \rfloor$.",
        "For each integer from $<a>$ to $<b>$ the square root is rounded down. What is the sum of "
        "the results?",
        "Let $s(k)$ be the largest integer whose square is at most $k$. Find $s(<a>) + s(<c>) + "
        "\\cdots + s(<b>)$.",
    ),
    plan=("`isqrt` gives the square root rounded down.",),
    code=(
        "from math import isqrt\nprint(sum(isqrt(k) for k in range(<a>, <b> + 1)))",
        "from math import sqrt, floor\ntotal = 0\nfor k in range(<a>, <b> + 1):\n"
        "    total += floor(sqrt(k))\nprint(total)",
    ),
    result="the sum",
)
def root_floor_sum(d: Draw) -> Case:
    """Sum of rounded square roots."""
    a = d.upto(1, 30, 100)
    b = a + d.upto(6, 30, 300)
    lines: list[str] = []
    parts: list[int] = []
    for r in range(math.isqrt(a), math.isqrt(b) + 1):
        count = min(b, (r + 1) ** 2 - 1) - max(a, r * r) + 1
        parts.append(r * count)
        lines.append(f"Value {r} for {count} numbers: {r} * {count} = {r * count}")
    return case(sum(parts), [*lines, adding(parts)], a=a, b=b, c=a + 1)


@family(
    ask=(
        r"The sum $\frac{1}{<a> \cdot <c>} + \frac{1}{<c> \cdot <e>} + \cdots + \frac{1}{<y> "
        r"\cdot <z>}$ equals $\frac{m}{n}$ in lowest terms. Find $m + n$.",
        r"Write $\sum_{k=<a>}^{<y>} \frac{1}{k(k+1)}$ as a fraction $\frac{m}{n}$ in lowest "
        r"terms. What is $m + n$?",
        r"Let $\frac{m}{n}$ be the reduced form of $\sum_{k=<a>}^{<y>} \frac{1}{k(k+1)}$. Find "
        r"the sum of numerator and denominator.",
        "The numbers $1/(k(k+1))$ for $k = <a>, \\ldots, <y>$ are added. If the sum is $m/n$ with "
        "coprime $m$ and $n$, what is $m + n$?",
    ),
    plan=("We add the fractions exactly.", "Fractions keep the sum exact and reduce it."),
    code=(
        "from fractions import Fraction\n"
        "s = sum(Fraction(1, k * (k + 1)) for k in range(<a>, <y> + 1))\n"
        "print(s.numerator + s.denominator)",
        "from sympy import Rational\ns = 0\nfor k in range(<a>, <y> + 1):\n"
        "    s += Rational(1, k * (k + 1))\nprint(s.p + s.q)",
    ),
    result="$m + n$",
)
def telescoping(d: Draw) -> Case:
    """A telescoping sum of fractions."""
    a = d.number(1, 9)
    y = a + d.upto(3, 20, 80)
    z = y + 1
    g = math.gcd(z - a, a * z)
    m, n = (z - a) // g, a * z // g
    steps = [
        f"Each term is 1/k - 1/(k+1), so the sum is 1/{a} - 1/{z}",
        f"{z} - {a} = {z - a} and {a} * {z} = {a * z}, divided by {g}: {m} and {n}",
        f"{m} + {n} = {m + n}",
    ]
    return case(m + n, steps, a=a, c=a + 1, e=a + 2, y=y, z=z)


@family(
    ask=(
        r"Let $\frac{a}{b} = \frac{<p>}{<q>} + \frac{<r>}{<s>}$ in lowest terms. Find $a + b$.",
        "The sum of $<p>/<q>$ and $<r>/<s>$ is $a/b$ in lowest terms. What is $a + b$?",
        r"Add $\frac{<p>}{<q>}$ and $\frac{<r>}{<s>}$ and reduce the result. What is the sum of "
        r"numerator and denominator?",
        "A jug holds $<p>/<q>$ liters and another $<r>/<s>$ liters. Together they hold $a/b$ "
        "liters, with coprime "
        "integers $a$ and $b$. Find $a + b$.",
    ),
    plan=("We add the two fractions exactly.",),
    code=(
        "from fractions import Fraction\nx = Fraction(<p>, <q>) + Fraction(<r>, <s>)\n"
        "print(x.numerator + x.denominator)",
        "from sympy import Rational\nx = Rational(<p>, <q>) + Rational(<r>, <s>)\nprint(x.p + x.q)",
    ),
    result="$a + b$",
)
def fraction_sum(d: Draw) -> Case:
    """Numerator plus denominator of a sum of fractions."""
    q, s = d.number(2, 12), d.number(2, 12)
    p, r = d.number(1, q - 1), d.number(1, s - 1)
    top, bottom = p * s + r * q, q * s
    g = math.gcd(top, bottom)
    steps = [
        f"{p} * {s} + {r} * {q} = {top}",
        f"{q} * {s} = {bottom}",
        f"Both divided by {g}: {top // g} and {bottom // g}",
        f"{top // g} + {bottom // g} = {top // g + bottom // g}",
    ]
    return case((top + bottom) // g, steps, p=p, q=q, r=r, s=s)


@family(
    ask=(
        r"Let $\frac{a}{b} = \frac{<p>}{<q>} \cdot \frac{<r>}{<s>}$ in lowest terms. Find $a + b$.",
        "The product of $<p>/<q>$ and $<r>/<s>$ is $a/b$ in lowest terms. What is $a + b$?",
        r"Multiply $\frac{<p>}{<q>}$ by $\frac{<r>}{<s>}$ and reduce the result. What is the sum "
        r"of numerator and denominator?",
        "<who> eats $<p>/<q>$ of a cake of which $<r>/<s>$ was left. That is $a/b$ of the whole "
        "cake, with coprime integers $a$ and $b$. Find $a + b$.",
    ),
    plan=("We multiply the two fractions exactly.",),
    code=(
        "from fractions import Fraction\nx = Fraction(<p>, <q>) * Fraction(<r>, <s>)\n"
        "print(x.numerator + x.denominator)",
        "from sympy import Rational\nx = Rational(<p>, <q>) * Rational(<r>, <s>)\nprint(x.p + x.q)",
        "from math import gcd\na, b = <p> * <r>, <q> * <s>\ng = gcd(a, b)\nprint(a // g + b // g)",
    ),
    result="$a + b$",
)
def fraction_product(d: Draw) -> Case:
    """Numerator plus denominator of a product of fractions."""
    q, s = d.upto(2, 12, 30), d.upto(2, 12, 30)
    p, r = d.number(1, q - 1), d.number(1, s - 1)
    top, bottom = p * r, q * s
    g = math.gcd(top, bottom)
    steps = [
        f"{p} * {r} = {top}",
        f"{q} * {s} = {bottom}",
        f"Both divided by {g}: {top // g} and {bottom // g}",
        f"{top // g} + {bottom // g} = {(top + bottom) // g}",
    ]
    return case((top + bottom) // g, steps, p=p, q=q, r=r, s=s, who=d.person())


@family(
    ask=(
        "Of $<n>$ <things>, $<p>/<q>$ are red and $<r>/<s>$ of the red ones are large. How many "
        "are red and large?",
        "What is $<r>/<s>$ of $<p>/<q>$ of $<n>$?",
        r"Find $\frac{<r>}{<s>} \cdot \frac{<p>}{<q>} \cdot <n>$.",
        "A farm has $<n>$ hectares. $<p>/<q>$ of it are fields, and on $<r>/<s>$ of the fields "
        "there is wheat. How many hectares of wheat are there?",
    ),
    plan=("We multiply the number by both fractions.",),
    code=(
        "print(<n> * <p> * <r> // (<q> * <s>))",
        "part = <n> * <p> // <q>\nprint(part * <r> // <s>)",
        "from fractions import Fraction\nprint(<n> * Fraction(<p>, <q>) * Fraction(<r>, <s>))",
    ),
    result="the number",
)
def fraction_of_fraction(d: Draw) -> Case:
    """A fraction of a fraction of a number."""
    q, s = d.number(2, 9), d.number(2, 9)
    p, r = d.number(1, q - 1), d.number(1, s - 1)
    n = q * s * d.upto(1, 6, 40)
    part, value = n * p // q, n * p // q * r // s
    steps = [
        f"{n} / {q} = {n // q}, {n // q} * {p} = {part}",
        f"{part} / {s} = {part // s}, {part // s} * {r} = {value}",
    ]
    return case(value, steps, n=n, p=p, q=q, r=r, s=s, things=d.thing())
