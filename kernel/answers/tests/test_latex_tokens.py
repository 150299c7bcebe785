r"""Attacks `latex_tokens`: separators of thousands, styles, quotes, words behind a number."""

import pytest

from kernel.answers.latex_integer import evaluate_integer

GROUPED = [
    *("32,349", r"32,\!349", r"32,\! 349", "32{,}349", r"32{,}\!349", r"32{\,}349", r"32\,349"),
    *(r"32\;349", r"32\:349", r"32\!349", r"32\ 349", "32 349", "32~349", "32\u2009349", "32_349"),
    *(r"32\_349", "32'349", "32’349", "32\xa0349", "$32{,}349$", "32,349.0"),
    *(r"32 \, 349", "32 {,} 349", r"32{,\!}349", r"32\mathord{,}349", r"32\thinspace 349"),
    *(r"32,\negthinspace 349", "32\u2007349", "32٬349", "32ʼ349"),
]
NOT_GROUPED = ["32,34", "32,3490", "032,349", "32, 349", r"32,\,349", "32.349", "32,349 111"]
NOT_GROUPED += [r"32\text{, }349", "32，349", r"\text{32, 349}", r"32 \quad 349"]
NOT_GROUPED += ["2^3,200", "2^3 200", "32,349.5", "3;200"]

STYLED = [
    *(r"42\ ", r"\ 42\ ", r"\,42\,", r"~42~", "42\\", r"42\\", "42\\\\ ", r"42\quad", r"\qquad 42"),
    *(r"\thinspace 42", r"42\medspace", r"\hspace{1em}42", r"42\hspace*{2pt}", r"42\hfill"),
    *(r"\bigg( 42 \bigg)", r"\Bigg[42\Bigg]", r"\biggl(42\biggr)", r"\left. 42 \right."),
    *(r"\tiny 42", r"\small 42", r"\large{42}", r"\LARGE 42", r"\huge{42}", r"{\Huge 42}"),
    *(r"\scriptstyle 42", r"\displaystyle{42}", r"\bf 42", r"{\rm 42}", r"\mathsf{42}"),
    *(r"\textnormal{42}", r"\textsc{42}", r"\emph{42}", r"\pmb{42}", r"\mbox{42}", r"\smash{42}"),
    *(r"\phantom{0}42", r"42\phantom{\frac{1}{2}}", r"\hphantom{0}42", r"\strut 42"),
    *(r"\colorbox{red}{42}", r"\fcolorbox{red}{white}{42}", r"\color{red}42"),
    *(r"{\color{red} 42}", r"\textcolor[rgb]{1,0,0}{42}", r"\raisebox{2pt}{42}"),
    *(r"42\nonumber", r"42\notag", r"42\tag{1}", r"42 \checkmark", r"\ensuremath{42}"),
    *("**42**", "*42*", "__42__", "_42_", "`42`", "```42```", '"42"', "'42'", "“42”", "«42»"),
    *("``42''", "**Answer:** 42", "Answer: **42**", "x = **42**.", "x = `42`", "$$42$$"),
    *("42 (forty-two)", "42 (forty two)", r"42 \text{ (forty-two)}", '42 ("forty-two")'),
    *("42 sq. units", "42 apples (together)", r"42\text{ cm}", "42¢", r"42\text{ apples.}"),
    *(r"\begin{aligned}42\end{aligned}", r"\mathrm{\ 42}"),
    *(r"42\/", r"\negmedspace 42", r"\kern1pt42", r"\mkern 3mu 42", r"\mskip 3mu 42", r"42\hfil"),
    *(r"\left.42\right.", r"\boldmath 42", r"\mathcal{42}", r"\mathscr{42}", r"\uline{42}"),
    *(r"\textlf{42}", r"\mathrel{42}", r"\makebox{42}", r"\scalebox{2}{42}", r"\bbox[5px]{42}"),
    *(r"\resizebox{2cm}{!}{42}", r"\rotatebox{0}{42}", r"\cssId{x}{42}", r"\href{u}{42}"),
    *("{}42{}", "42{}", r"42 \square", r"42 \Box", "42 ✓", "42 ✅", "42 ■", "42。"),
    *("Answer 42", "Ans. 42", "The final answer 42", "Total 42", r"\text{Remainder }42"),
    *(r"\text{exactly }42", "only 42", "forty-two (42)", r"\text{Forty-two }(42)"),
    *(r"42\ \mathrm{cm^2}", r"42\,\mathrm{cm^3}", r"42 {\rm cm}", r"42\rm{cm}", "42 in total"),
    *(r"42^\degree", r"42{^\circ}", r"42\textdegree", r"\pounds 42", r"42\cent", "₩42"),
]
SPELLED = {
    "100 (one hundred)": 100,
    r"100 \text{ (one hundred)}": 100,
    "112 (one hundred and twelve)": 112,
    r"2000\text{ (two thousand)}": 2000,
}
ALTERED = [
    *("5 (thousand)", r"5 \text{ (thousand)}", "5 thousand", "5 hundred", r"3\text{ halves}"),
    *(
        r"5\text{th}",
        "2 thirds",
        "5 squared",
        "5 dozen",
        "42 apples - 3",
        "42 cm - x",
        "42 apples x",
    ),
    *(
        r"5\mathrm{e}",
        r"5\mathrm{i}",
        r"5\text{x}",
        r"5\text{ M}",
        r"5\text{ pi}",
        "5...",
        "5..",
        "5,...",
    ),
    *("-Answer 5", "sum - 5", "one 5", "forty-two", "a 5", "the 5", r"5\text{ to ten}", "5 to ten"),
    *("5 (x)", "5 (not 6)", "42'", "42 / apples 3", "hundred 42", "5 more", "5 and hundred"),
]
OTHER_BASES = [
    *("101_2", "132_7", "132_{8}", "(101)_2", r"132_{\text{seven}}", "101_{two}", "0b11", "0x2a"),
    *(r"132\text{ (base seven)}", r"132\text{ base }7", "132 (base 7)", "101 binary", "1010_{1}"),
    *("42_{10", "42_{10}_{10}", "42_1", "42_{100}"),
]


