r"""Splits an expression, as models box it in LaTeX or plain text, into the tokens that matter.

Covers: numbers with separators between thousands, synonyms (`\dfrac`, `×`, `**`), superscript
digits, spacing, styles, units and prose. A comma or a blank between groups of three digits is no
separator of thousands within brackets that could hold a list: there `3,100` are two numbers. Does
not cover: the vocabulary (`latex_words`), labels (`latex_labels`), which side of an equation holds
the value (`latex_sides`). Linear in the length of the text, which the caller bounds.
"""

import re

from kernel.answers import latex_words as vocabulary
from kernel.answers.arithmetic import NoIntegerError
from kernel.answers.latex_labels import PROSE_LABEL, with_labels
from kernel.answers.latex_words import ARROWS, CLOSING, CONDITIONS, RELATIONS, Kind, Token, words

MAX_TOKENS = 300
"""Of one text: every pass over them takes its time."""

_TOKEN = re.compile(
    r"""
    (?P<number> [1-9]\d{0,2}
                (?: (?P<separator> \ ?(?:,\\!|,\\negthinspace|\{,(?:\\!)?\}(?:\\!)?|\\mathord\{,\}
                                 |\{\\,\}|\\[,;:!_]
                                 |\\thinspace(?![A-Za-z])|['’ʼ٬_\u2007\u2009\u202f])\s?
                                 | \\\  | [,~\ \xa0] ) \d{3} )
                (?:(?P=separator)\d{3})* (?!\d) (?:\.\d+)?
              | \d+(?:\.\d+)?[eE]\d+(?![\w.]) | \d+(?:\.\d+)? | \.\d+ )
  | (?P<degree> \^\s*(?:\\(?:circ|degree)(?![a-z])|\{\s*\\(?:circ|degree)\s*\})
            | \{\s*\^\s*\\circ\s*\} | \\(?:text)?degree(?![a-z]) | [°º] )
  | (?P<gap> \n | \\\\(?:\[[^\]]*\])? | &
           | \\(?:q?quad|newline|linebreak|cr|par|hfill?|enspace|enskip)(?![A-Za-z])
           | \\[hm]space\*?\s*\{[^{}]*\} | \\(?:h?skip|mskip|m?kern)\s*-?[\d.]+\s*[a-z]{2} )
  | (?P<name> (?<=[\d\]}).]) (?:\s|\\[,;:!\ ]|~)+
             (?= (?: \\?[A-Za-z]+ | \\(?:bar|hat|vec|tilde|overline)\s*(?:\w|\{\w*\})
                 | \\(?:text[a-z]*|mathrm|operatorname)\{[\w\ ]*\} )
                 '* (?:[_^](?:\w|\{\w*\}))* (?:\([\w,]*\))? (?:\s|\\[,;:\ ])* [=:] )
           | (?<=[\d\]})]) (?:\\\ |~)\s* (?= [\w\\|(] [^=<>]{0,30} = ) )
  | (?P<dropped> \s+ | \\(?:left|right)\s*\.
           | \\(?:begin|end)\s*\{(?:aligned|align|equation|gathered|gather|split|math|center)\*?\}
           | \\(?:vspace|color|textcolor|mathcolor|colorbox|tag|label|[hv]?phantom
             |raisebox|scalebox|rotatebox|style|class|cssId|href|enclose)
             (?![A-Za-z])\*?\s*(?:\[[^\]]*\])?\s*\{(?:[^{}]|\{[^{}]*\})*+\}
           | \\bbox\s*\[[^\]]*\] | \\(?:fcolorbox|resizebox|rule)\s*\{[^{}]*\}\s*\{[^{}]*\} )
  | \\(?:text[a-z]*|mathrm|operatorname|mbox|hbox)\*?\s*\{(?P<prose>(?:[^{}\d]|(?<=[a-z])\^\d)*)\}
  | \\(?:text[a-z]*|math[a-z]+|operatorname|mbox|hbox)\s*\{(?P<modulus>\s*\(?\s*mod[^{}]*)\}
  | \\(?:math[a-z]+|bold|boldsymbol|pmb|bm|emph)\s*\{
      (?P<label>\s*(?:[(\[]\s*[A-E]\s*[)\]]|[A-E]\s*[).:])(?:[^{}\w]|\\q?quad)*)\}
  | (?P<abbreviated> (?<![A-Za-z])(?:s\.\s?t\.|e\.\s?g\.|i\.\s?e\.) )
  | (?P<word> [^\W\d_]+ )
  | (?P<sign> \\(?:[A-Za-z]+|.) | \*\*|:=|(?<=\s)~=(?!~)|={1,3}>?|-{1,2}>|-{2,3}|[<>]=|!=|/=|<>|. )
    """,
    re.VERBOSE | re.DOTALL,
)
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_PLAIN_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_EMPHASIS = re.compile(r"(?<![\w)}\]*])\*\*(?![\s*])([^*]+)(?<!\s)\*\*(?![\w*])")
_QUOTES = [
    *(("**", "**"), ("*", "*"), ("__", "__"), ("_", "_"), ("```", "```"), ("`", "`")),
    *(("``", "''"), ('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("$", "$")),
]
_NOTHING_WRITTEN = re.compile(r"(?<![A-Za-z^_\]}])\{\s*\}")
_MULTISETS = re.compile(r"\((?:\s|\\!)*\\!(?:\s|\\!)*\\[dt]?binom(?![A-Za-z])")
"""A choice within narrowed brackets."""
_SPACING = re.compile(r"\\[ ,;:!>]|~|\\q?quad(?![A-Za-z])")
_TAKES_A_DIGIT = words("^ _ frac binom sqrt")
"""In front of an unbraced number, of which TeX takes the first digit only: none is grouped."""


def tokenize(text: str) -> list[Token]:
    """Split `text` into tokens; spacing and styles leave none.

    Raises:
        NoIntegerError: they are too many for an answer, or count multisets, as no other sign does.
    """
    if _MULTISETS.search(text):
        raise NoIntegerError
    text = re.sub(r"\{\}(?=\s*[_^])", "", _EMPHASIS.sub(r"\1", _unquoted(text)))
    text = _NOTHING_WRITTEN.sub(" ", text)
    text = _SUPERSCRIPTS.sub(lambda run: f"^{{{run[0].translate(_PLAIN_DIGITS)}}}", text)
    splitter = _Splitter()
    for match in _TOKEN.finditer(text):
        splitter.take(match)
        if len(splitter.tokens) > MAX_TOKENS:
            raise NoIntegerError
    return _without_gaps(with_labels(splitter.tokens))


def _unquoted(text: str) -> str:
    """Take off the quotes, backticks and stars around the whole."""
    text = text.strip()
    for opening, closing in _QUOTES:
        inner = text[len(opening) : -len(closing)]
        around = len(text) > len(opening + closing) and text == opening + inner + closing
        if around and inner.strip() and opening not in inner and closing not in inner:
            text = inner.strip()
    return text


class _Splitter:
    """Collects the tokens of a text, knowing which brackets are open."""

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self._lists: list[bool] = []
        """For each open bracket, whether it could hold a list."""
        self._styled = False
        """Whether a style was just dropped, whose argument may follow."""
        self._related = False
        """Whether there was a relation outside brackets."""

    def take(self, match: re.Match[str]) -> None:
        """Append the tokens of what `_TOKEN` found."""
        kind, text = match.lastgroup, match[0]
        if kind == "number":
            self._number(text, match["separator"])
        elif kind == "prose":
            self._prose(match["prose"])
        elif kind == "modulus":
            self.tokens += tokenize(match["modulus"])
        elif kind == "word":
            glued = match.start() > 0 and match.string[match.start() - 1].isdecimal()
            self.tokens.append(_word(text, glued))
        elif kind == "name":
            # "m = 3 n = 4"; but "2 n = 4" and "\\sum_{k=1}^{4} k = 10" have one value.
            related = self._related or "\\ " in text
            if related and not any(token.text in ("sum", "prod") for token in self.tokens):
                self.tokens.append(Token("gap", text))
        elif kind == "abbreviated":
            self.tokens.append(Token("condition", text))
        elif kind == "sign":
            self._sign(vocabulary.SAME_AS.get(text, text), match)
        elif kind != "dropped":
            self.tokens.append(Token("unit" if kind == "degree" else _KINDS[str(kind)], text))
        self._related |= not self._lists and self._last().kind == "relation"
        if not text.isspace():
            self._styled = text[0] == "\\" and (kind == "dropped" or text in vocabulary.DROPPED)

    def _last(self) -> Token:
        return self.tokens[-1] if self.tokens else _NOTHING

    def _prose(self, text: str) -> None:
        # A hyphen between two values says "to"; one in front of a value is a minus.
        if text.strip() in _BETWEEN and self.tokens and _ends_a_value(self._last()):
            self.tokens.append(Token("separator", text))
        else:
            self.tokens += _prose(text, not self.tokens)

    def _number(self, text: str, separator: str | None) -> None:
        before = self._last().text
        weak = separator is not None and separator.strip() in _WEAK
        in_a_list = self._lists[-1:] == [True] and before != "mod"
        if weak and (before in _TAKES_A_DIGIT or in_a_list):
            first, *others = text.split(separator)
            self.tokens.append(Token("number", first))
            for group in others:
                # A blank behind a subscript only parts: log_2 256; behind "^" nobody knows.
                if separator == "," or before == "^":
                    self.tokens.append(Token("separator", ","))
                self.tokens.append(Token("number", group))
        else:
            digits = text.replace(separator, "") if separator else text
            self.tokens.append(Token("number", digits.lower()))

    def _sign(self, text: str, match: re.Match[str]) -> None:
        """Append a command or a single character."""
        before = self.tokens[-1] if self.tokens else Token("relation", "")
        # "So, 42" goes on behind the comma.
        if text in vocabulary.DROPPED or (text == "," and before.text in ARROWS):
            return
        if text == "!=" and match.string[: match.start()][-1:] in tuple("0123456789)]}"):
            self.tokens += [Token("symbol", "!"), Token("relation", "=")]
            return
        # Between two numbers a dash says "to"; in front of one it is a minus.
        if text == "–" and (before.kind in ("relation", "separator") or before.text in _OPERATORS):
            text = "-"
        if text in CLOSING and text != "|":
            self._open(text, before)
        elif text in CLOSING.values() and self._lists and text != "|":
            self._lists.pop()
        self.tokens.append(_classified(text, before))

    def _open(self, text: str, before: Token) -> None:
        if text == "{" and self._styled:
            could_hold_a_list = self._lists[-1:] == [True]
        elif text == "{" or (text == "[" and before.text == "sqrt"):
            could_hold_a_list = before.text not in _TAKES_ARGUMENTS
        else:
            could_hold_a_list = text in ("(", "[", r"\{")
        self._lists.append(could_hold_a_list)


_BETWEEN = ("-", "--", "---", "–", "—", "−", "&")
_SYMBOL_WORDS = {
    "mod": "mod",
    "modulo": "mod",
    "sqrt": "sqrt",
    "cbrt": "cbrt",
    "choose": "choosing",
}
_KINDS: dict[str, Kind] = {"gap": "gap", "label": "label"}
_WEAK = ("", ",", "~", "\\")
_TAKES_ARGUMENTS = words(r"^ _ frac binom sqrt cbrt } ] mod over choose") | {"{"}
_OPERATORS = words(r"+ - * / ^ ( [ { \{ |")


def _classified(text: str, before: Token) -> Token:
    """Return the token of a command or a single character."""
    if text in vocabulary.SYMBOLS:
        return Token("symbol", text)
    if text in vocabulary.FUNCTIONS:
        return Token("function", vocabulary.FUNCTIONS[text])
    # "Answer: 5" names what follows; "3:4" is a ratio.
    if text == ":":
        return Token("relation" if before.kind in ("unit", "unknown") else "unknown", text)
    if text in RELATIONS:
        return Token("relation", text)
    if text in vocabulary.SEPARATORS:
        return Token("separator", text)
    if text in CONDITIONS:
        return Token("condition", text)
    return Token("unit" if text in ("%", r"\%") else "unknown", text)


def _word(text: str, glued: bool) -> Token:
    """Classify a bare word: a variable unless it looks like a unit or a word of English."""
    lowered = text.lower()
    if lowered in _SYMBOL_WORDS:
        return Token("symbol", _SYMBOL_WORDS[lowered])
    if lowered in vocabulary.FUNCTIONS:
        return Token("function", vocabulary.FUNCTIONS[lowered])
    if lowered in vocabulary.SEPARATING_WORDS:
        return Token("separator", lowered)
    if lowered in RELATIONS:
        return Token("relation", lowered)
    if lowered in CONDITIONS:
        return Token("condition", lowered)
    english = len(text) > 2 and text[1:].islower() and not glued
    unit = english and lowered not in vocabulary.NOT_UNITS
    return Token("unit" if unit or lowered in vocabulary.SHORT_UNITS else "unknown", text)


def _prose(text: str, first: bool) -> list[Token]:
    r"""Return the tokens of a \text{...} without digits: single letters are units here."""
    text = _SPACING.sub(" ", text)
    found = re.findall(r"[^\W\d_]+", text.lower())
    if PROSE_LABEL.fullmatch(text):
        return [Token("label", text)]
    if not found or found[0] in ("mod", "modulo", "choose"):
        return tokenize(text) if text.strip() else []
    if len(found) == 1 and found[0] in vocabulary.FUNCTIONS:
        return [Token("function", vocabulary.FUNCTIONS[found[0]])]
    kind = _prose_kind(text, found, first)
    if kind == "relation":
        follows = text.rstrip()[-1] not in "=:" and not ARROWS.isdisjoint((found[0], found[-1]))
        return [Token(kind, "so" if follows else "is")]
    return [Token(kind, text.strip())]


def _prose_kind(text: str, found: list[str], first: bool) -> Kind:
    """Classify words of English; `first` says that nothing stands before them."""
    if found[0] in vocabulary.NUMERALS and set(found) <= vocabulary.NUMERALS | vocabulary.SCALES:
        return "unit"
    if not (vocabulary.SEPARATING_WORDS | vocabulary.BOUNDS).isdisjoint(found):
        return "separator"
    if found[0] in CONDITIONS:
        return "condition"
    if text.rstrip()[-1] in "=:" or not RELATIONS.isdisjoint((found[0], found[-1])):
        return "relation"
    if not first and not CONDITIONS.isdisjoint(found):
        return "condition"
    altered = text.strip() in vocabulary.VARIABLES or not vocabulary.NOT_UNITS.isdisjoint(found)
    return "unknown" if altered else "unit"


def _without_gaps(tokens: list[Token]) -> list[Token]:
    r"""Make separators of \quad, \\ and line ends between two values; drop the others."""
    kept: list[Token] = []
    for index, token in enumerate(tokens):
        if token.kind != "gap":
            kept.append(token)
        elif kept and _ends_a_value(kept[-1]) and _begins_a_value(tokens, index + 1):
            kept.append(Token("separator", token.text))
    return kept


def _ends_a_value(token: Token) -> bool:
    closes = token.text in CLOSING.values() or token.text == "!"
    return closes or token.kind in ("number", "unknown", "unit")


def _begins_a_value(tokens: list[Token], index: int) -> bool:
    while index < len(tokens) and tokens[index].kind == "gap":
        index += 1
    token, following = [*tokens[index : index + 2], _NOTHING, _NOTHING][:2]
    if token.text in ("(", "["):
        return following.text != "mod" and following.kind != "unit"
    signs = token.text in ("+", "-", "{", r"\{", "frac", "binom", "sqrt", r"\lfloor", r"\lceil")
    return signs or token.kind in ("number", "unknown", "function", "label")


_NOTHING = Token("unit", "")
