"""`extraction` on any text, in bounded time, and on real transcripts."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.answers.extraction import (
    MAX_TEXT,
    extract_answer,
    pending_code,
    printed_integer,
)

FUNCTIONS = [pending_code, extract_answer, printed_integer]
FRAGMENTS = [
    *("\\boxed{", "\\boxed", "\\boxed ", "\\boxed{}", "\\boxed{5}", "\\fbox{ ", "{", "}", "{}"),
    *(
        "\\{",
        "\\}",
        "\\",
        "\x08oxed{",
        "\x08",
        "5",
        "1,",
        "=",
        "= ",
        "a",
        "a ",
        "(",
        "[",
        ") ",
        ":",
    ),
    *(
        "`",
        "``",
        "```",
        "```\n",
        "x```",
        "```python",
        "```python\n",
        "```python ",
        "```py",
        "```output",
    ),
    *("```python\nx```output\n", "\n``python", "pythonpython", "output", " ", "\n", "\t\n", "\r"),
    *("```python {", '```py title="', "```python a b", "````python\n```\n", "~~~\n````\n"),
    *("\n  x", "Error", "-", "−", ".0", "\ud800", "\x00", "\u2028", "é"),
]
PIECES = st.lists(st.sampled_from(FRAGMENTS), max_size=80).map("".join)
LONG = st.builds(
    lambda head, parts, times, tail: head + "".join(parts) * times + tail,
    PIECES,
    st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=4),
    st.integers(1, 20_000),
    PIECES,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.text(max_size=3000), PIECES, LONG))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for function in FUNCTIONS:
        assert isinstance(function(text), int | str | None)


# Most of the text's length squared would take minutes.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_long_text_of_anything_is_read_in_linear_time(fragment: str) -> None:
    text = fragment * (MAX_TEXT // len(fragment))
    within_box = "\\boxed{" + text[: MAX_TEXT // 2] + "}" * (MAX_TEXT // 2 - 10)
    within_code = "```python\n" + text[: MAX_TEXT - 20] + "\n```"
    for case in (text, within_box, within_code, within_code.replace("python", "", 1)):
        for function in FUNCTIONS:
            assert isinstance(function(case), int | str | None)


def test_the_end_of_a_very_long_text_counts() -> None:
    filler = "and so on, " * 20_000
    assert extract_answer(rf"\boxed{{1}} {filler} \boxed{{2}}") == 2
    assert pending_code(filler + "```python\nprint(1)\n```\n```output") == "print(1)"


# What models write, as whole transcripts: the codes they ask to run, then the answer.
TRANSCRIPTS: dict[str, tuple[list[str], int | None]] = {
    "Let me compute it.\n```python\ndef f(n):\n    return n * 7\n\nprint(f(6))\n```\n"
    "```output\n42\n```\nThe answer is $\\boxed{42}$.": (
        ["def f(n):\n    return n * 7\n\nprint(f(6))"],
        42,
    ),
    "```python\nx = 6\nprint(x)\n``````output\n6\n```\nThen:\n"
    "```python\nprint(x*7)\n```output\n42\n```\nSo it is \\boxed{42}.": (
        ["x = 6\nprint(x)", "print(x*7)"],
        42,
    ),
    "First:\n```python\na = 6\n```\nand then:\n```python\nprint(a * 7)\n```\n"
    "```output\n42\n```\nHence $a = \\boxed{6 \\cdot 7 = 42}$": (["a = 6\nprint(a * 7)"], 42),
    "I guess $\\boxed{41}$. Let us check.\n```python\nprint(f'\\\\boxed{{{y}}}')\n```\n"
    "```output\nTraceback (most recent call last):\n    print(f'\\\\boxed{{{y}}}')\n"
    "NameError: name 'y' is not defined\n```\nI cannot check it.": (
        ["print(f'\\\\boxed{{{y}}}')"],
        41,
    ),
    "1. We run\n\n   ```python\n   # perhaps \\boxed{7}?\n   print(42)\n   ```\n"
    "   ```output\n42\n```\n2. So: \\boxed{\\textbf{(B)}\\ 42}": (
        ["# perhaps \\boxed{7}?\nprint(42)"],
        42,
    ),
    "```python\nx = 1\n\n2. Next we define\n\n```python\ny = 2\n\n"
    "3. Hence the sum is $\\boxed{3}$.": ([], 3),
    "~~~python\nprint('\\\\boxed{42}')\n~~~\n```output\n\\boxed{42}\n```\n": (
        ["print('\\\\boxed{42}')"],
        42,
    ),
    "It is $\\boxed{\\frac{1}{2}}$.\n```python\nprint(1/2)\n```\n"
    "```output\n0.5\n```\nNo integer.": (["print(1/2)"], None),
    "The pair is $\\boxed{(3,100)}$.": ([], None),
    "There is no code here, and no box: 42.": ([], None),
}


def completions(text: str) -> Iterator[str]:
    """Cut a transcript into what the model wrote: each ends in the output fence, but the last."""
    parts = re.split(r"```output.*?(?:```|\Z)", text, flags=re.DOTALL)
    yield from (part + "```output" for part in parts[:-1])
    yield parts[-1]


@pytest.mark.parametrize("text", TRANSCRIPTS)
def test_a_transcript_is_read_as_its_reader_would(text: str) -> None:
    codes, answer = TRANSCRIPTS[text]
    asked = [pending_code(completion) for completion in completions(text)]
    assert [code for code in asked if code is not None] == codes
    assert extract_answer(text) == answer
