"""Families on plain calculations: one or two operations, in signs and in words.

What a model that writes programs must not unlearn: that some problems want no more than one line.
"""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, multiplying


@family(
    ask=(
        "What is $<a> \\div <b>$?",
        "Divide $<a>$ by $<b>$.",
        "Find the quotient of $<a>$ and $<b>$.",
        "<who> shares $<a>$ <things> equally among $<b>$ friends. How many does each one get?",
        "Rows of $<b>$ chairs are made from $<a>$ chairs. How many rows are there?",
    ),
    plan=("We divide the first number by the second, without a remainder.",),
    code=(
        "print(<a> // <b>)",
        "a, b = <a>, <b>\nprint(a // b)",
        "left, count = <a>, 0\nwhile left >= <b>:\n    left -= <b>\n    count += 1\nprint(count)",
    ),
    result="the quotient",
)
def exact_quotient(d: Draw) -> Case:
    """Quotient of two numbers, without a remainder."""
    b, q = d.upto(3, 12, 90), d.upto(4, 30, 400)
    return case(q, [f"{b * q} / {b} = {q}"], a=b * q, b=b, things=d.thing(), who=d.person())


@family(
    ask=(
        "How many times as large as $<b>$ is $<a>$?",
        "By which number must $<b>$ be multiplied to give $<a>$?",
        "<who> has $<a>$ <things> and <other> has $<b>$. How many times as many does <who> have?",
        "Find the number $x$ with $<b> \\cdot x = <a>$.",
    ),
    plan=("The factor is the larger number divided by the smaller one.",),
    code=("print(<a> // <b>)", "larger, smaller = <a>, <b>\nprint(larger // smaller)"),
    result="the factor",
)
def times_as_many(d: Draw) -> Case:
    """How many times one number is another."""
    b, q = d.upto(3, 25, 120), d.upto(3, 12, 60)
    who, other = d.pick(("Nora", "Otto"), ("Ravi", "Lena"), ("Ines", "Karl"), ("June", "Mark"))
    steps = [f"{b * q} / {b} = {q}"]
    return case(q, steps, a=b * q, b=b, who=who, other=other, things=d.thing())


@family(
    ask=(
        "What is the product of $<a>$, $<b>$ and $<c>$?",
        "Find $<a> \\cdot <b> \\cdot <c>$.",
        "Multiply the three numbers $<a>$, $<b>$ and $<c>$.",
        "A store has $<a>$ shelves with $<b>$ boxes each, and $<c>$ <things> are in every box. "
        "How many <things> are there?",
        "In each of $<a>$ weeks <who> reads $<b>$ books of $<c>$ pages. How many pages is that?",
    ),
    plan=("We multiply the three numbers.",),
    code=(
        "print(<a> * <b> * <c>)",
        "from math import prod\nprint(prod([<a>, <b>, <c>]))",
        "a, b, c = <a>, <b>, <c>\nprint(a * b * c)",
    ),
    result="the product",
)
def product_of_three(d: Draw) -> Case:
    """Product of three numbers."""
    numbers = a, b, c = d.upto(2, 12, 60), d.upto(3, 12, 60), d.upto(4, 20, 90)
    steps = [multiplying(numbers)]
    return case(math.prod(numbers), steps, a=a, b=b, c=c, things=d.thing(), who=d.person())


@family(
    ask=(
        "What is $<n>$ times $<a>$?",
        "Find <name> $<a>$.",
        "<who> collects $<a>$ <things> a day. How many does <who> have after $<n>$ days?",
        "One ticket costs $<a>$ cents. How many cents do $<n>$ tickets cost?",
        "A number is $<a>$. What is <name> the number?",
    ),
    plan=("We multiply the number by $<n>$.",),
    code=("print(<n> * <a>)", "number = <a>\nprint(<n> * number)"),
    result="the multiple",
)
def multiple_of_number(d: Draw) -> Case:
    """A multiple of a number, named in words."""
    n, name = d.pick((2, "twice"), (3, "three times"), (4, "four times"), (5, "five times"))
    n, name = d.pick((n, name), (7, "seven times"), (10, "ten times"), (12, "twelve times"))
    a = d.upto(12, 99, 900)
    steps = [f"{n} * {a} = {n * a}"]
    return case(n * a, steps, n=n, a=a, name=name, things=d.thing(), who=d.person())


