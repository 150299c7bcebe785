"""Families on divisors, multiples, primes and remainders."""

import math

from training.data.families.family import Draw, Drawn, drawn, family
from training.data.families.working import (
    adding,
    divisors,
    euclid,
    factored,
    listed,
    multiplying,
    powering,
    prime_powers,
    primes,
)


@family(
    ask=(
        "What is the greatest common divisor of $<a>$ and $<b>$?",
        r"Find $\gcd(<a>, <b>)$.",
        "Find the largest integer that divides both $<a>$ and $<b>$.",
        "Two ropes of $<a>$ cm and $<b>$ cm are cut into pieces of one length, with nothing left "
        "over. How many centimeters long can a piece be at most?",
        r"Find the largest $d$ such that $d \mid <a>$ and $d \mid <b>$.",
    ),
    plan=(
        "Euclid's algorithm gives the greatest common divisor.",
        "We need the largest number that divides both $<a>$ and $<b>$.",
    ),
    code=(
        "from math import gcd\nprint(gcd(<a>, <b>))",
        "a, b = <a>, <b>\nwhile b:\n    a, b = b, a % b\nprint(a)",
        "print(max(d for d in range(1, <a> + 1) if <a> % d == 0 and <b> % d == 0))",
    ),
    result="the greatest common divisor",
)
def greatest_common_divisor(d: Draw) -> Drawn:
    """Greatest common divisor of two numbers."""
    g = d.upto(2, 30, 90)
    a, b = g * d.int(2, 24), g * d.int(2, 24)
    return drawn(math.gcd(a, b), euclid(a, b), a=a, b=b)


@family(
    ask=(
        "What is the least common multiple of $<a>$ and $<b>$?",
        r"Find $\operatorname{lcm}(<a>, <b>)$.",
        "Find the smallest positive integer that is a multiple of both $<a>$ and $<b>$.",
        "One lamp blinks every $<a>$ seconds, another every $<b>$ seconds. Both blink now. In how "
        "many seconds do they blink together again?",
    ),
    plan=(
        "The least common multiple is the product divided by the greatest common divisor.",
        "We look for the first common multiple of $<a>$ and $<b>$.",
    ),
    code=(
        "from math import lcm\nprint(lcm(<a>, <b>))",
        "from math import gcd\na, b = <a>, <b>\nprint(a * b // gcd(a, b))",
        "n = <a>\nwhile n % <b> != 0:\n    n += <a>\nprint(n)",
        "from sympy import ilcm\nprint(ilcm(<a>, <b>))",
    ),
    result="the least common multiple",
)
def least_common_multiple(d: Draw) -> Drawn:
    """Least common multiple of two numbers."""
    g = d.int(1, 9)
    a, b = g * d.int(3, 16), g * d.int(3, 16)
    c = math.gcd(a, b)
    steps = [*euclid(a, b), f"{a} / {c} = {a // c}", f"{a // c} * {b} = {math.lcm(a, b)}"]
    return drawn(math.lcm(a, b), steps, a=a, b=b)


@family(
    ask=(
        "How many positive divisors does $<n>$ have?",
        "Find the number of positive divisors of $<n>$.",
        "How many positive integers divide $<n>$ without remainder?",
        "In how many ways can $<n>$ chairs be set up in equal rows, if a single row and rows of "
        "one "
        "chair count too?",
    ),
    plan=(
        "We count the numbers from 1 to $<n>$ that divide $<n>$.",
        "A number $d$ divides $<n>$ when the remainder is 0.",
    ),
    code=(
        "n = <n>\nprint(sum(1 for d in range(1, n + 1) if n % d == 0))",
        "from sympy import divisor_count\nprint(divisor_count(<n>))",
        "count = 0\nfor d in range(1, <n> + 1):\n    if <n> % d == 0:\n        count += 1\n"
        "print(count)",
        "from sympy import divisors\nprint(len(divisors(<n>)))",
    ),
    result="the number of divisors",
)
def divisor_count(d: Draw) -> Drawn:
    """Number of divisors."""
    n = d.upto(12, 400, 1500)
    powers = prime_powers(n).values()
    sizes = [e + 1 for e in powers]
    counts = "Each exponent plus one: " + listed(sizes)
    return drawn(len(divisors(n)), [factored(n), counts, multiplying(sizes)], n=n)


