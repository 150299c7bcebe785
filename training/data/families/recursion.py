"""Families on terms that follow from the terms before."""

from training.data.families.family import Case, Draw, case, family


@family(
    ask=(
        "A sequence has $a_1 = <a>$, $a_2 = <b>$, and each later term is the sum of the two "
        "before it. What is $a_{<n>}$?",
        "Let $a_1 = <a>$, $a_2 = <b>$ and $a_{k+2} = a_{k+1} + a_k$. Find $a_{<n>}$.",
        "In a list of numbers the first is $<a>$, the second $<b>$, and every other number is the "
        "sum of the two numbers "
        "before it. Find number $<n>$ of the list.",
        "A tree has $<a>$ branches in year $1$ and $<b>$ in year $2$. From then on, each year's "
        "number is the sum of the "
        "last two. How many branches does it have in year $<n>$?",
    ),
    plan=("We keep the last two terms and go on step by step.",),
    code=(
        "a, b = <a>, <b>\nfor _ in range(<n> - 1):\n    a, b = b, a + b\nprint(a)",
        "terms = [<a>, <b>]\nwhile len(terms) < <n>:\n    terms.append(terms[-1] + terms[-2])\n"
        "print(terms[-1])",
        "def term(n):\n    return [<a>, <b>][n - 1] if n <= 2 else term(n - 1) + term(n - 2)\n\n"
        "print(term(<n>))",
    ),
    result="the term",
)
def fibonacci_like(d: Draw) -> Case:
    """A term of a sequence like Fibonacci's."""
    a, b, n = d.number(1, 9), d.number(1, 12), d.upto(5, 9, 20)
    terms = [a, b]
    while len(terms) < n:
        terms.append(terms[-1] + terms[-2])
    lines = [f"{terms[k]} + {terms[k + 1]} = {terms[k + 2]}" for k in range(n - 2)]
    return case(terms[-1], [", ".join(lines)], a=a, b=b, n=n)


@family(
    ask=(
        "A sequence is given by $x_1 = <a>$ and $x_{k+1} = <p>x_k + <q>$. What is $x_{<n>}$?",
        "Let $x_1 = <a>$. Each next term is $<p>$ times the one before, plus $<q>$. Find "
        "$x_{<n>}$.",
        "A machine multiplies a number by $<p>$ and adds $<q>$. It starts with $<a>$ and works "
        "$<m>$ times. What is the "
        "last number?",
        "Find $f(f(\\cdots f(<a>)))$, where $f(x) = <p>x + <q>$ is applied $<m>$ times.",
    ),
    plan=("We apply the rule $<m>$ times.",),
    code=(
        "x = <a>\nfor _ in range(<m>):\n    x = <p> * x + <q>\nprint(x)",
        "def f(x):\n    return <p> * x + <q>\n\nx = <a>\nfor _ in range(<m>):\n    x = f(x)\n"
        "print(x)",
    ),
    result="the term",
)
def linear_recurrence(d: Draw) -> Case:
    """A term of a linear recurrence."""
    a, p, q, m = d.number(1, 9), d.number(2, 4), d.number(1, 9), d.upto(3, 5, 10)
    x, lines = a, list[str]()
    for _ in range(m):
        lines.append(f"{p} * {x} + {q} = {p * x + q}")
        x = p * x + q
    return case(x, lines, a=a, p=p, q=q, m=m, n=m + 1)


