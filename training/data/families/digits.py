"""Families on the digits of numbers."""

from training.data.families.family import Case, Draw, case, family
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
def digit_sum(d: Draw) -> Case:
    """Digit sum of a number."""
    n = d.upto(100, 99999, 9**12)
    return case(sum(digits(n)), [f"The digits are {listed(digits(n))}", adding(digits(n))], n=n)


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
def power_digit_sum(d: Draw) -> Case:
    """Digit sum of a power."""
    a, n = d.number(2, 13), d.upto(3, 8, 60)
    power = a**n
    steps = [multiplying([a] * n), f"The digits are {listed(digits(power))}", adding(digits(power))]
    return case(sum(digits(power)), steps, a=a, n=n)


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
def count_by_digit_sum(d: Draw) -> Case:
    """Numbers of an interval with a given digit sum."""
    a = d.upto(10, 50, 500)
    b, s = a + d.upto(30, 120, 2000), d.number(4, 14)
    found = [n for n in range(a, b + 1) if sum(digits(n)) == s]
    steps = [
        f"They are {listed(found[:20])}" if found else "There are none",
        f"Their number is {len(found)}",
    ]
    return case(len(found), steps, a=a, b=b, s=s)


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
def digit_product(d: Draw) -> Case:
    """Product of a number's digits."""
    n = int("".join(str(d.number(1, 9)) for _ in range(d.upto(3, 4, 7))))
    steps = [f"The digits are {listed(digits(n))}", multiplying(digits(n))]
    return case(int(steps[-1].split()[-1]), steps, n=n)


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
def count_by_digit_product(d: Draw) -> Case:
    """Numbers with a given digit product."""
    k = d.pick(2, 3)
    p = 1
    for _ in range(k):
        p *= d.number(1, 9)
    found = [n for n in range(10 ** (k - 1), 10**k) if _product(n) == p]
    return case(
        len(found), [f"They are {listed(found[:24])}", f"Their number is {len(found)}"], k=k, p=p
    )


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
def palindromes(d: Draw) -> Case:
    """Palindromes in an interval."""
    a = d.upto(10, 300, 900)
    b = a + d.upto(40, 200, 3000)
    found = [n for n in range(a, b + 1) if str(n) == str(n)[::-1]]
    steps = [
        f"They are {listed(found[:24])}" if found else "There are none",
        f"Their number is {len(found)}",
    ]
    return case(len(found), steps, a=a, b=b)


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
def reversal_difference(d: Draw) -> Case:
    """Difference of a number and its reversal."""
    n = d.upto(102, 999, 99999)
    m = int(str(n)[::-1])
    high, low = max(n, m), min(n, m)
    return case(high - low, [f"Reversed: {m}", f"{high} - {low} = {high - low}"], n=n)


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
def distinct_digits(d: Draw) -> Case:
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
    return case(size - len(repeated), steps, a=a, b=b)


def _product(n: int) -> int:
    value = 1
    for digit in digits(n):
        value *= digit
    return value
