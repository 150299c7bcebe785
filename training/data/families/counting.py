"""Families on choosing, arranging, paths, partitions and chance."""

import itertools
import math
from collections import Counter

from training.data.families.family import Draw, Drawn, drawn, family
from training.data.families.working import adding, binomial, listed, multiplying


@family(
    ask=(
        "In how many ways can $<k>$ of $<n>$ <things> be chosen?",
        r"Find $\binom{<n>}{<k>}$.",
        "A team of $<k>$ is picked from $<n>$ players. How many teams are possible?",
        "How many subsets with $<k>$ elements has a set of $<n>$ elements?",
        "<who> takes $<k>$ of $<n>$ different books along. In how many ways can this be done?",
    ),
    plan=("The order does not matter, so we take the binomial coefficient.",),
    code=(
        "from math import comb\nprint(comb(<n>, <k>))",
        "from itertools import combinations\nprint(len(list(combinations(range(<n>), <k>))))",
        "from math import factorial\n"
        "print(factorial(<n>) // (factorial(<k>) * factorial(<n> - <k>)))",
        "from sympy import binomial\nprint(binomial(<n>, <k>))",
    ),
    result="the number of ways",
)
def choosing(d: Draw) -> Drawn:
    """Ways to choose some of many."""
    n = d.upto(5, 10, 22)
    k = d.int(2, min(n - 2, 5))
    steps = [
        "Ordered: " + multiplying([n - i for i in range(k)]),
        "Orders: " + multiplying(list(range(1, k + 1))),
        f"{math.perm(n, k)} / {math.factorial(k)} = {math.comb(n, k)}",
    ]
    return drawn(math.comb(n, k), steps, n=n, k=k, things=d.thing(), who=d.person())


@family(
    ask=(
        "In how many ways can $<k>$ of $<n>$ people stand in a line?",
        "A club of $<n>$ members chooses $<k>$ people for $<k>$ different offices. In how many "
        "ways is that possible?",
        "How many words of $<k>$ different letters can be made from $<n>$ letters?",
        "Find the number of ordered choices of $<k>$ out of $<n>$ objects.",
        "$<n>$ runners race. In how many ways can the first $<k>$ places be taken?",
    ),
    plan=("There are $<n>$ choices for the first place, one less for each that follows.",),
    code=(
        "from math import perm\nprint(perm(<n>, <k>))",
        "ways = 1\nfor i in range(<k>):\n    ways *= <n> - i\nprint(ways)",
        "from math import factorial\nprint(factorial(<n>) // factorial(<n> - <k>))",
    ),
    result="the number of ways",
)
def arranging(d: Draw) -> Drawn:
    """Ordered choices."""
    n = d.upto(5, 12, 25)
    k = d.int(2, min(n - 1, 5))
    return drawn(math.perm(n, k), [multiplying([n - i for i in range(k)])], n=n, k=k)


