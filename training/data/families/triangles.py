"""Families on triangles, polygons and their angles."""

import math

from training.data.families.family import Case, Draw, case, family

HERONIAN = (
    (13, 14, 15),
    (5, 5, 6),
    (5, 5, 8),
    (10, 13, 13),
    (4, 13, 15),
    (7, 15, 20),
    (9, 10, 17),
    (13, 20, 21),
)


@family(
    ask=(
        "What is the area of a triangle with sides $<a>$, $<b>$ and $<c>$?",
        "Find the area of the triangle whose side lengths are $<a>$, $<b>$, $<c>$.",
        "Three fences of $<a>$, $<b>$ and $<c>$ meters enclose a triangle. How many square meters "
        "is its area?",
        "A triangle $ABC$ has $AB = <a>$, $BC = <b>$ and $CA = <c>$. What is its area?",
    ),
    plan=("Heron's formula gives the area from the three sides.",),
    code=(
        "from math import isqrt\na, b, c = <a>, <b>, <c>\ns = (a + b + c) // 2\n"
        "print(isqrt(s * (s - a) * (s - b) * (s - c)))",
        "from sympy import sqrt\na, b, c = <a>, <b>, <c>\n"
        "print(sqrt((a+b+c)*(a+b-c)*(a-b+c)*(-a+b+c)) / 4)",
    ),
    result="the area",
)
def heron(d: Draw) -> Case:
    """Area of a triangle, from its sides."""
    k = d.upto(1, 3, 20)
    a, b, c = d.random.sample([k * side for side in d.pick(*HERONIAN)], 3)
    s = (a + b + c) // 2
    x, y, z = s - a, s - b, s - c
    square = s * x * y * z
    area = math.isqrt(square)
    steps = [
        f"s = ({a} + {b} + {c}) / 2 = {s}",
        f"{s} * {x} * {y} * {z} = {square}",
        f"{square} = {area}^2, so the area is {area}",
    ]
    return case(area, steps, a=a, b=b, c=c)


@family(
    ask=(
        "What is twice the area of the triangle with vertices $(<a>, <b>)$, $(<c>, <e>)$ and "
        "$(<f>, <g>)$?",
        "A triangle has the corners $(<a>,<b>)$, $(<c>,<e>)$, $(<f>,<g>)$ and the area $K$. Find "
        "$2K$.",
        "Find the area of the parallelogram spanned by the vectors from $(<a>, <b>)$ to $(<c>, "
        "<e>)$ and to $(<f>, <g>)$.",
    ),
    plan=("The cross product of two sides is twice the area.",),
    code=(
        "x1, y1 = <c> - <a>, <e> - <b>\nx2, y2 = <f> - <a>, <g> - <b>\n"
        "print(abs(x1 * y2 - x2 * y1))",
        "p = [(<a>, <b>), (<c>, <e>), (<f>, <g>)]\n"
        "s = sum(p[i-1][0] * p[i][1] - p[i][0] * p[i-1][1] for i in range(3))\nprint(abs(s))",
    ),
    result="the value",
)
def shoelace(d: Draw) -> Case:
    """Twice a triangle's area, from its corners."""
    a, b, c, e, f, g = d.ints(6, 0, 12 if not d.large else 60)
    c = c + 13 if (c - a) * (g - b) == (f - a) * (e - b) else c
    u, v, w, z = c - a, e - b, f - a, g - b
    value = u * z - w * v
    steps = [
        f"The sides are ({u}, {v}) and ({w}, {z})",
        f"({u}) * ({z}) - ({w}) * ({v}) = {value}",
        f"Without sign: {abs(value)}",
    ]
    return case(abs(value), steps, a=a, b=b, c=c, e=e, f=f, g=g)


@family(
    ask=(
        "What is the sum of the interior angles of a polygon with $<n>$ sides, in degrees?",
        "Find the sum of the interior angles of a convex $<n>$-gon, in degrees.",
        "A field has $<n>$ straight sides. How many degrees do the angles at its corners have "
        "together?",
        "How many degrees is the angle sum of a polygon with $<n>$ vertices?",
    ),
    plan=("Such a polygon splits into $<n> - 2$ triangles of 180 degrees.",),
    code=("print((<n> - 2) * 180)", "n = <n>\ntriangles = n - 2\nprint(180 * triangles)"),
    result="the angle sum",
)
def angle_sum(d: Draw) -> Case:
    """Angle sum of a polygon."""
    n = d.upto(5, 30, 200)
    return case(180 * (n - 2), [f"{n} - 2 = {n - 2}", f"{n - 2} * 180 = {180 * (n - 2)}"], n=n)


