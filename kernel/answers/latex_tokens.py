r"""Splits an expression, as models box it in LaTeX or plain text, into the tokens that matter.

Covers: numbers with thousands separators, synonyms (`\dfrac`, `×`, `**`), superscript digits,
spacing, styles, units and prose; and which side of `x = 2^3 = 8` holds the value. Does not cover:
the value (`latex_integer`). Linear in the length of the text, which the caller bounds.
"""

import re
from typing import Literal, NamedTuple

Kind = Literal["number", "symbol", "relation", "separator", "unit", "unknown"]


class Token(NamedTuple):
    """One sign of an expression."""

    kind: Kind
    text: str
    """Digits with at most one point, or the one form that stands for all synonyms."""


_TOKEN = re.compile(
    r"""
    (?P<number> [1-9]\d{0,2} (?:(?P<separator>,\\!|\{,\}|,|\\[,;:!\ ]|[\ \xa0\u2009\u202f~_'])\d{3})
                (?:(?P=separator)\d{3})* (?!\d) (?:\.\d+)?
              | \d+(?:\.\d+)? | \.\d+ )
  | (?P<degree> \^\s*(?:\\circ(?![a-z])|\{\s*\\circ\s*\}) | \\degree(?![a-z]) | [°º] )
  | (?P<dropped> \s+ | \\(?:hspace|vspace|color|textcolor|tag|label)\*?\s*\{[^{}]*\} )
  | \\(?:text[a-z]*|mathrm|operatorname|mbox|hbox)\s*\{(?P<prose>[^{}\d]*)\}
  | (?P<word> [^\W\d_]+ )
  | (?P<sign> \\(?:[A-Za-z]+|.) | \*\*|->|=>|. )
    """,
    re.VERBOSE | re.DOTALL,
)
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_PLAIN_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


def _set(words: str) -> frozenset[str]:
    """Return the words, which white space separates."""
    return frozenset(words.split())


