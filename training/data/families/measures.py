"""Families on areas, solids, distances and lattice points."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, listed


@family(
    ask=(
        "A rectangle has the perimeter $<p>$ and one side of length $<a>$. What is its area?",
        "A fence of $<p>$ meters surrounds a rectangular garden that is $<a>$ meters long. What "
        "is its area in square meters?",
        "Find the area of a rectangle with perimeter $<p>$ and a side of $<a>$.",
        "The perimeter of a rectangle is $<p>$ cm and its length is $<a>$ cm. How many square "
        "centimeters is its area?",
    ),
    plan=("Half the perimeter less the side gives the other side.",),
    code=(
        "p, a = <p>, <a>\nb = p // 2 - a\nprint(a * b)",
        "from sympy import symbols, solve\nb = symbols('b')\n"
        "side = solve(2*(<a> + b) - <p>, b)[0]\nprint(<a> * side)",
    ),
    result="the area",
)
def rectangle_area(d: Draw) -> Case:
    """Area of a rectangle, from its perimeter."""
    a, b = d.upto(3, 25, 120), d.upto(3, 25, 120)
    p = 2 * (a + b)
    return case(
        a * b, [f"{p} / 2 = {a + b}", f"{a + b} - {a} = {b}", f"{a} * {b} = {a * b}"], p=p, a=a
    )


@family(
    ask=(
        "A box has edges of $<a>$, $<b>$ and $<c>$ cm. What is its <what>, in <unit> centimeters?",
        "Find the <what> of a cuboid with edges $<a>$, $<b>$ and $<c>$.",
        "A block of wood is $<a>$ long, $<b>$ wide and $<c>$ high. What is its <what>?",
        "The edges of a rectangular solid are $<a>$, $<b>$ and $<c>$. Find its <what>.",
    ),
    plan=("The <what> follows from the three edges.",),
    code=(
        "a, b, c = <a>, <b>, <c>\nprint(<e>)",
        "def size(a, b, c):\n    return <e>\n\nprint(size(<a>, <b>, <c>))",
    ),
    result="the <what>",
)
def cuboid(d: Draw) -> Case:
    """Volume or surface of a box."""
    a, b, c = d.ints(3, 2, 12 if not d.large else 40)
    if d.chance(0.5):
        steps = [f"{a} * {b} = {a * b}", f"{a * b} * {c} = {a * b * c}"]
        return case(a * b * c, steps, a=a, b=b, c=c, what="volume", unit="cubic", e="a * b * c")
    faces = [a * b, a * c, b * c]
    steps = [
        f"The faces are {listed(faces)}",
        adding(faces),
        f"2 * {sum(faces)} = {2 * sum(faces)}",
    ]
    values = {"what": "surface area", "unit": "square", "e": "2 * (a*b + a*c + b*c)"}
    return case(2 * sum(faces), steps, a=a, b=b, c=c, **values)


@family(
    ask=(
        "A box of $<a> \\times <b> \\times <c>$ unit cubes is painted outside and taken apart. "
        "How many cubes have exactly $<k>$ "
        "painted faces?",
        "A block is built of $<a>$ by $<b>$ by $<c>$ small cubes, and its surface is dipped in "
        "paint. How many small cubes have "
        "paint on exactly $<k>$ sides?",
        "Find the number of unit cubes with exactly $<k>$ red faces, if a $<a> \\times <b> "
        "\\times <c>$ block is painted red outside.",
    ),
    plan=("For each cube we count its sides that lie on the surface.",),
    code=(
        "count = 0\nfor x in range(<a>):\n    for y in range(<b>):\n        for z in range(<c>):\n"
        "            sides = (x in (0, <a> - 1)) + (y in (0, <b> - 1)) + (z in (0, <c> - 1))\n"
        "            count += sides == <k>\nprint(count)",
        "a, b, c = <a> - 2, <b> - 2, <c> - 2\n"
        "print([a*b*c, 2*(a*b + a*c + b*c), 4*(a + b + c), 8][<k>])",
    ),
    result="the number of cubes",
)
def painted_cubes(d: Draw) -> Case:
    """Painted cubes of a block."""
    a, b, c = d.ints(3, 3, 8 if not d.large else 15)
    k = d.number(0, 2)
    x, y, z = a - 2, b - 2, c - 2
    shown, value = (
        (f"Inside: {x} * {y} * {z}", x * y * z),
        (f"On faces: 2 * ({x} * {y} + {x} * {z} + {y} * {z})", 2 * (x * y + x * z + y * z)),
        (f"On edges: 4 * ({x} + {y} + {z})", 4 * (x + y + z)),
    )[k]
    return case(
        value, [f"Each edge less 2: {x}, {y}, {z}", f"{shown} = {value}"], a=a, b=b, c=c, k=k
    )


@family(
    ask=(
        "How many points $(x, y)$ with integer coordinates satisfy $x^2 + y^2 <op> <r>$?",
        "Find the number of lattice points with $x^2 + y^2 <op> <r>$.",
        "How many pairs of integers $(x, y)$ fulfil $x^2 + y^2 <op> <r>$?",
        "Trees stand at all integer points of the plane. How many satisfy $x^2 + y^2 <op> <r>$?",
    ),
    plan=("Neither coordinate is larger than the root of $<r>$, so we test a square of points.",),
    code=(
        "n = <b>\n"
        "print(sum(1 for x in range(-n, n + 1) for y in range(-n, n + 1) if x*x + y*y <code> <r>))",
        "from math import isqrt\nn, count = isqrt(<r>) + 1, 0\nfor x in range(-n, n + 1):\n"
        "    for y in range(-n, n + 1):\n        if x**2 + y**2 <code> <r>:\n"
        "            count += 1\nprint(count)",
    ),
    result="the number of points",
)
def points_in_circle(d: Draw) -> Case:
    """Lattice points in a circle."""
    r = d.upto(4, 30, 300)
    op, code, high = d.pick((r"\le", "<=", r), ("<", "<", r - 1))
    n = math.isqrt(high)
    parts = [2 * math.isqrt(high - x * x) + 1 for x in range(n + 1)]
    sides = sum(parts[1:])
    steps = [
        f"For x = 0, 1, and so on there are {listed(parts)} values of y",
        f"x > 0 together: {adding(parts[1:])}",
        f"{parts[0]} + 2 * {sides} = {parts[0] + 2 * sides}",
    ]
    return case(parts[0] + 2 * sides, steps, r=r, op=op, code=code, b=n + 1)


@family(
    ask=(
        "How many points with integer coordinates lie on the segment from $(<a>, <b>)$ to $(<c>, "
        "<e>)$, ends included?",
        "Find the number of lattice points on the segment between $(<a>, <b>)$ and $(<c>, <e>)$, "
        "counting both ends.",
        "A straight road runs from $(<a>, <b>)$ to $(<c>, <e>)$. How many integer points does it "
        "pass, with both ends?",
    ),
    plan=("The number is the greatest common divisor of the differences, plus one.",),
    code=(
        "from math import gcd\nprint(gcd(<c> - <a>, <e> - <b>) + 1)",
        "dx, dy = <c> - <a>, <e> - <b>\n"
        "print(sum(1 for x in range(<a>, <c> + 1) if (x - <a>) * dy % dx == 0))",
    ),
    result="the number of points",
)
def points_on_segment(d: Draw) -> Case:
    """Lattice points on a segment."""
    g, a, b = d.upto(1, 9, 40), d.number(-9, 20), d.number(-9, 20)
    x, y = g * d.number(1, 9), g * d.number(1, 9)
    k = math.gcd(x, y)
    steps = [
        f"The differences are {x} and {y}",
        f"Their greatest common divisor is {k}",
        f"{k} + 1 = {k + 1}",
    ]
    return case(k + 1, steps, a=a, b=b, c=a + x, e=b + y)


@family(
    ask=(
        "What is the square of the distance between $(<a>, <b>)$ and $(<c>, <e>)$?",
        "The points $(<a>, <b>)$ and $(<c>, <e>)$ have the distance $d$. Find $d^2$.",
        "A square has the side from $(<a>, <b>)$ to $(<c>, <e>)$. What is its area?",
        "Find the squared length of the segment from $(<a>, <b>)$ to $(<c>, <e>)$.",
    ),
    plan=("By Pythagoras we add the squares of the differences.",),
    code=(
        "print((<c> - <a>)**2 + (<e> - <b>)**2)",
        "dx = <c> - <a>\ndy = <e> - <b>\nprint(dx**2 + dy**2)",
    ),
    result="the value",
)
def squared_distance(d: Draw) -> Case:
    """Square of a distance."""
    a, b, c, e = d.ints(4, -12 if not d.large else -50, 15 if not d.large else 60)
    x, y = c - a, e - b
    steps = [
        f"{c} - ({a}) = {x}, {e} - ({b}) = {y}",
        f"({x})^2 + ({y})^2 = {x * x} + {y * y} = {x * x + y * y}",
    ]
    return case(x * x + y * y, steps, a=a, b=b, c=c, e=e)


@family(
    ask=(
        r"A circle has the radius $<r>$. <k> such circles have the total area $m\pi$. What is $m$?",
        r"<k> round plates of radius $<r>$ have a total area of $m\pi$. Find $m$.",
        r"Find the integer $m$ such that <k> circles of diameter $<w>$ have the area $m\pi$ "
        r"together.",
    ),
    plan=("Each circle has the area $r^2 \\pi$.",),
    code=("r = <r>\nprint(<k> * r**2)", "from sympy import pi\nprint(<k> * pi * <r>**2 / pi)"),
    result="$m$",
)
def circle_area(d: Draw) -> Case:
    """Area of circles as a multiple of pi."""
    r, k = d.upto(2, 15, 60), d.number(2, 12)
    return case(
        k * r * r, [f"{r} * {r} = {r * r}", f"{k} * {r * r} = {k * r * r}"], r=r, k=k, w=2 * r
    )


@family(
    ask=(
        "How many square tiles with a side of $<t>$ cm cover a floor of $<a>$ cm by $<b>$ cm?",
        "A wall of $<a>$ cm by $<b>$ cm is covered with square tiles of side $<t>$ cm. How many "
        "tiles are needed?",
        "Find the number of $<t> \\times <t>$ squares into which a $<a> \\times <b>$ rectangle "
        "can be cut.",
    ),
    plan=("We count the tiles along each side and multiply.",),
    code=(
        "print((<a> // <t>) * (<b> // <t>))",
        "area = <a> * <b>\ntile = <t> * <t>\nprint(area // tile)",
    ),
    result="the number of tiles",
)
def tiles(d: Draw) -> Case:
    """Tiles that cover a rectangle."""
    t, x, y = d.number(2, 30), d.upto(3, 20, 80), d.upto(3, 20, 80)
    steps = [f"{t * x} / {t} = {x}", f"{t * y} / {t} = {y}", f"{x} * {y} = {x * y}"]
    return case(x * y, steps, t=t, a=t * x, b=t * y)
