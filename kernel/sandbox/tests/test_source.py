"""Source to code objects, exceptions to text."""

import pytest

from kernel.sandbox.source import compile_block, describe, summary


def displayed(source: str) -> object:
    program = compile_block(source, "<block 1>")
    names: dict[str, object] = {}
    exec(program.body, names)
    return eval(program.last, names) if program.last else None


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", 2),
        ("x = 1", None),
        ("f = lambda: 3\nf(\n)", 3),
        ("if True:\n    5", None),
        ("x = 1\nx;", 1),
        ("", None),
        ("# nothing", None),
        ("'''text'''", "text"),
        ("  x = 2\n  x", 2),
        ("!ls\n4", 4),
        ("\ufeff1\r\n2", 2),
    ],
)
def test_last_expression(source: str, value: object) -> None:
    assert displayed(source) == value


MAGICS = {
    "shell": ("!ls -l\nx = 4", 4, ["!ls -l"]),
    "package": ("%pip install a\nx = 4", 4, ["%pip install a"]),
    "under except": (
        "try:\n    import nothing_here\nexcept ImportError:\n    !pip install nothing_here\nx = 4",
        4,
        ["!pip install nothing_here"],
    ),
    "under if": ("if True:\n  %matplotlib inline\nx = 4", 4, ["%matplotlib inline"]),
    "in brackets": ("x = (17\n% 5)", 2, []),
    "in nested brackets": ("%pip list\nx = [(17\n  % 5\n), 1][0]", 2, ["%pip list"]),
    "behind a backslash": ("!ls\nx = 17 \\\n% 5", 2, ["!ls"]),
    "in a string": ("!ls\nx = '''\n!a\n%b'''", "\n!a\n%b", ["!ls"]),
    "in a string with quotes": ('!ls\nx = """"\n!a"""', '"\n!a', ["!ls"]),
    "behind a comment with a bracket": ("y = 1  # (\n!ls\nx = 4", 4, ["!ls"]),
    "behind a string with a bracket": ("y = '('\n!ls\nx = 4", 4, ["!ls"]),
    "behind a string with a quote": ("y = 'it\\'s'\n!ls\nx = 4", 4, ["!ls"]),
    "in a continued string": ("!ls\nx = 'a\\\n!b'", "a!b", ["!ls"]),
    "time": ("%time x = 6 * 7", 42, []),
    "timeit with options": ("%timeit -n 10 -r3 x = 6", 6, []),
    "prun with an option's word": ("%prun -s cumulative x = 6", 6, []),
    "lprun": ("def f(): return 4\n%lprun -f f x = f()", 4, []),
    "mprun": ("%mprun -T out.txt -f f x = 4", 4, []),
    "timeit, its options together": ("%timeit -n1 -r 1 -q -o x = 4", 4, []),
    "timeit, a negative number": ("%timeit  -1\nx = 4", 4, ["%timeit  -1"]),
    "time behind a tab": ("%time\tx = 4", 4, []),
    "cell of timeit with a setup": ("%%timeit -n 1 y = 4\nx = y", 4, []),
    "cell of lprun": ("%%lprun -f f\nx = 4", 4, ["%%lprun -f f"]),
    "time, indented": ("for i in range(3):\n    %time x = i", 2, []),
    "time, continued": ("%time x = 4 + \\\n    1", 5, []),
    "cell of time": ("%%time\nx = 4", 4, ["%%time"]),
    "cell of a shell": ("x = 4\n%%bash\nls\nx=5", 4, ["%%bash"]),
    "continued shell": ("!pip install \\\n  sympy\nx = 4", 4, ["!pip install sympy"]),
    "indented by itself": ("  !ls\nx = 4", 4, ["!ls"]),
    "indented below a statement": ("x = 4\n    !ls\n  %pwd", 4, ["!ls", "%pwd"]),
    "two in a suite": ("if True:  # so:\n    # c\n    !ls\n    %pwd\nx = 4", 4, ["!ls", "%pwd"]),
    "under else": ("if False:\n    x = 1\nelse:\n    %pwd\nx = 4", 4, ["%pwd"]),
    "under with": ("with open('/dev/null') as f:\n    !cat f\nx = 4", 4, ["!cat f"]),
    "under finally": ("try:\n    x = 4\nfinally:\n    !rm a", 4, ["!rm a"]),
    "with open quotes and brackets": ("!echo '(\nx = 4", 4, ["!echo '("]),
    "behind a string of colons": ("y = ':'\n  !ls\nx = 4", 4, ["!ls"]),
    "help": ("x = 4\nx?\nlen??", 4, ["x?", "len??"]),
    "modulo, no magic": ("x = 17 \\\n  % 5", 2, []),
}


@pytest.mark.parametrize(("source", "value", "left_out"), MAGICS.values(), ids=MAGICS.keys())
def test_magics(source: str, value: object, left_out: list[str]) -> None:
    program = compile_block(source, "<block 1>")
    names: dict[str, object] = {}
    exec(program.body, names)
    assert names["x"] == value
    assert list(program.left_out) == left_out


@pytest.mark.parametrize(
    "source",
    [
        "files = !ls",
        "x = 17\n% 5",
        "x = 17\n%= 5",
        "x = 17\n!= 5",
        "x = 1\n%",
        "Is this code?",
        "x = 1\nprint(x))\n!ls",
    ],
)
def test_what_is_no_magic_stays_an_error(source: str) -> None:
    with pytest.raises(SyntaxError):
        compile_block(source, "<block 1>")


@pytest.mark.parametrize(
    "source", ["x = = 1", "def", "1 +", "  x = 1\n y = 2", "'open", "!ls\nx ="]
)
def test_what_is_no_python_stays_an_error(source: str) -> None:
    with pytest.raises(SyntaxError):
        compile_block(source, "<block 1>")


def test_calls_of_names_the_block_binds_do_not_count() -> None:
    called = compile_block("sum = max\nsum(1, 2)\nlen('a')\nx.min()", "<block 1>").called
    assert called == {"len"}


def failure(source: str) -> BaseException:
    try:
        exec(compile_block(source, "<block 1>").body, {})
    except BaseException as error:
        return error
    raise AssertionError("the source was to fail")


def test_traceback_shows_the_line() -> None:
    source = "def f():\n    return 1 / 0\nx = f()"
    assert describe(failure(source), {"<block 1>": source}).split("\n") == [
        "Traceback (most recent call last):",
        '  File "<block 1>", line 3, in <module>',
        "    x = f()",
        '  File "<block 1>", line 2, in f',
        "    return 1 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_recursion_is_told_once() -> None:
    source = "def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\nf(1)"
    text = describe(failure(f"{source}\nx = 1"), {"<block 1>": source})
    assert text.count("\n") < 12
    assert "more times" in text


def test_long_chains_lose_their_middle() -> None:
    source = "\n".join(f"def f{n}(): return f{n + 1}()" for n in range(40)) + "\nx = f0()"
    text = describe(failure(source), {"<block 1>": source})
    assert "more calls" in text
    assert "in f39" in text


def test_long_lines_are_cut() -> None:
    source = f"x = 1 / 0  # {'y' * 5000}"
    assert len(describe(failure(source), {"<block 1>": source})) < 600


def test_the_type_is_named_with_its_module() -> None:
    import decimal

    assert summary(decimal.InvalidOperation("x")) == "decimal.InvalidOperation: x"
    assert summary(ValueError("a\nb")) == "ValueError: a\nb"
    assert summary(ValueError()) == "ValueError"
