"""Attacks `latex_integer` with any text, and with expressions whose value is known."""

import math
import random
import sys
from collections.abc import Callable
from fractions import Fraction
from types import FrameType
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.answers import arithmetic as exact
from kernel.answers import functions
from kernel.answers.arithmetic import MAX_BITS, MAX_WORK, Budget, NoIntegerError
from kernel.answers.latex_integer import MAX_CHARS, evaluate_integer

GIANT = Fraction(3**2580)
GIANT_ROOT = Fraction(3**1290)
GIANT_DIGITS = 136

FRAGMENTS = [
    *(
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "|",
        "^",
        "_",
        "!",
        "+",
        "-",
        "*",
        "/",
        ",",
        ".",
        ":",
        ";",
        "=",
    ),
    *("1", "2", "9", "0", "42", "999", "1,234", "9.5", ".5", "4096", " ", "\n", "$", "%", "&", "~"),
    *(
        "²",
        "⁻",
        "√",
        "°",
        "−",
        "×",
        "⌊",
        "⌋",
        "½",
        "٣",
        "\x00",
        "\ud800",
        "x",
        "cm",
        "apples",
        "mod",
    ),
    *(
        r"\frac",
        r"\frac{",
        r"\binom",
        r"\sqrt",
        r"\sqrt[",
        r"\over",
        r"\choose",
        r"\pmod",
        r"\bmod",
    ),
    *(r"\text{", r"\text{ and }", r"\text{ is }", r"\mathrm{cm}", r"\left", r"\right", r"\lfloor"),
    *(r"\rfloor", r"\lceil", r"\{", r"\}", r"\,", "\\", r"\cdot", r"\equiv", r"\approx", r"\pm"),
    *(
        r"^\circ",
        r"\color{",
        r"\boxed{",
        "2^{4000}",
        "9^{999}/7^{999}",
        "500!",
        r"\binom{4096}{2048}",
    ),
]
LATEX = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)
REPEATED = st.builds(
    lambda parts, times: ("".join(parts) * times)[:MAX_CHARS],
    st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=4),
    st.integers(1, 1000),
)


ADVERSARIAL = [
    *(
        r"\binom{4090}{2045}",
        r"\sqrt[63]{9^{1000}}",
        r"\sqrt[63]{2}+",
        r"\sqrt[12]{2}+",
        "500!/499!+",
    ),
    *(
        r"\sqrt{2}+",
        r"(\sqrt2+\sqrt3+\sqrt5)",
        r"\lfloor 100\sqrt2\rfloor+",
        r"\log_2 3+",
        "_9C_4+",
    ),
    *(r"\lfloor\sqrt[11]{2}+\sqrt[7]{3}\rfloor+", r"\lfloor\log_{2} 9^{999}\rfloor+", "C(9,4)+"),
    *(
        r"\log_{3^{500}} 3^{501}+",
        r"\gcd(9^{999},7^{999})+",
        r"\operatorname{lcm}(9^{500},7^{500})+",
    ),
    *(r"\sum_{k=1}^{1000}k", r"\sum_{k=1}^{1000}\binom{4090}{2045}", r"\sum_{k=1}^{64}\sqrt{k}+"),
    *(r"\sum_{k=1}^{1000}\sum_{j=1}^{1000}kj", r"\prod_{k=1}^{500}k+", r"(1+\sqrt{2})^{64}"),
    *(
        r"\lfloor(\sqrt2+\sqrt3+\sqrt5)^{64}\rfloor",
        r"\lfloor\sqrt[12]{9^{1000}}\rfloor+",
        "1e999+",
    ),
    *(r"\max(\sqrt2,\sqrt3)+", "x=1=", r"1\Rightarrow ", "((1", "{(A)", "|x|=", r"1\quad ", "1!1!"),
    *(r"_{4000}P_{300}+", r"\frac{9^{999}}{7^{999}}+", r"\text{(mod 1)}", "1 a = ", "9^{1290}*"),
    *(r"12 \text{ whence } n=", r"1\ \bar{", r"1\ a", "1 {,} ", r"(\! \!", "180° - ", "x=1 / x="),
    *("Answer ", "forty-two ", "Option ", "9 choose 4=", "s.t. ", r"1\mathord{,}", "9^{999} a ="),
]
MOST_CALLS = 60_000
"""Of functions, for one text; some 5 ms."""


def calls(text: str) -> int:
    """Return how many functions are called to evaluate `text`, those of Python's library too."""
    counted = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        assert isinstance(evaluate_integer(text), int | None)
    finally:
        sys.setprofile(before)
    return counted


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=1200), LATEX, REPEATED))
def test_any_text_gets_an_integer_or_none_with_few_calls(text: str) -> None:
    assert calls(text) <= MOST_CALLS


@pytest.mark.parametrize("fragment", [*FRAGMENTS, *ADVERSARIAL])
@pytest.mark.parametrize("end", ["", "1", "}" * 200, ")" * 200])
def test_repeated_fragments_take_few_calls(fragment: str, end: str) -> None:
    text = (fragment * MAX_CHARS)[: MAX_CHARS - len(end)] + end
    assert calls(text) <= MOST_CALLS


