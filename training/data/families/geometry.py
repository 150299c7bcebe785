"""Families on lengths, areas, angles, solids and lattice points, with integer answers."""

import math

from training.data.families.family import Draw, Drawn, drawn, family
from training.data.families.working import adding, listed

TRIPLES = (
    (3, 4, 5),
    (5, 12, 13),
    (8, 15, 17),
    (7, 24, 25),
    (20, 21, 29),
    (9, 40, 41),
    (12, 35, 37),
)
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
def rectangle_area(d: Draw) -> Drawn:
    """Area of a rectangle, from its perimeter."""
    a, b = d.upto(3, 25, 120), d.upto(3, 25, 120)
    p = 2 * (a + b)
    return drawn(
        a * b, [f"{p} / 2 = {a + b}", f"{a + b} - {a} = {b}", f"{a} * {b} = {a * b}"], p=p, a=a
    )


@family(
    ask=(
        "A right triangle has legs of length $<a>$ and $<b>$. What is the length of its "
        "hypotenuse?",
        "Find the diagonal of a rectangle with sides $<a>$ and $<b>$.",
        "<who> walks $<a>$ meters east and then $<b>$ meters north. How many meters from the "
        "start is that?",
        "A ladder's foot is $<a>$ dm from a wall and its top $<b>$ dm above the ground. How many "
        "dm long is the ladder?",
    ),
    plan=("By Pythagoras the square of the length is $<a>^2 + <b>^2$.",),
    code=(
        "from math import isqrt\nprint(isqrt(<a>**2 + <b>**2))",
        "from sympy import sqrt\nprint(sqrt(<a>**2 + <b>**2))",
        "c = 1\nwhile c * c < <a>**2 + <b>**2:\n    c += 1\nprint(c)",
    ),
    result="the length",
)
def hypotenuse(d: Draw) -> Drawn:
    """The longest side of a right triangle."""
    k = d.upto(1, 4, 30)
    a, b, c = (k * side for side in d.pick(*TRIPLES))
    if d.chance(0.5):
        a, b = b, a
    steps = [
        f"{a}^2 = {a * a}, {b}^2 = {b * b}",
        f"{a * a} + {b * b} = {c * c}",
        f"{c * c} = {c}^2, so it is {c}",
    ]
    return drawn(c, steps, a=a, b=b, who=d.person())