@family(
    ask=(
        "By how much is $<a> \\cdot <b>$ larger than $<c> \\cdot <e>$?",
        "What is $<a>$ times $<b>$ minus $<c>$ times $<e>$?",
        "Find $<a> \\cdot <b> - <c> \\cdot <e>$.",
        "A hall has $<a>$ rows of $<b>$ seats, and $<c>$ groups of $<e>$ people sit in it. How "
        "many seats are free?",
    ),
    plan=("We subtract the second product from the first.",),
    code=(
        "print(<a> * <b> - <c> * <e>)",
        "first = <a> * <b>\nsecond = <c> * <e>\nprint(first - second)",
    ),
    result="the difference",
)
def product_difference(d: Draw) -> Case:
    """Difference of two products."""
    a, b = d.upto(12, 30, 200), d.upto(12, 30, 200)
    c, e = d.number(2, a - 1), d.number(2, b - 1)
    steps = [f"{a} * {b} = {a * b}", f"{c} * {e} = {c * e}"]
    steps.append(f"{a * b} - {c * e} = {a * b - c * e}")
    return case(a * b - c * e, steps, a=a, b=b, c=c, e=e)


@family(
    ask=(
        "What is $<a>^<n>$?",
        "Find the value of $<a>^{<n>}$.",
        "Find $<a>$ to the power of $<n>$.",
        "A product has $<n>$ factors, each of which is $<a>$. What is its value?",
        "Each year every branch of a bush becomes $<a>$ branches. How many has one branch become "
        "after $<n>$ years?",
    ),
    plan=("The power is <a> multiplied by itself, with <n> factors.",),
    code=(
        "print(<a>**<n>)",
        "value = 1\nfor _ in range(<n>):\n    value *= <a>\nprint(value)",
        "print(pow(<a>, <n>))",
    ),
    result="the power",
)
def power_value(d: Draw) -> Case:
    """Value of a power."""
    a, n = d.upto(2, 9, 30), d.upto(2, 4, 6)
    return case(a**n, [multiplying([a] * n)], a=a, n=n)


@family(
    ask=(
        "What is $<a>^2 - <b>^2$?",
        "Find the difference of the squares of $<a>$ and $<b>$.",
        "A square with side $<b>$ is cut out of a square with side $<a>$. What area is left?",
        "By how much does the square of $<a>$ exceed the square of $<b>$?",
    ),
    plan=("We square both numbers and subtract.",),
    code=(
        "print(<a>**2 - <b>**2)",
        "a, b = <a>, <b>\nprint((a - b) * (a + b))",
        "print(<a> * <a> - <b> * <b>)",
    ),
    result="the difference",
)
def square_difference(d: Draw) -> Case:
    """Difference of two squares."""
    b = d.upto(3, 25, 90)
    a = b + d.upto(1, 20, 60)
    steps = [f"{a}^2 = {a * a}", f"{b}^2 = {b * b}", f"{a * a} - {b * b} = {a * a - b * b}"]
    return case(a * a - b * b, steps, a=a, b=b)


@family(
    ask=(
        "What is $<a>! / <b>!$?",
        r"Find $\frac{<a>!}{<b>!}$.",
        "Divide the factorial of $<a>$ by the factorial of $<b>$.",
        "How many times as large as $<b>!$ is $<a>!$?",
    ),
    plan=("The quotient is the product of the numbers from $<c>$ to $<a>$.",),
    code=(
        "from math import factorial\nprint(factorial(<a>) // factorial(<b>))",
        "value = 1\nfor n in range(<c>, <a> + 1):\n    value *= n\nprint(value)",
        "from math import prod\nprint(prod(range(<c>, <a> + 1)))",
    ),
    result="the quotient",
)
def factorial_quotient(d: Draw) -> Case:
    """Quotient of two factorials."""
    b = d.upto(3, 12, 40)
    a = b + d.number(2, 3)
    return case(math.perm(a, a - b), [multiplying(range(b + 1, a + 1))], a=a, b=b, c=b + 1)


