"""Families on paths, dice and probability."""

import itertools
import math
from collections import Counter

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, binomial


@family(
    ask=(
        "How many paths lead from $(0, 0)$ to $(<a>, <b>)$ with steps of length $1$ to the right "
        "or up?",
        "An ant walks on a grid from $(0,0)$ to $(<a>,<b>)$, only right and up. How many ways are "
        "there?",
        "A city has straight streets. In how many shortest ways can one walk $<a>$ blocks east "
        "and $<b>$ blocks north?",
        "Find the number of lattice paths from the origin to $(<a>, <b>)$ that only go right or "
        "up.",
    ),
    plan=(
        "Of $<a> + <b>$ steps we choose those to the right.",
        "The number of ways to a point is the sum over its two neighbors.",
    ),
    code=(
        "from math import comb\nprint(comb(<a> + <b>, <a>))",
        "ways = [[1] * (<b> + 1) for _ in range(<a> + 1)]\nfor i in range(1, <a> + 1):\n"
        "    for j in range(1, <b> + 1):\n        ways[i][j] = ways[i - 1][j] + ways[i][j - 1]\n"
        "print(ways[<a>][<b>])",
    ),
    result="the number of paths",
)
def lattice_paths(d: Draw) -> Case:
    """Paths on a grid."""
    a, b = d.upto(2, 5, 12), d.upto(2, 4, 10)
    k = min(a, b)
    return case(
        math.comb(a + b, a),
        [f"{a} + {b} = {a + b} steps, {k} of one kind", binomial(a + b, k)],
        a=a,
        b=b,
    )


@family(
    ask=(
        "How many paths from $(0,0)$ to $(<a>,<b>)$ with unit steps right or up avoid the point "
        "$(<c>,<e>)$?",
        "A robot moves right or up from $(0,0)$ to $(<a>,<b>)$ but must not step on $(<c>,<e>)$. "
        "How many ways does it have?",
        "Find the number of right-up lattice paths from the origin to $(<a>,<b>)$ that do not "
        "pass through $(<c>,<e>)$.",
        "The crossing $(<c>,<e>)$ is closed. In how many shortest ways can one walk from $(0,0)$ "
        "to $(<a>,<b>)$?",
    ),
    plan=("We subtract the paths through the point from all paths.",),
    code=(
        "from math import comb\nall_paths = comb(<a> + <b>, <a>)\n"
        "through = comb(<c> + <e>, <c>) * comb(<a> - <c> + <b> - <e>, <a> - <c>)\n"
        "print(all_paths - through)",
        "def ways(x, y):\n    if (x, y) == (<c>, <e>) or x < 0 or y < 0:\n        return 0\n"
        "    return 1 if x == y == 0 else ways(x - 1, y) + ways(x, y - 1)\n\nprint(ways(<a>, <b>))",
    ),
    result="the number of paths",
)
def paths_around_point(d: Draw) -> Case:
    """Paths on a grid that avoid a point."""
    a, b = d.upto(3, 5, 8), d.upto(3, 5, 7)
    c, e = d.number(1, a - 1), d.number(1, b - 1)
    whole, first, second = math.comb(a + b, a), math.comb(c + e, c), math.comb(a - c + b - e, a - c)
    steps = [
        f"All: {binomial(a + b, a)}",
        f"Through the point: {first} * {second} = {first * second}",
        f"{whole} - {first * second} = {whole - first * second}",
    ]
    return case(whole - first * second, steps, a=a, b=b, c=c, e=e)


@family(
    ask=(
        "In how many ways can $<n>$ dice show a sum of $<s>$, if the dice can be told apart?",
        "$<n>$ dice are thrown one after the other. How many results have the sum $<s>$?",
        "How many ordered lists of $<n>$ numbers from $1$ to $6$ add up to $<s>$?",
        "Find the number of ways to throw a total of $<s>$ with $<n>$ different dice.",
    ),
    plan=("We go through all results of the dice.",),
    code=(
        "from itertools import product\n"
        "print(sum(1 for t in product(range(1, 7), repeat=<n>) if sum(t) == <s>))",
        "ways = {0: 1}\nfor _ in range(<n>):\n    new = {}\n    for s, w in ways.items():\n"
        "        for face in range(1, 7):\n            new[s + face] = new.get(s + face, 0) + w\n"
        "    ways = new\nprint(ways[<s>])",
    ),
    result="the number of ways",
)
def dice_sum(d: Draw) -> Case:
    """Ways to throw a sum."""
    n = d.pick(2, 3) if not d.large else d.pick(2, 3, 4, 5)
    s = d.number(n + 2, 6 * n - 2)
    totals = Counter(sum(t) for t in itertools.product(range(1, 7), repeat=n - 1))
    parts = [totals[s - f] for f in range(1, 7) if totals[s - f]]
    lines = [f"First die {f}: {totals[s - f]}" for f in range(1, 7) if totals[s - f]]
    return case(sum(parts), [", ".join(lines), adding(parts)], n=n, s=s)