CLOSING = {
    **{"(": ")", "[": "]", "{": "}", r"\{": r"\}", "|": "|"},
    **{r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"},
}
"""Brackets; the key opens, the value closes."""
_SYMBOLS = _set("+ - * / ^ ! frac binom sqrt mod over choose") | {*CLOSING, *CLOSING.values()}
_SAME_AS = {
    **dict.fromkeys([r"\cdot", r"\times", r"\ast", "×", "·", "⋅", "∙", "∗"], "*"),
    **dict.fromkeys([r"\div", "÷", "⁄"], "/"),
    **dict.fromkeys(["−", "–"], "-"),
    **dict.fromkeys([r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"], "frac"),
    **dict.fromkeys([r"\binom", r"\dbinom", r"\tbinom"], "binom"),
    **dict.fromkeys([r"\mod", r"\pmod", r"\bmod"], "mod"),
    **dict.fromkeys([r"\vert", r"\lvert", r"\rvert"], "|"),
    **{"**": "^", r"\sqrt": "sqrt", "√": "sqrt", r"\over": "over", r"\choose": "choose"},
    **{"（": "(", "）": ")", r"\lbrace": r"\{", r"\rbrace": r"\}"},
    **{"⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil"},
}
_RELATIONS = _set(
    r"= -> => ≡ ≈ → ⇒ \equiv \approx \simeq \cong \to \rightarrow \Rightarrow \longrightarrow "
    r"\Longrightarrow \implies \iff"
)
# Beside an answer these say that the box holds several values, or no more than a bound.
_SEPARATORS = _set(
    r", ; ， < > ≤ ≥ ≠ ± \le \leq \leqslant \ge \geq \geqslant \lt \gt \ne \neq \not \pm \mp "
    r"\cup \cap \in"
)
_DROPPED = _set(
    r"$ & ~ € £ \$ \\ \, \; \: \! \( \) \[ \] \quad \qquad \displaystyle \textstyle \left \right "
    r"\big \Big \bigl \bigr \Bigl \Bigr \boxed \fbox \bf \rm \it \large \Large \mathbf \mathit "
    r"\mathsf \mathtt \mathrm \boldsymbol \bm \pmb \bold \underline \emph \text \textbf \textit "
    r"\textrm \textsf \texttt \mbox \hbox"
) | {"\\ ", "\\\n", "\u200b", "\ufeff"}
_SHORT_UNITS = _set("cm mm km kg mg ml ft hr hrs lb lbs oz pm am")
# Words that would make another number of what stands before them.
_NOT_UNITS = _set(
    "hundred thousand million billion trillion dozen half squared cubed factorial times plus minus "
    "over divided choose to through infinity sin cos tan log exp lcm gcd max min"
)


def tokenize(text: str) -> list[Token]:
    """Split `text` into tokens; spacing and styles leave none."""
    text = _SUPERSCRIPTS.sub(lambda run: f"^{{{run[0].translate(_PLAIN_DIGITS)}}}", text)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        before = tokens[-1].kind if tokens else None
        if token := _token(match, before):
            tokens.append(token)
    return tokens


def _token(match: re.Match[str], before: Kind | None) -> Token | None:
    """Classify what `_TOKEN` found; None: nothing that matters."""
    kind, text = match.lastgroup, match[0]
    if kind == "number":
        return Token("number", re.sub(r"[^\d.]", "", text))
    if kind == "degree":
        return Token("unit", text)
    if kind == "prose":
        return _prose(match["prose"])
    if kind == "word":
        glued = match.start() > 0 and match.string[match.start() - 1].isdecimal()
        return _word(text, glued)
    return None if kind == "dropped" else _sign(text, before)


def _sign(text: str, before: Kind | None) -> Token | None:
    """Classify a command or a single character."""
    text = _SAME_AS.get(text, text)
    if text in _DROPPED:
        return None
    if text in _SYMBOLS:
        return Token("symbol", text)
    # "Answer: 5" names what follows; "3:4" is a ratio.
    if text in _RELATIONS or (text == ":" and before in ("unit", "unknown")):
        return Token("relation", text)
    if text in _SEPARATORS:
        return Token("separator", text)
    return Token("unit" if text in ("%", r"\%") else "unknown", text)


def _word(text: str, glued: bool) -> Token:
    """Classify a bare word: a variable unless it looks like a unit or a word of English."""
    lowered = text.lower()
    if lowered in ("mod", "sqrt"):
        return Token("symbol", lowered)
    if lowered == "is":
        return Token("relation", lowered)
    if lowered in ("and", "or"):
        return Token("separator", lowered)
    english = len(text) > 2 and text[1:].islower() and not glued and lowered not in _NOT_UNITS
    return Token("unit" if english or lowered in _SHORT_UNITS else "unknown", text)


def _prose(text: str) -> Token | None:
    r"""Classify the content of a \text{...} without digits: single letters are units here."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    if not text.strip() or re.fullmatch(r"\s*\(?[A-E]\)\s*", text):
        return None
    if words == ["mod"]:
        return Token("symbol", "mod")
    if not words or not {"and", "or"}.isdisjoint(words):
        return Token("separator", text)
    if words[-1] == "is" or text.rstrip()[-1] in "=:":
        return Token("relation", text)
    return Token("unit" if _NOT_UNITS.isdisjoint(words) else "unknown", text)


def unwrap(tokens: list[Token], layers: int) -> list[Token]:
    """Drop final punctuation and up to `layers` brackets around the whole: `{(42)}.`, `[42,]`."""
    for _ in range(layers):
        while tokens and tokens[-1].text in (".", ",", ";"):
            tokens = tokens[:-1]
        if len(tokens) < 3 or tokens[0].text not in ("(", "[", "{", r"\{"):
            break
        if tokens[-1].text != CLOSING[tokens[0].text] or 0 in _levels(tokens)[1:-1]:
            break
        tokens = tokens[1:-1]
    return tokens


def last_side(tokens: list[Token]) -> list[Token]:
    """Return what follows the last relation outside brackets, less a label such as "(A)".

    It is empty where several values stand side by side.
    """
    start = 0
    for index, (token, level) in enumerate(zip(tokens, _levels(tokens), strict=True)):
        if level == 0 and token.kind == "separator":
            return []
        if level == 0 and token.kind == "relation":
            start = index + 1
    side = tokens[start:]
    labelled = len(side) > 3 and side[0].text == "(" and side[2].text == ")"
    return side[3:] if labelled and side[1].text in ("A", "B", "C", "D", "E") else side


def _levels(tokens: list[Token]) -> list[int]:
    """Return how deep in brackets each token lies; the brackets of the whole are at 0."""
    levels: list[int] = []
    level = 0
    for token in tokens:
        # A bar opens and closes alike; what lies between bars never matters here.
        if token.text != "|" and token.text in CLOSING.values():
            level -= 1
        levels.append(level)
        if token.text != "|" and token.text in CLOSING:
            level += 1
    return levels