@pytest.mark.parametrize(
    ("operation", "least"),
    [
        (lambda budget: exact.add(GIANT_ROOT, 1 / GIANT_ROOT, budget), GIANT_DIGITS**2 // 4),
        (lambda budget: exact.multiply(GIANT_ROOT, GIANT_ROOT, budget), GIANT_DIGITS**2 // 4),
        (lambda budget: exact.quotient(GIANT, GIANT_ROOT, budget), GIANT_DIGITS**2 // 2),
        (lambda budget: exact.power(GIANT_ROOT, 2, budget), GIANT_DIGITS**2),
        (lambda budget: exact.floor_root(int(GIANT), 2, budget), GIANT_DIGITS**2),
        (lambda budget: exact.floor_root(int(GIANT), 63, budget), 8 * GIANT_DIGITS**2),
        (lambda budget: exact.rational_root(GIANT, 2, budget), 3 * GIANT_DIGITS**2),
        (lambda budget: functions.residue(GIANT, Fraction(7), budget), GIANT_DIGITS**2),
        (lambda budget: functions.binomial(Fraction(4090), Fraction(2045), budget), 2045 * 130),
        (lambda budget: functions.permutations(Fraction(4000), Fraction(300), budget), 300 * 100),
        (lambda budget: functions.factorial(Fraction(500), budget), 10_000),
        (lambda budget: functions.greatest_common_divisor([GIANT, GIANT], budget), GIANT_DIGITS**2),
        (lambda budget: functions.least_common_multiple([GIANT], budget), None),
    ],
)
def test_an_operation_costs_its_digits(
    operation: Callable[[Budget], object], least: int | None
) -> None:
    budget = Budget()
    if least is None:
        with pytest.raises(NoIntegerError):
            operation(budget)
        return
    operation(budget)
    assert least <= MAX_WORK - budget.left <= MAX_WORK // 3
    with pytest.raises(NoIntegerError):
        operation(Budget(least // 2))


def test_a_budget_that_is_used_up_stays_so() -> None:
    budget = Budget(10)
    budget.spend(10)
    with pytest.raises(NoIntegerError):
        budget.spend(1)
    with pytest.raises(NoIntegerError):
        budget.spend(0)


# --- Round trip: an expression and its value are built together ---


class Expression(NamedTuple):
    """A text, its value, and what it meets on the way."""

    text: str
    value: Fraction
    bits: int
    """Of the largest number within."""
    depth: int
    """Operations on top of each other."""


def size(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def join(seed: int, parts: list[Expression]) -> Expression:
    """Combine one or two expressions by an operation that `seed` chooses."""
    rng = random.Random(seed)
    (a, x), (b, y) = parts[0][:2], parts[-1][:2]
    k = rng.randint(0, 5)
    times, frac = rng.choice([r" \cdot ", r"\times ", "*"]), rng.choice(["frac", "dfrac", "tfrac"])
    choices = [
        (rf"\left({a}\right){times}\left({b}\right)", x * y),
        (f"({a})({b})", x * y),
        (f"{a} + {b}", x + y),
        (f"{a} - ({b})", x - y),
        (f"-({a})", -x),
        (f"({a})^{{{k + 1}}}", x ** (k + 1)),
        (rf"\left|{{{a}}}\right|", abs(x)),
        (rf"\lfloor {a} \rfloor", Fraction(math.floor(x))),
        (rf"\lceil {a} \rceil", Fraction(math.ceil(x))),
        (rf"\sqrt{{({a})^2}}", abs(x)),
        (rf"\sqrt[3]{{\left|{{{a}}}\right|^{{3}}}}", abs(x)),
        (rf"\binom{{{k + 4}}}{{{k}}} \cdot ({a})", math.comb(k + 4, k) * x),
        (f"{k}! + {a}", math.factorial(k) + x),
    ]
    if y:
        choices += [(rf"\{frac}{{{a}}}{{{b}}}", x / y), (f"({a})/({b})", x / y)] * 2
    if x.denominator == 1:
        choices.append((rf"({a} \bmod 7)", Fraction(x.numerator % 7)))
    text, value = rng.choice(choices)
    bits = max(size(value), 6 * size(x), size(y), *(part.bits for part in parts))
    return Expression(text, value, bits, 1 + max(part.depth for part in parts))


def literal(value: int) -> Expression:
    """Write an integer in one of the usual ways."""
    text = f"{value:,}" if value >= 0 else f"({value})"
    # A bare comma within brackets would part the members of a list.
    text = text.replace(",", "{,}" if value % 2 else r",\!")
    return Expression(text, Fraction(value), value.bit_length(), 0)


TREES = st.recursive(
    st.integers(-20, 12_000).map(literal),
    lambda inner: st.builds(join, st.integers(0, 10**9), st.lists(inner, min_size=1, max_size=2)),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(TREES)
def test_an_expression_gives_exactly_its_value(tree: Expression) -> None:
    exact = tree.value.numerator if tree.value.denominator == 1 else None
    found = evaluate_integer(tree.text)
    # Each operation opens at most three levels, of which 24 are allowed.
    if tree.bits <= MAX_BITS and tree.depth <= 8 and len(tree.text) <= MAX_CHARS:
        assert found == exact
    else:
        assert found in (None, exact)
