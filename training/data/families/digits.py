"""Families on the digits of numbers and on other bases."""

from training.data.families.family import Draw, Drawn, drawn, family
from training.data.families.working import adding, digits, listed, multiplying


@family(
    ask=(
        "What is the sum of the digits of $<n>$?",
        "Find the digit sum of $<n>$.",
        "The digits of $<n>$ are added. What is the result?",
        "Add up all digits of the number $<n>$.",
    ),
    plan=(
        "We turn the number into text and add its digits.",
        "We take off the last digit again and again.",
    ),
    code=(
        "print(sum(int(c) for c in str(<n>)))",
        "n, total = <n>, 0\nwhile n > 0:\n    total += n % 10\n    n //= 10\nprint(total)",
        "digits = [int(c) for c in str(<n>)]\nprint(sum(digits))",
    ),
    result="the digit sum",
)
def digit_sum(d: Draw) -> Drawn:
    """Digit sum of a number."""
    n = d.upto(100, 99999, 9**12)
    return drawn(sum(digits(n)), [f"The digits are {listed(digits(n))}", adding(digits(n))], n=n)


@family(
    ask=(
        "What is the sum of the digits of $<a>^{<n>}$?",
        "Find the digit sum of $<a>^{<n>}$.",
        "The number $<a>^{<n>}$ is written out in base ten. What is the sum of its digits?",
        "Add the decimal digits of $<a>^{<n>}$. What do you get?",
    ),
    plan=("We compute the power exactly and add the digits.",),
    code=(
        "print(sum(int(c) for c in str(<a>**<n>)))",
        "total = 0\nfor c in str(<a>**<n>):\n    total += int(c)\nprint(total)",
        "n, total = <a>**<n>, 0\nwhile n:\n    n, r = divmod(n, 10)\n    total += r\nprint(total)",
    ),
    result="the sum of the digits",
)
def power_digit_sum(d: Draw) -> Drawn:
    """Digit sum of a power."""
    a, n = d.int(2, 13), d.upto(3, 8, 60)
    power = a**n
    steps = [multiplying([a] * n), f"The digits are {listed(digits(power))}", adding(digits(power))]
    return drawn(sum(digits(power)), steps, a=a, n=n)


@family(
    ask=(
        "How many integers from $<a>$ to $<b>$ have a digit sum of $<s>$?",
        "How many integers between $<a>$ and $<b>$, inclusive, have digits that add up to $<s>$?",
        "For how many $n$ with $<a> \\le n \\le <b>$ is the sum of the digits equal to $<s>$?",
        "Tickets carry the numbers $<a>$ to $<b>$. On how many of them is the sum of the digits "
        "$<s>$?",
    ),
    plan=("We test the digit sum of each number from $<a>$ to $<b>$.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) if sum(map(int, str(n))) == <s>))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    if sum(int(c) for c in str(n)) == <s>:\n"
        "        count += 1\nprint(count)",
        "found = [n for n in range(<a>, <b> + 1) if sum(int(c) for c in str(n)) == <s>]\n"
        "print(len(found))",
    ),
    result="the number of such integers",
)
def count_by_digit_sum(d: Draw) -> Drawn:
    """Numbers of an interval with a given digit sum."""
    a = d.upto(10, 50, 500)
    b, s = a + d.upto(30, 120, 2000), d.int(4, 14)
    found = [n for n in range(a, b + 1) if sum(digits(n)) == s]
    steps = [
        f"They are {listed(found[:20])}" if found else "There are none",
        f"Their number is {len(found)}",
    ]
    return drawn(len(found), steps, a=a, b=b, s=s)


@family(
    ask=(
        "What is the product of the digits of $<n>$?",
        "Find the product of all digits of $<n>$.",
        "The digits of $<n>$ are multiplied with each other. What is the result?",
        "Multiply the digits of $<n>$ together.",
    ),
    plan=("We multiply the digits one after the other.",),
    code=(
        "from math import prod\nprint(prod(int(c) for c in str(<n>)))",
        "product = 1\nfor c in str(<n>):\n    product *= int(c)\nprint(product)",
        "n, product = <n>, 1\nwhile n > 0:\n    product *= n % 10\n    n //= 10\nprint(product)",
    ),
    result="the product of the digits",
)
def digit_product(d: Draw) -> Drawn:
    """Product of a number's digits."""
    n = int("".join(str(d.int(1, 9)) for _ in range(d.upto(3, 4, 7))))
    steps = [f"The digits are {listed(digits(n))}", multiplying(digits(n))]
    return drawn(int(steps[-1].split()[-1]), steps, n=n)


