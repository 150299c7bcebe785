"""Families on equations, systems, polynomials and functions."""

import math

from training.data.families.family import Draw, Drawn, drawn, family
from training.data.families.working import adding, binomial


def signed(n: int) -> str:
    """Return an integer as the next term of a sum: `+ 3` or `- 3`."""
    return f"+ {n}" if n >= 0 else f"- {-n}"


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
def linear_equation(d: Draw) -> Drawn:
    """A linear equation."""
    c, x = d.int(2, 9), d.upto(-9, 30, 120)
    a, b = c + d.int(1, 9), d.pick(-1, 1) * d.int(1, 30)
    e = (a - c) * x + b
    left, right = a - c, e - b
    steps = [f"{a} - {c} = {left}", f"{e} - ({b}) = {right}", f"x = {right} / {left} = {x}"]
    return drawn(x, steps, a=a, b=signed(b), c=c, e=signed(e), x=x)


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
def linear_system(d: Draw) -> Drawn:
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
    return drawn(value, steps, a=a, b=b, c=c, f=f, e=e, g=g, o=o, w=word)


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
def quadratic_root(d: Draw) -> Drawn:
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
    return drawn(value, steps, b=signed(p), c=signed(q), p=p, q=q, which=which, f=f, s=sign)


@family(
    ask=(
        "Let $r$ and $s$ be the roots of $x^2 - <p>x <c> = 0$. What is $r^2 + s^2$?",
        "The equation $x^2 - <p>x <c> = 0$ has the roots $r$ and $s$. Find $r^2 + s^2$.",
        "Find the sum of the squares of the roots of $x^2 - <p>x <c>$.",
        "If $r$ and $s$ are the two solutions of $x^2 - <p>x <c> = 0$, what is the value of $r^2 "
        "+ s^2$?",
    ),
    plan=("By Vieta $r + s = <p>$ and $rs = <q>$, and $r^2 + s^2 = (r+s)^2 - 2rs$.",),
    code=(
        "p, q = <p>, <q>\nprint(p**2 - 2 * q)",
        "from sympy import symbols, solve, simplify\nx = symbols('x')\n"
        "r, s = solve(x**2 - <p>*x <c>, x)\nprint(simplify(r**2 + s**2))",
    ),
    result="$r^2 + s^2$",
)
def vieta_squares(d: Draw) -> Drawn:
    """Sum of the squares of two roots."""
    p, q = d.upto(3, 20, 90), d.pick(-1, 1) * d.upto(1, 30, 200)
    q = q - 1 if p * p == 4 * q else q
    value = p * p - 2 * q
    steps = [f"r + s = {p} and rs = {q}", f"{p} * {p} = {p * p}", f"{p * p} - 2 * ({q}) = {value}"]
    return drawn(value, steps, p=p, q=q, c=signed(q))


@family(
    ask=(
        "If $x + y = <s>$ and $xy = <p>$, what is $x^<k> + y^<k>$?",
        "Two numbers have the sum $<s>$ and the product $<p>$. What is the sum of their <n>?",
        "Find $x^<k> + y^<k>$, given $x + y = <s>$ and $xy = <p>$.",
        "The sum of two numbers is $<s>$ and their product is $<p>$. Find the sum of their <n>.",
    ),
    plan=(
        "Power sums follow from $s$ and $p$: $x^{k} + y^{k} = s (x^{k-1} + y^{k-1}) - p (x^{k-2} "
        "+ y^{k-2})$.",
    ),
    code=(
        "s, p = <s>, <p>\na, b = 2, s\nfor _ in range(<k> - 1):\n    a, b = b, s * b - p * a\n"
        "print(b)",
        "from sympy import symbols, solve, expand\nt = symbols('t')\n"
        "roots = solve(t**2 - <s>*t + <p>, t)\nprint(expand(roots[0]**<k> + roots[-1]**<k>))",
    ),
    result="the sum",
)
def power_sum(d: Draw) -> Drawn:
    """Sum of powers, from sum and product."""
    s, p, k = d.upto(3, 15, 40), d.upto(1, 20, 60), d.pick(2, 3)
    p = p + 1 if s * s == 4 * p else p
    value = s * s - 2 * p if k == 2 else s**3 - 3 * p * s
    last = f"{s}^2 - 2 * {p} = {value}" if k == 2 else f"{s}^3 - 3 * {p} * {s} = {value}"
    formula = "(x + y)^2 - 2xy" if k == 2 else "(x + y)^3 - 3xy(x + y)"
    return drawn(value, [f"It is {formula}", last], s=s, p=p, k=k, n={2: "squares", 3: "cubes"}[k])


