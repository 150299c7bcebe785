r"""A model's text as HTML: everything escaped, formulas as MathML, which browsers draw.

Covers: `$...$`, `$$...$$`, `\(...\)`, `\[...\]`, environments and boxes outside of formulas; a
formula that cannot be read stays as it was written. Does not cover: Markdown, which stays text.

The text is hostile: nothing of it may become markup. latex2mathml passes `<script>` and `\href`
on, so its tree is written out here, with known elements and attributes only.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup

MOST_CHARACTERS = 3000
"""Of a formula; longer texts are not formulas, and reading them may take long."""
MOST_DEPTH = 60
"""Of nested elements; browsers and Python alike have an end to their stacks."""

# fmt: off
_ELEMENTS = frozenset((
    "math", "mi", "mn", "mo", "mtext", "mspace", "ms", "mrow", "mfrac", "msqrt", "mroot", "mstyle",
    "mpadded", "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    "mtable", "mtr", "mtd",
))
_ATTRIBUTES = frozenset((
    "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "separator",
    "lspace", "rspace", "accent", "accentunder", "linethickness", "columnalign", "rowspacing",
    "columnspacing", "columnlines", "rowlines", "width", "height", "depth", "voffset", "minsize",
    "maxsize", "largeop", "movablelimits", "notation", "form",
))
# fmt: on
_VALUE = re.compile(r"[\w.%# +-]*", re.ASCII)

_FORMULA = re.compile(
    r"""(?<!\\)(?:
      \$\$(?P<dollars>.{1,3000}?)(?<!\\)\$\$
    | \\\[(?P<brackets>.{1,3000}?)\\\]
    | \\\((?P<parentheses>.{1,3000}?)\\\)
    | \$(?P<dollar>(?!\s)(?:[^$\\\n]|\\.|\n(?!\s*\n))+?)(?<!\s)\$(?!\d)
    | (?P<environment>\\begin\{(?P<name>(?:align|equation|gather|cases|array|[bpv]?matrix)\*?)\}
        .{1,3000}?\\end\{(?P=name)\})
    | (?P<box>\\boxed\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})
    )""",
    re.S | re.X,
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return the text with a sign for what no page and no terminal may be given.

    These are control characters (escape sequences among them), overrides of the writing direction,
    and lone surrogates.
    """
    return _UNPRINTABLE.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))


def rich_html(text: str) -> Markup:
    """Return the text as HTML with its formulas as MathML, each next to its source."""
    return Markup("").join(_pieces(printable(text)))


def _pieces(text: str) -> Iterator[Markup]:
    end = 0
    for found in _FORMULA.finditer(text):
        yield Markup.escape(text[end : found.start()])
        end = found.end()
        # The last group that matched; `name` stands within `environment`.
        kind = "environment" if found["environment"] else str(found.lastgroup)
        block = kind in ("dollars", "brackets", "environment")
        mathml = formula(found[kind], "block" if block else "inline")
        source = Markup.escape(found[0])
        if mathml is None:
            yield source
        else:
            yield Markup('<span class="formula">{}<code>{}</code></span>').format(mathml, source)
    yield Markup.escape(text[end:])


@lru_cache(maxsize=100_000)
def formula(latex: str, display: str) -> Markup | None:
    """Return a formula as MathML; None where it cannot be read."""
    if len(latex) > MOST_CHARACTERS:
        return None
    try:
        written: list[str] = []
        _write(convert_to_element(latex, display=display), written, 0)
        return Markup("".join(written))
    except (Exception, RecursionError):
        # The library raises whatever a broken formula leads it to.
        return None


def _write(element: Element, written: list[str], depth: int) -> None:
    """Append an element and what is in it, as far as it is known to be harmless."""
    if depth > MOST_DEPTH:
        raise ValueError("nested too deeply")
    tag = element.tag if element.tag in _ELEMENTS else "mrow"
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    # The library puts signs as entities into the text of its tree.
    text = html.escape(html.unescape(element.text or ""))
    written.append(f"<{tag}{attributes}>{text}")
    for child in element:
        _write(child, written, depth + 1)
    written.append(f"</{tag}>")