@family(
    ask=(
        "How many <k>-digit positive integers have digits whose product is $<p>$?",
        "For how many <k>-digit numbers is the product of the digits equal to $<p>$?",
        "Find the number of <k>-digit integers with digit product $<p>$.",
        "The digits of a <k>-digit number multiply to $<p>$. How many such numbers are there?",
    ),
    plan=("We go through all <k>-digit numbers and multiply their digits.",),
    code=(
        "from math import prod\n"
        "print(sum(1 for n in range(10**(<k> - 1), 10**<k>) if prod(map(int, str(n))) == <p>))",
        "from itertools import product\nfrom math import prod\n"
        "print(sum(1 for t in product(range(1, 10), repeat=<k>) if prod(t) == <p>))",
        "count = 0\nfor n in range(10**(<k> - 1), 10**<k>):\n    p = 1\n    for c in str(n):\n"
        "        p *= int(c)\n"
        "    if p == <p>:\n        count += 1\nprint(count)",
    ),
    result="the number of such integers",
)
def count_by_digit_product(d: Draw) -> Drawn:
    """Numbers with a given digit product."""
    k = d.pick(2, 3)
    p = 1
    for _ in range(k):
        p *= d.int(1, 9)
    found = [n for n in range(10 ** (k - 1), 10**k) if _product(n) == p]
    return drawn(
        len(found), [f"They are {listed(found[:24])}", f"Their number is {len(found)}"], k=k, p=p
    )


def _product(n: int) -> int:
    value = 1
    for digit in digits(n):
        value *= digit
    return value


