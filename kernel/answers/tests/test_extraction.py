r"""Attacks `extraction`: boxes, the competition's convention, printed integers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.answers.extraction import (
    extract_answer,
    find_boxed,
    printed_integer,
    to_answer,
)
from kernel.config import Config

BOXES: dict[str, str | None] = {
    "": None,
    "42": None,
    r"$\boxed{42}$": "42",
    r"\boxed{ 42 }": "42",
    r"\boxed {42}": "42",
    "\\boxed\n{42}": "42",
    r"\boxed{1} and \boxed{2}": "2",
    r"\boxed{\frac{1}{2}}": r"\frac{1}{2}",
    r"\boxed{\{1, 2\}}": r"\{1, 2\}",
    r"\boxed{\left\{ 5 \right.}": r"\left\{ 5 \right.",
    r"\boxed{a\}b}": r"a\}b",
    r"\fbox{42}": "42",
    r"\\boxed{42}": "42",
    "\x08oxed{42}": "42",
    r"\boxed 5": "5",
    r"\boxed5.": "5.",
    r"\boxed -5": "-5",
    r"\boxed{1}, so \boxed 12, so": "12,",
    r"\boxed 1{,}234$": "1{,}234",
    r"$\boxed 42/2$": "42/2",
    r"\boxed 2^{10}": "2^{10}",
    r"\boxed 42\%.": r"42\%.",
    r"$\boxed 42x$": "42x",
    r"**\boxed 42**": "42",
    r"(\boxed 42)": "42",
    r"{\boxed 42}": "42",
    # Nested: the outermost that is complete.
    r"\boxed{\boxed{5}}": r"\boxed{5}",
    r"\boxed{\boxed{3}+4}": r"\boxed{3}+4",
    r"\boxed{ and \boxed{5}": "5",
    # Cut off or empty: the one before.
    r"\boxed{1} and \boxed{2": "1",
    r"\boxed{1} and \boxed": "1",
    r"\boxed{1} and \boxed{\frac{2}{3}": "1",
    r"\boxed{1}, as asked in \boxed{}": "1",
    r"\boxed{1}, as asked in \boxed{ }": "1",
    r"\boxed{}": None,
    r"\boxed{2": None,
    r"\boxed x": None,
    r"\boxedness{5}": None,
    r"boxed{5}": None,
    # Braces around it.
    r"{\boxed{5}}": "5",
    r"}}\boxed{5}}}": "5",
    r"{{\boxed{5}": "5",
    r"\{\boxed{5}": "5",
}


FAILED = """```output
Traceback (most recent call last):
  File "<block>", line 1, in <module>
    print(f"\\boxed{{{x}}}")
NameError: name 'x' is not defined
```
"""
NOT_IN_CODE: dict[str, int | None] = {
    "\\boxed{42}\n```python\nprint(f'\\boxed{{{x}}}')\n```\n" + FAILED: 42,
    "\\boxed{42}\n```python\nx\n```output\n" + FAILED.partition("\n")[2]: 42,
    "\\boxed{42}\n```python\nx\n```\n```output\n\\boxed{7}\nTimeoutError: long\n```\n": 42,
    "\\boxed{42}\n```python\nx\n```\n```output\n\\boxed{7}\nCrash: SIGSEGV\n```\n": 42,
    "\\boxed{42}\n```output\nExceptionGroup: a\n  | E: \\boxed{7}\n```\n": 42,
    "\\boxed{42}\n```python\nx\n```output\n  print('\\boxed{7}'\nSyntaxError: (\n```\n": 42,
    "\\boxed{42}\n```python\n# Is it \\boxed{7}?\nx = 1\n```\n```output\n1\n```\n": 42,
    "\\boxed{42}\n```python\ns = r'\\boxed{7}'\n```output\n1\n```\n": 42,
    "\\boxed{42}\n~~~python\ns = r'\\boxed{7}'\n~~~\n": 42,
    '\\boxed{42}\n```python\n"""\nBox \\boxed{7}.\n"""\n```\n': 42,
    "\\boxed{42}\n```python\na\n```python\n# \\boxed{7}\n```\n": 42,
    "\\boxed{42}\n> ```python\n> # \\boxed{7}\n> ```\n": 42,
    "\\boxed{42}\n```python title='x'\ns = '\\boxed{7}'\n```\n": 42,
    # A block that the end cuts off, or that nobody closed.
    "\\boxed{42}\n```python\n# Is it \\boxed{7}?\nx = 1": 42,
    '\\boxed{42}\n```python\nx = "\\boxed{7}"': 42,
    '\\boxed{42}\n```python\nx = rf"\\boxed{7}"': 42,
    '\\boxed{42}\n```python\n"""\nBox \\boxed{7}.\n': 42,
    "\\boxed{42}\n```python\nprint(1 + (2), \\boxed{7})": 42,
    "```python\nx = 1\n\nLet's say it's $\\boxed{42}$.": 42,
    # Of no language, or another.
    "\\boxed{42}\n```\n# Is it \\boxed{7}?\n```\n": 42,
    "\\boxed{42}\n```sage\ns = '\\boxed{7}'\n```\n": 42,
    "```\n\\boxed{42}\n```": 42,
    "```latex\nSo $\\boxed{42}$.\n```\n": 42,
    # No blocks at all.
    "\\boxed{42}, as print('\\boxed{7}') says": 42,
    "\\boxed{42}, as print(f('\\boxed{7}')) says": 42,
    "print(x) gives \\boxed{42}": 42,
    "print(f(g(x))) gives \\boxed{42}": 42,
    "# Answer: \\boxed{42}": 42,
    "'\\boxed{42}'": 42,
    "Use ```python``` code. \\boxed{42}": 42,
    # What code that ran has printed, and what stands behind it.
    "```python\nx\n```\n```output\n\\boxed{42}\n```\n": 42,
    "```python\nx\n```output\n\\boxed{42}\n```\n": 42,
    "```python\nx\n```\n```output\n\\x08oxed{42}\n```\n": 42,
    "```python\nx\n```\n```output\nMean Error: 1\n\\boxed{42}\n```\n": 42,
    "```python\nx\n```\n" + FAILED + "So $\\boxed{42}$.": 42,
    "```python\nx = {\n```\n```output\n{\n```\n{\\boxed{42}": 42,
    "```python\nx\n```\n```output\n1\n```\n```\n\\boxed{42}\n```\n": 42,
    "\\boxed{42\\ }": 42,
    "\\boxed{\\ 42\\ }": 42,
    "\\boxed{ 42\\\\ }": 42,
    # A line's end in front of the closing brace does not open or write one.
    "\\boxed{42\\\\}": 42,
    "\\boxed{42\\\\\\\\}.": 42,
    "\\\\boxed{42}": 42,
    "\\boxed{\\{42\\}}": 42,
    "\\boxed{\\\\\\{42\\\\\\}}": 42,
}