@family(
    ask=(
        "A right triangle has the hypotenuse $<c>$ and a leg of length $<a>$. What is its area?",
        "Find the area of a right triangle whose longest side is $<c>$ and one of whose other "
        "sides is $<a>$.",
        "In triangle $ABC$ the angle at $C$ is right, $AB = <c>$ and $BC = <a>$. Find the area of "
        "the triangle.",
    ),
    plan=("Pythagoras gives the other leg; the area is half the product of the legs.",),
    code=(
        "from math import isqrt\nb = isqrt(<c>**2 - <a>**2)\nprint(<a> * b // 2)",
        "from sympy import sqrt\nb = sqrt(<c>**2 - <a>**2)\nprint(<a> * b / 2)",
    ),
    result="the area",
)
def right_triangle_area(d: Draw) -> Drawn:
    """Area of a right triangle, from hypotenuse and leg."""
    k = d.upto(1, 4, 30)
    a, b, c = (k * side for side in d.pick(*TRIPLES))
    if d.chance(0.5):
        a, b = b, a
    steps = [
        f"{c}^2 - {a}^2 = {c * c - a * a}",
        f"{c * c - a * a} = {b}^2",
        f"{a} * {b} / 2 = {a * b // 2}",
    ]
    return drawn(a * b // 2, steps, a=a, c=c)


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
def heron(d: Draw) -> Drawn:
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
    return drawn(area, steps, a=a, b=b, c=c)


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
def shoelace(d: Draw) -> Drawn:
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
    return drawn(abs(value), steps, a=a, b=b, c=c, e=e, f=f, g=g)


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
def angle_sum(d: Draw) -> Drawn:
    """Angle sum of a polygon."""
    n = d.upto(5, 30, 200)
    return drawn(180 * (n - 2), [f"{n} - 2 = {n - 2}", f"{n - 2} * 180 = {180 * (n - 2)}"], n=n)


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
def diagonals(d: Draw) -> Drawn:
    """Diagonals of a polygon."""
    n = d.upto(5, 40, 150)
    return drawn(
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
def angle_ratio(d: Draw) -> Drawn:
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
    return drawn(part * unit, steps, a=parts[0], b=parts[1], c=parts[2], which=which, f=f)


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
def cuboid(d: Draw) -> Drawn:
    """Volume or surface of a box."""
    a, b, c = d.ints(3, 2, 12 if not d.large else 40)
    if d.chance(0.5):
        steps = [f"{a} * {b} = {a * b}", f"{a * b} * {c} = {a * b * c}"]
        return drawn(a * b * c, steps, a=a, b=b, c=c, what="volume", unit="cubic", e="a * b * c")
    faces = [a * b, a * c, b * c]
    steps = [
        f"The faces are {listed(faces)}",
        adding(faces),
        f"2 * {sum(faces)} = {2 * sum(faces)}",
    ]
    values = {"what": "surface area", "unit": "square", "e": "2 * (a*b + a*c + b*c)"}
    return drawn(2 * sum(faces), steps, a=a, b=b, c=c, **values)


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
def painted_cubes(d: Draw) -> Drawn:
    """Painted cubes of a block."""
    a, b, c = d.ints(3, 3, 8 if not d.large else 15)
    k = d.int(0, 2)
    x, y, z = a - 2, b - 2, c - 2
    shown, value = (
        (f"Inside: {x} * {y} * {z}", x * y * z),
        (f"On faces: 2 * ({x} * {y} + {x} * {z} + {y} * {z})", 2 * (x * y + x * z + y * z)),
        (f"On edges: 4 * ({x} + {y} + {z})", 4 * (x + y + z)),
    )[k]
    return drawn(
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
def points_in_circle(d: Draw) -> Drawn:
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
    return drawn(parts[0] + 2 * sides, steps, r=r, op=op, code=code, b=n + 1)


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
def integer_triangles(d: Draw) -> Drawn:
    """Triangles with integer sides and a given perimeter."""
    p = d.upto(7, 24, 150)
    found = [(a, b, p - a - b) for a in range(1, p) for b in range(a, p) if b <= p - a - b < a + b]
    steps = [f"They are {', '.join(str(t) for t in found[:16])}", f"Their number is {len(found)}"]
    return drawn(len(found), steps, p=p)


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
def points_on_segment(d: Draw) -> Drawn:
    """Lattice points on a segment."""
    g, a, b = d.upto(1, 9, 40), d.int(-9, 20), d.int(-9, 20)
    x, y = g * d.int(1, 9), g * d.int(1, 9)
    k = math.gcd(x, y)
    steps = [
        f"The differences are {x} and {y}",
        f"Their greatest common divisor is {k}",
        f"{k} + 1 = {k + 1}",
    ]
    return drawn(k + 1, steps, a=a, b=b, c=a + x, e=b + y)


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
def squared_distance(d: Draw) -> Drawn:
    """Square of a distance."""
    a, b, c, e = d.ints(4, -12 if not d.large else -50, 15 if not d.large else 60)
    x, y = c - a, e - b
    steps = [
        f"{c} - ({a}) = {x}, {e} - ({b}) = {y}",
        f"({x})^2 + ({y})^2 = {x * x} + {y * y} = {x * x + y * y}",
    ]
    return drawn(x * x + y * y, steps, a=a, b=b, c=c, e=e)


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
def circle_area(d: Draw) -> Drawn:
    """Area of circles as a multiple of pi."""
    r, k = d.upto(2, 15, 60), d.int(2, 12)
    return drawn(
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
def tiles(d: Draw) -> Drawn:
    """Tiles that cover a rectangle."""
    t, x, y = d.int(2, 30), d.upto(3, 20, 80), d.upto(3, 20, 80)
    steps = [f"{t * x} / {t} = {x}", f"{t * y} / {t} = {y}", f"{x} * {y} = {x * y}"]
    return drawn(x * y, steps, t=t, a=t * x, b=t * y)


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
def similar_areas(d: Draw) -> Drawn:
    """Area of a similar figure."""
    p = d.int(2, 7)
    q, k = p + d.int(1, 5), d.upto(1, 12, 50)
    steps = [f"{k * p * p} / {p}^2 = {k}", f"{k} * {q}^2 = {k * q * q}"]
    return drawn(k * q * q, steps, p=p, q=q, a=k * p * p)
