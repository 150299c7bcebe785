"""Families on equations, systems and inequalities."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import signed


@family(
    ask=(
        "What is $x$ if $<a>x <b> = <c>x <e>$?",
        "Solve $<a>x <b> = <c>x <e>$ for $x$.",
        "Find the number $x$ that satisfies $<a>x <b> = <c>x <e>$.",
        "For which $x$ do $<a>x <b>$ and $<c>x <e>$ have the same value?",
    ),
    plan=("We let sympy solve the equation.", "We bring the terms with $x$ to one side."),
    code=(
        "from sympy import symbols, solve\nx = symbols('x')\n"
        "print(solve(<a>*x <b> - (<c>*x <e>), x)[0])",
        "from sympy import symbols, Eq, solve\nx = symbols('x')\n"
        "print(solve(Eq(<a>*x <b>, <c>*x <e>), x)[0])",
        "print(next(x for x in range(-1000, 1001) if <a>*x <b> == <c>*x <e>))",
    ),
    result="$x$",
)
def linear_equation(d: Draw) -> Case:
    """A linear equation."""
    c, x = d.number(2, 9), d.upto(-9, 30, 120)
    a, b = c + d.number(1, 9), d.pick(-1, 1) * d.number(1, 30)
    e = (a - c) * x + b
    left, right = a - c, e - b
    steps = [f"{a} - {c} = {left}", f"{e} - ({b}) = {right}", f"x = {right} / {left} = {x}"]
    return case(x, steps, a=a, b=signed(b), c=c, e=signed(e), x=x)


@family(
    ask=(
        "If $<a>x + <b>y = <e>$ and $<c>x - <f>y = <g>$, what is $<w>$?",
        "The numbers $x$ and $y$ satisfy $<a>x + <b>y = <e>$ and $<c>x - <f>y = <g>$. Find $<w>$.",
        "Solve the system $<a>x + <b>y = <e>$, $<c>x - <f>y = <g>$ and give $<w>$.",
        r"Let $(x, y)$ be the solution of $\begin{cases} <a>x + <b>y = <e> \\ <c>x - <f>y = <g> "
        r"\end{cases}$. Find $<w>$.",
    ),
    plan=("We solve both equations together and evaluate $<w>$.",),
    code=(
        "from sympy import symbols, solve\nx, y = symbols('x y')\n"
        "s = solve([<a>*x + <b>*y - <e>, <c>*x - <f>*y - (<g>)], [x, y])\nprint(s[x] <o> s[y])",
        "from sympy import symbols, Eq, solve\nx, y = symbols('x y')\n"
        "s = solve([Eq(<a>*x + <b>*y, <e>), Eq(<c>*x - <f>*y, <g>)], [x, y])\nprint(s[x] <o> s[y])",
    ),
    result="$<w>$",
)
def linear_system(d: Draw) -> Case:
    """A system of two linear equations."""
    a, b, c, f = d.ints(4, 2, 8)
    x, y = d.upto(1, 12, 60), d.upto(1, 12, 60)
    o = d.pick("+", "-", "*")
    e, g = a * x + b * y, c * x - f * y
    det, top = a * f + b * c, e * f + b * g
    value = {"+": x + y, "-": x - y, "*": x * y}[o]
    steps = [
        f"{f} times the first plus {b} times the second equation: {det}x = {top}, so x = {top} / "
        f"{det} = {x}",
        f"y = ({e} - {a} * {x}) / {b} = {y}",
        f"{x} {o} {y} = {value}",
    ]
    word = "xy" if o == "*" else f"x {o} y"
    return case(value, steps, a=a, b=b, c=c, f=f, e=e, g=g, o=o, w=word)


@family(
    ask=(
        "What is the <which> solution of $x^2 <b>x <c> = 0$?",
        "Find the <which> root of $x^2 <b>x <c>$.",
        "The equation $x^2 <b>x <c> = 0$ has two solutions. Find the <which> one.",
        "For which $x$ is $x^2 <b>x <c> = 0$? Give the <which> such number.",
    ),
    plan=("We let sympy solve the quadratic equation.", "We use the quadratic formula."),
    code=(
        "from sympy import symbols, solve\nx = symbols('x')\nprint(<f>(solve(x**2 <b>*x <c>, x)))",
        "from math import isqrt\nb, c = <p>, <q>\nroot = isqrt(b * b - 4 * c)\n"
        "print((-b <s> root) // 2)",
        "print(<f>(x for x in range(-500, 501) if x**2 <b>*x <c> == 0))",
    ),
    result="the <which> solution",
)
def quadratic_root(d: Draw) -> Case:
    """A root of a quadratic equation."""
    r, s = d.some(range(-15, 25), 2)
    while r + s == 0 or r * s == 0:
        r, s = d.some(range(-15, 25), 2)
    which, f, value, sign = d.pick(("larger", "max", s, "+"), ("smaller", "min", r, "-"))
    p, q = -(r + s), r * s
    steps = [
        f"({r}) + ({s}) = {r + s}",
        f"({r}) * ({s}) = {r * s}",
        f"So the solutions are {r} and {s}, the {which} is {value}",
    ]
    return case(value, steps, b=signed(p), c=signed(q), p=p, q=q, which=which, f=f, s=sign)


@family(
    ask=(
        "What is the <w> of the two solutions of $|<a>x - <b>| = <c>$?",
        "The equation $|<a>x - <b>| = <c>$ has two solutions. Find their <w>.",
        "Two numbers $x$ satisfy $|<a>x - <b>| = <c>$. What is their <w>?",
        "Solve $|<a>x - <b>| = <c>$ and give the <w> of the solutions.",
    ),
    plan=("The expression inside is $<c>$ or $-<c>$.",),
    code=(
        "x1 = (<b> + <c>) // <a>\nx2 = (<b> - <c>) // <a>\nprint(x1 <o> x2)",
        "found = [x for x in range(-1000, 1001) if abs(<a>*x - <b>) == <c>]\n"
        "print(found[0] <o> found[1])",
    ),
    result="the <w>",
)
def absolute_value(d: Draw) -> Case:
    """Sum or product of the solutions of an absolute value equation."""
    a, u, v = d.number(2, 7), d.upto(1, 15, 60), d.number(1, 12)
    first, second = u + v, u - v
    w, o, value = d.pick(("sum", "+", first + second), ("product", "*", first * second))
    steps = [
        f"({a * u} + {a * v}) / {a} = {first}",
        f"({a * u} - {a * v}) / {a} = {second}",
        f"{first} {o} ({second}) = {value}",
    ]
    return case(value, steps, a=a, b=a * u, c=a * v, w=w, o=o)


@family(
    ask=(
        "How many integers $x$ satisfy $<l> \\le <a>x + <b> \\le <h>$?",
        "Find the number of integers $x$ with $<l> \\le <a>x + <b> \\le <h>$.",
        "For how many integers $x$ does $<a>x + <b>$ lie between $<l>$ and $<h>$, inclusive?",
        "The values of $<a>x + <b>$ for integers $x$ are marked on the number line. How many "
        "marks lie from $<l>$ to $<h>$?",
    ),
    plan=("We test the integers in a range that is large enough.",),
    code=(
        "print(sum(1 for x in range(-1000, 1001) if <l> <= <a>*x + <b> <= <h>))",
        "count = 0\nfor x in range(-1000, 1001):\n    if <l> <= <a>*x + <b> <= <h>:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of integers",
)
def inequality_count(d: Draw) -> Case:
    """Integers that satisfy a double inequality."""
    a, b, low = d.number(2, 9), d.number(1, 20), d.number(-30, 30)
    high = low + d.upto(15, 90, 700)
    first, last = -((b - low) // a), (high - b) // a
    steps = [
        f"x is at least {first} and at most {last}",
        f"{last} - ({first}) + 1 = {last - first + 1}",
    ]
    return case(last - first + 1, steps, a=a, b=b, l=low, h=high)


@family(
    ask=(
        "How many pairs $(x, y)$ of positive integers satisfy $x^2 - y^2 = <n>$?",
        "In how many ways is $<n>$ the difference of the squares of two positive integers?",
        "Find the number of pairs of positive integers with $x^2 = y^2 + <n>$.",
        "A square of side $x$ has $<n>$ more unit squares than one of side $y$. For how many "
        "pairs $(x, y)$ of positive "
        "integers is that so?",
    ),
    plan=("Since $x + y$ divides $<n>$, no number above $<n>$ has to be tested.",),
    code=(
        "n = <n>\n"
        "print(sum(1 for a in range(1, n + 1) if n % a == 0 and a < n // a and (a + n // a) % 2 "
        "== 0))",
        "from math import isqrt\nn, count = <n>, 0\nfor y in range(1, n + 1):\n"
        "    x = isqrt(n + y * y)\n    if x * x == n + y * y:\n        count += 1\nprint(count)",
    ),
    result="the number of pairs",
)
def difference_of_squares(d: Draw) -> Case:
    """Ways to write a number as a difference of squares."""
    n = d.upto(15, 200, 700)
    found = [
        (a, n // a) for a in range(1, n) if n % a == 0 and a < n // a and (a + n // a) % 2 == 0
    ]
    lines = [f"{a} * {b} = {n}: x = {(a + b) // 2}, y = {(b - a) // 2}" for a, b in found]
    return case(
        len(found),
        [
            "x - y and x + y multiply to it and are both even or both odd",
            *lines,
            f"The number of pairs is {len(found)}",
        ],
        n=n,
    )


@family(
    ask=(
        "The sum of two numbers is $<s>$ and their difference is $<e>$. What is their product?",
        "Find $xy$ if $x + y = <s>$ and $x - y = <e>$.",
        "Two numbers add up to $<s>$, and one is $<e>$ more than the other. What is their product?",
        "<who> and <whom> have $<s>$ <things> together, and <who> has $<e>$ more. What is the "
        "product of their numbers?",
    ),
    plan=("The larger number is half of sum plus difference.",),
    code=(
        "x = (<s> + <e>) // 2\ny = (<s> - <e>) // 2\nprint(x * y)",
        "from sympy import symbols, solve\nx, y = symbols('x y')\n"
        "s = solve([x + y - <s>, x - y - <e>], [x, y])\nprint(s[x] * s[y])",
    ),
    result="the product",
)
def sum_and_difference(d: Draw) -> Case:
    """Product, from sum and difference."""
    y, e = d.upto(2, 30, 200), d.number(1, 40)
    x = y + e
    steps = [f"({x + y} + {e}) / 2 = {x}", f"{x + y} - {x} = {y}", f"{x} * {y} = {x * y}"]
    who, whom = d.random.sample(("Mia", "Tom", "Ben", "Eva", "Leo", "Ida"), 2)
    return case(x * y, steps, s=x + y, e=e, who=who, whom=whom, things=d.thing())


@family(
    ask=(
        "The sum of <k> consecutive integers is $<s>$. What is the <which> of them?",
        "Find the <which> of <k> consecutive integers that add up to $<s>$.",
        "<k> integers in a row have the sum $<s>$. Find the <which> one.",
        "A worker numbers <k> boxes in a row with consecutive integers. The numbers add up to "
        "$<s>$. What is the <which> number?",
    ),
    plan=("We try each possible first number.",),
    code=(
        "print(next(n for n in range(-10000, 10001) if sum(range(n, n + <k>)) == <s>) + <o>)",
        "from sympy import symbols, solve\nn = symbols('n')\n"
        "print(solve(sum(n + i for i in range(<k>)) - <s>, n)[0] + <o>)",
        "k, s = <k>, <s>\nfirst = (s - k * (k - 1) // 2) // k\nprint(first + <o>)",
    ),
    result="the <which> number",
)
def consecutive_integers(d: Draw) -> Case:
    """One of several consecutive integers with a given sum."""
    k, n = d.number(3, 9), d.upto(2, 40, 400)
    which, o = d.pick(("smallest", 0), ("largest", k - 1))
    s, shift = sum(range(n, n + k)), k * (k - 1) // 2
    steps = [
        f"{s} - {shift} = {s - shift}, and {s - shift} / {k} = {n}, the smallest",
        f"{n} + {o} = {n + o}",
    ]
    return case(n + o, steps, k=k, s=s, which=which, o=o)


@family(
    ask=(
        "If $<a>^x = <b>$, what is $x$?",
        "Solve $<a>^x = <b>$.",
        r"What is $\log_{<a>} <b>$?",
        "To which power must $<a>$ be raised to give $<b>$?",
    ),
    plan=("We divide by $<a>$ until 1 is left and count.",),
    code=(
        "n, x = <b>, 0\nwhile n > 1:\n    n //= <a>\n    x += 1\nprint(x)",
        "print(next(x for x in range(100) if <a>**x == <b>))",
        "from math import log\nprint(round(log(<b>, <a>)))",
    ),
    result="the exponent",
)
def exponent(d: Draw) -> Case:
    """An exponent, from base and value."""
    a = d.number(2, 12)
    x = d.number(2, max(3, int(math.log(10**6 if not d.large else 10**12, a))))
    powers = [f"{a}^{k} = {a**k}" for k in range(1, x + 1)]
    return case(x, [", ".join(powers[-8:]), f"So x = {x}"], a=a, b=a**x)


@family(
    ask=(
        "The average of $<n>$ numbers is $<m>$. Without one of them the average of the rest is "
        "$<r>$. Which number was left out?",
        "A list of $<n>$ numbers has the mean $<m>$. After removing one number, the mean is "
        "$<r>$. Find the removed number.",
        "In $<n>$ tests <who> has $<m>$ points on average. Without the last test the average is "
        "$<r>$. How many points "
        "did the last test give?",
        "The mean of $<n>$ integers is $<m>$, and the mean of all but one is $<r>$. Find the one.",
    ),
    plan=("A sum is the average times the count; the two sums differ by the number.",),
    code=(
        "print(<n> * <m> - (<n> - 1) * <r>)",
        "total = <n> * <m>\nrest = (<n> - 1) * <r>\nprint(total - rest)",
    ),
    result="the number",
)
def removed_number(d: Draw) -> Case:
    """A number, from averages with and without it."""
    n, m = d.upto(3, 9, 30), d.number(10, 60)
    r = m - d.pick(-2, -1, 1, 2)
    value = n * m - (n - 1) * r
    steps = [
        f"{n} * {m} = {n * m}",
        f"{n - 1} * {r} = {(n - 1) * r}",
        f"{n * m} - {(n - 1) * r} = {value}",
    ]
    return case(value, steps, n=n, m=m, r=r, who=d.person())