@family(
    ask=(
        "In how many ways can the letters of $<w>$ be arranged?",
        "How many different words can be made with all letters of $<w>$?",
        "Find the number of arrangements of the letters $<w>$.",
        "The letters of $<w>$ are put on cards. How many different rows can be laid with all "
        "cards?",
    ),
    plan=(
        "We divide the factorial of the length by the factorials of how often each letter occurs.",
    ),
    code=(
        "from math import factorial\nfrom collections import Counter\nw = '<w>'\n"
        "ways = factorial(len(w))\nfor c in Counter(w).values():\n    ways //= factorial(c)\n"
        "print(ways)",
        "from itertools import permutations\nprint(len(set(permutations('<w>'))))",
    ),
    result="the number of arrangements",
)
def letter_arrangements(d: Draw) -> Drawn:
    """Arrangements of letters with repetitions."""
    letters = d.random.sample("ABCDEKLMNOPRST", 3)
    counts = [d.int(1, 3), d.int(1, 2), d.int(1, 2)]
    w = "".join(c * k for c, k in zip(letters, counts, strict=True))
    w = "".join(d.random.sample(w, len(w)))
    n, bottom = len(w), math.prod(map(math.factorial, counts))
    steps = [
        f"{n}! = {math.factorial(n)}",
        f"Repeated letters: {listed(counts)}, so divide by {bottom}",
        f"{math.factorial(n)} / {bottom} = {math.factorial(n) // bottom}",
    ]
    return drawn(math.factorial(n) // bottom, steps, w=w)


@family(
    ask=(
        "Each of $<n>$ people shakes hands with every other once. How many handshakes are there, "
        "if $<e>$ pairs do not "
        "shake hands?",
        "$<n>$ teams play each other once, but $<e>$ games are cancelled. How many games are "
        "played?",
        "How many segments connect $<n>$ points, no three on a line, if $<e>$ pairs are left "
        "unconnected?",
        "At a party with $<n>$ guests, all pairs but $<e>$ know each other. How many pairs know "
        "each other?",
    ),
    plan=("There are $n(n-1)/2$ pairs; $<e>$ are left out.",),
    code=(
        "n = <n>\nprint(n * (n - 1) // 2 - <e>)",
        "from itertools import combinations\nprint(len(list(combinations(range(<n>), 2))) - <e>)",
        "from math import comb\nprint(comb(<n>, 2) - <e>)",
    ),
    result="the number",
)
def handshakes(d: Draw) -> Drawn:
    """Pairs of people, a few left out."""
    n, e = d.upto(5, 30, 90), d.int(1, 9)
    pairs = n * (n - 1) // 2
    return drawn(
        pairs - e, [f"{n} * {n - 1} / 2 = {pairs}", f"{pairs} - {e} = {pairs - e}"], n=n, e=e
    )


@family(
    ask=(
        "A committee of $<a>$ women and $<b>$ men is chosen from $<w>$ women and $<m>$ men. In "
        "how many ways?",
        "From $<w>$ girls and $<m>$ boys, $<a>$ girls and $<b>$ boys are picked. How many choices "
        "are there?",
        "A box holds $<w>$ red and $<m>$ blue balls, all different. In how many ways can $<a>$ "
        "red and $<b>$ blue ones be taken?",
        "How many sets of $<a>$ novels and $<b>$ comics can be chosen from $<w>$ novels and $<m>$ "
        "comics?",
    ),
    plan=("The two choices are independent, so the binomial coefficients are multiplied.",),
    code=(
        "from math import comb\nprint(comb(<w>, <a>) * comb(<m>, <b>))",
        "from itertools import combinations\nfirst = len(list(combinations(range(<w>), <a>)))\n"
        "second = len(list(combinations(range(<m>), <b>)))\nprint(first * second)",
    ),
    result="the number of ways",
)
def two_groups(d: Draw) -> Drawn:
    """Choices from two groups."""
    w, m = d.upto(4, 8, 14), d.upto(4, 8, 14)
    a, b = d.int(1, 3), d.int(1, 3)
    x, y = math.comb(w, a), math.comb(m, b)
    return drawn(
        x * y, [binomial(w, a), binomial(m, b), f"{x} * {y} = {x * y}"], w=w, m=m, a=a, b=b
    )


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
def lattice_paths(d: Draw) -> Drawn:
    """Paths on a grid."""
    a, b = d.upto(2, 5, 12), d.upto(2, 4, 10)
    k = min(a, b)
    return drawn(
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
def paths_around_point(d: Draw) -> Drawn:
    """Paths on a grid that avoid a point."""
    a, b = d.upto(3, 5, 8), d.upto(3, 5, 7)
    c, e = d.int(1, a - 1), d.int(1, b - 1)
    whole, first, second = math.comb(a + b, a), math.comb(c + e, c), math.comb(a - c + b - e, a - c)
    steps = [
        f"All: {binomial(a + b, a)}",
        f"Through the point: {first} * {second} = {first * second}",
        f"{whole} - {first * second} = {whole - first * second}",
    ]
    return drawn(whole - first * second, steps, a=a, b=b, c=c, e=e)


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
def dice_sum(d: Draw) -> Drawn:
    """Ways to throw a sum."""
    n = d.pick(2, 3) if not d.large else d.pick(2, 3, 4, 5)
    s = d.int(n + 2, 6 * n - 2)
    totals = Counter(sum(t) for t in itertools.product(range(1, 7), repeat=n - 1))
    parts = [totals[s - f] for f in range(1, 7) if totals[s - f]]
    lines = [f"First die {f}: {totals[s - f]}" for f in range(1, 7) if totals[s - f]]
    return drawn(sum(parts), [", ".join(lines), adding(parts)], n=n, s=s)


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
def coins(d: Draw) -> Drawn:
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
    return drawn(
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
def stars_and_bars(d: Draw) -> Drawn:
    """Ways to share equal things."""
    k, m = d.int(3, 4), d.int(0, 2)
    n = k * m + d.upto(3, 9, 16)
    rest = n - k * m
    steps = [f"{n} - {k} * {m} = {rest}", f"Stars and bars: {binomial(rest + k - 1, k - 1)}"]
    return drawn(math.comb(rest + k - 1, k - 1), steps, n=n, k=k, m=m, things=d.thing())


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
def no_run(d: Draw) -> Drawn:
    """Rows without several of a kind side by side."""
    n, k, free = d.upto(4, 8, 14), d.int(2, 4), d.int(0, 1)
    x, lamp = ("either", "may be on or off") if free else ("only B", "is off")
    m = n if free else n - 1
    good, lines = [1], list[str]()
    for length in range(1, m + 1):
        good.append(2**length if length < k else sum(good[-k:]))
        lines.append(f"length {length}: {good[-1]}")
    rule = f"Each number of good words is the sum of the {k} before it"
    values = {"n": n, "k": k, "m": m, "bad": "A" * k, "first": "AB" if free else "B"}
    return drawn(good[m], [rule, ", ".join(lines)], **values, x=x, l=lamp)


@family(
    ask=(
        "How many <k>-digit numbers can be formed with the digits <l>, if <rule>?",
        "Using only the digits <l>, how many numbers with <k> digits are there, if <rule>?",
        "<who> makes <k>-digit codes from the digits <l>, and <rule>. How many codes are possible?",
        "Find the number of <k>-digit numbers with digits from <l>, where <rule>.",
    ),
    plan=("We form all arrangements of the digits and count them.",),
    code=(
        "from itertools import <f>\nprint(len(list(<call>)))",
        "from itertools import <f>\ncount = 0\nfor t in <call>:\n    count += 1\nprint(count)",
    ),
    result="the number",
)
def numbers_from_digits(d: Draw) -> Drawn:
    """Numbers made of given digits."""
    found = d.some(range(1, 10), d.int(3, 6))
    k, n = d.int(2, 3) if not d.large else d.int(2, min(5, len(found))), len(found)
    k = min(k, n)
    digits = "".join(map(str, found))
    if d.chance(0.5):
        rule, f, call = "digits may repeat", "product", f"product('{digits}', repeat={k})"
        factors = [n] * k
    else:
        rule, f, call = "no digit may repeat", "permutations", f"permutations('{digits}', {k})"
        factors = [n - i for i in range(k)]
    steps = [f"Choices for each place: {listed(factors)}", multiplying(factors)]
    values = {"k": k, "l": listed(found), "rule": rule, "f": f, "call": call}
    return drawn(
        math.prod(factors), steps, **values, who=d.person(), s=int(digits), r=int(f == "product")
    )


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
def stairs(d: Draw) -> Drawn:
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
    return drawn(
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
        "A drawer holds <l> socks of <k> colors. How many must be taken in the dark to be sure of "
        "$<n>$ of one color?",
        "A bag holds balls of <k> colors: <l>. How many balls must be drawn to be certain of "
        "$<n>$ balls of the same color?",
        "There are <l> cards of <k> kinds. What is the least number of cards that surely contains "
        "$<n>$ of one kind?",
    ),
    plan=("In the worst case, each color gives one less than needed, or all it has.",),
    code=(
        "counts = [<l>]\nprint(sum(min(c, <n> - 1) for c in counts) + 1)",
        "worst = 0\nfor c in [<l>]:\n    worst += min(c, <n> - 1)\nprint(worst + 1)",
    ),
    result="the number",
)
def pigeonholes(d: Draw) -> Drawn:
    """How many draws make sure of several of a kind."""
    k = d.int(3, 5)
    counts, n = d.ints(k, 2, 12), d.int(2, 8)
    counts[0] = max(counts[0], n)
    worst = [min(c, n - 1) for c in counts]
    total = sum(worst)
    steps = [
        f"Without success at most {listed(worst)}",
        adding(worst),
        f"{total} + 1 = {total + 1}",
    ]
    return drawn(total + 1, steps, l=listed(counts), k=k, n=n, c=int("".join(map(str, counts))))


@family(
    ask=(
        "In a class of $<n>$, $<a>$ play football, $<b>$ play chess and $<c>$ do both. How many "
        "do neither?",
        "Of $<n>$ people, $<a>$ speak French, $<b>$ speak Spanish and $<c>$ speak both. How many "
        "speak neither?",
        "A shop asks $<n>$ customers: $<a>$ like tea, $<b>$ like coffee, $<c>$ like both. How "
        "many like neither?",
        "A set of $<n>$ elements has subsets of $<a>$ and $<b>$ elements that share $<c>$. How "
        "many elements are in none of the two?",
    ),
    plan=("Those with at least one are the sum less those counted twice.",),
    code=(
        "print(<n> - (<a> + <b> - <c>))",
        "n, a, b, both = <n>, <a>, <b>, <c>\neither = a + b - both\nprint(n - either)",
    ),
    result="the number",
)
def two_sets(d: Draw) -> Drawn:
    """Inclusion and exclusion for two sets."""
    c, x, y, z = d.upto(2, 12, 90), d.upto(2, 15, 90), d.upto(2, 15, 90), d.int(1, 20)
    a, b, n = c + x, c + y, c + x + y + z
    steps = [f"{a} + {b} = {a + b}", f"{a + b} - {c} = {a + b - c}", f"{n} - {a + b - c} = {z}"]
    return drawn(z, steps, n=n, a=a, b=b, c=c)


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
def dice_probability(d: Draw) -> Drawn:
    """Probability of a sum of two dice."""
    s = d.int(3, 11)
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
    return drawn((good + 36) // g, steps, s=s, rel=rel, op=op, x=6)


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
def two_balls(d: Draw) -> Drawn:
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
    return drawn((top + bottom) // g, steps, a=a, b=b)


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
def subset_sums(d: Draw) -> Drawn:
    """Subsets with a given sum."""
    n, s = d.upto(4, 6, 12), d.upto(6, 14, 30)
    s = min(s, n * (n + 1) // 2)
    found = [
        c for k in range(n + 1) for c in itertools.combinations(range(1, n + 1), k) if sum(c) == s
    ]
    lines = [" + ".join(map(str, c)) + f" = {s}" for c in found[:20]]
    return drawn(len(found), [", ".join(lines), f"Their number is {len(found)}"], n=n, s=s)


@family(
    ask=(
        "How many functions map a set of $<a>$ elements to a set of $<b>$ elements such that "
        "<rule>?",
        "Each of $<a>$ people chooses one of $<b>$ rooms such that <text>. How many ways are "
        "there?",
        "Find the number of ways to give each of $<a>$ objects one of $<b>$ labels, where <text>.",
    ),
    plan=("We go through all lists of images and keep the allowed ones.",),
    code=(
        "from itertools import product\n"
        "print(sum(1 for f in product(range(<b>), repeat=<a>) if len(set(f)) == <size>))",
        "from itertools import product\ncount = 0\nfor f in product(range(<b>), repeat=<a>):\n"
        "    if len(set(f)) == <size>:\n        count += 1\nprint(count)",
    ),
    result="the number of ways",
)
def functions(d: Draw) -> Drawn:
    """Functions with all images different, or with every value taken."""
    if d.chance(0.5):
        b = d.int(3, 7)
        a = d.int(2, min(b, 5))
        value, rule, text, size = math.perm(b, a), "no two have the same image", "no two agree", a
        steps = [multiplying([b - i for i in range(a)])]
    else:
        a, b = d.int(3, 7), d.pick(2, 3)
        value = sum((-1) ** i * math.comb(b, i) * (b - i) ** a for i in range(b + 1))
        rule, text, size = "every element is an image", "each is taken at least once", b
        shown = f"2^{a} - 2 = {value}" if b == 2 else f"3^{a} - 3 * 2^{a} + 3 = {value}"
        steps = ["All functions less those that miss a value", shown]
    return drawn(value, steps, a=a, b=b, rule=rule, text=text, size=size)


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
def pairs_with_sum(d: Draw) -> Drawn:
    """Pairs whose sum is a multiple."""
    n, m = d.upto(4, 14, 90), d.int(2, 9)
    sizes = Counter(x % m for x in range(1, n + 1))
    parts = [sizes[r] * sizes[-r % m] for r in range(m)]
    lines = [f"Remainder {r}: {sizes[r]} * {sizes[-r % m]} = {parts[r]}" for r in range(m)]
    return drawn(sum(parts), [", ".join(lines), adding(parts)], n=n, m=m)