@family(
    ask=(
        "Two fair dice are thrown. The probability that the sum is <rel> $<s>$ is $m/n$ in lowest "
        "terms. Find $m + n$.",
        r"Let $\frac{m}{n}$ be the reduced probability that two dice show a total <rel> $<s>$. "
        r"What is $m + n$?",
        "With which probability $m/n$, in lowest terms, do a red and a blue die add up to a "
        "number <rel> $<s>$? Give $m + n$.",
        "A red and a blue die with faces up to $<x>$ are thrown; the chance of a sum <rel> $<s>$ "
        "is $m/n$ with coprime "
        "$m, n$. Find $m + n$.",
    ),
    plan=("We count the favorable ones among all pairs and reduce the fraction.",),
    code=(
        "from fractions import Fraction\n"
        "good = sum(1 for a in range(1, <x> + 1) for b in range(1, <x> + 1) if a + b <op> <s>)\n"
        "p = Fraction(good, <x>**2)\nprint(p.numerator + p.denominator)",
        "from math import gcd\ngood = 0\nfor a in range(1, <x> + 1):\n"
        "    for b in range(1, <x> + 1):\n        if a + b <op> <s>:\n            good += 1\n"
        "g = gcd(good, <x>**2)\nprint(good // g + <x>**2 // g)",
    ),
    result="$m + n$",
)
def dice_probability(d: Draw) -> Case:
    """Probability of a sum of two dice."""
    s = d.number(3, 11)
    rel, op = d.pick(
        ("equal to", "=="),
        ("at least", ">="),
        ("less than", "<"),
        ("at most", "<="),
        ("greater than", ">"),
    )
    tests = {"==": s.__eq__, ">=": s.__le__, "<": s.__gt__, "<=": s.__ge__, ">": s.__lt__}
    good = sum(bool(tests[op](a + b)) for a in range(1, 7) for b in range(1, 7))
    g = math.gcd(good, 36)
    steps = [
        f"{good} of 6 * 6 = 36 pairs",
        f"Divided by {g}: {good // g} and {36 // g}",
        f"{good // g} + {36 // g} = {(good + 36) // g}",
    ]
    return case((good + 36) // g, steps, s=s, rel=rel, op=op, x=6)


@family(
    ask=(
        "A bag holds $<a>$ red and $<b>$ blue balls. Two are drawn without putting back. The "
        "probability that both are red is "
        "$m/n$ in lowest terms. Find $m + n$.",
        "From $<a>$ red and $<b>$ blue cards two are drawn at random. Both are red with "
        "probability $m/n$, where $m$ and $n$ "
        "are coprime. What is $m + n$?",
        r"A class has $<a>$ girls and $<b>$ boys. Two are chosen at random; the chance that both "
        r"are girls is $\frac{m}{n}$ in "
        "lowest terms. Find $m + n$.",
    ),
    plan=("The first is red in $<a>$ of all cases, then one red less is left.",),
    code=(
        "from fractions import Fraction\nr, n = <a>, <a> + <b>\n"
        "p = Fraction(r * (r - 1), n * (n - 1))\nprint(p.numerator + p.denominator)",
        "from math import comb, gcd\nx, y = comb(<a>, 2), comb(<a> + <b>, 2)\ng = gcd(x, y)\n"
        "print(x // g + y // g)",
    ),
    result="$m + n$",
)
def two_balls(d: Draw) -> Case:
    """Probability of two balls of a color."""
    a, b = d.upto(2, 9, 25), d.upto(1, 9, 25)
    n = a + b
    top, bottom = a * (a - 1), n * (n - 1)
    g = math.gcd(top, bottom)
    steps = [
        f"{a} * {a - 1} = {top} and {n} * {n - 1} = {bottom}",
        f"Divided by {g}: {top // g} and {bottom // g}",
        f"{top // g} + {bottom // g} = {(top + bottom) // g}",
    ]
    return case((top + bottom) // g, steps, a=a, b=b)
