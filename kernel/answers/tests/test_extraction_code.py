"""Attacks `extraction`: fences, and the code that a completion asks to be run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.answers.extraction import (
    pending_code,
)

PENDING: dict[str, str] = {
    # The model writes the output fence, with the block's own fence in all its forms.
    "```python\nprint(1)\n```\n```output": "print(1)",
    "```python\nprint(1)\n```\n```output\n": "print(1)",
    "Text.\n```python\nx = 1\nx\n```\n```output": "x = 1\nx",
    "```python\nprint(1)\n``````output": "print(1)",
    "```python\nprint(1)\n```````output": "print(1)",
    "```python\nprint(1)\n```output": "print(1)",
    "```python\nprint(1)```output": "print(1)",
    "```python\nprint(1)``````output": "print(1)",
    "```python\nprint(1)\n``\n```output": "print(1)",
    "```python\nprint(1)\n`\n```output": "print(1)",
    "```python\nprint(1)\n````\n```output": "print(1)",
    "```python\nprint(1)\n``` \n\n```output": "print(1)",
    "```python\nprint(1)\n```\nRunning this gives:\n```output": "print(1)",
    "```python\nprint(1)\n```\n\n800```output": "print(1)",
    "```python\nprint(1)\n```\n``` output": "print(1)",
    # The model ends its turn behind its block.
    "```python\nprint(1)\n```": "print(1)",
    "```python\nprint(1)\n```\n \n": "print(1)",
    "```python\nprint(1)```": "print(1)",
    # The opening fence.
    "```py\nprint(1)\n```": "print(1)",
    "```Python\nprint(1)\n```": "print(1)",
    "```PYTHON\nprint(1)\n```": "print(1)",
    "```python3\nprint(1)\n```": "print(1)",
    "``` python\nprint(1)\n```": "print(1)",
    "```python \nprint(1)\n```": "print(1)",
    "```python\r\nprint(1)\r\n```": "print(1)",
    "````python\nprint(1)\n````": "print(1)",
    "It is 92.```python\nprint(1)\n```": "print(1)",
    "``python\nprint(1)\n```\n```output": "print(1)",
    "```pythondef f():\n\treturn 1\n```output": "def f():\n\treturn 1",
    "```pythonpython\nprint(1)\n```output": "print(1)",
    "```python print(1)\n```output": "print(1)",
    # In quotes, and a block in a sentence.
    "> ```python\n> if x:\n>     y\n> ```": "if x:\n    y",
    ">```python\n>x\n>```\n```output": "x",
    "Use ```python```:\n```python\nx\n```": "x",
    # A long fence holds shorter ones, if one as long closes it.
    "````python\ns = '''\n```\n'''\n````": "s = '''\n```\n'''",
    "~~~~python\ns = '''\n~~~\n'''\n~~~~\n": "s = '''\n~~~\n'''",
    "````python\nx\n````\n```output\n1\n```\n````python\ny\n````": "y",
    "````python\nx\n```\n```output": "x",
    "````python\nx\n```\n````python\ny\n````": "x\ny",
    # Tildes; the other sign closes nothing.
    "~~~python\nx\n~~~": "x",
    "  ~~~~ python\n  x\n  ~~~~\n": "x",
    "~~~python\nx\n~~~\n```output": "x",
    "~~~python\nx\n```output": "x",
    "~~~python\n'''\n```\n'''\n~~~": "'''\n```\n'''",
    "```python\n'''\n~~~\n'''\n```": "'''\n~~~\n'''",
    # Code on the fence's line.
    "```python x = 1\nx\n```": "x = 1\nx",
    "```python # code\nx\n```": "# code\nx",
    "```python s='x'\nx\n```": "s='x'\nx",
    "```python import math\nx\n```": "import math\nx",
    "```python return x\nx\n```": "return x\nx",
    "```python x\n```": "x",
    "```python x = y\nx\n```": "x = y\nx",
    "```python x + y\nx\n```": "x + y\nx",
    "```python try:\n  x\nexcept: y\n```": "try:\n  x\nexcept: y",
    # Indentation.
    "  ```python\n  if x:\n      y\n  ```\n  ```output": "if x:\n    y",
    "1. Run\n\n   ```python\n   x = 1\n\n   x\n   ```": "x = 1\n\nx",
    "```python\n    x = 1\n    x\n```": "x = 1\nx",
    # Several blocks before one output: all of them, in order.
    "```python\nold\n```\nThen\n```python\nnew\n```\n```output": "old\nnew",
    "```python\na\n```\n  ```python\n  b\n  ```\n```py\nc\n```output": "a\nb\nc",
    "```python\nold\n```\n```python\n\n```": "old",
    "```python\nold\n```\n```sage\nno\n```\n```python\nnew\n```": "old\nnew",
    # Behind an output only what is new.
    "```python\nold\n```output\n1\n```\nThen\n```python\nnew\n```": "new",
    "```python\na\n```\n```output\n1\n```\n```python\nb\n```\n```python\nc\n```\n```output": "b\nc",
    "```python\nold\n```python\nnew\n```": "new",
    "```\nplain\n```\n```python\nnew\n```": "new",
    "```\n```python\nnew\n```": "new",
    # Backticks within code.
    "```python\ns = '```'\nprint(s)\n```": "s = '```'\nprint(s)",
    "```python\ns = '```python'\nprint(s)\n```": "s = '```python'\nprint(s)",
    "```python\n# `x` and ``y``\nprint(1)\n```": "# `x` and ``y``\nprint(1)",
}

NOT_PENDING = [
    "",
    "No code at all.",
    "The answer is $\\boxed{5}$.",
    "```output",
    "Text\n```output",
    "print(1)\n```output",
    "```\nprint(1)\n```\n```output",
    "x ~~~python\nprint(1)\n~~~",
    "~~~python\nprint(1)\n```",
    "```python\nprint(1)\n~~~",
    "```{.java}\nprint(1)\n```",
    "```python title='x'\n```",
    "```python```",
    "```sage\nprint(1)\n```\n```output",
    "```python\n```",
    "```python\n \n```\n```output",
    "```python\nprint(1)",
    "```python\nprint(1)\n``",
    "Say ```python",
    "```python\n\n```\n```python\n \n```",
    "```python\nprint(1)\n```\nSo the answer is 1.",
    "```python\nprint(1)\n``` So the answer is 1.",
    "```python\nold\n```\n```python\nnew",
    "```python\nold\n```\nThen ```",
    "```python\nold\n```output\n1\n```\nSo it is 1.",
    "```python\nold\n```\n```output\n1\n```",
    "```python\nold\n```\n```output\n1\n```\nAgain:\n```output",
]


INFO_STRINGS = [
    *("```python:", "```python :", "```python;", "```Python:", "```python3:", "```python3.11"),
    *("```ipython3", "```ipython", "```python-repl", "```python code", "```Python script"),
    *('```python title="x"', "```python title='a b'", '```python linenums="1" hl_lines="2 3"'),
    *('```py title="a b"', "```python copy", "```python showLineNumbers", "```python {1,3}"),
    *("```python [main]", "```python {.line}", '```python file="a.py" {2}', "```python eval=False"),
    *("```python:main.py", "```python: main.py", "```python main.py", "```python:src/solve"),
    *("```{.python}", "```{python}", "``` {.python}", "```{ .python }", "```{.python .numbers}"),
    *("```{python, echo=TRUE}", "```{.python3}", "```{py}", "```{code-cell} python"),
    *("```{code-block} ipython3", "~~~python", "~~~ python", "~~~{.python}", '~~~python title="x"'),
    *("```Python code:", "```python{1,3}", '```python{title="x"}', "```python path=a/b.py"),
    *("```python lineno=1", "```python numberLines", '```python numberLines startFrom="1"'),
    *("```python wrap", "```python run", "```python no-run", "```python interactive copy"),
    *('```python data-x="1"', "```python tags=[a]", "```python version=3", "```python=", "```py=1"),
    *("```python (main.py)", "```python: main", "```{#id .python}", "```{.numberLines .python}"),
    *("```language-python", "```lang=python", "```python here is the code:"),
    *("   ```python:  ", "```python\t", "- ```python", "1. ```python"),
]


@pytest.mark.parametrize("info", INFO_STRINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_stands_behind_the_language_is_no_code(info: str, newline: str) -> None:
    fence = "~~~" if "~" in info else "```"
    lines = ["Text.", info, "x = 1", "print(x)", fence]
    for end in ("", newline, f"{newline}```output"):
        code = pending_code(newline.join(lines) + end)
        assert code is not None
        assert code.splitlines() == ["x = 1", "print(x)"]


@pytest.mark.parametrize("completion", PENDING)
def test_code_that_a_completion_asks_to_run(completion: str) -> None:
    assert pending_code(completion) == PENDING[completion]


@pytest.mark.parametrize("completion", NOT_PENDING)
def test_code_that_nobody_asks_to_run(completion: str) -> None:
    assert pending_code(completion) is None


CODE = st.lists(
    st.sampled_from(
        ["x = 1", "if x:\n    print(x)", "print('`')", "# end", "def f():\n\n    pass"]
    ),
    min_size=1,
).map("\n".join)


@given(
    before=st.sampled_from(["", "Text.\n", "Text. ", "```python\nold\n```output\n7\n```\nSo\n"]),
    opening=st.sampled_from(["```python\n", "```py\n", "``` Python \n", "````python\n"]),
    code=CODE,
    closing=st.sampled_from(
        ["\n```", "\n```\n```output", "\n``````output", "```output", "\n```\n"]
    ),
)
def test_code_comes_back_as_it_was_written(
    before: str, opening: str, code: str, closing: str
) -> None:
    assert pending_code(before + opening + code + closing) == code
