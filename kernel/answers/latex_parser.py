r"""Reads the tokens of one side of an equation as arithmetic and returns its exact value.

Covers: the grammar of `latex_integer`, from `side` down. Does not cover: splitting a text into
tokens and sides, what the functions give (`functions`), how the numbers are kept (`surds`).
"""

from collections.abc import Sequence
from fractions import Fraction
from string import ascii_letters

from kernel.answers import arithmetic as exact
from kernel.answers import functions, surds
from kernel.answers.arithmetic import Budget, NoIntegerError
from kernel.answers.latex_words import CLOSING, NUMERALS, SCALES, Token
from kernel.answers.surds import Number

MAX_DEPTH = 24
"""Of brackets and exponents; each level takes nine of Python's 1,000 frames."""
FACTOR_WORK = 4000
"""What it takes to read a factor, in units of the budget."""

_END = Token("unknown", "")
_SIDE_BY_SIDE = ("(", "[", r"\lfloor", r"\lceil", "frac", "binom", "sqrt", "cbrt")
_BETWEEN_UNITS = frozenset("/*(){}.")


class Parser:
    """Recursive descent over one side; a method for each rule of the grammar."""

    def __init__(self, tokens: Sequence[Token], budget: Budget) -> None:
        self._tokens = list(tokens)
        self._budget = budget
        self._position = 0
        self._depth = 0
        self._power_end = -1
        """Where the last power ended that has a "!" or an exponent."""

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

    def side(self) -> Number:
        """Return the value of all tokens."""
        if self._peek().kind == "label":
            self._position += 1
            if self._peek().text in ("+", "*", "/", "^", "!", "_"):
                raise NoIntegerError
        value = self._expression()
        braced = self._peek().text == "{" and self._at_unit(1)
        if self._at_unit() or braced or self._peek().text == "(":
            self._skip_units()
        if self._peek() is not _END:
            raise NoIntegerError
        return value

    # --- Words behind the value ---

    def _at_unit(self, ahead: int = 0) -> bool:
        return self._peek(ahead).kind in ("unit", "label")

    def _skip_units(self) -> None:
        """Step over units such as `cm^2`, `km/h`, `apples (together)` or `(forty-two)`."""
        while (token := self._peek()) is not _END:
            if self._accept("^"):
                self._exponent()
            elif self._at_unit() or token.text in _BETWEEN_UNITS or self._between_units(token):
                self._position += 1
            else:
                raise NoIntegerError

    def _between_units(self, token: Token) -> bool:
        r"""Whether it is such as the h of km/h, the C of 42^\circ C, the hyphen of forty-two."""
        before = self._peek(-1)
        if token.text == "-":
            return self._at_unit(-1) and self._at_unit(1)
        if token.text in SCALES:
            return before.text in NUMERALS | SCALES
        return token.text in ascii_letters and (_is_degree(before) or before.text in ("/", "*"))

    # --- Operators ---

    def _expression(self) -> Number:
        start = self._position
        value = self._sum()
        if self._accept("over"):
            value = surds.quotient(value, self._sum(), self._budget)
        elif self._accept("choose"):
            value = functions.binomial(rational(value), rational(self._sum()), self._budget)
        elif self._position == start + 1 and self._accept("choosing"):
            # Between words nobody knows how far they reach: 9 choose 4 is all that is certain.
            value = functions.binomial(rational(value), rational(self._factor()), self._budget)
        bracket = self._peek().text if self._peek(1).text == "mod" else ""
        if bracket in ("(", "[", "{"):
            self._position += 1
        if self._accept("mod"):
            modulus = rational(self._sum())
            value = functions.residue(rational(value), modulus, self._budget)
            if bracket in ("(", "[", "{"):
                self._expect(CLOSING[bracket])
        return value

    def _sum(self) -> Number:
        value = self._product()
        while operator := self._accept("+", "-"):
            other = self._product()
            combine = surds.add if operator == "+" else surds.subtract
            value = combine(value, other, self._budget)
        return value

    def _product(self) -> Number:
        value = self._signed()
        divided = False
        while True:
            if self._accept("*"):
                value = surds.multiply(value, self._signed(), self._budget)
            elif self._accept("/"):
                value = surds.quotient(value, self._signed(), self._budget)
                divided = True
            elif self._at_factor():
                # Nobody knows what 6/2(3) is.
                if divided:
                    raise NoIntegerError
                value = surds.multiply(value, self._power(), self._budget)
            else:
                return value

    def _at_factor(self) -> bool:
        """Whether a factor follows without a sign between."""
        token, following = self._peek(), self._peek(1)
        if token.kind == "symbol":
            words = following.text == "mod" or following.kind in ("unit", "label")
            return token.text in _SIDE_BY_SIDE and not words
        if token.kind == "number":
            # Behind a factorial or an exponent digits cannot belong to the number before.
            return self._position == self._power_end and token.text[0] != "0"
        return self._at_name()

    def _signed(self) -> Number:
        negative = self._sign() < 0
        value = self._power()
        return surds.negative(value) if negative else value

    def _sign(self) -> int:
        sign = 1
        while operator := self._accept("+", "-"):
            sign = -sign if operator == "-" else sign
        return sign

    def _power(self) -> Number:
        value = self._factor()
        # 180° - 138° has one unit throughout.
        if _is_degree(self._peek()) and self._peek(1).text in ("+", "-"):
            self._position += 1
        start = self._position
        if self._accept("!"):
            value = functions.factorial(rational(value), self._budget)
        if self._accept("^"):
            value = surds.power(value, self._exponent(), self._budget)
        if self._position > start:
            self._power_end = self._position
        return value

    def _exponent(self) -> Number:
        """Return what stands behind "^". A "!" after it is nobody's: 2^3! has two readings."""
        self._descend()
        negative = self._sign() < 0
        # In TeX 2^33^2 is 2^3 times 3^2, in plain text a tower.
        digits = self._peek().text if self._peek().kind == "number" else ""
        value = self._factor()
        if self._accept("^"):
            if len(digits) > 1:
                raise NoIntegerError
            value = surds.power(value, self._exponent(), self._budget)
        self._depth -= 1
        return surds.negative(value) if negative else value

    # --- Factors ---

    def _factor(self) -> Number:
        self._budget.spend(FACTOR_WORK)
        token = self._peek()
        self._descend()
        if self._at_name():
            value = self._named()
        elif token.kind in ("number", "symbol"):
            self._position += 1
            read = self._number if token.kind == "number" else self._construct
            value = read(token.text)
        else:
            raise NoIntegerError
        self._depth -= 1
        return value

    def _at_name(self) -> bool:
        """Whether a factor follows that begins with a name; which there are says a subclass."""
        return False

    def _named(self) -> Number:
        raise NoIntegerError

    def _irrational(self, opening: str) -> Fraction | None:
        """Return the whole part of what only has one between such brackets, if that follows."""
        return None

    def _number(self, literal: str) -> Number:
        return self._mixed(self._in_base_ten(exact.number(literal)))

    def _construct(self, symbol: str) -> Number:
        """Return the value of the factor that `symbol`, which was stepped over, begins."""
        if symbol == "frac":
            return surds.quotient(self._argument(), self._argument(), self._budget)
        if symbol == "binom":
            upper, lower = self._argument(), self._argument()
            return functions.binomial(rational(upper), rational(lower), self._budget)
        if symbol in ("sqrt", "cbrt"):
            degree: Number = Fraction(2 if symbol == "sqrt" else 3)
            if symbol == "sqrt" and self._accept("["):
                degree = self._bracketed("[")
            return surds.root(self._factor(), degree, self._budget)
        return self._bracketed(symbol)

    def _in_base_ten(self, number: Fraction) -> Fraction:
        """Step over the base if it is ten; digits in another base are another number."""
        if self._accept("_"):
            braced = self._accept("{")
            if self._peek().text not in ("10", "ten"):
                raise NoIntegerError
            self._position += 1
            if braced:
                self._expect("}")
        return number

    def _mixed(self, number: Fraction) -> Number:
        r"""Return `number` with a \frac behind it: 2\frac{1}{2} is 5/2, but 2\frac{4}{2} is 4."""
        if self._peek().text != "frac":
            return number
        fraction = self._factor()
        if isinstance(fraction, Fraction) and 0 < fraction < 1:
            return exact.add(number, fraction, self._budget)
        return surds.multiply(number, fraction, self._budget)

    def _argument(self) -> Number:
        r"""Return an argument of \frac or \binom; without braces it is one digit, as in TeX."""
        token = self._peek()
        if token.kind != "number":
            return self._factor()
        if not token.text.isdecimal():
            raise NoIntegerError
        if len(token.text) > 1:
            self._tokens[self._position] = Token("number", token.text[1:])
        else:
            self._position += 1
        return exact.number(token.text[0])

    def _bracketed(self, opening: str) -> Number:
        """Return the value between `opening`, which was stepped over, and its closing."""
        if opening not in CLOSING:
            raise NoIntegerError
        rounded = opening in (r"\lfloor", r"\lceil")
        value = self._irrational(opening) if rounded else None
        value = self._expression() if value is None else value
        self._expect(CLOSING[opening])
        if opening == "|":
            return surds.absolute(value, self._budget)
        return self._round(value, opening) if rounded else value

    def _round(self, value: Number, opening: str) -> Fraction:
        if opening == r"\lfloor":
            return Fraction(surds.floor(value, self._budget))
        return -Fraction(surds.floor(surds.negative(value), self._budget))

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NoIntegerError


def _is_degree(token: Token) -> bool:
    return token.kind == "unit" and any(sign in token.text for sign in ("°", "circ", "degree"))


def rational(value: Number) -> Fraction:
    """Return `value` if it has no roots in it."""
    if not isinstance(value, Fraction):
        raise NoIntegerError
    return value
