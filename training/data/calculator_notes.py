"""GSM8K's calculator notes as programs: `<<48/2=24>>` becomes a line of Python.

Covers: turning a worked solution into a program that is actually run, with earlier results by name,
and into plain words. Does not cover: solutions without notes, and notes that are not arithmetic.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

_NOTE = re.compile(r"<<([^<>]*)>>")
_PLAIN = re.compile(r"[\d.\s+*/()-]+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
_ANSWER = re.compile(r"####\s*(?P<answer>.+?)\s*\Z")


@dataclass(frozen=True, slots=True)
class WorkedSolution:
    """A worked solution in its parts."""

    words: str
    """The text without notes and without the last line."""
    answer: int | None
    """The integer after `####`; None where it is none."""
    program: str | None
    """None where a note is not arithmetic, or there is none."""


def worked(solution: str) -> WorkedSolution:
    """Return the parts of a solution as GSM8K writes it."""
    marked = _ANSWER.search(solution)
    body = solution[: marked.start()].rstrip() if marked else solution
    answer = marked["answer"].replace(",", "").removesuffix(".") if marked else ""
    whole = int(answer) if re.fullmatch(r"-?\d{1,18}", answer) else None
    return WorkedSolution(_NOTE.sub("", body), whole, _program(body))


def _program(body: str) -> str | None:
    """Return the notes as a program that prints the last one's value."""
    lines: list[str] = []
    names: dict[Fraction, str] = {}
    for line in body.splitlines():
        for note in _NOTE.findall(line):
            expression, equals, value = note.partition("=")
            if not equals or not _PLAIN.fullmatch(expression) or not _number(value):
                return None
            name = f"step{len(names) + 1}"
            lines += [*_comment(line), f"{name} = {_named(expression.strip(), names)}"]
            names[Fraction(value.strip())] = name
            line = line.partition(">>")[2]
    if not names:
        return None
    return "\n".join([*lines, f"print({list(names.values())[-1]})"])


def _comment(line: str) -> list[str]:
    """Return what the line says before its first sum, which is what it calculates."""
    said = re.split(r"[=<]", line)[0].strip(" $*+-/")
    said = re.sub(r"\s*\$?[\d.,]+\s*(?:[*+/x-]\s*\$?[\d.,]+\s*)*$", "", said).strip()
    return [f"# {said}"] if len(said.split()) > 2 else []


def _named(expression: str, names: dict[Fraction, str]) -> str:
    """Return an expression with earlier results by name."""

    def known(match: re.Match[str]) -> str:
        return names.get(Fraction(match[0]), match[0])

    # Python refuses numbers such as 05, and reads 5(3) as a call.
    return re.sub(r"\b0+(?=\d)", "", _NUMBER.sub(known, expression))


def _number(text: str) -> bool:
    return re.fullmatch(r"-?\d*\.?\d+", text.strip()) is not None
