r"""Finds which tokens of an expression hold its value: the last side of `x = 2^3 = 8`, as a rule.

Covers: brackets around the whole, relations, implications, conditions, and boxes that hold several
values, which have none. Does not cover: the value of a side (`latex_integer`), which says what of
several sides must agree.
"""

from collections.abc import Iterator
from typing import NamedTuple

from kernel.answers import latex_words as vocabulary
from kernel.answers.arithmetic import NoIntegerError
from kernel.answers.latex_words import CLOSING, Token


class Side(NamedTuple):
    """What stands on one side of a relation."""

    relation: str
    """The relation in front of it; "" in front of the first."""
    tokens: list[Token]


Chain = list[Side]
"""Sides that are said to be equal, congruent or nearly equal."""


def unwrap(tokens: list[Token], layers: int) -> list[Token]:
    """Drop final punctuation and up to `layers` brackets around the whole: `{(42)}.`, `[42,]`."""
    partners = _partners(tokens)
    start, end = 0, len(tokens)
    for _ in range(layers):
        while end > start and tokens[end - 1].text in (".", ",", ";", "。"):
            end -= 1
            # Two dots leave something out.
            if tokens[end - 1].text == tokens[end].text == ".":
                raise NoIntegerError
        if end - start < 3 or partners.get(start) != end - 1:
            break
        # {x : x^2 = 25} has members, and says what they are like.
        if tokens[start].text == r"\{" and any(t.text in (":", "|") for t in tokens[start:end]):
            raise NoIntegerError
        start, end = start + 1, end - 1
    return tokens[start:end]


def _partners(tokens: list[Token]) -> dict[int, int]:
    """Return for each round, square or curly bracket where it closes, if it does."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.text in ("(", "[", "{", r"\{"):
            opened.append(index)
        elif token.text in (")", "]", "}", r"\}"):
            # Brackets of another kind between, as in "[3, (4]", close nothing.
            if not opened or CLOSING[tokens[opened[-1]].text] != token.text:
                return {}
            found[opened.pop()] = index
    return found


def chains(tokens: list[Token]) -> list[Chain]:
    """Return the chains of sides, each following from the one before; the last holds the value.

    Raises:
        NoIntegerError: several values stand side by side, or no more than a bound.
    """
    leveled = _unconditional(list(_leveled(tokens)))
    found: list[Chain] = [[Side("", [])]]
    for token, level in leveled:
        if level or token.kind != "relation":
            found[-1][-1].tokens.append(token)
        elif token.text in vocabulary.ARROWS:
            found.append([Side("", [])])
        else:
            found[-1].append(Side(token.text, []))
    for side in (side for chain in found for side in chain):
        _refuse_lists(side.tokens)
    return found


def _unconditional(leveled: list[tuple[Token, int]]) -> list[tuple[Token, int]]:
    """Cut the condition off: 12 is the value of "12 when n = 4". Refuse several values."""
    kinds = [token.kind if level == 0 else "symbol" for token, level in leveled]
    end = kinds.index("condition") if "condition" in kinds else len(kinds)
    # Behind the condition a closing bracket may be left over, and a bar may say "divides".
    left_over = [t.kind for t, level in leveled[end:] if level == 0 and t.text not in _CLOSINGS]
    if "separator" in kinds[:end] + left_over or left_over.count("condition") > 1:
        raise NoIntegerError
    if end + 1 < len(leveled) and leveled[end + 1][0].text in vocabulary.BOUNDS:
        raise NoIntegerError
    return leveled[:end]


def _refuse_lists(side: list[Token]) -> None:
    """Refuse a side that is a list as a whole: "(x, y) = 5,120" has two values."""
    leveled = list(_leveled(side))
    if not leveled or side[0].text not in ("(", "[", "{", r"\{"):
        return
    whole = all(level for _, level in leveled[1:-1])
    if whole and any(token.kind == "separator" and level == 1 for token, level in leveled):
        raise NoIntegerError


def _leveled(tokens: list[Token]) -> Iterator[tuple[Token, int]]:
    """Yield each token with how deep in brackets it lies; the brackets of the whole are at 0.

    A bar behind a value closes the bar that is open. Where none is, it parts two values; so does
    any bracket that closes nothing.
    """
    opened: list[str] = []
    behind_a_value = False
    for token in tokens:
        closes = bool(opened) and token.text == opened[-1]
        if token.kind != "symbol":
            yield token, len(opened)
        elif closes and (token.text != "|" or behind_a_value):
            opened.pop()
            yield token, len(opened)
        elif token.text in CLOSING and (token.text != "|" or not behind_a_value):
            yield token, len(opened)
            opened.append(CLOSING[token.text])
        elif token.text in _CLOSINGS:
            yield Token("separator", token.text), len(opened)
        else:
            yield token, len(opened)
        is_value = token.kind in ("number", "unknown", "unit") or token.text == "!"
        closed = token.text in _CLOSINGS and (token.text != "|" or (closes and behind_a_value))
        behind_a_value = is_value or closed


_CLOSINGS = frozenset(CLOSING.values())
