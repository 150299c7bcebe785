"""Families on choosing and arranging."""

import math

from training.data.families.family import Case, Draw, case, family
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
def choosing(d: Draw) -> Case:
    """Ways to choose some of many."""
    n = d.upto(5, 10, 22)
    k = d.number(2, min(n - 2, 5))
    steps = [
        "Ordered: " + multiplying([n - i for i in range(k)]),
        "Orders: " + multiplying(list(range(1, k + 1))),
        f"{math.perm(n, k)} / {math.factorial(k)} = {math.comb(n, k)}",
    ]
    return case(math.comb(n, k), steps, n=n, k=k, things=d.thing(), who=d.person())


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
def arranging(d: Draw) -> Case:
    """Ordered choices."""
    n = d.upto(5, 12, 25)
    k = d.number(2, min(n - 1, 5))
    return case(math.perm(n, k), [multiplying([n - i for i in range(k)])], n=n, k=k)


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
def letter_arrangements(d: Draw) -> Case:
    """Arrangements of letters with repetitions."""
    letters = d.random.sample("ABCDEKLMNOPRST", 3)
    counts = [d.number(1, 3), d.number(1, 2), d.number(1, 2)]
    w = "".join(c * k for c, k in zip(letters, counts, strict=True))
    w = "".join(d.random.sample(w, len(w)))
    n, bottom = len(w), math.prod(map(math.factorial, counts))
    steps = [
        f"{n}! = {math.factorial(n)}",
        f"Repeated letters: {listed(counts)}, so divide by {bottom}",
        f"{math.factorial(n)} / {bottom} = {math.factorial(n) // bottom}",
    ]
    return case(math.factorial(n) // bottom, steps, w=w)


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
def handshakes(d: Draw) -> Case:
    """Pairs of people, a few left out."""
    n, e = d.upto(5, 30, 90), d.number(1, 9)
    pairs = n * (n - 1) // 2
    return case(
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
def two_groups(d: Draw) -> Case:
    """Choices from two groups."""
    w, m = d.upto(4, 8, 14), d.upto(4, 8, 14)
    a, b = d.number(1, 3), d.number(1, 3)
    x, y = math.comb(w, a), math.comb(m, b)
    return case(x * y, [binomial(w, a), binomial(m, b), f"{x} * {y} = {x * y}"], w=w, m=m, a=a, b=b)


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
def numbers_from_digits(d: Draw) -> Case:
    """Numbers made of given digits."""
    found = d.some(range(1, 10), d.number(3, 6))
    k, n = d.number(2, 3) if not d.large else d.number(2, min(5, len(found))), len(found)
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
    return case(
        math.prod(factors), steps, **values, who=d.person(), s=int(digits), r=int(f == "product")
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
def pigeonholes(d: Draw) -> Case:
    """How many draws make sure of several of a kind."""
    k = d.number(3, 5)
    counts, n = d.ints(k, 2, 12), d.number(2, 8)
    counts[0] = max(counts[0], n)
    worst = [min(c, n - 1) for c in counts]
    total = sum(worst)
    steps = [
        f"Without success at most {listed(worst)}",
        adding(worst),
        f"{total} + 1 = {total + 1}",
    ]
    return case(total + 1, steps, l=listed(counts), k=k, n=n, c=int("".join(map(str, counts))))


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
def two_sets(d: Draw) -> Case:
    """Inclusion and exclusion for two sets."""
    c, x, y, z = d.upto(2, 12, 90), d.upto(2, 15, 90), d.upto(2, 15, 90), d.number(1, 20)
    a, b, n = c + x, c + y, c + x + y + z
    steps = [f"{a} + {b} = {a + b}", f"{a + b} - {c} = {a + b - c}", f"{n} - {a + b - c} = {z}"]
    return case(z, steps, n=n, a=a, b=b, c=c)


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
def functions(d: Draw) -> Case:
    """Functions with all images different, or with every value taken."""
    if d.chance(0.5):
        b = d.number(3, 7)
        a = d.number(2, min(b, 5))
        value, rule, text, size = math.perm(b, a), "no two have the same image", "no two agree", a
        steps = [multiplying([b - i for i in range(a)])]
    else:
        a, b = d.number(3, 7), d.pick(2, 3)
        value = sum((-1) ** i * math.comb(b, i) * (b - i) ** a for i in range(b + 1))
        rule, text, size = "every element is an image", "each is taken at least once", b
        shown = f"2^{a} - 2 = {value}" if b == 2 else f"3^{a} - 3 * 2^{a} + 3 = {value}"
        steps = ["All functions less those that miss a value", shown]
    return case(value, steps, a=a, b=b, rule=rule, text=text, size=size)
