"""Families on writing numbers: other bases, lengths, which digits are used how often."""

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, digits, listed, multiplying


@family(
    ask=(
        "How many digits does $<a>^{<n>}$ have?",
        "Find the number of decimal digits of $<a>^{<n>}$.",
        "The number $<a>^{<n>}$ is written out in base ten. How long is it?",
        "How many digits are needed to write $<a>^{<n>}$?",
    ),
    plan=("We write the power as text and take its length.",),
    code=(
        "print(len(str(<a>**<n>)))",
        "n, count = <a>**<n>, 0\nwhile n > 0:\n    n //= 10\n    count += 1\nprint(count)",
    ),
    result="the number of digits",
)
def digit_count(d: Draw) -> Case:
    """Number of digits of a power."""
    a, n = d.number(2, 15), d.upto(3, 8, 80)
    power = a**n
    steps = [multiplying([a] * n), f"{power} has the digits {listed(digits(power))}"]
    return case(len(str(power)), [*steps, f"Their number is {len(str(power))}"], a=a, n=n)


@family(
    ask=(
        "The number $<s>$ is written in base $<b>$. What is it in base ten?",
        "Find the decimal value of $<s>_{<b>}$.",
        "Convert $<s>$ from base $<b>$ to base $10$.",
        "What number is $<s>_{<b>}$ in the decimal system?",
    ),
    plan=(
        "Python's `int` reads a text in any base.",
        "Each step multiplies by $<b>$ and adds the next digit.",
    ),
    code=(
        "print(int('<s>', <b>))",
        "value = 0\nfor c in '<s>':\n    value = value * <b> + int(c)\nprint(value)",
    ),
    result="the number in base ten",
)
def from_base(d: Draw) -> Case:
    """A number in another base, in base ten."""
    b = d.number(2, 9)
    found = [d.number(1, b - 1), *(d.number(0, b - 1) for _ in range(d.upto(2, 4, 7)))]
    value, lines = found[0], list[str]()
    for x in found[1:]:
        lines.append(f"{value} * {b} + {x} = {value * b + x}")
        value = value * b + x
    return case(value, lines, s="".join(map(str, found)), b=b, v=value)


@family(
    ask=(
        "What is $<n>$ written in base $<b>$?",
        "Convert the decimal number $<n>$ to base $<b>$. Give its digits as one number.",
        "Find the representation of $<n>$ in base $<b>$.",
        "Write $<n>$ in the number system with base $<b>$.",
    ),
    plan=("We divide by $<b>$ again and again; the remainders are the digits from the right.",),
    code=(
        "n, s = <n>, ''\nwhile n > 0:\n    s = str(n % <b>) + s\n    n //= <b>\nprint(s)",
        "def to_base(n, b):\n    return to_base(n // b, b) + str(n % b) if n else ''\n\n"
        "print(to_base(<n>, <b>))",
    ),
    result="the number in base $<b>$",
)
def to_base(d: Draw) -> Case:
    """A number written in another base."""
    b, n = d.number(3, 9), d.upto(20, 400, 4000)
    text, left, lines = "", n, list[str]()
    while left:
        lines.append(f"{left} = {left // b} * {b} + {left % b}")
        text = f"{left % b}{text}"
        left //= b
    return case(int(text), [*lines, f"The remainders from last to first: {text}"], n=n, b=b)


@family(
    ask=(
        "How many ones are in the binary form of $<n>$?",
        "The number $<n>$ is written in base two. How many digits $1$ does it have?",
        "Find the number of $1$s in the binary representation of $<n>$.",
        "As a sum of different powers of two, how many summands does $<n>$ have?",
    ),
    plan=("We write the number in binary and count the ones.",),
    code=(
        "print(bin(<n>).count('1'))",
        "n, ones = <n>, 0\nwhile n:\n    ones += n % 2\n    n //= 2\nprint(ones)",
        "print(sum(int(c) for c in format(<n>, 'b')))",
    ),
    result="the number of ones",
)
def binary_ones(d: Draw) -> Case:
    """Ones of a binary number."""
    n = d.upto(9, 250, 100000)
    powers = [2**k for k in range(20, -1, -1) if n >> k & 1]
    return case(
        len(powers),
        [f"The powers of two are {listed(powers)}", f"Their number is {len(powers)}"],
        n=n,
    )