@family(
    ask=(
        "Which is larger, $<a>^<n>$ or $<b>^<m>$? Give its value.",
        "Find the larger of the two numbers $<a>^{<n>}$ and $<b>^{<m>}$.",
        r"What is $\max(<a>^{<n>}, <b>^{<m>})$?",
        "<who> writes down $<a>^<n>$ and $<b>^<m>$. What is the larger of the two numbers?",
    ),
    plan=("We compute both powers and take the larger one.",),
    code=("print(max(<a>**<n>, <b>**<m>))", "p, q = <a>**<n>, <b>**<m>\nprint(max(p, q))"),
    result="the larger power",
)
def larger_power(d: Draw) -> Case:
    """The larger of two powers."""
    a, b = d.some(range(2, 8), 2)
    m = d.number(2, 4)
    n = m + d.upto(1, 2, 4)
    first, second = a**n, b**m
    steps = [f"{a}^{n} = {first}", f"{b}^{m} = {second}", f"The larger is {max(first, second)}"]
    return case(max(first, second), steps, a=a, b=b, n=n, m=m, who=d.person())


@family(
    ask=(
        "Round $<n>$ to the nearest multiple of $<k>$.",
        "Which multiple of $<k>$ is nearest to $<n>$?",
        "Find the multiple of $<k>$ that is closest to $<n>$.",
        "Posts stand at every $<k>$ metres of a road. <who> is at metre $<n>$. At which metre is "
        "the nearest post?",
    ),
    plan=("We add half of $<k>$ and round down to a multiple of $<k>$.",),
    code=(
        "n, k = <n>, <k>\nprint((n + k // 2) // k * k)",
        "n, k = <n>, <k>\nlow = n // k * k\nprint(low if n - low < low + k - n else low + k)",
        "print(min(range(0, 2 * <n>, <k>), key=lambda m: abs(m - <n>)))",
    ),
    result="the nearest multiple",
)
def rounding(d: Draw) -> Case:
    """The nearest multiple of a number."""
    k = d.pick(5, 7, 9, 11, 15, 25)
    q, r = d.upto(3, 12, 60), d.pick(*(r for r in range(1, k)))
    low, n = q * k, q * k + r
    answer = low if 2 * r < k else low + k
    steps = [
        f"{q} * {k} = {low}",
        f"{n} - {low} = {r}, {low + k} - {n} = {k - r}",
        f"The nearest is {answer}",
    ]
    return case(answer, steps, n=n, k=k, who=d.person())


@family(
    ask=(
        "What is the sum of $<a>$, $<b>$ and $<c>$?",
        "Add the numbers $<a>$, $<b>$ and $<c>$.",
        "Find $<a> + <b> + <c>$.",
        "<who> finds $<a>$ <things> on Monday, $<b>$ on Tuesday and $<c>$ on Wednesday. How many "
        "is that in all?",
    ),
    plan=("We add the three numbers.",),
    code=("print(<a> + <b> + <c>)", "print(sum([<a>, <b>, <c>]))"),
    result="the sum",
)
def sum_of_three(d: Draw) -> Case:
    """Sum of three numbers."""
    numbers = a, b, c = [d.upto(11, 99, 999) for _ in range(3)]
    return case(sum(numbers), [adding(numbers)], a=a, b=b, c=c, things=d.thing(), who=d.person())


@family(
    ask=(
        "A shop had $<a>$ <things>. It sold $<b>$ and bought $<c>$. How many are there now?",
        "What is $<a>$ minus $<b>$ plus $<c>$?",
        "Subtract $<b>$ from $<a>$ and add $<c>$.",
        "Find $<a> - <b> + <c>$.",
    ),
    plan=("We subtract what goes and add what comes.",),
    code=("print(<a> - <b> + <c>)", "count = <a>\ncount -= <b>\ncount += <c>\nprint(count)"),
    result="the number",
)
def stock(d: Draw) -> Case:
    """A number after a subtraction and an addition."""
    a = d.upto(40, 99, 900)
    b, c = d.number(5, a - 1), d.upto(5, 80, 600)
    steps = [f"{a} - {b} = {a - b}", f"{a - b} + {c} = {a - b + c}"]
    return case(a - b + c, steps, a=a, b=b, c=c, things=d.thing())