@family(
    ask=(
        "If $f(x) = <a>x <b>$ and $g(x) = <c>x <e>$, what is $f(g(<x>))$?",
        "Let $f(x) = <a>x <b>$ and $g(x) = <c>x <e>$. Find $f(g(<x>))$.",
        "First $g(x) = <c>x <e>$ and then $f(x) = <a>x <b>$ is applied to $<x>$. What is the "
        "result?",
        r"Find $(f \circ g)(<x>)$ for $f(x) = <a>x <b>$ and $g(x) = <c>x <e>$.",
    ),
    plan=("We define both functions and put one into the other.",),
    code=(
        "def f(x):\n    return <a>*x <b>\n\ndef g(x):\n    return <c>*x <e>\n\nprint(f(g(<x>)))",
        "f = lambda x: <a>*x <b>\ng = lambda x: <c>*x <e>\nprint(f(g(<x>)))",
    ),
    result="the value",
)
def composed_functions(d: Draw) -> Drawn:
    """One function in another."""
    a, c, x = d.int(2, 9), d.int(2, 9), d.upto(1, 12, 60)
    b, e = d.pick(-1, 1) * d.int(1, 20), d.pick(-1, 1) * d.int(1, 20)
    y = c * x + e
    steps = [
        f"g({x}) = {c} * {x} {signed(e)} = {y}",
        f"f({y}) = {a} * ({y}) {signed(b)} = {a * y + b}",
    ]
    return drawn(a * y + b, steps, a=a, b=signed(b), c=c, e=signed(e), x=x)


@family(
    ask=(
        "What is the value of $<a>x^3 <b>x^2 <c>x <e>$ at $x = <x>$?",
        "Let $p(x) = <a>x^3 <b>x^2 <c>x <e>$. Find $p(<x>)$.",
        "Find the remainder when $<a>x^3 <b>x^2 <c>x <e>$ is divided by $x - <x>$.",
        "If $x = <x>$, what is $<a>x^3 <b>x^2 <c>x <e>$?",
    ),
    plan=("We put $x = <x>$ into the polynomial.",),
    code=(
        "x = <x>\nprint(<a>*x**3 <b>*x**2 <c>*x <e>)",
        "def p(x):\n    return <a>*x**3 <b>*x**2 <c>*x <e>\n\nprint(p(<x>))",
        "value = 0\nfor c in [<a>, <p>, <q>, <r>]:\n    value = value * <x> + c\nprint(value)",
    ),
    result="the value",
)
def polynomial_value(d: Draw) -> Drawn:
    """Value of a polynomial."""
    a, x = d.int(2, 6), d.upto(2, 6, 20)
    p, q, r = (d.pick(-1, 1) * d.int(2, 9) for _ in range(3))
    value, lines = a, list[str]()
    for c in (p, q, r):
        lines.append(f"{value} * {x} {signed(c)} = {value * x + c}")
        value = value * x + c
    return drawn(value, lines, a=a, b=signed(p), c=signed(q), e=signed(r), p=p, q=q, r=r, x=x)