@family(
    ask=(
        "How many times is the digit $<c>$ written when all integers from $<a>$ to $<b>$ are "
        "written down?",
        "The numbers from $<a>$ to $<b>$ are listed. How often does the digit $<c>$ appear?",
        "Find the number of digits $<c>$ among the page numbers $<a>$ to $<b>$.",
        "A printer prints every integer from $<a>$ to $<b>$ once. How many digits $<c>$ does it "
        "print?",
    ),
    plan=("We count the digit in the text of each number.",),
    code=(
        "print(sum(str(n).count('<c>') for n in range(<a>, <b> + 1)))",
        "text = ''.join(str(n) for n in range(<a>, <b> + 1))\nprint(text.count('<c>'))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    count += str(n).count('<c>')\nprint(count)",
    ),
    result="the number of digits $<c>$",
)
def digit_occurrences(d: Draw) -> Case:
    """How often a digit is written."""
    c, a = d.number(1, 9), d.upto(1, 40, 300)
    b = a + d.upto(20, 60, 900)
    ones = sum(n % 10 == c for n in range(a, b + 1))
    tens = sum(n // 10 % 10 == c for n in range(a, b + 1))
    rest = sum(str(n).count(str(c)) for n in range(a, b + 1)) - ones - tens
    steps = [
        f"As last digit: {ones}, as tens digit: {tens}, before that: {rest}",
        adding([ones, tens, rest]),
    ]
    return case(ones + tens + rest, steps, c=c, a=a, b=b)


@family(
    ask=(
        "How many digits are used to number the pages of a book from $1$ to $<n>$?",
        "The integers from $1$ to $<n>$ are written one after the other. How many digits are "
        "written?",
        "Find the total number of digits in the numbers $1, 2, \\ldots, <n>$.",
        "A book has $<n>$ pages, numbered from $1$. How many digits does the printer set?",
    ),
    plan=("We add up how many digits each number has.",),
    code=(
        "print(sum(len(str(n)) for n in range(1, <n> + 1)))",
        "print(len(''.join(str(n) for n in range(1, <n> + 1))))",
        "total = 0\nfor page in range(1, <n> + 1):\n    total += len(str(page))\nprint(total)",
    ),
    result="the number of digits",
)
def page_digits(d: Draw) -> Case:
    """Digits that number the pages of a book."""
    n = d.upto(20, 400, 2500)
    parts: list[int] = []
    lines: list[str] = []
    for k in range(1, len(str(n)) + 1):
        count = min(n, 10**k - 1) - 10 ** (k - 1) + 1
        parts.append(count * k)
        lines.append(f"{count} numbers with {k} digits: {count} * {k} = {count * k}")
    return case(sum(parts), [*lines, adding(parts)], n=n)


@family(
    ask=(
        "What is the smallest integer greater than $<n>$ whose digits add up to $<s>$?",
        "Find the least integer $m > <n>$ with digit sum $<s>$.",
        "After $<n>$, which is the next number with digits that sum to $<s>$?",
        "A car's counter shows $<n>$. Which is the first later reading with the digit sum $<s>$?",
    ),
    plan=("We go up from $<n> + 1$ until the digit sum is $<s>$.",),
    code=(
        "m = <n> + 1\nwhile sum(int(c) for c in str(m)) != <s>:\n    m += 1\nprint(m)",
        "from itertools import count\n"
        "print(next(m for m in count(<n> + 1) if sum(map(int, str(m))) == <s>))",
    ),
    result="the number",
)
def next_with_digit_sum(d: Draw) -> Case:
    """The next number with a given digit sum."""
    n, s = d.upto(20, 400, 9000), d.number(5, 16)
    m = n + 1
    while sum(digits(m)) != s:
        m += 1
    return case(
        m,
        [
            f"The digits of {m} are {listed(digits(m))}",
            adding(digits(m)),
            f"No number between {n} and {m} has this digit sum, so it is {m}",
        ],
        n=n,
        s=s,
    )
