"""Families on sequences with a formula, patterns and sums that reach a bound."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, listed


@family(
    ask=(
        "An arithmetic sequence begins $<a>, <b>, <c>, \\ldots$ What is its $<n>$th term?",
        "Find term number $<n>$ of the arithmetic sequence $<a>, <b>, <c>, \\ldots$",
        "A sequence starts with $<a>$ and grows by $<s>$ from term to term. What is the $<n>$th "
        "term?",
        "<who> has $<a>$ <things> on day $1$ and gets $<s>$ more each day. How many are there on "
        "day $<n>$?",
    ),
    plan=("The $n$th term is the first term plus $n - 1$ steps.",),
    code=(
        "a, step, n = <a>, <s>, <n>\nprint(a + (n - 1) * step)",
        "term = <a>\nfor _ in range(<n> - 1):\n    term += <s>\nprint(term)",
    ),
    result="the term",
)
def arithmetic_term(d: Draw) -> Case:
    """A term of an arithmetic sequence."""
    a, s, n = d.number(1, 40), d.number(2, 15), d.upto(6, 40, 300)
    steps = [
        f"{n} - 1 = {n - 1} steps",
        f"{n - 1} * {s} = {(n - 1) * s}",
        f"{a} + {(n - 1) * s} = {a + (n - 1) * s}",
    ]
    values = {"a": a, "b": a + s, "c": a + 2 * s, "s": s, "n": n}
    return case(a + (n - 1) * s, steps, **values, who=d.person(), things=d.thing())


@family(
    ask=(
        "What is the sum of the first $<n>$ terms of the arithmetic sequence $<a>, <b>, <c>, "
        "\\ldots$?",
        "Find $<a> + <b> + <c> + \\cdots + <z>$, if the terms grow by $<s>$.",
        "A theater has $<a>$ seats in the first row and $<s>$ more in each row than in the one "
        "before. How many seats "
        "do its $<n>$ rows have?",
        "<who> saves $<a>$ dollars in the first week and $<s>$ dollars more each week than in the "
        "week before. How many "
        "dollars are saved after $<n>$ weeks?",
    ),
    plan=("We add the $<n>$ terms, each $<s>$ more than the one before.",),
    code=(
        "print(sum(<a> + k * <s> for k in range(<n>)))",
        "total, term = 0, <a>\nfor _ in range(<n>):\n    total += term\n    term += <s>\n"
        "print(total)",
        "first, last, n = <a>, <a> + (<n> - 1) * <s>, <n>\nprint((first + last) * n // 2)",
    ),
    result="the sum",
)
def arithmetic_sum(d: Draw) -> Case:
    """Sum of an arithmetic sequence."""
    a, s, n = d.number(1, 30), d.number(2, 12), d.upto(5, 25, 150)
    z = a + (n - 1) * s
    value = (a + z) * n // 2
    steps = [
        f"Last term: {a} + {n - 1} * {s} = {z}",
        f"{a} + {z} = {a + z}",
        f"{n} * {a + z} / 2 = {value}",
    ]
    return case(value, steps, a=a, b=a + s, c=a + 2 * s, s=s, n=n, z=z, who=d.person())


@family(
    ask=(
        "What is the $<n>$th term of the geometric sequence $<a>, <b>, <c>, \\ldots$?",
        "Find the term number $<n>$ of a sequence that starts with $<a>$ and is multiplied by "
        "$<q>$ each time.",
        "There are $<a>$ bacteria at noon. Every hour their number grows to $<q>$ times what it "
        "was. How many are there "
        "after $<m>$ hours?",
        "A sheet pile starts with $<a>$ sheets, and each step makes it $<q>$ times as high. How "
        "many sheets are there "
        "after $<m>$ steps?",
    ),
    plan=("We multiply the first term by $<q>$ exactly $<m>$ times.",),
    code=(
        "print(<a> * <q>**<m>)",
        "term = <a>\nfor _ in range(<m>):\n    term *= <q>\nprint(term)",
    ),
    result="the term",
)
def geometric_term(d: Draw) -> Case:
    """A term of a geometric sequence."""
    a, q, m = d.number(1, 9), d.number(2, 5), d.upto(3, 6, 14)
    terms = [a * q**k for k in range(m + 1)]
    lines = [f"{terms[k]} * {q} = {terms[k + 1]}" for k in range(m)]
    return case(terms[-1], [", ".join(lines)], a=a, b=a * q, c=a * q * q, q=q, m=m, n=m + 1)


@family(
    ask=(
        "What is the sum $<a> + <b> + <c> + \\cdots$ of the first $<n>$ terms of a geometric "
        "sequence with ratio $<q>$?",
        "Find the sum of the first $<n>$ terms of the geometric sequence $<a>, <b>, <c>, \\ldots$",
        "<who> tells a secret to $<a>$ friends. In each later step, $<q>$ times as many people "
        "hear it as in the step "
        "before. How many people hear it in $<n>$ steps?",
        r"Find $\sum_{k=0}^{<m>} <a> \cdot <q>^k$.",
    ),
    plan=("We add $<n>$ terms, each $<q>$ times the one before.",),
    code=(
        "print(sum(<a> * <q>**k for k in range(<n>)))",
        "total, term = 0, <a>\nfor _ in range(<n>):\n    total += term\n    term *= <q>\n"
        "print(total)",
        "print(<a> * (<q>**<n> - 1) // (<q> - 1))",
    ),
    result="the sum",
)
def geometric_sum(d: Draw) -> Case:
    """Sum of a geometric sequence."""
    a, q, n = d.number(1, 9), d.number(2, 5), d.upto(4, 6, 14)
    terms = [a * q**k for k in range(n)]
    steps = [f"The terms are {listed(terms)}", adding(terms)]
    return case(sum(terms), steps, a=a, b=a * q, c=a * q * q, q=q, n=n, m=n - 1, who=d.person())


@family(
    ask=(
        "The pattern $<w>$ is repeated again and again. How many times is the digit $<c>$ among "
        "the first $<n>$ digits?",
        "The digits $<w>$ are written over and over in this order. Find how many of the first "
        "$<n>$ digits are $<c>$.",
        "A belt shows the digits $<w>$ again and again. How often does $<c>$ stand among its "
        "first $<n>$ digits?",
    ),
    plan=("We write the pattern often enough, cut it and count.",),
    code=(
        "text = ('<w>' * <n>)[:<n>]\nprint(text.count('<c>'))",
        "pattern = '<w>'\nprint(sum(1 for k in range(<n>) if pattern[k % len(pattern)] == '<c>'))",
    ),
    result="the number of digits $<c>$",
)
def repeated_pattern(d: Draw) -> Case:
    """Digits of a repeated pattern."""
    w = "".join(str(d.number(1, 4)) for _ in range(d.number(4, 7)))
    c, n = d.pick(*w), d.upto(20, 80, 900)
    whole, rest = divmod(n, len(w))
    each, last = w.count(c), w[:rest].count(c)
    steps = [
        f"{n} = {whole} * {len(w)} + {rest}",
        f"{whole} * {each} = {whole * each}",
        f"In the rest there are {last}: {whole * each} + {last} = {whole * each + last}",
    ]
    return case(whole * each + last, steps, w=w, c=c, n=n, k=int(w) * 10 + int(c))


@family(
    ask=(
        "Dots form triangles: $1$ dot, then $3$, $6$, $10$ and so on. How many dots has triangle "
        "number $<n>$, if $<e>$ "
        "dots are taken away?",
        "The $k$th triangular number is $1 + 2 + \\cdots + k$. What is triangular number $<n>$ "
        "minus $<e>$?",
        "Bowling pins stand in $<n>$ rows: one in the first, two in the second and so on. $<e>$ "
        "pins fall. How many stand?",
        "Find $T_{<n>} - <e>$, where $T_n = 1 + 2 + \\cdots + n$.",
    ),
    plan=("We add the rows and subtract $<e>$.",),
    code=(
        "n = <n>\nprint(n * (n + 1) // 2 - <e>)",
        "print(sum(range(1, <n> + 1)) - <e>)",
        "dots = 0\nfor row in range(1, <n> + 1):\n    dots += row\nprint(dots - <e>)",
    ),
    result="the number",
)
def triangular_number(d: Draw) -> Case:
    """Triangular numbers."""
    n, e = d.upto(5, 40, 200), d.number(1, 14)
    value = n * (n + 1) // 2
    return case(
        value - e, [f"{n} * {n + 1} / 2 = {value}", f"{value} - {e} = {value - e}"], n=n, e=e
    )


@family(
    ask=(
        "What is the smallest $n$ for which $<a>^n$ is greater than $<b>$?",
        "Find the least positive integer $n$ with $<a>^n > <b>$.",
        "A quantity is multiplied by $<a>$ each day and starts at $1$. After how many days is it "
        "above $<b>$?",
        "How many factors $<a>$ must be multiplied so that the product exceeds $<b>$?",
    ),
    plan=("We raise $n$ until the power is above the bound.",),
    code=(
        "n = 1\nwhile <a>**n <= <b>:\n    n += 1\nprint(n)",
        "value, n = 1, 0\nwhile value <= <b>:\n    value *= <a>\n    n += 1\nprint(n)",
    ),
    result="the smallest $n$",
)
def first_power_above(d: Draw) -> Case:
    """The first power above a bound."""
    a, b = d.number(2, 7), d.upto(20, 3000, 10**9)
    n, lines = 1, [f"{a}^1 = {a}"]
    while a**n <= b:
        n += 1
        lines.append(f"{a}^{n} = {a**n}")
    return case(n, [", ".join(lines), f"The first above {b} is for n = {n}"], a=a, b=b)


@family(
    ask=(
        "What is the smallest $n$ for which $1 + 2 + \\cdots + n$ is at least $<s>$?",
        "Find the least $n$ such that the sum of the first $n$ positive integers is not less than "
        "$<s>$.",
        "<who> does $1$ push-up on the first day, $2$ on the second and so on. On which day does "
        "the total reach $<s>$?",
        "How many of the integers $1, 2, 3, \\ldots$ must be added, from the start, to reach at "
        "least $<s>$?",
    ),
    plan=("We add the integers until the sum is at least $<s>$.",),
    code=(
        "n, total = 0, 0\nwhile total < <s>:\n    n += 1\n    total += n\nprint(n)",
        "from itertools import count\nprint(next(n for n in count(1) if n * (n + 1) // 2 >= <s>))",
    ),
    result="the smallest $n$",
)
def sum_reaches(d: Draw) -> Case:
    """How many integers reach a sum."""
    s = d.upto(10, 400, 5000)
    n = math.isqrt(2 * s)
    while n * (n + 1) // 2 < s:
        n += 1
    while (n - 1) * n // 2 >= s:
        n -= 1
    below, above = (n - 1) * n // 2, n * (n + 1) // 2
    steps = [
        f"{n - 1} * {n} / 2 = {below}, too little",
        f"{n} * {n + 1} / 2 = {above}, enough",
        f"So n = {n}",
    ]
    return case(n, steps, s=s, who=d.person())
