r"""Finds labels in front of a value: letters of multiple choice, and words such as "Answer".

Covers: "(B)", "B." and "{B}:" in any font, "Option (B):", "Answer 42", "forty-two (42)". Does
not cover: labels behind the value, and those that a relation parts from it.
"""

import re

from kernel.answers.latex_words import CLOSING, NAMING, NUMERALS, SCALES, Token

PROSE_LABEL = re.compile(
    r"\s*(?:[a-z]+\s+){0,4}(?:(?:option|choice|answer|ans|is)\s*[.:]?\s*)?"
    r"(?:[(\[]\s*[A-E]\s*[)\]][.:]?|(?<![A-Za-z])[A-E]\s*[).:])\s*",
    re.IGNORECASE,
)
r"""All of a \text{...} that is a label."""
_BEGINS_A_VALUE = ("(", "[", "{", "frac", "binom", "sqrt", "|")


def with_labels(tokens: list[Token]) -> list[Token]:
    """Make one token of a label such as "(A)" or "{B}." where a side begins."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        begins = not kept or kept[-1].kind in ("relation", "gap") or kept[-1].text == "{"
        end = _label_end(tokens, index) if begins else index
        kept.append(Token("label", "") if end > index else tokens[index])
        index = max(end, index + 1)
    return kept


def _label_end(tokens: list[Token], start: int) -> int:
    """Return where the label ends that begins at `start`, or `start` if none does."""
    index = start
    while index < len(tokens) and tokens[index].text.lower() in ("option", "choice"):
        index += 1
    end = _letter_end(tokens, index)
    return end if end > index else _words_end(tokens, start)


def _letter_end(tokens: list[Token], start: int) -> int:
    index, opened = start, list[str]()
    while index < len(tokens) and tokens[index].text in ("(", "[", "{") and len(opened) < 3:
        opened.append(CLOSING[tokens[index].text])
        index += 1
    if index >= len(tokens) or tokens[index].text not in ("A", "B", "C", "D", "E"):
        return start
    # A single letter in a font for text is a label by itself, unless it is added to something.
    alone = not opened
    marked = bool(opened) or tokens[index].kind == "unit"
    index += 1
    while index < len(tokens) and (text := tokens[index].text) in (*opened[-1:], ")", ".", ":"):
        if opened and text == opened[-1]:
            opened.pop()
        else:
            marked, alone = True, False
        index += 1
    ends = index == len(tokens) or tokens[index].text in (*"*/^!_", *("+-(" if alone else ""))
    return start if opened or not marked or ends or tokens[index].kind == "relation" else index


def _words_end(tokens: list[Token], start: int) -> int:
    """Return where words end that say whose value follows, or spell it out in front of it."""
    index = start
    while index < len(tokens) and _names(tokens[index].text.lower()):
        abbreviated = [token.text.lower() for token in tokens[index : index + 2]] == ["ans", "."]
        index += 2 if abbreviated else 1
    named = index
    while index < len(tokens) and _spells(tokens[index].text.lower(), first=index == named):
        index += 1
    if index == start or index == len(tokens) or tokens[named - 1].text.lower() == "the":
        return start
    spelled = index > named
    follows = tokens[index].kind == "number" or tokens[index].text in _BEGINS_A_VALUE
    return index if tokens[index].text == "(" or (follows and not spelled) else start


def _names(text: str) -> bool:
    return bool(text) and NAMING.issuperset(text.split())


def _spells(text: str, *, first: bool) -> bool:
    """Whether it is a part of a number in words, of which the first is a numeral."""
    parts = re.findall(r"[a-z]+|-", text)
    spells = NUMERALS if first else NUMERALS | SCALES | {"-"}
    return bool(parts) and parts[0] in spells and (NUMERALS | SCALES | {"-"}).issuperset(parts)