@family(
    ask=(
        "How many diagonals does a convex polygon with $<n>$ sides have?",
        "Find the number of diagonals of a convex $<n>$-gon.",
        "$<n>$ people sit around a table. How many pairs do not sit side by side?",
        "In a polygon with $<n>$ corners, how many segments join two corners that are no "
        "neighbors?",
    ),
    plan=("Each corner has $<n> - 3$ diagonals, and each diagonal has two ends.",),
    code=(
        "n = <n>\nprint(n * (n - 3) // 2)",
        "from math import comb\nprint(comb(<n>, 2) - <n>)",
        "n, count = <n>, 0\nfor i in range(n):\n    for j in range(i + 2, n):\n"
        "        if (i, j) != (0, n - 1):\n            count += 1\nprint(count)",
    ),
    result="the number",
)
def diagonals(d: Draw) -> Case:
    """Diagonals of a polygon."""
    n = d.upto(5, 40, 150)
    return case(
        n * (n - 3) // 2, [f"{n} - 3 = {n - 3}", f"{n} * {n - 3} / 2 = {n * (n - 3) // 2}"], n=n
    )


@family(
    ask=(
        "The angles of a triangle are in the ratio $<a>:<b>:<c>$. How many degrees is the <which> "
        "angle?",
        "A triangle's angles are proportional to $<a>$, $<b>$ and $<c>$. Find the <which> angle "
        "in degrees.",
        "In a triangle the angles have the ratio $<a> : <b> : <c>$. What is the <which> one, in "
        "degrees?",
    ),
    plan=("The parts make 180 degrees together.",),
    code=(
        "parts = [<a>, <b>, <c>]\nprint(180 * <f>(parts) // sum(parts))",
        "unit = 180 // (<a> + <b> + <c>)\nprint(<f>(<a>, <b>, <c>) * unit)",
    ),
    result="the <which> angle",
)
def angle_ratio(d: Draw) -> Case:
    """An angle of a triangle, from the ratio of the angles."""
    total = d.pick(6, 9, 10, 12, 15, 18, 20, 30, 36)
    a, b = sorted(d.random.sample(range(1, total), 2))
    parts = [a, b - a, total - b]
    which, f, part = d.pick(("largest", "max", max(parts)), ("smallest", "min", min(parts)))
    unit = 180 // total
    steps = [
        f"{parts[0]} + {parts[1]} + {parts[2]} = {total}",
        f"180 / {total} = {unit}",
        f"{part} * {unit} = {part * unit}",
    ]
    return case(part * unit, steps, a=parts[0], b=parts[1], c=parts[2], which=which, f=f)


@family(
    ask=(
        "How many triangles with integer sides have the perimeter $<p>$, if congruent ones count "
        "as one?",
        "Find the number of triangles with whole-number sides and perimeter $<p>$, up to "
        "congruence.",
        "In how many ways can a stick of $<p>$ cm be cut into three whole-centimeter pieces that "
        "form a triangle, if the order "
        "does not matter?",
        "How many integer triples $a \\le b \\le c$ with $a + b + c = <p>$ and $a + b > c$ are "
        "there?",
    ),
    plan=("We go through $a \\le b \\le c$ and keep those with $a + b > c$.",),
    code=(
        "p = <p>\n"
        "print(sum(1 for a in range(1, p) for b in range(a, p) if b <= p - a - b < a + b))",
        "p, count = <p>, 0\nfor a in range(1, p):\n    for b in range(a, p):\n"
        "        c = p - a - b\n        if c >= b and a + b > c:\n            count += 1\n"
        "print(count)",
    ),
    result="the number of triangles",
)
def integer_triangles(d: Draw) -> Case:
    """Triangles with integer sides and a given perimeter."""
    p = d.upto(7, 24, 150)
    found = [(a, b, p - a - b) for a in range(1, p) for b in range(a, p) if b <= p - a - b < a + b]
    steps = [f"They are {', '.join(str(t) for t in found[:16])}", f"Their number is {len(found)}"]
    return case(len(found), steps, p=p)


@family(
    ask=(
        "Two similar figures have sides in the ratio $<p>:<q>$. The smaller has the area $<a>$. "
        "What is the area of the larger?",
        "A photo of area $<a>$ is enlarged so that lengths grow in the ratio $<p>:<q>$. What is "
        "the new area?",
        "Triangles $ABC$ and $DEF$ are similar with $AB : DE = <p> : <q>$. If $ABC$ has the area "
        "$<a>$, find the area of $DEF$.",
    ),
    plan=("Areas grow with the square of the ratio.",),
    code=(
        "print(<a> * <q>**2 // <p>**2)",
        "from fractions import Fraction\nprint(<a> * Fraction(<q>, <p>)**2)",
    ),
    result="the area",
)
def similar_areas(d: Draw) -> Case:
    """Area of a similar figure."""
    p = d.number(2, 7)
    q, k = p + d.number(1, 5), d.upto(1, 12, 50)
    steps = [f"{k * p * p} / {p}^2 = {k}", f"{k} * {q}^2 = {k * q * q}"]
    return case(k * q * q, steps, p=p, q=q, a=k * p * p)
