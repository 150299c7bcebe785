"""Families on sums over ranges, with and without conditions."""

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, listed


@family(
    ask=(
        "What is the sum of all integers from $<a>$ to $<b>$?",
        "Find $<a> + <c> + \\cdots + <b>$, where each term is one more than the one before.",
        "Find the sum of the integers $n$ with $<a> \\le n \\le <b>$.",
        "A ladder of logs has $<a>$ logs in the top row, one more in each row below, and $<b>$ in "
        "the lowest. How "
        "many logs are there?",
    ),
    plan=(
        "We add all integers of the range.",
        "Python's `range` ends before its second number, so we add 1.",
    ),
    code=(
        "print(sum(range(<a>, <b> + 1)))",
        "total = 0\nfor n in range(<a>, <b> + 1):\n    total += n\nprint(total)",
        "a, b = <a>, <b>\nprint((a + b) * (b - a + 1) // 2)",
    ),
    result="the sum",
)
def integer_sum(d: Draw) -> Case:
    """Sum of consecutive integers."""
    a = d.upto(1, 40, 150)
    b = a + d.upto(6, 60, 500)
    n, value = b - a + 1, (a + b) * (b - a + 1) // 2
    steps = [
        f"{b} - {a} + 1 = {n} terms",
        f"First plus last: {a} + {b} = {a + b}",
        f"{n} * {a + b} / 2 = {value}",
    ]
    return case(value, steps, a=a, b=b, c=a + 1)


@family(
    ask=(
        "What is the sum of all multiples of $<k>$ from $<a>$ to $<b>$?",
        "Find the sum of the integers between $<a>$ and $<b>$ that are divisible by $<k>$.",
        "All multiples of $<k>$ that are at least $<a>$ and at most $<b>$ are added. What is the "
        "sum?",
        "Add up every number from $<a>$ to $<b>$ that leaves no remainder on division by $<k>$.",
    ),
    plan=("We add the numbers from $<a>$ to $<b>$ that $<k>$ divides.",),
    code=(
        "print(sum(n for n in range(<a>, <b> + 1) if n % <k> == 0))",
        "total = 0\nfor n in range(<a>, <b> + 1):\n    if n % <k> == 0:\n        total += n\n"
        "print(total)",
    ),
    result="the sum of the multiples",
)
def multiple_sum(d: Draw) -> Case:
    """Sum of the multiples in an interval."""
    k, a = d.number(3, 16), d.upto(5, 40, 200)
    b = a + k * d.upto(2, 9, 60) + d.number(0, k - 1)
    found = [n for n in range(a, b + 1) if n % k == 0]
    return case(sum(found), [f"The multiples are {listed(found)}", adding(found)], k=k, a=a, b=b)


@family(
    ask=(
        "What is the sum of all <kind> integers from $<a>$ to $<b>$?",
        "Find the sum of the <kind> numbers between $<a>$ and $<b>$, inclusive.",
        "Add all <kind> integers $n$ with $<a> \\le n \\le <b>$. What is the total?",
        "In a street the <kind> house numbers from $<a>$ to $<b>$ are added. What do they sum to?",
    ),
    plan=("We add the <kind> numbers only.",),
    code=(
        "print(sum(n for n in range(<a>, <b> + 1) if n % 2 == <r>))",
        "total = 0\nfor n in range(<a>, <b> + 1):\n    if n % 2 == <r>:\n        total += n\n"
        "print(total)",
        "print(sum(range(<f>, <b> + 1, 2)))",
    ),
    result="the sum",
)
def parity_sum(d: Draw) -> Case:
    """Sum of the even or odd numbers of an interval."""
    kind, r = d.pick(("even", 0), ("odd", 1))
    a = d.upto(1, 50, 300)
    b = a + d.upto(8, 40, 400)
    found = [n for n in range(a, b + 1) if n % 2 == r]
    first, last, n = found[0], found[-1], len(found)
    ends = first + last
    steps = [
        f"From {first} to {last} there are {n} terms",
        f"{first} + {last} = {ends}",
        f"{n} * {ends} / 2 = {n * ends // 2}",
    ]
    return case(sum(found), steps, kind=kind, r=r, a=a, b=b, f=first)


@family(
    ask=(
        "What is the sum of the squares of the integers from $<a>$ to $<b>$?",
        "Find $<a>^2 + <c>^2 + \\cdots + <b>^2$.",
        r"Find $\sum_{k=<a>}^{<b>} k^2$.",
        "Square tiles with sides $<a>, <c>, \\ldots, <b>$ cover a floor, one of each. What is the "
        "area of the floor?",
    ),
    plan=("We add the squares one by one.",),
    code=(
        "print(sum(k**2 for k in range(<a>, <b> + 1)))",
        "total = 0\nfor k in range(<a>, <b> + 1):\n    total += k * k\nprint(total)",
        "from sympy import symbols, summation\nk = symbols('k')\n"
        "print(summation(k**2, (k, <a>, <b>)))",
    ),
    result="the sum of the squares",
)
def square_sum(d: Draw) -> Case:
    """Sum of consecutive squares."""
    a = d.upto(1, 8, 30)
    b = a + d.upto(3, 9, 60)
    squares = [k * k for k in range(a, b + 1)]
    return case(
        sum(squares), [f"The squares are {listed(squares)}", adding(squares)], a=a, b=b, c=a + 1
    )


