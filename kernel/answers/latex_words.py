r"""The vocabulary of boxed expressions: what each sign, command and word is for an evaluator.

Covers: synonyms, signs that leave no trace, relations, what separates several values, words that
begin a condition, and words that make another number of what stands before them. Does not cover:
how a text is split (`latex_tokens`), what the signs do to each other (`latex_sides`, the parser).
"""

from typing import Literal, NamedTuple

Kind = Literal[
    "number",
    "symbol",
    "function",
    "relation",
    "separator",
    "condition",
    "unit",
    "label",
    "gap",
    "unknown",
]


class Token(NamedTuple):
    """One sign of an expression."""

    kind: Kind
    text: str
    """Digits with at most one point, or the one form that stands for all synonyms."""


def words(text: str) -> frozenset[str]:
    """Return the words, which white space separates."""
    return frozenset(text.split())


CLOSING = {
    **{"(": ")", "[": "]", "{": "}", r"\{": r"\}", "|": "|"},
    **{r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"},
}
"""Brackets; the key opens, the value closes."""
SYMBOLS = words("+ - * / ^ _ ! frac binom sqrt cbrt mod over choose") | {
    *CLOSING,
    *CLOSING.values(),
}
SAME_AS = {
    **dict.fromkeys([r"\cdot", r"\times", r"\ast", "×", "·", "⋅", "∙", "∗", "✕"], "*"),
    **dict.fromkeys([r"\div", "÷", "⁄"], "/"),
    **dict.fromkeys(["−", "﹣", "－"], "-"),
    **dict.fromkeys([r"\frac", r"\dfrac", r"\tfrac", r"\cfrac", r"\nicefrac", r"\sfrac"], "frac"),
    **dict.fromkeys([r"\binom", r"\dbinom", r"\tbinom"], "binom"),
    **dict.fromkeys([r"\mod", r"\pmod", r"\bmod", r"\pod"], "mod"),
    **dict.fromkeys([r"\vert", r"\lvert", r"\rvert", r"\mid", "∣"], "|"),
    **{"**": "^", r"\sqrt": "sqrt", "√": "sqrt", "∛": "cbrt", r"\over": "over"},
    **{"（": "(", "）": ")", r"\lparen": "(", r"\rparen": ")", r"\choose": "choose"},
    **{r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]"},
    **{"⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil"},
    **{r"\sb": "_", r"\sp": "^", "，": ",", "；": ";", "：": ":", "＝": "="},
}
FUNCTIONS = {
    **dict.fromkeys(["gcd", "gcf", "hcf"], "gcd"),
    **{name: name for name in ("lcm", "max", "min", "log", "floor", "ceil", "abs", "factorial")},
    **dict.fromkeys(["comb", "binomial", "binom"], "comb"),
    **{r"\gcd": "gcd", r"\lcm": "lcm", r"\max": "max", r"\min": "min", r"\log": "log"},
    **{r"\sum": "sum", "∑": "sum", "Σ": "sum", r"\prod": "prod", "∏": "prod", r"\abs": "abs"},
}
"""Names of functions that have exact values; the value is the one name for all synonyms."""
EQUALITIES = words(r"= == === := \coloneqq \triangleq ≜ is are equals : ")
CONGRUENCES = words(r"≡ \equiv")
APPROXIMATIONS = words(r"≈ ≅ ≃ \approx \approxeq \simeq \cong \doteq ≐")
ARROWS = words(
    r"-> => --> ==> → ⇒ ⟹ ⟶ \to \rightarrow \Rightarrow \longrightarrow \Longrightarrow \implies "
    r"\mapsto \therefore ∴ so thus hence therefore giving gives yields"
)
"""Something follows from what stands before."""
RELATIONS = EQUALITIES | CONGRUENCES | APPROXIMATIONS | ARROWS
# Beside an answer these say that the box holds several values, or no more than a bound.
SEPARATORS = words(
    r", ; < > <= >= ≤ ≥ ⩽ ⩾ ≠ ± ∓ \le \leq \leqslant \ge \geq \geqslant \lt \gt \ll \gg "
    r"\ne \neq \not \nmid \pm \mp \cup \cap \in \notin \ni \subset \subseteq \setminus ∪ ∩ ∈ ∉ ⊂ "
    r"\lor \vee \land \wedge ∨ ∧ \iff ⇔ ⟺ ↔ \Leftrightarrow \leftrightarrow \Longleftrightarrow "
    r"\Leftarrow \leftarrow ← ⇐ \sim ∼ ~= \propto ∝ != /= <> \&"
)
SEPARATING_WORDS = words(
    "and or nor then but else otherwise not either neither both except unless instead versus vs"
)
CONDITIONS = words(
    r"when if where for with at given since because as provided whenever assuming while iff under "
    r"by using \because ∵"
)
"""What stands before them is the answer; what follows says when it holds."""
DROPPED = words(
    r"$ ~ € £ ¥ ₹ ¢ ` “ ” \$ \, \; \: \! \> \( \) \[ \] \left \right \middle \big \Big \bigg \Bigg "
    r"\bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \bigm \Bigm \thinspace \medspace "
    r"\thickspace \negthinspace \space \nobreakspace \nobreak \allowbreak \limits \nolimits "
    r"\displaystyle \textstyle \scriptstyle \scriptscriptstyle \nonumber \notag \strut \mathstrut "
    r"\null \relax \noindent \centering \par \checkmark \blacksquare \qed \ensuremath "
    r"\tiny \scriptsize \footnotesize \small \normalsize \large \Large \LARGE \huge \Huge \smash "
    r"\boxed \fbox \framebox \bf \rm \it \sf \tt \bfseries \itshape \mathbf \mathit \mathsf "
    r"\mathtt \mathrm \mathbb \mathnormal \mathop \mathord \mathbin \mathopen \mathclose "
    r"\mathinner \boldsymbol \bm \pmb \bold \underline \emph \text \textbf \textit \textrm "
    r"\textsf \texttt \textnormal \textup \textmd \textsl \textsc \mbox \hbox \operatorname \hl"
) | {'"', "\\ ", "\\\n", "\\", "\u200b", "\u2060", "\ufeff"}
SHORT_UNITS = words("sq cm mm km kg mg ml ft hr hrs lb lbs oz pm am")
# Words that would make another number of what stands before them.
NOT_UNITS = words(
    "hundred thousand million billion trillion dozen dozens score gross half halves third thirds "
    "quarter quarters fourths fifths tenths hundredths squared cubed factorial times plus minus "
    "negative over divided choose to through infinity sin cos tan log exp lcm gcd max min root "
    "base bases radix binary ternary octal hexadecimal hex more less fewer least most "
    "st nd rd th"
)
BOUNDS = words("more less fewer least most")
NUMERALS = words(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
SCALES = words("hundred thousand million and")
"""Behind a numeral they spell a number out; by themselves they make another one."""