@pytest.mark.parametrize("text", GROUPED)
def test_groups_of_three_digits_are_one_number(text: str) -> None:
    assert evaluate_integer(text) == 32349


@pytest.mark.parametrize("text", NOT_GROUPED)
def test_other_groups_are_none(text: str) -> None:
    assert evaluate_integer(text) is None


@pytest.mark.parametrize("text", STYLED)
def test_what_only_looks_different_is_the_same_number(text: str) -> None:
    assert evaluate_integer(text) == 42


@pytest.mark.parametrize("text", SPELLED)
def test_a_number_may_be_spelled_out_behind_it(text: str) -> None:
    assert evaluate_integer(text) == SPELLED[text]


@pytest.mark.parametrize("text", ALTERED)
def test_words_that_make_another_number_are_refused(text: str) -> None:
    assert evaluate_integer(text) is None


@pytest.mark.parametrize("text", OTHER_BASES)
def test_other_bases_than_ten_are_none(text: str) -> None:
    assert evaluate_integer(text) is None


@pytest.mark.parametrize("text", ["42_{10}", "42_10", r"42_{\text{ten}}", "2A_{16} = 42_{10}"])
def test_base_ten_is_dropped(text: str) -> None:
    assert evaluate_integer(text) == 42


@pytest.mark.parametrize("text", ["1e3", "1E3", "0.1e4", "10e2", "1000e0"])
def test_a_power_of_ten_may_be_written_with_an_e(text: str) -> None:
    assert evaluate_integer(text) == 1000


@pytest.mark.parametrize("text", ["1e+3", "1e-3", "1e", "e3", "1e3.5", "1e9999", "1e3x", "5e-1"])
def test_digits_that_may_be_lost_are_none(text: str) -> None:
    assert evaluate_integer(text) is None
