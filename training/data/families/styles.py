"""The same program as different people write it: a named answer, a function, a comment.

Covers: changes that leave what a program prints as it is. Does not cover: mistakes (`faults`).
"""

import random
import re
import textwrap

NAMES = ("answer", "result", "ans", "total", "value")
FUNCTIONS = ("solution", "compute", "find_answer", "get_value")
_LAST_PRINT = re.compile(r"^print\((?P<shown>.+)\)$")
_IMPORT = re.compile(r"^(?:from|import) ")


def styled(program: str, result: str, draw: random.Random) -> str:
    """Return the program in a style drawn at random.

    Args:
        program: ends in a line `print(...)`.
        result: what it prints, for a comment.
        draw: decides the style.
    """
    style = draw.random()
    if style < 0.2:
        program = named(program, draw.choice(NAMES))
    elif style < 0.35:
        program = as_function(program, draw.choice(FUNCTIONS))
    if draw.random() < 0.3:
        comment = result.replace("$", "")
        program = f"# {comment}\n{program}"
    return program


def named(program: str, name: str) -> str:
    """Return the program with its last value in a variable before it is printed."""
    *before, last = program.splitlines()
    shown = _LAST_PRINT.match(last)
    if not shown or re.fullmatch(r"\w+", shown["shown"]) or re.search(rf"\b{name}\b", program):
        return program
    return "\n".join([*before, f"{name} = {shown['shown']}", f"print({name})"])


def as_function(program: str, name: str) -> str:
    """Return the program as a function whose value is printed."""
    lines = program.splitlines()
    shown = _LAST_PRINT.match(lines[-1])
    if not shown or "def " in program or "print" in "".join(lines[:-1]):
        return program
    imports = [line for line in lines if _IMPORT.match(line)]
    body = [line for line in lines[:-1] if not _IMPORT.match(line)]
    inner = textwrap.indent("\n".join([*body, f"return {shown['shown']}"]), "    ")
    head = [*imports, ""] if imports else []
    return "\n".join([*head, f"def {name}():", inner, "", f"print({name}())"])
