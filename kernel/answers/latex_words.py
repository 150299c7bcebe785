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
SYMBOLS = words("+ - * / ^ _ ! frac binom sqrt cbrt mod over choose choosing") | {
    *CLOSING,
    *CLOSING.values(),
}
SAME_AS = {
    **dict.fromkeys([r"\cdot", r"\times", r"\ast", "×", "·", "⋅", "∙", "∗", "✕"], "*"),
    **dict.fromkeys([r"\div", "÷", "⁄", "∕"], "/"),
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
    r"\mapsto \longmapsto \hookrightarrow \leadsto \rightsquigarrow \therefore ∴ "
    r"so thus hence whence therefore giving gives yields implies means"
)
"""Something follows from what stands before."""
RELATIONS = EQUALITIES | CONGRUENCES | APPROXIMATIONS | ARROWS
# Beside an answer these say that the box holds several values, or no more than a bound.
SEPARATORS = words(
    r", ; -- --- < > <= >= ≤ ≥ ⩽ ⩾ ≠ ± ∓ \le \leq \leqslant \ge \geq \geqslant \lt \gt \ll \gg "
    r"\ne \neq \not \nmid \pm \mp \cup \cap \in \notin \ni \subset \subseteq \setminus ∪ ∩ ∈ ∉ ⊂ "
    r"\lor \vee \land \wedge ∨ ∧ \iff ⇔ ⟺ ↔ \Leftrightarrow \leftrightarrow \Longleftrightarrow "
    r"\Leftarrow \Longleftarrow \impliedby \leftarrow \longleftarrow ← ⇐ \exists \vdash \models "
    r"\sim ∼ ~= \propto ∝ != /= <> \&"
)
SEPARATING_WORDS = words(
    "and or nor xor also well along respectively then but else otherwise not either neither "
    "both except unless instead versus vs"
)
CONDITIONS = words(
    r"when if where for with at given since because as provided whenever assuming while iff under "
    r"by using \because ∵ \forall ∀"
)
"""What stands before them is the answer; what follows says when it holds."""
DROPPED = words(
    r"$ ~ € £ ¥ ₹ ₩ ₽ ¢ ` “ ” \$ \pounds \euro \cent \textdollar \/ \, \; \: \! \> \( \) \[ \] "
    r"\left \right \middle \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl "
    r"\Biggr \bigm \Bigm \thinspace \medspace \thickspace \negthinspace \negmedspace "
    r"\negthickspace \space \nobreakspace \nobreak \allowbreak \limits \nolimits \displaystyle "
    r"\textstyle \scriptstyle \scriptscriptstyle \nonumber \notag \strut \mathstrut \null \relax "
    r"\noindent \indent \centering \checkmark ✓ ✔ ✅ \blacksquare ■ \square \Box □ ∎ \qed "
    r"\ensuremath \tiny \scriptsize \footnotesize \small \normalsize \large \Large \LARGE \huge "
    r"\Huge \smash \boxed \fbox \framebox \makebox \bbox \boldmath \unboldmath \bf \rm \it \sf \tt "
    r"\bfseries \itshape \mathbf \mathit \mathsf \mathtt \mathrm \mathbb \mathnormal \mathop "
    r"\mathord \mathbin \mathopen \mathclose \mathinner \mathrel \mathcal \mathfrak \mathscr "
    r"\boldsymbol \bm \pmb \bold \underline \uline \emph \text \textbf \textit \textrm \textsf "
    r"\texttt \textnormal \textup \textmd \textlf \textsl \textsc \mbox \hbox \operatorname \hl"
) | {'"', "\\ ", "\\\n", "\\", "\u200b", "\u2060", "\ufeff"}
SHORT_UNITS = words("in of on sq cm mm km kg mg ml ft hr hrs lb lbs oz pm am")
ORDINALS = words("st nd rd th")
# Words that would make another number of what stands before them.
NOT_UNITS = ORDINALS | words(
    "hundred thousand million billion trillion dozen dozens score gross half halves third thirds "
    "quarter quarters fourths fifths tenths hundredths squared cubed factorial times plus minus "
    "negative over divided choose to through infinity pi sin cos tan log exp lcm gcd max min root "
    "base bases radix binary ternary octal hexadecimal hex more less fewer least most"
)

VARIABLES = words("e i j k n p q r x y z M π")
"""Letters that no unit is abbreviated to, or that may be a million."""
OPERANDS = words(
    r"\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa "
    r"\lambda \mu \nu \xi \pi \rho \sigma \tau \upsilon \phi \varphi \chi \psi \omega \ell \hbar "
    r"\Gamma \Delta \Theta \Lambda \Xi \Pi \Sigma \Phi \Psi \Omega \infty \cdots \prime \circ "
    r"\sin \cos \tan \cot \sec \csc \ln \lg \exp \det \deg \dim \Pr \int \lim \sup \inf "
    r"\bar \hat \vec \tilde \overline \overrightarrow \widehat \angle \triangle"
)
"""Commands without a value that may stand beside a number in one expression: 2\\pi."""
NAMING = words(
    "the final correct answer answers ans total sum value result remainder count exactly only"
)
"""They say whose value follows: "Answer 42", "Total 42"; but "sum of 10 numbers" says nothing."""
BOUNDS = words("more less fewer least most")
NUMERALS = words(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
SCALES = words("hundred thousand million and")
"""Behind a numeral they spell a number out; by themselves they make another one."""