@family(
    ask=(
        "How many palindromes are there between $<a>$ and $<b>$?",
        "How many integers from $<a>$ to $<b>$ read the same forwards and backwards?",
        "Find the number of palindromic integers $n$ with $<a> \\le n \\le <b>$.",
        "A counter runs from $<a>$ to $<b>$. How often does it show a number that equals its "
        "reversal?",
    ),
    plan=("A palindrome equals its own reversed text; we test each number.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) if str(n) == str(n)[::-1]))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    s = str(n)\n    if s == s[::-1]:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of palindromes",
)
def palindromes(d: Draw) -> Drawn:
    """Palindromes in an interval."""
    a = d.upto(10, 300, 900)
    b = a + d.upto(40, 200, 3000)
    found = [n for n in range(a, b + 1) if str(n) == str(n)[::-1]]
    steps = [
        f"They are {listed(found[:24])}" if found else "There are none",
        f"Their number is {len(found)}",
    ]
    return drawn(len(found), steps, a=a, b=b)


@family(
    ask=(
        "The digits of $<n>$ are written in reverse order. What is the absolute difference of the "
        "two numbers?",
        "Find the difference between $<n>$ and the number with its digits reversed.",
        "Let $m$ be $<n>$ read backwards. What is $|<n> - m|$?",
        "By how much does $<n>$ differ from its reversal?",
    ),
    plan=("We reverse the digits as text and subtract.",),
    code=(
        "n = <n>\nprint(abs(n - int(str(n)[::-1])))",
        "n = <n>\nm = int(''.join(reversed(str(n))))\nprint(max(n, m) - min(n, m))",
    ),
    result="the difference",
)
def reversal_difference(d: Draw) -> Drawn:
    """Difference of a number and its reversal."""
    n = d.upto(102, 999, 99999)
    m = int(str(n)[::-1])
    high, low = max(n, m), min(n, m)
    return drawn(high - low, [f"Reversed: {m}", f"{high} - {low} = {high - low}"], n=n)


@family(
    ask=(
        "How many integers from $<a>$ to $<b>$ have digits that are all different?",
        "How many numbers between $<a>$ and $<b>$, inclusive, have no repeated digit?",
        "Find the number of integers $n$ with $<a> \\le n \\le <b>$ whose digits are distinct.",
        "Of the house numbers $<a>$ to $<b>$, how many use no digit twice?",
    ),
    plan=("The digits are distinct when their set is as large as the text.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) if len(set(str(n))) == len(str(n))))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    s = str(n)\n    if len(set(s)) == len(s):\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of such integers",
)
def distinct_digits(d: Draw) -> Drawn:
    """Numbers of an interval without repeated digits."""
    a = d.upto(10, 80, 600)
    b = a + d.upto(12, 40, 3000)
    repeated = [n for n in range(a, b + 1) if len(set(str(n))) < len(str(n))]
    size = b - a + 1
    steps = [
        f"There are {size} numbers",
        f"With a repeated digit: {listed(repeated[:20]) or 'none'}",
    ]
    steps.append(f"{size} - {len(repeated)} = {size - len(repeated)}")
    return drawn(size - len(repeated), steps, a=a, b=b)


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
def digit_count(d: Draw) -> Drawn:
    """Number of digits of a power."""
    a, n = d.int(2, 15), d.upto(3, 8, 80)
    power = a**n
    steps = [multiplying([a] * n), f"{power} has the digits {listed(digits(power))}"]
    return drawn(len(str(power)), [*steps, f"Their number is {len(str(power))}"], a=a, n=n)


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
def from_base(d: Draw) -> Drawn:
    """A number in another base, in base ten."""
    b = d.int(2, 9)
    found = [d.int(1, b - 1), *(d.int(0, b - 1) for _ in range(d.upto(2, 4, 7)))]
    value, lines = found[0], list[str]()
    for x in found[1:]:
        lines.append(f"{value} * {b} + {x} = {value * b + x}")
        value = value * b + x
    return drawn(value, lines, s="".join(map(str, found)), b=b, v=value)


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
def to_base(d: Draw) -> Drawn:
    """A number written in another base."""
    b, n = d.int(3, 9), d.upto(20, 400, 4000)
    text, left, lines = "", n, list[str]()
    while left:
        lines.append(f"{left} = {left // b} * {b} + {left % b}")
        text = f"{left % b}{text}"
        left //= b
    return drawn(int(text), [*lines, f"The remainders from last to first: {text}"], n=n, b=b)


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
def binary_ones(d: Draw) -> Drawn:
    """Ones of a binary number."""
    n = d.upto(9, 250, 100000)
    powers = [2**k for k in range(20, -1, -1) if n >> k & 1]
    return drawn(
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
def digit_occurrences(d: Draw) -> Drawn:
    """How often a digit is written."""
    c, a = d.int(1, 9), d.upto(1, 40, 300)
    b = a + d.upto(20, 60, 900)
    ones = sum(n % 10 == c for n in range(a, b + 1))
    tens = sum(n // 10 % 10 == c for n in range(a, b + 1))
    rest = sum(str(n).count(str(c)) for n in range(a, b + 1)) - ones - tens
    steps = [
        f"As last digit: {ones}, as tens digit: {tens}, before that: {rest}",
        adding([ones, tens, rest]),
    ]
    return drawn(ones + tens + rest, steps, c=c, a=a, b=b)


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
def page_digits(d: Draw) -> Drawn:
    """Digits that number the pages of a book."""
    n = d.upto(20, 400, 2500)
    parts: list[int] = []
    lines: list[str] = []
    for k in range(1, len(str(n)) + 1):
        count = min(n, 10**k - 1) - 10 ** (k - 1) + 1
        parts.append(count * k)
        lines.append(f"{count} numbers with {k} digits: {count} * {k} = {count * k}")
    return drawn(sum(parts), [*lines, adding(parts)], n=n)


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
def next_with_digit_sum(d: Draw) -> Drawn:
    """The next number with a given digit sum."""
    n, s = d.upto(20, 400, 9000), d.int(5, 16)
    m = n + 1
    while sum(digits(m)) != s:
        m += 1
    return drawn(
        m,
        [
            f"The digits of {m} are {listed(digits(m))}",
            adding(digits(m)),
            f"No number between {n} and {m} has this digit sum, so it is {m}",
        ],
        n=n,
        s=s,
    )
