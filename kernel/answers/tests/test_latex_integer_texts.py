"""Attacks `latex_integer` with any text, and with expressions whose value is known."""

import math
import random
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.answers.arithmetic import MAX_BITS
from kernel.answers.latex_integer import MAX_CHARS, evaluate_integer
from kernel.tests.timing import least_milliseconds

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


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=1200), LATEX, REPEATED))
def test_any_text_gets_an_integer_or_none_within_50_ms(text: str) -> None:
    assert isinstance(evaluate_integer(text), int | None)
    assert least_milliseconds(evaluate_integer, text) < 50


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("end", ["", "1", "}" * 200, ")" * 200])
def test_repeated_fragments_take_no_time(fragment: str, end: str) -> None:
    text = (fragment * MAX_CHARS)[: MAX_CHARS - len(end)] + end
    assert least_milliseconds(evaluate_integer, text) < 50


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
    text = text.replace(",", "{,}") if value % 2 else text
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
