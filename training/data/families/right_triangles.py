"""Families on right triangles with integer sides."""

from training.data.families.family import Case, Draw, case, family

TRIPLES = (
    (3, 4, 5),
    (5, 12, 13),
    (8, 15, 17),
    (7, 24, 25),
    (20, 21, 29),
    (9, 40, 41),
    (12, 35, 37),
)


def right_triangle(d: Draw) -> tuple[int, int, int]:
    """Return two legs in either order and the hypotenuse: a multiple of a triple."""
    k = d.upto(1, 4, 30)
    a, b, c = (k * side for side in d.pick(*TRIPLES))
    return (b, a, c) if d.chance(0.5) else (a, b, c)


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
def hypotenuse(d: Draw) -> Case:
    """The longest side of a right triangle."""
    a, b, c = right_triangle(d)
    steps = [
        f"{a}^2 = {a * a}, {b}^2 = {b * b}",
        f"{a * a} + {b * b} = {c * c}",
        f"{c * c} = {c}^2, so it is {c}",
    ]
    return case(c, steps, a=a, b=b, who=d.person())


@family(
    ask=(
        "A right triangle has the hypotenuse $<c>$ and a leg of length $<a>$. How long is the "
        "other leg?",
        "Find the height of a rectangle with diagonal $<c>$ and width $<a>$.",
        "A kite flies at the end of a string of $<c>$ meters, above a point $<a>$ meters away. At "
        "how many meters does it fly?",
        "In triangle $ABC$ the angle at $C$ is right, $AB = <c>$ and $AC = <a>$. What is $BC$?",
    ),
    plan=("By Pythagoras the square of the leg is $<c>^2 - <a>^2$.",),
    code=(
        "from math import isqrt\nprint(isqrt(<c>**2 - <a>**2))",
        "from sympy import sqrt\nprint(sqrt(<c>**2 - <a>**2))",
        "b = 1\nwhile b * b < <c>**2 - <a>**2:\n    b += 1\nprint(b)",
    ),
    result="the length",
)
def missing_leg(d: Draw) -> Case:
    """A leg of a right triangle, from the hypotenuse and the other leg."""
    a, b, c = right_triangle(d)
    steps = [
        f"{c}^2 = {c * c}, {a}^2 = {a * a}",
        f"{c * c} - {a * a} = {b * b}",
        f"{b * b} = {b}^2, so it is {b}",
    ]
    return case(b, steps, a=a, c=c)


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
def right_triangle_area(d: Draw) -> Case:
    """Area of a right triangle, from hypotenuse and leg."""
    a, b, c = right_triangle(d)
    steps = [
        f"{c}^2 - {a}^2 = {c * c - a * a}",
        f"{c * c - a * a} = {b}^2",
        f"{a} * {b} / 2 = {a * b // 2}",
    ]
    return case(a * b // 2, steps, a=a, c=c)