@pytest.mark.parametrize("text", NOT_IN_CODE)
def test_boxes_in_code_and_beside_errors_are_no_answers(text: str) -> None:
    assert extract_answer(text) == NOT_IN_CODE[text]


@pytest.mark.parametrize("text", BOXES)
def test_the_last_box(text: str) -> None:
    assert find_boxed(text) == BOXES[text]


ANSWERS: dict[str, int | None] = {
    r"\boxed{42}": 42,
    r"So $x = \boxed{-7}$.": -7,
    r"\boxed{12345678901234567890}": 12345678901234567890,
    r"\boxed{x = 2^{10}}": 1024,
    r"\boxed{1} \boxed{\frac{1}{2}}": None,
    r"\boxed{1} \boxed{\text{none}}": None,
    r"\boxed{9^{9^9}}": None,
    r"\boxed{" + "1" * 5000 + "}": None,
    "42": None,
    "The answer is: 42": None,
    r'print("\\boxed{" + str(x) + "}")': None,
    r'print(f"\\boxed{{{x}}}")': None,
}


@pytest.mark.parametrize("text", ANSWERS)
def test_the_last_box_is_the_answer(text: str) -> None:
    assert extract_answer(text) == ANSWERS[text]


@given(st.integers(), st.text(alphabet="ab {}\\$\n", max_size=30))
def test_a_boxed_integer_is_found_behind_any_text(value: int, before: str) -> None:
    # A backslash right before the box would escape nothing: LaTeX reads a line break.
    assert extract_answer(before + rf"\boxed{{{value}}}") == value


