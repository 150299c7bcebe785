"""Formulas become MathML, everything else stays text, and nothing of a model's text markup."""

import re
import time

import pytest

from validation.viewer.formulas import formula, printable, rich_html


def tags(html):
    return set(re.findall(r"<(\w+)", html))


@pytest.mark.parametrize(
    ("text", "element", "source"),
    [
        (r"half: $\frac{1}{2}$.", "mfrac", r"<code>$\frac{1}{2}$</code>"),
        (r"\[ \sqrt{x} \]", "msqrt", r"<code>\[ \sqrt{x} \]</code>"),
        (r"\(x_1\)", "msub", r"<code>\(x_1\)</code>"),
        (r"$$x^2$$", "msup", r"<code>$$x^2$$</code>"),
        (r"So \boxed{42}.", "menclose", r"<code>\boxed{42}</code>"),
        (r"\begin{align*}a&=b\\c&=d\end{align*}", "mtable", "<code>"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "mtable", "<code>"),
    ],
)
def test_a_formula_becomes_mathml_with_its_source_beside_it(text, element, source):
    html = str(rich_html(text))
    assert f"<{element}" in html and source in html


@pytest.mark.parametrize(
    "text", ["It costs $5 or $6.", r"\$3 and \$4", "a $ b $ c", "$x$5", r"$\frac{$", "$"]
)
def test_what_is_no_formula_stays_text(text):
    assert str(rich_html(text)) == text


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    r"$\text{<script>alert(1)</script>}$",
    r"$\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
    r"$\href{javascript:alert(1)}{x}$",
    r"$\style{background:url(http://h/)}{x}$",
    r"$\class{a}{x}\id{b}{x}\color{red}{x}$",
    r'$\mathrm{"onload=alert(1)}$',
    r"\begin{align}\text{<iframe>}&=1\end{align}",
    r"\boxed{<a href='http://h'>}",
    "$</math><script>$",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_becomes_no_markup(text):
    html = str(rich_html(text))
    known = {"span", "math", "code", "mtable", "mtr", "mtd", "menclose", "mstyle"}
    assert tags(html) <= known | {"mrow", "mi", "mo", "mn", "mtext", "mspace", "msup"}
    attributes = " ".join(re.findall(r"<[^>]*>", html))
    assert not re.search(r"href|\bstyle=|class=\"(?!formula)|\bon\w+=|\bid=", attributes)


@pytest.mark.parametrize(
    "latex", [r"\sqrt" * 300 + "x", "{" * 2000 + "}" * 2000, "x" * 4000, "^" * 500, r"\left(" * 99]
)
def test_what_is_too_deep_or_broken_is_given_up(latex):
    assert formula(latex, "inline") is None


@pytest.mark.parametrize("piece", ["$", r"\[", r"\(", "$$", r"\begin{align}", r"\boxed{", "{$"])
def test_time_does_not_explode_with_the_length(piece):
    start = time.process_time()
    rich_html(piece * 4000)
    # Backtracking over the whole text would take minutes.
    assert time.process_time() - start < 20


def test_control_characters_surrogates_and_overrides_are_shown_as_such():
    assert printable("a\x1b[31mb\x00\u202ec\ud800\n\t") == "a\ufffd[31mb\ufffd\ufffdc?\n\t"