@family(
    ask=(
        "A sequence has $u_1 = <a>$, $u_2 = <b>$ and $u_{k+2} = <p>u_{k+1} + <q>u_k$. What is the "
        "remainder of $u_{<n>}$ "
        "on division by $<m>$?",
        "Let $u_1 = <a>$, $u_2 = <b>$ and $u_{k+2} = <p>u_{k+1} + <q>u_k$ for $k \\ge 1$. Find "
        "$u_{<n>}$ modulo $<m>$.",
        "The first two terms of a sequence are $<a>$ and $<b>$. Each later term is $<p>$ times "
        "the last one plus $<q>$ times "
        "the one before it. Which remainder does term $<n>$ leave when divided by $<m>$?",
    ),
    plan=("We compute the terms one after the other and keep remainders only.",),
    code=(
        "u, v = <a>, <b>\nfor _ in range(<n> - 1):\n    u, v = v, (<p> * v + <q> * u) % <m>\n"
        "print(u % <m>)",
        "u = [<a>, <b>]\nfor k in range(2, <n>):\n    u.append(<p> * u[-1] + <q> * u[-2])\n"
        "print(u[-1] % <m>)",
    ),
    result="the remainder",
)
def recurrence_remainder(d: Draw) -> Case:
    """Remainder of a term of a recurrence."""
    a, b, p, q = d.ints(4, 2, 7)
    m, n = d.number(7, 30), d.upto(5, 8, 60)
    u, v, lines = a, b, list[str]()
    for _ in range(n - 2):
        w = p * v + q * u
        lines.append(f"{p} * {v} + {q} * {u} = {w}, remainder {w % m}")
        u, v = v, w % m
    return case(v % m, lines, a=a, b=b, p=p, q=q, m=m, n=n)


@family(
    ask=(
        "Start with $<n>$. Halve an even number; multiply an odd one by $3$ and add $1$. After "
        "how many steps is $1$ reached?",
        "A number game starts at $<n>$: even numbers are divided by $2$, odd numbers $x$ become "
        "$3x + 1$. How many steps "
        "lead to $1$?",
        "Let $f(x) = x/2$ for even $x$ and $f(x) = 3x + 1$ for odd $x$. How often must $f$ be "
        "applied to $<n>$ to get $1$?",
        "Find the number of steps that the Collatz rule takes from $<n>$ to $1$.",
    ),
    plan=("We follow the rule and count the steps.",),
    code=(
        "n, steps = <n>, 0\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
        "    steps += 1\nprint(steps)",
        "n, count = <n>, 0\nwhile n > 1:\n    if n % 2 == 0:\n        n //= 2\n    else:\n"
        "        n = 3 * n + 1\n    count += 1\nprint(count)",
    ),
    result="the number of steps",
)
def collatz(d: Draw) -> Case:
    """Steps of the Collatz rule."""
    n = d.pick(*(x for x in range(5, 400) if len(_collatz(x)) < (20 if not d.large else 130)))
    way = _collatz(n)
    return case(
        len(way) - 1, [" -> ".join(map(str, way)), f"The number of steps is {len(way) - 1}"], n=n
    )


@family(
    ask=(
        "What is the $<n>$th digit after the decimal point of $<a>/<b>$?",
        r"Find digit number $<n>$ behind the decimal point of $\frac{<a>}{<b>}$.",
        "The fraction $<a>/<b>$ is written as a decimal. Which digit stands at place $<n>$ after "
        "the point?",
        "If $<a>$ is divided by $<b>$, what is the $<n>$th decimal digit of the quotient?",
    ),
    plan=("Long division: multiply the remainder by 10 and take the quotient, again and again.",),
    code=(
        "r = <a>\nfor _ in range(<n>):\n    digit, r = divmod(10 * r, <b>)\nprint(digit)",
        "print(<a> * 10**<n> // <b> % 10)",
    ),
    result="the digit",
)
def decimal_digit(d: Draw) -> Case:
    """A digit of a periodic decimal fraction."""
    b = d.pick(7, 11, 13, 27, 37, 41)
    a, n = d.number(1, b - 1), d.upto(5, 40, 500)
    period, r = list[int](), a
    while not period or r != a:
        period.append(10 * r // b)
        r = 10 * r % b
    place = (n - 1) % len(period) + 1
    steps = [
        f"The digits {''.join(map(str, period))} repeat with period {len(period)}",
        f"{n} = {(n - place) // len(period)} * {len(period)} + {place}",
        f"Digit {place} of the period is {period[place - 1]}",
    ]
    return case(period[place - 1], steps, a=a, b=b, n=n)


def _collatz(n: int) -> list[int]:
    way = [n]
    while way[-1] != 1:
        way.append(way[-1] // 2 if way[-1] % 2 == 0 else 3 * way[-1] + 1)
    return way
