"""Families on ways to make up a sum, and on rows of two kinds."""

import itertools
import math
from collections import Counter

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, binomial, listed


@family(
    ask=(
        "In how many ways can $<t>$ cents be paid with coins of $<a>$, $<b>$ and $<c>$ cents, if "
        "the order does not matter?",
        "A machine takes coins of $<a>$, $<b>$ and $<c>$ cents. How many combinations of coins "
        "are worth exactly $<t>$ cents?",
        "Find the number of triples of nonnegative integers $(x, y, z)$ with $<a>x + <b>y + <c>z "
        "= <t>$.",
        "<who> buys stamps for $<a>$, $<b>$ and $<c>$ cents, worth $<t>$ cents in all. In how "
        "many ways?",
    ),
    plan=("We try all numbers of the two larger coins; the smallest must fill the rest.",),
    code=(
        "print(sum(1 for y in range(<t> // <b> + 1) for z in range(<t> // <c> + 1) if <t> - <b>*y "
        "- <c>*z >= 0 and (<t> - <b>*y - <c>*z) % <a> == 0))",
        "ways = [1] + [0] * <t>\nfor coin in [<a>, <b>, <c>]:\n"
        "    for t in range(coin, <t> + 1):\n        ways[t] += ways[t - coin]\nprint(ways[<t>])",
    ),
    result="the number of ways",
)
def coins(d: Draw) -> Case:
    """Ways to pay an amount."""
    a, b, c = d.pick(
        (1, 5, 10), (1, 2, 5), (2, 5, 10), (1, 5, 25), (5, 10, 20), (1, 3, 7), (2, 3, 5)
    )
    t = d.upto(2 * c, 4 * c, 20 * c)
    parts = [
        sum((t - c * z - b * y) % a == 0 for y in range((t - c * z) // b + 1))
        for z in range(t // c + 1)
    ]
    lines = [f"{z} of {c}: {p}" for z, p in enumerate(parts)]
    return case(
        sum(parts), [", ".join(lines[:21]), adding(parts)], a=a, b=b, c=c, t=t, who=d.person()
    )


@family(
    ask=(
        "In how many ways can $<n>$ equal <things> be given to $<k>$ children, if each gets at "
        "least $<m>$?",
        "How many lists of $<k>$ integers, each at least $<m>$, have the sum $<n>$?",
        "Find the number of solutions of $x_1 + \\cdots + x_<k> = <n>$ in integers $x_i \\ge <m>$.",
        "$<n>$ identical balls are put into $<k>$ different boxes, at least $<m>$ in each. How "
        "many ways are there?",
    ),
    plan=("After giving each its minimum, stars and bars count the rest.",),
    code=(
        "from math import comb\nrest = <n> - <k> * <m>\nprint(comb(rest + <k> - 1, <k> - 1))",
        "from itertools import product\n"
        "print(sum(1 for t in product(range(<m>, <n> + 1), repeat=<k>) if sum(t) == <n>))",
    ),
    result="the number of ways",
)
def stars_and_bars(d: Draw) -> Case:
    """Ways to share equal things."""
    k, m = d.number(3, 4), d.number(0, 2)
    n = k * m + d.upto(3, 9, 16)
    rest = n - k * m
    steps = [f"{n} - {k} * {m} = {rest}", f"Stars and bars: {binomial(rest + k - 1, k - 1)}"]
    return case(math.comb(rest + k - 1, k - 1), steps, n=n, k=k, m=m, things=d.thing())


@family(
    ask=(
        "How many strings of $<n>$ letters A and B have no <k> A's in a row, if <x> may come "
        "first?",
        "Words of length $<n>$ are made of A and B, and <x> may come first. How many have not "
        "<k> A's in a row?",
        "$<n>$ lamps stand in a row. No <k> lamps in a row may all be on, and the first lamp <l>. "
        "How many patterns of lamps are possible?",
    ),
    plan=("We go through all patterns and keep those without <k> in a row.",),
    code=(
        "from itertools import product\nwords = [''.join(w) for w in product('AB', repeat=<n>)]\n"
        "print(sum(1 for w in words if '<bad>' not in w and w[0] in '<first>'))",
        "good = [1]\nfor m in range(1, <n> + 1):\n"
        "    good.append(2**m if m < <k> else sum(good[-<k>:]))\nprint(good[<m>])",
    ),
    result="the number",
)
def no_run(d: Draw) -> Case:
    """Rows without several of a kind side by side."""
    n, k, free = d.upto(4, 8, 14), d.number(2, 4), d.number(0, 1)
    x, lamp = ("either", "may be on or off") if free else ("only B", "is off")
    m = n if free else n - 1
    good, lines = [1], list[str]()
    for length in range(1, m + 1):
        good.append(2**length if length < k else sum(good[-k:]))
        lines.append(f"length {length}: {good[-1]}")
    rule = f"Each number of good words is the sum of the {k} before it"
    values = {"n": n, "k": k, "m": m, "bad": "A" * k, "first": "AB" if free else "B"}
    return case(good[m], [rule, ", ".join(lines)], **values, x=x, l=lamp)


@family(
    ask=(
        "In how many ways can one climb $<n>$ stairs taking <l> at a time?",
        "A staircase has $<n>$ steps. <who> takes <l> in one stride. How many ways lead to the "
        "top?",
        "In how many ways can $<n>$ be written as an ordered sum of numbers that are <m>?",
        "A frog jumps <l> stones forward at a time and lands exactly on stone $<n>$, starting at "
        "$0$. How many ways are there?",
    ),
    plan=("The ways to a stair are the sum of the ways to the stairs it can be reached from.",),
    code=(
        "ways = [1]\nfor k in range(1, <n> + 1):\n"
        "    ways.append(sum(ways[k - s] for s in <s> if s <= k))\nprint(ways[<n>])",
        "def ways(k):\n    if k <= 0:\n        return int(k == 0)\n"
        "    return sum(ways(k - s) for s in <s>)\n\nprint(ways(<n>))",
    ),
    result="the number of ways",
)
def stairs(d: Draw) -> Case:
    """Ways to climb stairs."""
    sizes = d.pick((1, 2), (1, 3), (1, 2, 3), (2, 3), (1, 4), (1, 2, 4))
    n = d.upto(4, 9, 18)
    ways = [1]
    for k in range(1, n + 1):
        ways.append(sum(ways[k - s] for s in sizes if s <= k))
    text = (
        " or ".join(map(str, sizes)) if len(sizes) == 2 else f"{sizes[0]}, {sizes[1]} or {sizes[2]}"
    )
    steps = [
        "Ways to stair 0, 1, 2, and so on: " + listed(ways),
        f"For stair {n} there are {ways[n]}",
    ]
    return case(
        ways[n],
        steps,
        n=n,
        l=text,
        m=text,
        s=str(list(sizes)),
        who=d.person(),
        z=int("".join(map(str, sizes))),
    )


@family(
    ask=(
        "How many subsets of $\\{1, 2, \\ldots, <n>\\}$ have a sum of $<s>$?",
        "In how many ways is $<s>$ a sum of different integers from $1$ to $<n>$, if the order "
        "does not matter?",
        "Weights of $1, 2, \\ldots, <n>$ grams are there once each. In how many ways can they "
        "make $<s>$ grams?",
        "Find the number of subsets of the integers from $1$ to $<n>$ whose elements add up to "
        "$<s>$.",
    ),
    plan=("Each number is in the subset or not; we count the ways for each sum.",),
    code=(
        "ways = [1] + [0] * <s>\nfor k in range(1, <n> + 1):\n"
        "    for t in range(<s>, k - 1, -1):\n        ways[t] += ways[t - k]\nprint(ways[<s>])",
        "from itertools import combinations\n"
        "print(sum(1 for k in range(<n> + 1) for c in combinations(range(1, <n> + 1), k) if "
        "sum(c) == <s>))",
    ),
    result="the number of subsets",
)
def subset_sums(d: Draw) -> Case:
    """Subsets with a given sum."""
    n, s = d.upto(4, 6, 12), d.upto(6, 14, 30)
    s = min(s, n * (n + 1) // 2)
    found = [
        c for k in range(n + 1) for c in itertools.combinations(range(1, n + 1), k) if sum(c) == s
    ]
    lines = [" + ".join(map(str, c)) + f" = {s}" for c in found[:20]]
    return case(len(found), [", ".join(lines), f"Their number is {len(found)}"], n=n, s=s)


@family(
    ask=(
        "How many pairs $(x, y)$ of integers with $1 \\le x, y \\le <n>$ satisfy that $x + y$ is "
        "divisible by $<m>$?",
        "Two numbers from $1$ to $<n>$ are chosen in order, with repetition. How often is their "
        "sum a multiple of $<m>$?",
        "Find the number of ordered pairs of integers from $1$ to $<n>$ whose sum $<m>$ divides.",
    ),
    plan=("We go through all pairs.",),
    code=(
        "print(sum(1 for x in range(1, <n> + 1) for y in range(1, <n> + 1) if (x + y) % <m> == 0))",
        "count = 0\nfor x in range(1, <n> + 1):\n    for y in range(1, <n> + 1):\n"
        "        if (x + y) % <m> == 0:\n            count += 1\nprint(count)",
    ),
    result="the number of pairs",
)
def pairs_with_sum(d: Draw) -> Case:
    """Pairs whose sum is a multiple."""
    n, m = d.upto(4, 14, 90), d.number(2, 9)
    sizes = Counter(x % m for x in range(1, n + 1))
    parts = [sizes[r] * sizes[-r % m] for r in range(m)]
    lines = [f"Remainder {r}: {sizes[r]} * {sizes[-r % m]} = {parts[r]}" for r in range(m)]
    return case(sum(parts), [", ".join(lines), adding(parts)], n=n, m=m)


@family(
    ask=(
        "In how many ways can $<t>$ be written as $<a>x + <b>y$ with nonnegative integers $x$ and "
        "$y$?",
        "Find the number of pairs of nonnegative integers $(x, y)$ with $<a>x + <b>y = <t>$.",
        "A dart scores $<a>$ or $<b>$ points. How many combinations of the two scores add up to "
        "$<t>$ points?",
        "<who> fills exactly $<t>$ liters into cans of $<a>$ and of $<b>$ liters, all full. How "
        "many numbers of the cans are possible?",
    ),
    plan=("We try each $x$ and see whether $<b>$ divides the rest.",),
    code=(
        "print(sum(1 for x in range(<t> // <a> + 1) if (<t> - <a> * x) % <b> == 0))",
        "count = 0\nfor x in range(<t> // <a> + 1):\n    for y in range(<t> // <b> + 1):\n"
        "        if <a> * x + <b> * y == <t>:\n            count += 1\nprint(count)",
    ),
    result="the number of ways",
)
def two_sizes(d: Draw) -> Case:
    """Ways to fill an amount with two sizes."""
    a, b = d.some(range(2, 12), 2)
    t = d.upto(2 * b, 6 * b, 40 * b)
    found = [x for x in range(t // a + 1) if (t - a * x) % b == 0]
    shown = ", ".join(f"x = {x}" for x in found[:20]) or "there is none"
    steps = [f"The rest is a multiple of {b} for: {shown}", f"Their number is {len(found)}"]
    return case(len(found), steps, a=a, b=b, t=t, who=d.person())


@family(
    ask=(
        "In how many ways can $<n>$ be written as a sum of positive integers up to $<m>$, if their "
        "order does not matter?",
        "How many partitions does the number $<n>$ have into parts of at most $<m>$?",
        "Find the number of ways to split $<n>$ equal <things> into heaps of at most $<m>$, where "
        "only the sizes of the heaps matter.",
        "How many lists of positive integers in decreasing order, none above $<m>$ and equal ones "
        "allowed, have the sum $<n>$?",
    ),
    plan=("We allow the parts 1, 2, and so on to $<m>$, one after the other.",),
    code=(
        "ways = [1] + [0] * <n>\nfor part in range(1, <m> + 1):\n"
        "    for total in range(part, <n> + 1):\n        ways[total] += ways[total - part]\n"
        "print(ways[<n>])",
        "def count(n, largest):\n    if n == 0:\n        return 1\n"
        "    return sum(count(n - k, k) for k in range(1, min(n, largest) + 1))\n\n"
        "print(count(<n>, <m>))",
    ),
    result="the number of partitions",
)
def parts_up_to(d: Draw) -> Case:
    """Partitions into parts up to a size."""
    n, m = d.upto(4, 10, 30), d.number(2, 5)
    ways = [1] + [0] * n
    for part in range(1, m + 1):
        for total in range(part, n + 1):
            ways[total] += ways[total - part]
    steps = [f"The ways for 0, 1, 2, and so on: {listed(ways)}", f"For {n} there are {ways[n]}"]
    return case(ways[n], steps, n=n, m=m, things=d.thing())


@family(
    ask=(
        "In how many ways can a board of $2 \\times <n>$ squares be covered with dominoes?",
        "Find the number of ways to cover a floor $2$ meters wide and $<n>$ meters long with tiles "
        "of $1 \\times 2$ meters.",
        "A wall $2$ bricks high and $<n>$ wide is built of bricks that lie or stand, each $1$ by "
        "$2$. How many patterns are possible?",
        r"How many tilings of a $2 \times <n>$ rectangle by $1 \times 2$ rectangles are there?",
    ),
    plan=("The last column is one standing domino, or the last two are two lying ones.",),
    code=(
        "a, b = 1, 1\nfor _ in range(<n> - 1):\n    a, b = b, a + b\nprint(b)",
        "def tilings(n):\n    return 1 if n < 2 else tilings(n - 1) + tilings(n - 2)\n\n"
        "print(tilings(<n>))",
        "ways = [1, 1]\nfor k in range(2, <n> + 1):\n    ways.append(ways[k - 1] + ways[k - 2])\n"
        "print(ways[<n>])",
    ),
    result="the number of ways",
)
def domino_tilings(d: Draw) -> Case:
    """Ways to cover two rows with dominoes."""
    n = d.upto(3, 26, 26)
    ways = [1, 1]
    while len(ways) <= n:
        ways.append(ways[-1] + ways[-2])
    lines = [f"{ways[k - 2]} + {ways[k - 1]} = {ways[k]}" for k in range(2, n + 1)]
    return case(ways[n], [", ".join(lines)], n=n)
