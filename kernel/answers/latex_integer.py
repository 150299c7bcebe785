r"""Evaluates an expression, as models box it in LaTeX or plain text, to an exact integer.

Covers: arithmetic, fractions, powers, roots, factorials, binomials, absolute values, floors,
logarithms, greatest divisors, sums, residues, with styles, units, labels and chains such as
`x = 2^3 = 8`. Every step is exact and of bounded size, and all of them share a budget of work, so
any text takes milliseconds. Does not cover: variables, constants such as \pi, floats with a signed
exponent (`1e+16` has lost digits), other bases than ten, number words. What is not covered, and
what could be read in two ways, is None: no vote is better than a wrong one.

The grammar, once spacing, styles and brackets around the whole are dropped:

    text       := chain ("=>" chain)* [condition]
    chain      := side (relation side)*      the last side counts; those that are equal must agree
    side       := ["(A)" | "Answer"] expression [unit]
    expression := joined ["mod" sum | "(" "mod" sum ")"]
    joined     := sum [("over" | \choose) sum] | factor "choose" factor
    sum        := product (("+" | "-") product)*
    product    := signed (("*" | "/") signed | power)*    side by side: 2(3), 2!2!, 2^3 3, not 2 3
    signed     := ("+" | "-")* power
    power      := factor ["!"] ["^" exponent]
    exponent   := ("+" | "-")* factor ["^" exponent]
    factor     := number [frac | "_" ten] | bracketed | frac | \binom{}{} | \sqrt[]{} | _9C_4
                | name "(" expression ("," expression)* ")" | \log_{} power | \sum_{k=}^{} product
"""

import re
from fractions import Fraction

from kernel.answers.arithmetic import Budget, NoIntegerError
from kernel.answers.latex_functions import FunctionParser
from kernel.answers.latex_parser import MAX_DEPTH
from kernel.answers.latex_sides import Chain, Side, chains, unwrap
from kernel.answers.latex_tokens import tokenize
from kernel.answers.latex_words import (
    APPROXIMATIONS,
    CONGRUENCES,
    NOT_UNITS,
    OPERANDS,
    ORDINALS,
    Token,
)
from kernel.answers.surds import Number, floor, subtract

MAX_CHARS = 1000
"""Longer texts are prose or derivations; bounds the work of every pass."""


def evaluate_integer(text: str) -> int | None:
    r"""Return the integer that `text` stands for, or None. Never raises.

    `\approx` and arrows are relations too: what follows is what the model gives as its answer.
    `a \pmod m` is reduced to 0..m-1, whether it follows an equals sign, `\equiv` or nothing.
    """
    return evaluate_within(text, Budget())


def evaluate_within(text: str, budget: Budget) -> int | None:
    """Return the integer that `text` stands for, with no more work than `budget` has left."""
    if len(text) > MAX_CHARS:
        return None
    try:
        value = _value(chains(unwrap(tokenize(text), MAX_DEPTH)), budget)
    except NoIntegerError:
        return None
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else None


def _value(found: list[Chain], budget: Budget) -> Number:
    """Return the value of the last side; refuse it where another side says something else."""
    *premises, conclusion = found
    last = conclusion[-1]
    if last.relation in CONGRUENCES and _ends_in_a_modulus(last.tokens):
        raise NoIntegerError
    value = _evaluate(last, budget)
    # "x^2 - 3x + 2 = 0" is an equation to be solved, not a value that is 0.
    if value == 0 and len(conclusion) > 1 and _is_sum(conclusion[-2].tokens):
        raise NoIntegerError
    relations = [side.relation for side in conclusion]
    for index, side in enumerate(conclusion[:-1]):
        _refuse_contradiction(side, set(relations[index + 1 :]), value, budget)
    # "x = 1 / x = 5" has two values.
    names = conclusion[0].tokens
    for side in conclusion[1:-1]:
        if len(side.tokens) > len(names) > 0 and side.tokens[-len(names) :] == names:
            raise NoIntegerError
    for premise in premises:
        # "x = 3 => m + n = 5" is a derivation; "12 => x = 3" and "x = 3 => 5" are anybody's guess.
        if len(premise) == 1 or len(conclusion) == 1:
            _refuse_contradiction(premise[-1], {"="}, value, budget)
    return value


def _evaluate(side: Side, budget: Budget) -> Number:
    return FunctionParser(unwrap(side.tokens, MAX_DEPTH), budget).side()


def _refuse_contradiction(side: Side, relations: set[str], value: Number, budget: Budget) -> None:
    """Refuse a side that has another value than `value`, or that has one and goes on."""
    try:
        other = _evaluate(side, budget)
    except NoIntegerError:
        kinds = [token.kind for token in side.tokens]
        goes_on = "number" in kinds and "unit" in kinds[kinds.index("number") :]
        if (side.relation and goes_on) or _states_a_value(side, budget):
            raise
        return
    if not relations.isdisjoint(CONGRUENCES):
        return
    rounded = not relations.isdisjoint(APPROXIMATIONS)
    if value != other and not (rounded and _is_near(value, other, budget)):
        raise NoIntegerError


def _states_a_value(side: Side, budget: Budget) -> bool:
    """Whether a value stands in front of words or of signs that are no part of an expression."""
    foreign = [index for index, token in enumerate(side.tokens) if _is_foreign(token)]
    try:
        _evaluate(Side("", side.tokens[: min(foreign, default=0)]), budget)
    except NoIntegerError:
        return False
    return True


def _is_foreign(token: Token) -> bool:
    """Whether it is neither a part of an expression nor what makes an ordinal of one."""
    if token.kind != "unknown":
        return token.kind == "unit"
    if token.text[0] == "\\":
        return token.text not in OPERANDS
    words = re.findall(r"[a-z]+", token.text.lower())
    wordy = not NOT_UNITS.isdisjoint(words) and ORDINALS.isdisjoint(words)
    return wordy or token.text in (":", ".")


def _is_near(value: Number, other: Number, budget: Budget) -> bool:
    """Whether one may be the other, rounded to an integer."""
    apart = subtract(value, other, budget), subtract(other, value, budget)
    return 0 in [floor(difference, budget) for difference in apart]


def _is_sum(tokens: list[Token]) -> bool:
    """Whether it has several terms, one of them with a variable."""
    signs = any(token.text in ("+", "-") for token in tokens[1:])
    return signs and any(token.kind == "unknown" for token in tokens)


def _ends_in_a_modulus(tokens: list[Token]) -> bool:
    """Whether the side is such as `3 (7)`, which may be 3 modulo 7 or 21."""
    texts = [token.text for token in tokens]
    return texts[-1:] in ([")"], ["]"]) and texts[0] not in ("(", "[") and "mod" not in texts