@family(
    ask=(
        "What is the sum of the cubes of the integers from $<a>$ to $<b>$?",
        "Find $<a>^3 + <c>^3 + \\cdots + <b>^3$.",
        r"Find $\sum_{k=<a>}^{<b>} k^3$.",
        "Cubes with edges $<a>, <c>, \\ldots, <b>$ are melted together, one of each. What is the "
        "volume of all?",
    ),
    plan=("We add the cubes one by one.",),
    code=(
        "print(sum(k**3 for k in range(<a>, <b> + 1)))",
        "total = 0\nfor k in range(<a>, <b> + 1):\n    total += k**3\nprint(total)",
    ),
    result="the sum of the cubes",
)
def cube_sum(d: Draw) -> Case:
    """Sum of consecutive cubes."""
    a = d.upto(1, 6, 20)
    b = a + d.upto(3, 6, 40)
    cubes = [k**3 for k in range(a, b + 1)]
    return case(sum(cubes), [f"The cubes are {listed(cubes)}", adding(cubes)], a=a, b=b, c=a + 1)


@family(
    ask=(
        r"Find $1 - 2 + 3 - 4 + \cdots$ with signs that alternate, up to the term $<n>$, times "
        r"$<f>$.",
        r"What is $<f> \cdot \sum_{k=1}^{<n>} (-1)^{k+1} k$?",
        "The integers from $1$ to $<n>$ get alternating signs, starting with plus, and are added. "
        "What is $<f>$ "
        "times the result?",
        "A frog on the number line jumps $<f>$ to the right, $2 \\cdot <f>$ to the left, $3 "
        "\\cdot <f>$ to the right and so "
        "on, $<n>$ times. It starts at $0$. At which number does it end?",
    ),
    plan=("Odd numbers are added and even ones subtracted.",),
    code=(
        "print(<f> * sum(k if k % 2 == 1 else -k for k in range(1, <n> + 1)))",
        "total = 0\nfor k in range(1, <n> + 1):\n    if k % 2 == 1:\n        total += k\n"
        "    else:\n        total -= k\nprint(<f> * total)",
        "print(<f> * sum((-1)**(k + 1) * k for k in range(1, <n> + 1)))",
    ),
    result="the value",
)
def alternating_sum(d: Draw) -> Case:
    """A sum with alternating signs."""
    n, f = 2 * d.upto(3, 30, 200) + 1, d.number(1, 9)
    half = (n + 1) // 2
    steps = [
        f"{n - 1} / 2 = {half - 1} pairs of -1 give {1 - half}",
        f"With the last term {n}: {n} - {half - 1} = {half}",
        f"{f} * {half} = {f * half}",
    ]
    return case(f * half, steps, n=n, f=f)


@family(
    ask=(
        "What is the sum of the integers from $1$ to $<n>$ that are not divisible by $<k>$?",
        "Find the sum of all positive integers up to $<n>$ that are no multiples of $<k>$.",
        "From the list $1, 2, \\ldots, <n>$ every multiple of $<k>$ is crossed out. What is the "
        "sum of the rest?",
        "Add the numbers from $1$ to $<n>$ but leave out those that $<k>$ divides. What is the "
        "result?",
    ),
    plan=("We add the numbers whose remainder modulo $<k>$ is not 0.",),
    code=(
        "print(sum(n for n in range(1, <n> + 1) if n % <k> != 0))",
        "total = 0\nfor m in range(1, <n> + 1):\n    if m % <k> != 0:\n        total += m\n"
        "print(total)",
        "print(sum(range(1, <n> + 1)) - sum(range(<k>, <n> + 1, <k>)))",
    ),
    result="the sum",
)
def sum_without_multiples(d: Draw) -> Case:
    """Sum without the multiples of a number."""
    k, n = d.number(2, 12), d.upto(20, 90, 500)
    q = n // k
    whole, left = n * (n + 1) // 2, k * q * (q + 1) // 2
    steps = [
        f"All: {n} * {n + 1} / 2 = {whole}",
        f"Multiples: {k} * {q} * {q + 1} / 2 = {left}",
        f"{whole} - {left} = {whole - left}",
    ]
    return case(whole - left, steps, k=k, n=n)


@family(
    ask=(
        "What is the sum of all positive integers below $<n>$ that are multiples of $<a>$ or "
        "$<b>$?",
        "Find the sum of the natural numbers less than $<n>$ that $<a>$ or $<b>$ divides.",
        "Every number smaller than $<n>$ that is divisible by $<a>$ or by $<b>$ is added. What is "
        "the total?",
        "Let $S$ be the set of positive multiples of $<a>$ or $<b>$ that are less than $<n>$. "
        "Find the sum of its elements.",
    ),
    plan=("We add each number that at least one of the two divides, once.",),
    code=(
        "print(sum(k for k in range(1, <n>) if k % <a> == 0 or k % <b> == 0))",
        "print(sum(set(range(<a>, <n>, <a>)) | set(range(<b>, <n>, <b>))))",
        "total = 0\nfor k in range(1, <n>):\n    if k % <a> == 0 or k % <b> == 0:\n"
        "        total += k\nprint(total)",
    ),
    result="the sum",
)
def sum_of_either_multiples(d: Draw) -> Case:
    """Sum of the multiples of one number or another."""
    a, b = d.some(range(3, 13), 2)
    n = d.upto(30, 70, 900)
    found = [k for k in range(1, n) if k % a == 0 or k % b == 0]
    return case(sum(found), [f"They are {listed(found)}", adding(found)], a=a, b=b, n=n)
