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