@family(
    ask=(
        "What is the sum of all positive divisors of $<n>$?",
        "Find the sum of the divisors of $<n>$.",
        "Find $\\sigma(<n>)$, the sum of all positive integers that divide $<n>$.",
        "All positive integers that divide $<n>$ are written on a board. What is their sum?",
    ),
    plan=(
        "We add all numbers from 1 to $<n>$ that divide $<n>$.",
        "List the divisors and add them.",
    ),
    code=(
        "n = <n>\nprint(sum(d for d in range(1, n + 1) if n % d == 0))",
        "from sympy import divisors\nprint(sum(divisors(<n>)))",
        "total = 0\nfor d in range(1, <n> + 1):\n    if <n> % d == 0:\n        total += d\n"
        "print(total)",
    ),
    result="the sum of the divisors",
)
def divisor_sum(d: Draw) -> Drawn:
    """Sum of divisors."""
    n = d.upto(10, 120, 900)
    found = divisors(n)
    return drawn(sum(found), [f"The divisors are {listed(found)}", adding(found)], n=n)


@family(
    ask=(
        "How many <kind> positive divisors does $<n>$ have?",
        "How many positive divisors of $<n>$ are <kind>?",
        "Find the number of <kind> divisors of $<n>$.",
        "Among the positive integers that divide $<n>$, how many are <kind>?",
    ),
    plan=("We list the divisors of $<n>$ and count those that are <kind>.",),
    code=(
        "n = <n>\nprint(sum(1 for d in range(1, n + 1) if n % d == 0 and d % 2 == <r>))",
        "from sympy import divisors\nprint(len([d for d in divisors(<n>) if d % 2 == <r>]))",
        "count = 0\nfor d in range(1, <n> + 1):\n    if <n> % d == 0 and d % 2 == <r>:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of <kind> divisors",
)
def parity_divisors(d: Draw) -> Drawn:
    """Number of even or odd divisors."""
    n = 2 * d.upto(6, 60, 400)
    kind, r = d.pick(("even", 0), ("odd", 1))
    found = [x for x in divisors(n) if x % 2 == r]
    steps = [f"The {kind} divisors are {listed(found)}", f"Their number is {len(found)}"]
    return drawn(len(found), steps, n=n, kind=kind, r=r)


@family(
    ask=(
        "How many zeros are at the end of $<n>!$?",
        "Find the number of trailing zeros of $<n>!$.",
        "In how many zeros does the decimal form of $<n>!$ end?",
        "What is the largest $k$ such that $10^k$ divides $<n>!$?",
    ),
    plan=(
        "Each factor 10 of $<n>!$ needs a 5, so we count the factors 5.",
        "We compute the factorial and count the zeros at its end.",
    ),
    code=(
        "from math import factorial\ns = str(factorial(<n>))\nprint(len(s) - len(s.rstrip('0')))",
        "n, count = <n>, 0\nwhile n:\n    n //= 5\n    count += n\nprint(count)",
        "count = 0\nfor k in range(1, <n> + 1):\n    while k % 5 == 0:\n        k //= 5\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of zeros",
)
def factorial_zeros(d: Draw) -> Drawn:
    """Zeros at the end of a factorial."""
    n = d.upto(10, 130, 600)
    parts = [n // 5**k for k in range(1, 5) if n // 5**k]
    lines = [f"Multiples of {5**k} up to {n}: {n // 5**k}" for k in range(1, len(parts) + 1)]
    return drawn(sum(parts), [*lines, adding(parts)], n=n)


@family(
    ask=(
        "What is the largest $k$ such that $<p>^k$ divides $<n>!$?",
        "Find the exponent of $<p>$ in the prime factorization of $<n>!$.",
        "How many times can $<n>!$ be divided by $<p>$ with an integer as the result?",
        "Find the greatest integer $k$ for which $<n>!$ is a multiple of $<p>^k$.",
    ),
    plan=("We count the factors $<p>$ in the numbers from 1 to $<n>$.",),
    code=(
        "from math import factorial\nn, k = factorial(<n>), 0\nwhile n % <p> == 0:\n"
        "    n //= <p>\n    k += 1\nprint(k)",
        "n, k = <n>, 0\nwhile n:\n    n //= <p>\n    k += n\nprint(k)",
        "from sympy import factorial, multiplicity\nprint(multiplicity(<p>, factorial(<n>)))",
    ),
    result="the exponent",
)
def factorial_exponent(d: Draw) -> Drawn:
    """Exponent of a prime in a factorial."""
    p, n = d.pick(2, 3, 7), d.upto(8, 60, 250)
    parts: list[int] = []
    left = n
    while left := left // p:
        parts.append(left)
    parts = parts or [0]
    lines = [f"Multiples of {p**k} up to {n}: {x}" for k, x in enumerate(parts, 1)]
    return drawn(sum(parts), [*lines, adding(parts)], p=p, n=n)


@family(
    ask=(
        "What is the remainder when $<a>^{<n>}$ is divided by $<m>$?",
        "Find the remainder of $<a>^{<n>}$ modulo $<m>$.",
        r"Find $<a>^{<n>} \bmod <m>$.",
        "If $<a>^{<n>}$ objects are packed in boxes of $<m>$, how many are left over?",
        r"Find the integer $r$ with $0 \le r < <m>$ and $<a>^{<n>} \equiv r \pmod{<m>}$.",
    ),
    plan=(
        "Python's `pow` with three arguments computes the power modulo $<m>$.",
        "We multiply by $<a>$ again and again and keep only the remainder.",
    ),
    code=(
        "print(pow(<a>, <n>, <m>))",
        "print(<a>**<n> % <m>)",
        "r = 1\nfor _ in range(<n>):\n    r = r * <a> % <m>\nprint(r)",
    ),
    result="the remainder",
)
def power_remainder(d: Draw) -> Drawn:
    """Remainder of a power."""
    a, n, m = d.int(2, 19), d.upto(6, 40, 400), d.upto(5, 25, 120)
    return drawn(pow(a, n, m), [f"{a} mod {m} is {a % m}", *powering(a, n, m)], a=a, n=n, m=m)


@family(
    ask=(
        "What is the units digit of $<a>^{<n>}$?",
        "Find the last digit of $<a>^{<n>}$.",
        "In which digit does $<a>^{<n>}$ end?",
        "The number $<a>^{<n>}$ is written in base ten. What is its ones digit?",
    ),
    plan=("The last digit is the remainder modulo 10.",),
    code=("print(pow(<a>, <n>, 10))", "print(<a>**<n> % 10)", "print(int(str(<a>**<n>)[-1]))"),
    result="the last digit",
)
def last_digit(d: Draw) -> Drawn:
    """Last digit of a power."""
    a, n = d.int(2, 99), d.upto(5, 60, 400)
    cycle = [pow(a, k, 10) for k in range(1, 5)]
    place = (n - 1) % 4 + 1
    steps = [
        f"The last digits of the powers repeat: {listed(cycle)}",
        f"{n} = {(n - place) // 4} * 4 + {place}",
        f"Number {place} of the cycle is {cycle[place - 1]}",
    ]
    return drawn(pow(a, n, 10), steps, a=a, n=n)


@family(
    ask=(
        "What is the largest prime factor of $<n>$?",
        "Find the greatest prime that divides $<n>$.",
        "Find the largest prime in the prime factorization of $<n>$.",
        "The number $<n>$ is written as a product of primes. Which is the largest of them?",
    ),
    plan=("We factor $<n>$ and take the largest prime.",),
    code=(
        "from sympy import primefactors\nprint(max(primefactors(<n>)))",
        "from sympy import factorint\nprint(max(factorint(<n>)))",
        "n, p = <n>, 2\nwhile n > 1:\n    if n % p == 0:\n        n //= p\n    else:\n"
        "        p += 1\nprint(p)",
    ),
    result="the largest prime factor",
)
def largest_prime_factor(d: Draw) -> Drawn:
    """Largest prime factor."""
    n = math.prod(d.pick(2, 3, 5, 7, 11, 13) for _ in range(d.int(2, 3))) * d.pick(
        3, 7, 11, 17, 19, 23
    )
    largest = max(prime_powers(n))
    return drawn(largest, [factored(n), f"The largest prime is {largest}"], n=n)


@family(
    ask=(
        "How many different primes divide $<n>$?",
        "Find the number of distinct prime factors of $<n>$.",
        "How many distinct primes occur in the prime factorization of $<n>$?",
        "Of the divisors of $<n>$, how many are prime?",
    ),
    plan=("We factor $<n>$ and count the different primes.",),
    code=(
        "from sympy import primefactors\nprint(len(primefactors(<n>)))",
        "from sympy import factorint\nprint(len(factorint(<n>)))",
        "n, p, count = <n>, 2, 0\nwhile n > 1:\n    if n % p == 0:\n        count += 1\n"
        "        while n % p == 0:\n            n //= p\n    p += 1\nprint(count)",
    ),
    result="the number of different primes",
)
def distinct_primes(d: Draw) -> Drawn:
    """Number of different prime factors."""
    n = d.upto(30, 700, 5000)
    found = list(prime_powers(n))
    steps = [factored(n), f"The primes are {listed(found)}", f"Their number is {len(found)}"]
    return drawn(len(found), steps, n=n)


@family(
    ask=(
        "How many integers from $1$ to $<n>$ have no common divisor with $<n>$ other than $1$?",
        "How many positive integers up to $<n>$ are relatively prime to $<n>$?",
        r"Find $\varphi(<n>)$, where $\varphi$ is Euler's totient function.",
        r"How many integers $k$ with $1 \le k \le <n>$ satisfy $\gcd(k, <n>) = 1$?",
    ),
    plan=(
        "We count the $k$ from 1 to $<n>$ with $\\gcd(k, <n>) = 1$.",
        "This is Euler's function of $<n>$.",
    ),
    code=(
        "from math import gcd\nprint(sum(1 for k in range(1, <n> + 1) if gcd(k, <n>) == 1))",
        "from sympy import totient\nprint(totient(<n>))",
        "from math import gcd\ncount = 0\nfor k in range(1, <n> + 1):\n    if gcd(k, <n>) == 1:\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of such integers",
)
def coprime_count(d: Draw) -> Drawn:
    """How many numbers are prime to a number."""
    n = d.upto(8, 150, 900)
    value, lines = n, [factored(n)]
    for p in prime_powers(n):
        lines.append(f"For the prime {p}: {value} / {p} * {p - 1} = {value // p * (p - 1)}")
        value = value // p * (p - 1)
    return drawn(value, lines, n=n)


@family(
    ask=(
        "How many multiples of $<k>$ lie between $<a>$ and $<b>$, inclusive?",
        "How many integers from $<a>$ to $<b>$ are divisible by $<k>$?",
        r"Find the number of integers $n$ with $<a> \le n \le <b>$ that are multiples of $<k>$.",
        "Houses are numbered from $<a>$ to $<b>$. How many of the numbers can be divided by $<k>$?",
    ),
    plan=("We go through the numbers from $<a>$ to $<b>$ and count the multiples of $<k>$.",),
    code=(
        "print(sum(1 for n in range(<a>, <b> + 1) if n % <k> == 0))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    if n % <k> == 0:\n        count += 1\n"
        "print(count)",
        "print(<b> // <k> - (<a> - 1) // <k>)",
    ),
    result="the number of multiples",
)
def multiples_between(d: Draw) -> Drawn:
    """Multiples in an interval."""
    k, a = d.int(3, 17), d.upto(10, 90, 400)
    b = a + d.upto(20, 120, 900)
    upper, lower = b // k, (a - 1) // k
    steps = [
        f"Multiples up to {b}: {upper}",
        f"Multiples up to {a - 1}: {lower}",
        f"{upper} - {lower} = {upper - lower}",
    ]
    return drawn(upper - lower, steps, k=k, a=a, b=b)


@family(
    ask=(
        "How many positive integers up to $<n>$ are divisible by $<a>$ or by $<b>$?",
        "How many of the numbers $1, 2, \\ldots, <n>$ are multiples of $<a>$ or $<b>$?",
        "In a row of $<n>$ lamps every $<a>$th is red and every $<b>$th is large. How many lamps "
        "are red, "
        "large or both?",
        "Find the number of integers from $1$ to $<n>$ that $<a>$ or $<b>$ divides.",
    ),
    plan=("We count the numbers that $<a>$ or $<b>$ divides; each number counts once.",),
    code=(
        "print(sum(1 for n in range(1, <n> + 1) if n % <a> == 0 or n % <b> == 0))",
        "print(len(set(range(<a>, <n> + 1, <a>)) | set(range(<b>, <n> + 1, <b>))))",
        "from math import lcm\nn, a, b = <n>, <a>, <b>\nprint(n // a + n // b - n // lcm(a, b))",
    ),
    result="the number of such integers",
)
def multiples_of_either(d: Draw) -> Drawn:
    """Multiples of one number or another."""
    a, b = d.some(range(2, 13), 2)
    n, c = d.upto(30, 200, 2000), math.lcm(a, b)
    value = n // a + n // b - n // c
    steps = [
        f"Multiples of {a}: {n // a}, of {b}: {n // b}, of both: {n // c}",
        f"{n // a} + {n // b} = {n // a + n // b}",
        f"{n // a + n // b} - {n // c} = {value}",
    ]
    return drawn(value, steps, n=n, a=a, b=b)


@family(
    ask=(
        "How many primes are there between $<a>$ and $<b>$?",
        "How many prime numbers $p$ satisfy $<a> \\le p \\le <b>$?",
        "Find the number of primes from $<a>$ to $<b>$.",
        "A list holds all integers from $<a>$ to $<b>$. How many of them are prime?",
    ),
    plan=("We test each number from $<a>$ to $<b>$.", "Sympy can list the primes of an interval."),
    code=(
        "from sympy import primerange\nprint(len(list(primerange(<a>, <b> + 1))))",
        "from sympy import isprime\nprint(sum(1 for n in range(<a>, <b> + 1) if isprime(n)))",
        "count = 0\nfor n in range(<a>, <b> + 1):\n    if all(n % d for d in range(2, n)):\n"
        "        count += 1\nprint(count)",
    ),
    result="the number of primes",
)
def primes_between(d: Draw) -> Drawn:
    """Primes in an interval."""
    a = 2 * d.upto(5, 50, 200)
    b = a + 2 * d.upto(5, 20, 150)
    found = primes(a, b)
    shown = f"The primes are {listed(found)}" if found else "There are none"
    return drawn(len(found), [shown, f"Their number is {len(found)}"], a=a, b=b)


@family(
    ask=(
        "What is the sum of all primes less than $<n>$?",
        "Find the sum of the prime numbers below $<n>$.",
        "All primes smaller than $<n>$ are added. What is the result?",
        "Find the sum of all primes $p$ with $p < <n>$.",
    ),
    plan=("We list the primes below $<n>$ and add them.",),
    code=(
        "from sympy import primerange\nprint(sum(primerange(2, <n>)))",
        "from sympy import isprime\nprint(sum(n for n in range(2, <n>) if isprime(n)))",
        "total = 0\nfor n in range(2, <n>):\n    if all(n % d != 0 for d in range(2, n)):\n"
        "        total += n\nprint(total)",
    ),
    result="the sum of the primes",
)
def prime_sum(d: Draw) -> Drawn:
    """Sum of the primes below a bound."""
    n = d.upto(11, 60, 700)
    found = primes(2, n - 1)
    return drawn(sum(found), [f"The primes are {listed(found)}", adding(found)], n=n)


@family(
    ask=(
        "A number leaves the remainder $<r>$ on division by $<a>$ and the remainder $<s>$ on "
        "division by "
        "$<b>$. What is the smallest such positive integer?",
        r"Find the smallest positive integer $x$ with $x \equiv <r> \pmod{<a>}$ and $x \equiv <s> "
        r"\pmod{<b>}$.",
        "If marbles are put into bags of $<a>$, $<r>$ are left; with bags of $<b>$, $<s>$ are "
        "left. What is the "
        "least possible number of marbles?",
        "Find the least positive $n$ such that $n$ divided by $<a>$ leaves $<r>$ and $n$ divided "
        "by $<b>$ leaves $<s>$.",
    ),
    plan=("We try $x = 1, 2, 3, \\ldots$ until both remainders are right.",),
    code=(
        "x = 1\nwhile x % <a> != <r> or x % <b> != <s>:\n    x += 1\nprint(x)",
        "print(next(x for x in range(1, <a> * <b> + 1) if x % <a> == <r> and x % <b> == <s>))",
        "from sympy.ntheory.modular import crt\nprint(crt([<a>, <b>], [<r>, <s>])[0])",
    ),
    result="the smallest number",
)
def two_remainders(d: Draw) -> Drawn:
    """Smallest number with two given remainders."""
    a, b = d.pick(
        (3, 5), (4, 7), (5, 7), (5, 8), (7, 9), (8, 11), (7, 11), (9, 13), (11, 13), (6, 11)
    )
    r, s = d.int(1, a - 1), d.int(1, b - 1)
    x = next(x for x in range(1, a * b) if x % a == r and x % b == s)
    tried = list(range(s, x + 1, b))
    steps = [
        f"Try numbers that leave {s} on division by {b}: {listed(tried)}",
        f"{x} = {x // a} * {a} + {r}",
    ]
    return drawn(x, [*steps, f"The number is {x}"], a=a, b=b, r=r, s=s)


@family(
    ask=(
        "What is the smallest positive integer that is divisible by $<a>$, $<b>$ and $<c>$?",
        r"Find $\operatorname{lcm}(<a>, <b>, <c>)$.",
        "Find the least number of sweets that can be shared equally among $<a>$, among $<b>$ and "
        "among $<c>$ children.",
        "Three buses leave together. They come back every $<a>$, $<b>$ and $<c>$ minutes. After "
        "how many minutes do all three leave together again?",
    ),
    plan=("We take the least common multiple of the three numbers.",),
    code=(
        "from math import lcm\nprint(lcm(<a>, <b>, <c>))",
        "n = <a>\nwhile n % <b> != 0 or n % <c> != 0:\n    n += <a>\nprint(n)",
        "from math import lcm\nvalue = 1\nfor k in [<a>, <b>, <c>]:\n    value = lcm(value, k)\n"
        "print(value)",
    ),
    result="the least common multiple",
)
def common_multiple_of_three(d: Draw) -> Drawn:
    """Least common multiple of three numbers."""
    a, b, c = d.some(range(4, 25), 3)
    ab = math.lcm(a, b)
    abc = math.lcm(ab, c)
    steps = [
        f"{a} * {ab // a} = {ab}, a multiple of {b}",
        f"{ab} * {abc // ab} = {abc}, a multiple of {c}",
        f"It is {abc}",
    ]
    return drawn(abc, steps, a=a, b=b, c=c)


@family(
    ask=(
        "What is the inverse of $<a>$ modulo $<m>$?",
        r"Find the integer $x$ with $0 < x < <m>$ and $<a>x \equiv 1 \pmod{<m>}$.",
        "Find the smallest positive $x$ such that $<a>x$ leaves the remainder $1$ on division by "
        "$<m>$.",
        "By which positive integer less than $<m>$ must $<a>$ be multiplied so that the remainder "
        "modulo $<m>$ is $1$?",
    ),
    plan=("We look for $x$ with $<a>x$ of remainder 1 modulo $<m>$.",),
    code=(
        "print(pow(<a>, -1, <m>))",
        "print(next(x for x in range(1, <m>) if <a> * x % <m> == 1))",
        "from sympy import mod_inverse\nprint(mod_inverse(<a>, <m>))",
        "for x in range(1, <m>):\n    if <a> * x % <m> == 1:\n        break\nprint(x)",
    ),
    result="the inverse",
)
def modular_inverse(d: Draw) -> Drawn:
    """Inverse modulo a prime."""
    m = d.pick(7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
    a = d.int(2, m - 2)
    x = pow(a, -1, m)
    k = a * x // m
    return drawn(x, [f"{a} * {x} = {a * x}", f"{a * x} = {k} * {m} + 1", f"So x = {x}"], a=a, m=m)


@family(
    ask=(
        "In how many ways can $<n>$ be written as a product of two positive integers, if the "
        "order does not matter?",
        r"How many pairs $(a, b)$ of positive integers with $a \le b$ satisfy $ab = <n>$?",
        "How many rectangles with integer sides have the area $<n>$, where turned ones count as "
        "one?",
        "Find the number of unordered pairs of positive integers whose product is $<n>$.",
    ),
    plan=("For each $a$ with $a^2 \\le <n>$ we test whether $a$ divides $<n>$.",),
    code=(
        "n = <n>\nprint(sum(1 for a in range(1, n + 1) if n % a == 0 and a <= n // a))",
        "from math import isqrt\nn = <n>\n"
        "print(sum(1 for a in range(1, isqrt(n) + 1) if n % a == 0))",
        "n, count, a = <n>, 0, 1\nwhile a * a <= n:\n    if n % a == 0:\n        count += 1\n"
        "    a += 1\nprint(count)",
    ),
    result="the number of pairs",
)
def factor_pairs(d: Draw) -> Drawn:
    """Ways to write a number as a product of two."""
    n = d.upto(12, 240, 1500)
    pairs = [f"{a} * {n // a} = {n}" for a in divisors(n) if a * a <= n]
    return drawn(len(pairs), [*pairs, f"The number of pairs is {len(pairs)}"], n=n)


@family(
    ask=(
        "What is the largest integer below $<n>$ that leaves the remainder $<r>$ on division by "
        "$<m>$?",
        "Find the greatest integer less than $<n>$ that is $<r>$ more than a multiple of $<m>$.",
        r"Find the largest $x < <n>$ with $x \equiv <r> \pmod{<m>}$.",
        "A teacher has fewer than $<n>$ sheets. Packs of $<m>$ leave $<r>$ over. How many sheets "
        "are there at most?",
    ),
    plan=("We go down from $<n> - 1$ until the remainder is $<r>$.",),
    code=(
        "x = <n> - 1\nwhile x % <m> != <r>:\n    x -= 1\nprint(x)",
        "print(max(x for x in range(<n>) if x % <m> == <r>))",
    ),
    result="the largest number",
)
def largest_with_remainder(d: Draw) -> Drawn:
    """Largest number below a bound with a given remainder."""
    m = d.int(5, 29)
    r, n = d.int(1, m - 1), d.upto(100, 900, 3000)
    k = (n - 1 - r) // m
    steps = [
        f"{n - 1} - {r} = {n - 1 - r}",
        f"The quotient by {m} is {k}",
        f"{k} * {m} + {r} = {k * m + r}",
    ]
    return drawn(k * m + r, steps, n=n, m=m, r=r)


@family(
    ask=(
        "Two positive integers have the greatest common divisor $<g>$ and the least common "
        "multiple $<l>$. One of "
        "them is $<a>$. What is the other?",
        r"Find $b$ if $\gcd(<a>, b) = <g>$ and $\operatorname{lcm}(<a>, b) = <l>$.",
        "The number $<a>$ and a second number have gcd $<g>$ and lcm $<l>$. Find the second "
        "number.",
        "If $<g>$ is the greatest common divisor and $<l>$ the least common multiple of $<a>$ and "
        "$x$, what is $x$?",
    ),
    plan=("The product of two numbers equals gcd times lcm.",),
    code=(
        "print(<g> * <l> // <a>)",
        "from math import gcd, lcm\n"
        "print(next(b for b in range(1, <l> + 1) if gcd(<a>, b) == <g> and lcm(<a>, b) == <l>))",
    ),
    result="the other number",
)
def gcd_and_lcm(d: Draw) -> Drawn:
    """The other number, from gcd and lcm."""
    g, (p, q) = (
        d.int(2, 12),
        d.pick((2, 3), (3, 4), (2, 5), (3, 5), (4, 5), (2, 7), (5, 6), (3, 7), (4, 7), (5, 8)),
    )
    a, b = d.pick((g * p, g * q), (g * q, g * p))
    product = g * (g * p * q)
    steps = [f"{g} * {g * p * q} = {product}", f"{product} / {a} = {b}"]
    return drawn(b, steps, g=g, l=g * p * q, a=a)


@family(
    ask=(
        "How many perfect squares divide $<n>$?",
        "How many divisors of $<n>$ are squares of integers?",
        "Find the number of positive integers $k$ such that $k^2$ divides $<n>$.",
        "Among the positive divisors of $<n>$, how many are perfect squares?",
    ),
    plan=("We count the $k$ for which $k^2$ divides $<n>$.",),
    code=(
        "print(sum(1 for k in range(1, <n> + 1) if <n> % (k * k) == 0))",
        "n, k, count = <n>, 1, 0\nwhile k * k <= n:\n    if n % (k * k) == 0:\n"
        "        count += 1\n    k += 1\nprint(count)",
    ),
    result="the number of square divisors",
)
def square_divisors(d: Draw) -> Drawn:
    """Number of square divisors."""
    n = 2 ** d.int(0, 6) * 3 ** d.int(0, 4) * 5 ** d.int(0, 2) * d.pick(1, 2, 3, 7, 11)
    sizes = [e // 2 + 1 for e in prime_powers(n).values()] or [1]
    steps = [factored(n), f"Half of each exponent, plus one: {listed(sizes)}", multiplying(sizes)]
    return drawn(math.prod(sizes), steps, n=n)