@pytest.mark.parametrize(
    ("value", "modulus", "most", "answer"),
    [
        (42, 1000, 999, 42),
        (1000, 1000, 999, 0),
        (12345, 1000, 999, 345),
        (-1, 1000, 999, 999),
        (-1000, 1000, 999, 0),
        (10**400 + 7, 1000, 999, 7),
        (42, None, 99999, 42),
        (99999, None, 99999, 99999),
        (100000, None, 99999, None),
        (-1, None, 99999, None),
        (500, 1000, 99, None),
    ],
)
def test_the_competitions_convention(
    value: int, modulus: int | None, most: int, answer: int | None
) -> None:
    assert to_answer(value, Config(modulus=modulus, max_answer=most)) == answer


# --- Printed integers ---

PRINTED: dict[str, int | None] = {
    "42": 42,
    "42\n": 42,
    " 42 \n\n": 42,
    "1\n2\n3\n": 3,
    "-42": -42,
    "−42": -42,
    "042": 42,
    "1,234": 1234,
    "42.0": 42,
    "42.000": 42,
    "42.": 42,
    "12345678901234567890": 12345678901234567890,
    "answer: 42": 42,
    "Answer:42": 42,
    "x = 42": 42,
    "x=42": 42,
    "f(10) = 42.0": 42,
    "f(10) 42": 42,
    "The answer is 42": 42,
    "The answer is 42.": 42,
    "Total 42": 42,
    "In all, x = 42": 42,
    "[42]": 42,
    "{42}": 42,
    "(42,)": 42,
    "[[42]]": 42,
    "{x: 42}": 42,
    "[{x: 42}]": 42,
    "x = [42]": 42,
    "2**3 = 8": 8,
    "10 % 3 = 1": 1,
    "Mean Squared Error: 5": 5,
    "Iteration: 42": 42,
    "\\boxed{42}": 42,
    "\x08oxed{42}": 42,
    "The answer is \\boxed{2^5}": 32,
    "\\x08oxed{42}": 42,
    "f(1, 2) = 42": 42,
    "gcd(12, 18): 6": 6,
    "f(1, 2) 42": 42,
    "{'x': 42}": 42,
    "2**3=8": 8,
    "The sum for n = 10 is 42": 42,
    "f(n=10): 42": 42,
    "Remainder when divided by 1000: 376": 376,
    "ANSWER 42": 42,
    "x -> 42": 42,
    "Answer => 42": 42,
    "Answer : 42": 42,
    "Answer :42": 42,
    "**42**": 42,
    "`42`": 42,
    "'42'": 42,
    "The answer is $42$": 42,
    "Answer: **42**": 42,
    'Answer: "42".': 42,
    "np.int64(42)": 42,
    "[np.int64(42)]": 42,
    "Answer: np.int64(-42)": -42,
    "Fraction(42, 1)": 42,
    # A modulus behind it is no result.
    "12 MOD 1000": 12,
    "12 (mod 1000)": 12,
    "12 mod 1000": 12,
    "12 modulo 1000.": 12,
    "12 [mod 1000]": 12,
    "12345 mod 1000": 345,
    "-1 mod 1000": 999,
    "Answer: 376 mod 1000": 376,
    "Answer = 376 (mod 1000)": 376,
    "The answer is 376 mod 1000": 376,
    "Answer (mod 1000): 376": 376,
    "2^100 mod 1000: 376": 376,
    "2^100 mod 1000 = 376": 376,
    "x ≡ 12 (mod 1000)": 12,
    # No integer, or several.
    "1234,567": None,
    "12,34": None,
    "42..": None,
    "42...": None,
    "Fraction(42, 5)": None,
    "[np.int64(3), np.int64(42)]": None,
    "'3' '42'": None,
    "x, y = 1,234": None,
    "x and y = 42": None,
    "x_1, x_2: 42": None,
    "So, x = 42": 42,
    "376 remainder 5": None,
    "10 -> 42": None,
    "x = 3 -> 42": None,
    "": None,
    "\n \n": None,
    "42\nDone": None,
    "None": None,
    "True": None,
    "42.5": None,
    "0.42": None,
    "1e5": None,
    "1e+16": None,
    "1/42": None,
    "3 42": None,
    "3, 42": None,
    "[3, 42]": None,
    "(3, 42)": None,
    "[1, 234]": None,
    "x = 3, y = 42": None,
    "x: 3, y: 42": None,
    "{x: 3, y: 42}": None,
    "{x: -20, y: 42}": None,
    "(1, 2) 42": None,
    "[]": None,
    "x + 42": None,
    "x**2 + 42": None,
    "7*sqrt(2)": None,
    "2*42": None,
    "x <= 42": None,
    "10:42": None,
    "0x2a": None,
    "1" * 641: None,
    "x" * 2000 + " 42": None,
    "\\boxed{\\frac{1}{2}}": None,
    "3 and 4": None,
    "3 or 4": None,
    "3 to 4": None,
    "x = 3 and y = 42": None,
    "x = 3 or x = 42": None,
    "x = 3; y = 42": None,
    "x = 3 | y = 42": None,
    "x = 3 y = 42": None,
    "x=3,y=42": None,
    "x: 3 y: 42": None,
    "{'x': 3, 'y': 42}": None,
    "{x: 3,y: 42}": None,
    "{x: [3], y: 42}": None,
    "(x, y) = 42": None,
    "[3,420]": None,
    "(1,234)": None,
    "{x: 1,234}": None,
    "[42": None,
    "42]": None,
    "[[42]": None,
    "True 42": None,
    "x 42": None,
    "x -42": None,
    "3 : 42": None,
    "x == 42": None,
    "x != 42": None,
    "x >= 42": None,
    "x ~= 42": None,
    "12 mod 0": None,
    "12 % 1000": None,
    "mod 1000": None,
    "x (mod 1000)": None,
    # Numbers that a sentence mentions.
    "checking n = 42": None,
    "Testing n = 42": None,
    "trying n=42": None,
    "lower bound is 42": None,
    "mod = 1000": None,
    "There is no n = 42": None,
    "False: 42": None,
    "skip: 42": None,
    "exit code: 42": None,
    "Elapsed: 42": None,
    "no solutions in range 1000": None,
    "No solutions in range: 1000": None,
    "No solution found for n = 1000": None,
    "Not found: 1000": None,
    "There is no such x below the bound: 1000": None,
    "Nothing found with sum = 10": None,
    "No answer 42": None,
    "Checked up to n = 1000": None,
    "Checked 1000": None,
    "for n = 1000": None,
    "searching below N = 1000": None,
    "limit: 1000": None,
    "Limit = 1000": None,
    "in range 1000": None,
    "out of 42": None,
    "up to 42": None,
    "The answer is not 42": None,
    "The answer is below 42": None,
    "between 1 and 42": None,
    "the minimum is at 42": None,
    "a sub-total 42": None,
    # Errors.
    "ZeroDivisionError: division by zero": None,
    "KeyError: 42": None,
    "ValueError: invalid literal for int() with base 10": None,
    "sympy.SympifyError: x = 42": None,
    "KeyboardInterrupt: 42": None,
    "StopIteration: 42": None,
    "Traceback (most recent call last): 42": None,
    "7\nTraceback (most recent call last):\nNameError: name 'x' is not defined": None,
}


@pytest.mark.parametrize("output", PRINTED)
def test_the_integer_printed_last(output: str) -> None:
    assert printed_integer(output) == PRINTED[output]


@settings(deadline=None)
@given(
    st.integers(-(10**600), 10**600), st.sampled_from(["{}", "x = {}", "[{}]", "1\n{}\n", "{}.0"])
)
def test_any_printed_integer_is_read(value: int, form: str) -> None:
    assert printed_integer(form.format(value)) == value
