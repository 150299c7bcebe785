"""Families of word problems on shares, ages, mixtures and rests."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding


@family(
    ask=(
        "$<n>$ dollars are shared in the ratio $<a>:<b>:<c>$. How many dollars is the <which> "
        "share?",
        "Three friends divide $<n>$ <things> in the ratio $<a>:<b>:<c>$. How many does the one "
        "with the <which> share get?",
        "A wire of $<n>$ cm is cut into three parts in the ratio $<a> : <b> : <c>$. Find the "
        "length of the <which> part in cm.",
    ),
    plan=("One part is the whole divided by the sum of the ratio's numbers.",),
    code=(
        "parts = [<a>, <b>, <c>]\nprint(<n> * <f>(parts) // sum(parts))",
        "unit = <n> // (<a> + <b> + <c>)\nprint(unit * <f>(<a>, <b>, <c>))",
    ),
    result="the <which> share",
)
def ratio_share(d: Draw) -> Case:
    """A share in a ratio."""
    parts, unit = d.random.sample(range(1, 10), 3), d.upto(2, 20, 150)
    which, f, part = d.pick(("largest", "max", max(parts)), ("smallest", "min", min(parts)))
    total = sum(parts)
    steps = [
        adding(parts),
        f"{unit * total} / {total} = {unit}",
        f"{part} * {unit} = {part * unit}",
    ]
    values = {"a": parts[0], "b": parts[1], "c": parts[2], "n": unit * total}
    return case(part * unit, steps, **values, which=which, f=f, things=d.thing())


@family(
    ask=(
        "<who> is $<k>$ times as old as <whom>. In $<t>$ years the sum of their ages will be "
        "$<s>$. How old is <whom> now?",
        "<who>'s age is $<k>$ times the age of <whom>. After $<t>$ years their ages add up to "
        "$<s>$. What is <whom>'s age now?",
        "Today <who> is $<k>$ times as old as <whom>, and in $<t>$ years both together will be "
        "$<s>$. Find the present age of <whom>.",
    ),
    plan=("Both grow older by $<t>$ years, so now the ages add up to $<s> - 2 \\cdot <t>$.",),
    code=(
        "print((<s> - 2 * <t>) // (<k> + 1))",
        "from sympy import symbols, solve\nx = symbols('x')\n"
        "print(solve(<k>*x + <t> + x + <t> - <s>, x)[0])",
        "print(next(x for x in range(1, 200) if <k> * x + x + 2 * <t> == <s>))",
    ),
    result="the age",
)
def ages(d: Draw) -> Case:
    """Ages, from a ratio now and a sum later."""
    k, x, t = d.number(2, 6), d.number(3, 25), d.number(2, 20)
    s = k * x + x + 2 * t
    who, whom = d.random.sample(("Mia", "Tom", "Ben", "Eva", "Leo", "Ida", "Sam", "Zoe"), 2)
    steps = [f"{s} - 2 * {t} = {s - 2 * t}", f"{k} + 1 = {k + 1}", f"{s - 2 * t} / {k + 1} = {x}"]
    return case(x, steps, k=k, t=t, s=s, who=who, whom=whom)


@family(
    ask=(
        "A farm has <x> and <y> with $<h>$ heads and $<l>$ legs in all. How many <y> are there?",
        "<who> counts $<h>$ heads and $<l>$ legs among <x> and <y>. How many are <y>?",
        "In a barn there are $<h>$ animals, <x> and <y>, with $<l>$ legs together. Find the "
        "number of <y>.",
    ),
    plan=("If all had $<a>$ legs, legs would be missing; each of the <y> brings $<e>$ more.",),
    code=(
        "print((<l> - <a> * <h>) // (<b> - <a>))",
        "for y in range(<h> + 1):\n    if <a> * (<h> - y) + <b> * y == <l>:\n        break\n"
        "print(y)",
        "from sympy import symbols, solve\nx, y = symbols('x y')\n"
        "print(solve([x + y - <h>, <a>*x + <b>*y - <l>], [x, y])[y])",
    ),
    result="the number of <y>",
)
def heads_and_legs(d: Draw) -> Case:
    """Animals, from heads and legs."""
    x, a = d.pick(("chickens", 2), ("ducks", 2), ("geese", 2))
    y, b = d.pick(("cows", 4), ("rabbits", 4), ("beetles", 6), ("spiders", 8))
    m, n = d.upto(2, 30, 150), d.upto(2, 30, 150)
    heads, legs = m + n, a * m + b * n
    steps = [
        f"{a} * {heads} = {a * heads}",
        f"{legs} - {a * heads} = {legs - a * heads}",
        f"{legs - a * heads} / {b - a} = {n}",
    ]
    return case(n, steps, x=x, y=y, a=a, b=b, e=b - a, h=heads, l=legs, who=d.person())


@family(
    ask=(
        "<who> has $<n>$ <things> and gives away $<a>/<b>$ of them, then $<c>$ more. How many are "
        "left?",
        "Of $<n>$ <things>, <who> sells $<a>/<b>$ and loses $<c>$ of the rest. How many remain?",
        "A jar holds $<n>$ <things>. First $<a>/<b>$ of them are taken out, then another $<c>$. "
        "How many stay in the jar?",
    ),
    plan=("We subtract the fraction first, then the number.",),
    code=(
        "left = <n> - <n> * <a> // <b>\nprint(left - <c>)",
        "from fractions import Fraction\nprint(<n> * (1 - Fraction(<a>, <b>)) - <c>)",
    ),
    result="the number left",
)
def fraction_left(d: Draw) -> Case:
    """What is left after a fraction is gone."""
    b = d.number(3, 9)
    a, n = d.number(1, b - 1), b * d.upto(4, 15, 90)
    x = n * a // b
    y = n - x
    c = d.number(1, max(1, y - 1))
    steps = [f"{n} * {a} / {b} = {x}", f"{n} - {x} = {y}", f"{y} - {c} = {y - c}"]
    return case(y - c, steps, n=n, a=a, b=b, c=c, who=d.person(), things=d.thing())


@family(
    ask=(
        "How many liters of water must be added to $<v>$ liters of a $<p>\\%$ salt solution to "
        "get a $<q>\\%$ solution?",
        "<who> has $<v>$ liters of juice with $<p>$ percent sugar. How many liters of water make "
        "it $<q>$ percent sugar?",
        "A tank holds $<v>$ liters of a liquid that is $<p>$ percent acid. How much water, in "
        "liters, brings it to $<q>$ percent?",
    ),
    plan=("The amount of the dissolved part stays the same.",),
    code=(
        "print(<v> * <p> // <q> - <v>)",
        "from sympy import symbols, solve\nw = symbols('w')\n"
        "print(solve(<v> * <p> - (<v> + w) * <q>, w)[0])",
    ),
    result="the amount of water",
)
def dilution(d: Draw) -> Case:
    """Water that dilutes a solution."""
    q = d.number(2, 30)
    p = q + d.number(1, 40)
    v = q // math.gcd(p, q) * d.upto(1, 6, 20)
    whole = v * p // q
    steps = [f"{v} * {p} = {v * p}", f"{v * p} / {q} = {whole}", f"{whole} - {v} = {whole - v}"]
    return case(whole - v, steps, v=v, p=p, q=q, who=d.person())


@family(
    ask=(
        "$<n>$ <things> are packed in boxes of $<k>$. How many boxes are needed for all of them?",
        "Buses take $<k>$ passengers each. How many buses are needed for $<n>$ passengers?",
        "<who> reads $<k>$ pages a day. In how many days is a book of $<n>$ pages finished?",
        "A boat carries $<k>$ people at a time. How many crossings bring $<n>$ people over?",
    ),
    plan=("We divide and round up.",),
    code=(
        "from math import ceil\nprint(ceil(<n> / <k>))",
        "print(-(-<n> // <k>))",
        "n, boxes = <n>, 0\nwhile n > 0:\n    n -= <k>\n    boxes += 1\nprint(boxes)",
    ),
    result="the number",
)
def boxes_needed(d: Draw) -> Case:
    """Division that is rounded up."""
    k, q = d.number(4, 60), d.upto(2, 20, 90)
    n = k * q + d.number(1, k - 1)
    steps = [f"{n} = {q} * {k} + {n - q * k}", f"One more for the rest: {q} + 1 = {q + 1}"]
    return case(q + 1, steps, n=n, k=k, things=d.thing(), who=d.person())


@family(
    ask=(
        "A rope of $<a>$ m and <b> cm is cut into pieces of $<k>$ cm. How many centimeters are "
        "left over?",
        "<who> cuts a ribbon of $<a>$ m <b> cm into pieces of $<k>$ cm. How long is the rest, in "
        "centimeters?",
        "A board is $<a>$ meters and <b> centimeters long. After sawing off as many pieces of "
        "$<k>$ cm as possible, how many cm remain?",
    ),
    plan=("We turn the length into centimeters and take the remainder.",),
    code=(
        "length = 100 * <a> + <b>\nprint(length % <k>)",
        "n = 100 * <a> + <b>\nwhile n >= <k>:\n    n -= <k>\nprint(n)",
    ),
    result="the rest",
)
def rope_rest(d: Draw) -> Case:
    """The rest of a rope, with a change of unit."""
    a, b, k = d.upto(2, 12, 60), d.number(1, 99), d.number(13, 90)
    n = 100 * a + b
    steps = [f"{a} * 100 + {b} = {n}", f"{n} = {n // k} * {k} + {n % k}"]
    return case(n % k, steps, a=a, b=b, k=k, who=d.person())