@family(
    ask=(
        "What is the coefficient of $x^<k>$ in $(<a>x + <b>)^<n>$?",
        "Find the coefficient of $x^<k>$ in the expansion of $(<a>x + <b>)^<n>$.",
        "The power $(<a>x + <b>)^<n>$ is multiplied out. Which number stands before $x^<k>$?",
        "When $(<a>x + <b>)^<n>$ is expanded, what is the coefficient of the term with $x^<k>$?",
    ),
    plan=("By the binomial theorem it is $\\binom{<n>}{<k>} <a>^{<k>} <b>^{<n>-<k>}$.",),
    code=(
        "from math import comb\nprint(comb(<n>, <k>) * <a>**<k> * <b>**(<n> - <k>))",
        "from sympy import symbols, expand\nx = symbols('x')\n"
        "print(expand((<a>*x + <b>)**<n>).coeff(x, <k>))",
        "from sympy import symbols, Poly\nx = symbols('x')\n"
        "print(Poly((<a>*x + <b>)**<n>, x).coeff_monomial(x**<k>))",
    ),
    result="the coefficient",
)
def binomial_coefficient(d: Draw) -> Drawn:
    """A coefficient of a power of a binomial."""
    a, b, n = d.int(2, 5), d.int(1, 5), d.upto(4, 6, 9)
    k = d.int(2, n - 2)
    c, u, v = math.comb(n, k), a**k, b ** (n - k)
    steps = [
        binomial(n, k),
        f"{a}^{k} = {u}, {b}^{n - k} = {v}",
        f"{c} * {u} = {c * u}, {c * u} * {v} = {c * u * v}",
    ]
    return drawn(c * u * v, steps, a=a, b=b, n=n, k=k)


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
def absolute_value(d: Draw) -> Drawn:
    """Sum or product of the solutions of an absolute value equation."""
    a, u, v = d.int(2, 7), d.upto(1, 15, 60), d.int(1, 12)
    first, second = u + v, u - v
    w, o, value = d.pick(("sum", "+", first + second), ("product", "*", first * second))
    steps = [
        f"({a * u} + {a * v}) / {a} = {first}",
        f"({a * u} - {a * v}) / {a} = {second}",
        f"{first} {o} ({second}) = {value}",
    ]
    return drawn(value, steps, a=a, b=a * u, c=a * v, w=w, o=o)


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
def inequality_count(d: Draw) -> Drawn:
    """Integers that satisfy a double inequality."""
    a, b, low = d.int(2, 9), d.int(1, 20), d.int(-30, 30)
    high = low + d.upto(15, 90, 700)
    first, last = -((b - low) // a), (high - b) // a
    steps = [
        f"x is at least {first} and at most {last}",
        f"{last} - ({first}) + 1 = {last - first + 1}",
    ]
    return drawn(last - first + 1, steps, a=a, b=b, l=low, h=high)


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
def difference_of_squares(d: Draw) -> Drawn:
    """Ways to write a number as a difference of squares."""
    n = d.upto(15, 200, 700)
    found = [
        (a, n // a) for a in range(1, n) if n % a == 0 and a < n // a and (a + n // a) % 2 == 0
    ]
    lines = [f"{a} * {b} = {n}: x = {(a + b) // 2}, y = {(b - a) // 2}" for a, b in found]
    return drawn(
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
def sum_and_difference(d: Draw) -> Drawn:
    """Product, from sum and difference."""
    y, e = d.upto(2, 30, 200), d.int(1, 40)
    x = y + e
    steps = [f"({x + y} + {e}) / 2 = {x}", f"{x + y} - {x} = {y}", f"{x} * {y} = {x * y}"]
    who, whom = d.random.sample(("Mia", "Tom", "Ben", "Eva", "Leo", "Ida"), 2)
    return drawn(x * y, steps, s=x + y, e=e, who=who, whom=whom, things=d.thing())


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
def consecutive_integers(d: Draw) -> Drawn:
    """One of several consecutive integers with a given sum."""
    k, n = d.int(3, 9), d.upto(2, 40, 400)
    which, o = d.pick(("smallest", 0), ("largest", k - 1))
    s, shift = sum(range(n, n + k)), k * (k - 1) // 2
    steps = [
        f"{s} - {shift} = {s - shift}, and {s - shift} / {k} = {n}, the smallest",
        f"{n} + {o} = {n + o}",
    ]
    return drawn(n + o, steps, k=k, s=s, which=which, o=o)


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
def exponent(d: Draw) -> Drawn:
    """An exponent, from base and value."""
    a = d.int(2, 12)
    x = d.int(2, max(3, int(math.log(10**6 if not d.large else 10**12, a))))
    powers = [f"{a}^{k} = {a**k}" for k in range(1, x + 1)]
    return drawn(x, [", ".join(powers[-8:]), f"So x = {x}"], a=a, b=a**x)


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
def removed_number(d: Draw) -> Drawn:
    """A number, from averages with and without it."""
    n, m = d.upto(3, 9, 30), d.int(10, 60)
    r = m - d.pick(-2, -1, 1, 2)
    value = n * m - (n - 1) * r
    steps = [
        f"{n} * {m} = {n * m}",
        f"{n - 1} * {r} = {(n - 1) * r}",
        f"{n * m} - {(n - 1) * r} = {value}",
    ]
    return drawn(value, steps, n=n, m=m, r=r, who=d.person())


@family(
    ask=(
        r"The operation $\star$ is defined by $a \star b = <p>a <q>b + ab$. What is $<x> \star "
        r"<y>$?",
        r"For all numbers let $a \star b = <p>a <q>b + ab$. Find $<x> \star <y>$.",
        r"If $a \star b$ means $<p>a <q>b + ab$, what is the value of $<x> \star <y>$?",
        r"A new sign $\star$ stands for $a \star b = <p>a <q>b + ab$. Find $<x> \star <y>$.",
    ),
    plan=("We define the operation as a function.",),
    code=(
        "def star(a, b):\n    return <p>*a <q>*b + a*b\n\nprint(star(<x>, <y>))",
        "a, b = <x>, <y>\nprint(<p>*a <q>*b + a*b)",
    ),
    result="the value",
)
def new_operation(d: Draw) -> Drawn:
    """A newly defined operation."""
    p, q, x, y = d.int(2, 9), d.pick(-1, 1) * d.int(2, 9), d.upto(1, 12, 90), d.upto(1, 12, 90)
    parts = [p * x, q * y, x * y]
    steps = [
        f"{p} * {x} = {p * x}, {q} * {y} = {q * y}, {x} * {y} = {x * y}",
        f"{parts[0]} {signed(parts[1])} + {parts[2]} = {sum(parts)}",
    ]
    return drawn(sum(parts), steps, p=p, q=signed(q), x=x, y=y)


@family(
    ask=(
        "What is $<e>$?",
        "Find the value of $<e>$.",
        "Evaluate $<e>$.",
        "Find $<e>$, multiplying before adding.",
        "<who> types $<e>$ into a calculator that knows the order of operations. What does it "
        "show?",
    ),
    plan=("Python follows the usual order of operations.",),
    code=("print(<p>)", "value = <p>\nprint(value)"),
    result="the value",
)
def expression(d: Draw) -> Drawn:
    """Value of an expression."""
    a, b, c, e, f = d.upto(2, 20, 200), d.int(2, 30), d.upto(2, 20, 90), d.int(2, 30), d.int(1, 60)
    shown, program, steps, value = d.pick(
        (
            rf"{a} \cdot {b} + {c} \cdot {e} - {f}",
            f"{a} * {b} + {c} * {e} - {f}",
            [
                f"{a} * {b} = {a * b}",
                f"{c} * {e} = {c * e}",
                f"{a * b} + {c * e} - {f} = {a * b + c * e - f}",
            ],
            a * b + c * e - f,
        ),
        (
            rf"({a} + {b}) \cdot {c} - {f}",
            f"({a} + {b}) * {c} - {f}",
            [
                f"{a} + {b} = {a + b}",
                f"{a + b} * {c} = {(a + b) * c}",
                f"{(a + b) * c} - {f} = {(a + b) * c - f}",
            ],
            (a + b) * c - f,
        ),
        (
            rf"{b}^2 + {a} \cdot {c}",
            f"{b}**2 + {a} * {c}",
            [f"{b}^2 = {b * b}", f"{a} * {c} = {a * c}", f"{b * b} + {a * c} = {b * b + a * c}"],
            b * b + a * c,
        ),
        (
            rf"{a * b} / {b} + {c} \cdot {f}",
            f"{a * b} // {b} + {c} * {f}",
            [f"{a * b} / {b} = {a}", f"{c} * {f} = {c * f}", f"{a} + {c * f} = {a + c * f}"],
            a + c * f,
        ),
    )
    return drawn(value, steps, e=shown, p=program, who=d.person())


@family(
    ask=(
        "What is the product of $<a>$ and $<b>$?",
        "Find $<a> \\cdot <b>$.",
        "Multiply $<a>$ by $<b>$.",
        "There are $<a>$ boxes with $<b>$ <things> each. How many <things> are there?",
        "A hall has $<a>$ rows of $<b>$ seats. How many seats is that?",
    ),
    plan=("We multiply the two numbers.",),
    code=(
        "print(<a> * <b>)",
        "a, b = <a>, <b>\nprint(a * b)",
        "total = 0\nfor _ in range(<a>):\n    total += <b>\nprint(total)",
    ),
    result="the product",
)
def product(d: Draw) -> Drawn:
    """Product of two numbers."""
    a, b = d.upto(11, 99, 999), d.upto(11, 99, 999)
    parts = [int(c) * 10 ** (len(str(b)) - 1 - i) for i, c in enumerate(str(b)) if c != "0"]
    lines = [f"{a} * {p} = {a * p}" for p in parts]
    last = [adding([a * p for p in parts])] if len(parts) > 1 else []
    return drawn(a * b, [*lines, *last], a=a, b=b, things=d.thing())
