"""Families on values of expressions, polynomials, functions and roots."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, binomial, signed


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
def vieta_squares(d: Draw) -> Case:
    """Sum of the squares of two roots."""
    p, q = d.upto(3, 20, 90), d.pick(-1, 1) * d.upto(1, 30, 200)
    q = q - 1 if p * p == 4 * q else q
    value = p * p - 2 * q
    steps = [f"r + s = {p} and rs = {q}", f"{p} * {p} = {p * p}", f"{p * p} - 2 * ({q}) = {value}"]
    return case(value, steps, p=p, q=q, c=signed(q))


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
def power_sum(d: Draw) -> Case:
    """Sum of powers, from sum and product."""
    s, p, k = d.upto(3, 15, 40), d.upto(1, 20, 60), d.pick(2, 3)
    p = p + 1 if s * s == 4 * p else p
    value = s * s - 2 * p if k == 2 else s**3 - 3 * p * s
    last = f"{s}^2 - 2 * {p} = {value}" if k == 2 else f"{s}^3 - 3 * {p} * {s} = {value}"
    formula = "(x + y)^2 - 2xy" if k == 2 else "(x + y)^3 - 3xy(x + y)"
    return case(value, [f"It is {formula}", last], s=s, p=p, k=k, n={2: "squares", 3: "cubes"}[k])


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
def composed_functions(d: Draw) -> Case:
    """One function in another."""
    a, c, x = d.number(2, 9), d.number(2, 9), d.upto(1, 12, 60)
    b, e = d.pick(-1, 1) * d.number(1, 20), d.pick(-1, 1) * d.number(1, 20)
    y = c * x + e
    steps = [
        f"g({x}) = {c} * {x} {signed(e)} = {y}",
        f"f({y}) = {a} * ({y}) {signed(b)} = {a * y + b}",
    ]
    return case(a * y + b, steps, a=a, b=signed(b), c=c, e=signed(e), x=x)


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
def polynomial_value(d: Draw) -> Case:
    """Value of a polynomial."""
    a, x = d.number(2, 6), d.upto(2, 6, 20)
    p, q, r = (d.pick(-1, 1) * d.number(2, 9) for _ in range(3))
    value, lines = a, list[str]()
    for c in (p, q, r):
        lines.append(f"{value} * {x} {signed(c)} = {value * x + c}")
        value = value * x + c
    return case(value, lines, a=a, b=signed(p), c=signed(q), e=signed(r), p=p, q=q, r=r, x=x)


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
def binomial_coefficient(d: Draw) -> Case:
    """A coefficient of a power of a binomial."""
    a, b, n = d.number(2, 5), d.number(1, 5), d.upto(4, 6, 9)
    k = d.number(2, n - 2)
    c, u, v = math.comb(n, k), a**k, b ** (n - k)
    steps = [
        binomial(n, k),
        f"{a}^{k} = {u}, {b}^{n - k} = {v}",
        f"{c} * {u} = {c * u}, {c * u} * {v} = {c * u * v}",
    ]
    return case(c * u * v, steps, a=a, b=b, n=n, k=k)


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
def new_operation(d: Draw) -> Case:
    """A newly defined operation."""
    p, q, x, y = (
        d.number(2, 9),
        d.pick(-1, 1) * d.number(2, 9),
        d.upto(1, 12, 90),
        d.upto(1, 12, 90),
    )
    parts = [p * x, q * y, x * y]
    steps = [
        f"{p} * {x} = {p * x}, {q} * {y} = {q * y}, {x} * {y} = {x * y}",
        f"{parts[0]} {signed(parts[1])} + {parts[2]} = {sum(parts)}",
    ]
    return case(sum(parts), steps, p=p, q=signed(q), x=x, y=y)


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
def expression(d: Draw) -> Case:
    """Value of an expression."""
    a, b, c, e, f = (
        d.upto(2, 20, 200),
        d.number(2, 30),
        d.upto(2, 20, 90),
        d.number(2, 30),
        d.number(1, 60),
    )
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
    return case(value, steps, e=shown, p=program, who=d.person())


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
def product(d: Draw) -> Case:
    """Product of two numbers."""
    a, b = d.upto(11, 99, 999), d.upto(11, 99, 999)
    parts = [int(c) * 10 ** (len(str(b)) - 1 - i) for i, c in enumerate(str(b)) if c != "0"]
    lines = [f"{a} * {p} = {a * p}" for p in parts]
    last = [adding([a * p for p in parts])] if len(parts) > 1 else []
    return case(a * b, [*lines, *last], a=a, b=b, things=d.thing())
