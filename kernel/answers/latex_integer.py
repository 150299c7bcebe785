r"""Evaluates an expression, as models box it in LaTeX or plain text, to an exact integer.

Covers: arithmetic, fractions, powers, roots, factorials, binomials, absolute values, floors and
residues, with styles, units and chains such as `x = 2^3 = 8`. Every step is an exact fraction of
bounded size, so any text takes milliseconds. Does not cover: variables, constants such as \pi,
roots that are irrational on the way to an integer, floats with an exponent (`1e+16` has lost
digits), number words. What is not covered, and what could be read in two ways, is None.

The grammar, once spacing, styles and brackets around the whole are dropped:

    chain      := side (relation side)*      the last side counts, the others are not looked at
    side       := ["(A)"] expression [unit]
    expression := sum [("over" | "choose") sum] ["mod" sum | "(" "mod" sum ")"]
    sum        := product (("+" | "-") product)*
    product    := signed (("*" | "/") signed | power)*    side by side: 2(3), (2)\sqrt{9}, not 2 3
    signed     := ("+" | "-")* power
    power      := factor ["!"] ["^" exponent]
    exponent   := ("+" | "-")* factor ["^" exponent]
    factor     := number [frac] | bracketed | frac | \binom{}{} | \sqrt[]{}
"""

import math
from fractions import Fraction
from string import ascii_letters

from kernel.answers import arithmetic as exact
from kernel.answers.arithmetic import NoIntegerError
from kernel.answers.latex_tokens import CLOSING, Token, last_side, tokenize, unwrap

MAX_CHARS = 1000
"""Longer texts are prose or derivations; bounds the work of every pass."""
MAX_DEPTH = 24
"""Of brackets and exponents; each level takes eight of Python's 1,000 frames."""

_END = Token("unknown", "")
_SIDE_BY_SIDE = ("(", "[", r"\lfloor", r"\lceil", "frac", "binom", "sqrt")
# A single letter is a unit only behind another: km/h, \circ C.
_BETWEEN_UNITS = frozenset("/*(){}" + ascii_letters)


def evaluate_integer(text: str) -> int | None:
    r"""Return the integer that `text` stands for, or None. Never raises.

    `\approx` and arrows are relations too: what follows is what the model gives as its answer.
    `a \pmod m` is reduced to 0..m-1, whether it follows an equals sign, `\equiv` or nothing.
    """
    if len(text) > MAX_CHARS:
        return None
    try:
        side = last_side(unwrap(tokenize(text), MAX_DEPTH))
        value = _Parser(unwrap(side, MAX_DEPTH)).side()
    except NoIntegerError:
        return None
    return value.numerator if value.denominator == 1 else None


class _Parser:
    """Recursive descent over one side; a method for each rule of the grammar above."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def _peek(self, ahead: int = 0) -> Token:
        position = self._position + ahead
        return self._tokens[position] if position < len(self._tokens) else _END

    def _accept(self, *symbols: str) -> str | None:
        """Step over the next token if it is one of `symbols`, and return which."""
        token = self._peek()
        if token.kind != "symbol" or token.text not in symbols:
            return None
        self._position += 1
        return token.text

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            raise NoIntegerError

    def side(self) -> Fraction:
        """Return the value of all tokens."""
        value = self._expression()
        if self._peek().kind == "unit":
            self._skip_units()
        if self._peek() is not _END:
            raise NoIntegerError
        return value

    def _skip_units(self) -> None:
        """Step over units such as `cm^2`, `km/h` or `apples (together)`."""
        while (token := self._peek()) is not _END:
            if self._accept("^"):
                self._exponent()
            elif token.kind == "unit" or token.text in _BETWEEN_UNITS:
                self._position += 1
            else:
                raise NoIntegerError

    def _expression(self) -> Fraction:
        value = self._sum()
        if self._accept("over"):
            value = exact.quotient(value, self._sum())
        elif self._accept("choose"):
            value = exact.binomial(value, self._sum())
        bracketed = self._peek().text == "(" and self._peek(1).text == "mod"
        if bracketed:
            self._position += 1
        if self._accept("mod"):
            value = exact.residue(value, self._sum())
            if bracketed:
                self._expect(")")
        return value

    def _sum(self) -> Fraction:
        value = self._product()
        while operator := self._accept("+", "-"):
            other = self._product()
            value = exact.bounded(value + other if operator == "+" else value - other)
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while True:
            if self._accept("*"):
                value = exact.bounded(value * self._signed())
            elif self._accept("/"):
                value = exact.quotient(value, self._signed())
            elif self._peek().text in _SIDE_BY_SIDE and self._peek(1).text != "mod":
                value = exact.bounded(value * self._power())
            else:
                return value

    def _signed(self) -> Fraction:
        return self._sign() * self._power()

    def _sign(self) -> int:
        sign = 1
        while operator := self._accept("+", "-"):
            sign = -sign if operator == "-" else sign
        return sign

    def _power(self) -> Fraction:
        value = self._factor()
        if self._accept("!"):
            value = exact.factorial(value)
        return exact.power(value, self._exponent()) if self._accept("^") else value

    def _exponent(self) -> Fraction:
        """Return what stands behind "^". A "!" after it is nobody's: 2^3! has two readings."""
        self._descend()
        sign = self._sign()
        value = self._factor()
        if self._accept("^"):
            value = exact.power(value, self._exponent())
        self._depth -= 1
        return sign * value

    def _factor(self) -> Fraction:
        token = self._peek()
        if token.kind == "number":
            self._position += 1
            return self._mixed(exact.number(token.text))
        if token.kind != "symbol":
            raise NoIntegerError
        self._position += 1
        self._descend()
        value = self._construct(token.text)
        self._depth -= 1
        return value

    def _construct(self, symbol: str) -> Fraction:
        """Return the value of the factor that `symbol`, which was stepped over, begins."""
        if symbol == "frac":
            return exact.quotient(self._argument(), self._argument())
        if symbol == "binom":
            return exact.binomial(self._argument(), self._argument())
        if symbol == "sqrt":
            degree = self._bracketed("[") if self._accept("[") else Fraction(2)
            return exact.root(self._factor(), degree)
        return self._bracketed(symbol)

    def _mixed(self, number: Fraction) -> Fraction:
        r"""Return `number` with a \frac behind it: 2\frac{1}{2} is 5/2, but 2\frac{4}{2} is 4."""
        if self._peek().text != "frac":
            return number
        fraction = self._factor()
        return number + fraction if 0 < fraction < 1 else exact.bounded(number * fraction)

    def _argument(self) -> Fraction:
        r"""Return an argument of \frac or \binom; without braces it is one digit, as in TeX."""
        token = self._peek()
        if token.kind == "number" and "." in token.text:
            raise NoIntegerError
        if token.kind == "number" and len(token.text) > 1:
            self._tokens[self._position] = Token("number", token.text[1:])
            return exact.number(token.text[0])
        return self._factor()

    def _bracketed(self, opening: str) -> Fraction:
        """Return the value between `opening`, which was stepped over, and its closing."""
        if opening not in CLOSING:
            raise NoIntegerError
        value = self._expression()
        self._expect(CLOSING[opening])
        if opening == "|":
            return abs(value)
        if opening == r"\lfloor":
            return Fraction(math.floor(value))
        return Fraction(math.ceil(value)) if opening == r"\lceil" else value

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NoIntegerError
