r"""Reads named functions, choices and sums as parts of an expression.

Covers: \gcd, \operatorname{lcm}, \max, \min, floor, ceil, abs, factorial, comb; \log with its base;
\sum and \prod over a bounded range; _9C_4, C(9, 4), C_9^4 and _9P_4. Does not cover: P(9, 4), which
is a point or a probability as often as not; logarithms without a base.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from kernel.answers import arithmetic as exact
from kernel.answers import functions, surds
from kernel.answers.arithmetic import Budget, NoIntegerError
from kernel.answers.latex_parser import Parser, rational
from kernel.answers.latex_words import CLOSING, Token
from kernel.answers.surds import Number

MAX_SERIES = 1000
"""Terms of a sum."""

_INTEGER_FUNCTIONS: Mapping[str, Callable[[Sequence[Fraction], Budget], Fraction]] = {
    "gcd": functions.greatest_common_divisor,
    "lcm": functions.least_common_multiple,
}


class FunctionParser(Parser):
    """Recursive descent that knows names too."""

    def __init__(self, tokens: Sequence[Token], budget: Budget) -> None:
        super().__init__(tokens, budget)
        self._bound: dict[str, Fraction] = {}
        """Values of the variables that sums run over."""

    def _at_name(self) -> bool:
        token = self._peek()
        return token.kind == "function" or self._is_bound(token) or self._is_choice()

    def _named(self) -> Number:
        token = self._peek()
        if self._is_bound(token):
            return self._variable()
        if token.kind != "function":
            return self._choice()
        self._position += 1
        return self._function(token.text)

    def _function(self, name: str) -> Number:
        """Return the value of the function `name`, which was stepped over."""
        if name == "log":
            return functions.logarithm(*self._logarithm(), self._budget)
        if name in ("sum", "prod"):
            return self._series(name)
        values = self._arguments()
        if name in ("max", "min"):
            return self._extreme(values, 1 if name == "max" else -1)
        if len(values) == 1:
            return self._function_of_one(name, values[0])
        rationals = [rational(value) for value in values]
        if name in _INTEGER_FUNCTIONS:
            return _INTEGER_FUNCTIONS[name](rationals, self._budget)
        if name != "comb" or len(rationals) != 2:
            raise NoIntegerError
        return functions.binomial(rationals[0], rationals[1], self._budget)

    def _function_of_one(self, name: str, value: Number) -> Number:
        if name == "abs":
            return surds.absolute(value, self._budget)
        if name == "factorial":
            return functions.factorial(rational(value), self._budget)
        if name not in ("floor", "ceil"):
            raise NoIntegerError
        return self._round(value, rf"\l{name}")

    def _arguments(self) -> list[Number]:
        """Return what stands between brackets, parted by commas."""
        opening = self._accept("(", "[", "{", r"\{")
        if opening is None:
            raise NoIntegerError
        # \max{(3, 5)} and \gcd\{12, 18\} are written too, the brackets of a set within others.
        inner = self._accept("(", r"\{") if opening == "{" or self._peek().text == r"\{" else None
        values = [self._expression()]
        while self._peek().text == ",":
            self._position += 1
            values.append(self._expression())
        for bracket in filter(None, (inner, opening)):
            self._expect(CLOSING[bracket])
        return values

    def _extreme(self, values: Sequence[Number], sign: int) -> Number:
        """Return the largest value for sign 1, the smallest for -1."""
        if len(values) < 2:
            raise NoIntegerError
        found = values[0]
        for value in values[1:]:
            higher = surds.floor(surds.subtract(value, found, self._budget), self._budget) >= 0
            found = value if higher == (sign > 0) else found
        return found

    def _logarithm(self) -> tuple[Fraction, Fraction]:
        """Return base and argument of a logarithm, whose name was stepped over."""
        self._expect("_")
        base = self._argument()
        bracketed = self._peek().text in ("(", "[", "{")
        value = self._factor() if bracketed else self._power()
        # \log_2 (8)^2 and \log_2 8 \cdot 4 have two readings each.
        following = self._peek(1) if self._peek().text in ("*", "/") else self._peek()
        goes_on = self._peek().text in ("*", "/") or self._at_factor()
        if self._peek().text in ("^", "!"):
            raise NoIntegerError
        if goes_on and not bracketed and following.text != "log":
            raise NoIntegerError
        return rational(base), rational(value)

    def _irrational(self, opening: str) -> Fraction | None:
        """Return the floor or ceiling of a logarithm that stands alone between the brackets."""
        start = self._position
        if self._peek().text != "log":
            return None
        self._position += 1
        base, value = self._logarithm()
        if self._peek().text != CLOSING[opening]:
            self._position = start
            return None
        whole = functions.floor_logarithm(base, value, self._budget)
        reached = exact.power(base, whole, self._budget) == value
        return Fraction(whole if reached or opening == r"\lfloor" else whole + 1)

    def _series(self, name: str) -> Number:
        r"""Return the value of \sum_{k=1}^{4} and the product behind it."""
        variable, lower, upper = self._limits()
        start, value = self._position, Fraction(0 if name == "sum" else 1)
        combined: Number = value
        for index in range(lower, upper + 1):
            self._position = start
            self._bound[variable] = Fraction(index)
            combine = surds.add if name == "sum" else surds.multiply
            combined = combine(combined, self._product(), self._budget)
        del self._bound[variable]
        # Whether what follows belongs to each term nobody knows.
        if self._peek().text in ("+", "-"):
            raise NoIntegerError
        return combined

    def _limits(self) -> tuple[str, int, int]:
        """Return the variable, and the first and last of its values."""
        upper = self._upper_limit()
        self._expect("_")
        self._expect("{")
        variable = self._peek()
        self._position += 2
        if len(variable.text) != 1 or variable.kind != "unknown" or self._peek(-1).text != "=":
            raise NoIntegerError
        lower = exact.integer(rational(self._expression()))
        self._expect("}")
        upper = self._upper_limit() if upper is None else upper
        if upper is None:
            raise NoIntegerError
        last = exact.integer(rational(upper))
        if variable.text in self._bound or not lower <= last < lower + MAX_SERIES:
            raise NoIntegerError
        return variable.text, lower, last

    def _upper_limit(self) -> Number | None:
        """Return what stands behind "^", if that follows; ^10 is 1 in TeX, and 10 in plain text."""
        if not self._accept("^"):
            return None
        if self._peek().kind == "number" and len(self._peek().text) > 1:
            raise NoIntegerError
        return self._argument()

    def _is_bound(self, token: Token) -> bool:
        return token.kind == "unknown" and bool(token.text) and set(token.text) <= set(self._bound)

    def _variable(self) -> Fraction:
        """Return the value of a variable; of several side by side, of the first."""
        name = self._peek().text
        if len(name) > 1:
            letters = [Token("unknown", letter) for letter in name]
            self._tokens[self._position : self._position + 1] = letters
        self._position += 1
        return self._bound[name[0]]

    def _is_choice(self) -> bool:
        r"""Whether _9C_4, ^9C_4, C_9^4 or C(9, 4) follows."""
        token, following = self._peek(), self._peek(1)
        if token.text in ("_", "^"):
            return True
        return token.text == "C" and "C" not in self._bound and following.text in ("_", "^", "(")

    def _choice(self) -> Fraction:
        upper = self._argument() if self._accept("_", "^") else None
        letter = self._peek().text
        if letter not in ("C", "P"):
            raise NoIntegerError
        self._position += 1
        if self._peek().text == "(" and upper is None:
            pair = [rational(value) for value in self._arguments()]
            # C(4, 9) may be meant as C(9, 4), or as 0.
            if pair != sorted(pair, reverse=True):
                raise NoIntegerError
        else:
            pair = [] if upper is None else [rational(upper)]
            while len(pair) < 2:
                if not self._accept("_", "^"):
                    raise NoIntegerError
                pair.append(rational(self._argument()))
        if len(pair) != 2:
            raise NoIntegerError
        # C_9^4 and C^4_9 are both written, and so is C_4^9: the larger of the two is above.
        n, k = pair if upper is not None else (max(pair), min(pair))
        chosen = functions.binomial if letter == "C" else functions.permutations
        return chosen(n, k, self._budget)
