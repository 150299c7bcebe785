"""From a code block to code objects, and from an exception to the text of a traceback.

Covers: the quirks of model-written source (byte-order mark, CRLF, a uniformly indented block, shell
and notebook lines), the last expression found by syntax tree, tracebacks trimmed to the model's own
lines, notes and members of exceptions. Does not cover: running anything, and repairing source that
Python does not accept.

A session calls all of this after model code has run. So it is built on the interpreter's own
functions: patching `ast`, `textwrap` or `traceback` does not affect it.
"""

import builtins
from _ast import AST, Call, Expr, Expression, Load, Module, Name, PyCF_ONLY_AST
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, TracebackType
from typing import Any

from kernel.sandbox.magics import without_magics

__builtins__ = dict(builtins.__dict__)  # see restore.py

_LONGEST_LINE = 300
"""Characters shown of a source line or a message line; models print whole tables in one."""
_FIRST_FRAMES, _LAST_FRAMES = 3, 5
_MOST_MEMBERS, _MOST_NOTES = 5, 5
"""Shown of an exception group, at each of its levels, and of an exception's notes."""
_UNSHOWN = "<the message could not be formatted>"
_trace_of: Any = BaseException.__dict__["__traceback__"].__get__
_name_of: Any = type.__dict__["__qualname__"].__get__
"""Python's own way to both, whatever the exception's class makes of looking at it."""


@dataclass(frozen=True, slots=True)
class Program:
    """A block, ready to run: the statements, and the expression that ends it, if one does."""

    body: CodeType
    last: CodeType | None
    called: frozenset[str]
    """Plain names that the block calls and binds nowhere."""
    left_out: tuple[str, ...] = ()
    """Lines that are not Python and are not run."""


def compile_block(source: str, filename: str) -> Program:
    """Compile a block.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: as Python's own compiler.
    """
    tree, left_out = _parse(normal(source), filename)
    called = _called(tree)
    last = None
    if tree.body and isinstance(tree.body[-1], Expr):
        expression = Expression(tree.body.pop().value)  # type: ignore[union-attr]
        last = compile(expression, filename, "eval", dont_inherit=True)
    body = compile(tree, filename, "exec", dont_inherit=True)
    return Program(body, last, called, left_out)


def normal(source: str) -> str:
    """Return the source without byte-order mark, its lines ended by newlines alone."""
    return source.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _parse(source: str, filename: str) -> tuple[Module, tuple[str, ...]]:
    """Parse the source, or a harmless variant of it; report the error of the last variant."""
    try:
        return _tree(source, filename), ()
    except SyntaxError as error:
        problem = error
    dedented = _dedent(source)
    variant, left_out = without_magics(dedented)
    if dedented != source:
        try:
            return _tree(dedented, filename), ()
        except SyntaxError:
            pass  # told as the source itself has it
    if variant != dedented:
        return _tree(variant, filename), left_out
    raise problem from None


def _tree(source: str, filename: str) -> Module:
    return compile(source, filename, "exec", PyCF_ONLY_AST, dont_inherit=True)  # type: ignore[return-value]


def _dedent(source: str) -> str:
    """Take off the indentation that all lines with text have in common."""
    lines = source.split("\n")
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    if not indents:
        return source
    shortest, longest = min(indents), max(indents)
    common = 0
    while common < len(shortest) and shortest[common] == longest[common]:
        common += 1
    return "\n".join(line[common:] if line.strip() else "" for line in lines)


def _called(tree: Module) -> frozenset[str]:
    called: set[str] = set()
    bound: set[str] = set()
    for node in _nodes(tree):
        if isinstance(node, Call) and isinstance(node.func, Name):
            called.add(node.func.id)
        elif isinstance(node, Name) and not isinstance(node.ctx, Load):
            bound.add(node.id)
    return frozenset(called - bound)


def _nodes(tree: AST) -> Iterator[AST]:
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, AST):
            yield node
            waiting += [getattr(node, field, None) for field in node._fields]
        elif isinstance(node, list):
            waiting += node  # pyright: ignore[reportUnknownArgumentType]


def describe(error: BaseException, sources: Mapping[str, str]) -> str:
    """Return the traceback of `error`, trimmed to frames of the files in `sources`."""
    if is_a(error, SyntaxError) and error.filename in sources:  # type: ignore[attr-defined]
        return "\n".join([*_syntax_lines(error), summary(error)])  # type: ignore[arg-type]
    return "\n".join(part for part in (stack(error, sources), summary(error)) if part)


def describe_barely(error: BaseException, sources: Mapping[str, str]) -> str:
    """Return what can be said about an exception without calling any method of its class."""
    lines = stack(error, sources), f"{_name_of(type(error))}: {_UNSHOWN}"
    return "\n".join(part for part in lines if part)


def is_a(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Tell an exception's kind by its type: `isinstance` would ask for its `__class__`."""
    return issubclass(type(error), kinds)


def stack(error: BaseException, sources: Mapping[str, str]) -> str:
    """Return the frames of `error` that are in the files in `sources`, under their heading."""
    frames = _frames(_trace_of(error), sources)
    return "\n".join(["Traceback (most recent call last):", *frames]) if frames else ""


def summary(error: BaseException) -> str:
    """Return the end of a traceback: the type, the message if there is one, notes and members."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    told: Any = error
    message = _text(told.msg if is_a(error, SyntaxError) else told)
    lines = f"{name}: {message}".split("\n") if message else [name]
    notes = getattr(error, "__notes__", None)
    if type(notes) is list:
        kept: list[Any] = notes  # pyright: ignore[reportUnknownVariableType]
        for note in kept[:_MOST_NOTES]:
            lines += _text(note).split("\n")
    return "\n".join([*(_short(line) for line in lines), *_members(error)])


def _members(error: BaseException) -> list[str]:
    """Return the summaries of an exception group's members, each level indented."""
    if not is_a(error, BaseExceptionGroup):
        return []
    group: Any = error
    members: tuple[BaseException, ...] = group.exceptions
    lines: list[str] = []
    for member in members[:_MOST_MEMBERS]:
        lines += [f"  | {line}" for line in summary(member).split("\n")]
    if len(members) > _MOST_MEMBERS:
        lines.append(f"  | [... {len(members) - _MOST_MEMBERS} more ...]")
    return lines


def _text(value: object) -> str:
    """Return `str(value)`; what a `__str__` raises, be it SystemExit, is no reason to say less."""
    try:
        return "".join([str(value)])  # of a subclass of str, too, a plain one
    except BaseException:
        return _UNSHOWN


def _frames(trace: TracebackType | None, sources: Mapping[str, str]) -> list[str]:
    """Return the lines of the model's own frames; repeated ones and a long middle left out."""
    entries: list[str] = []
    repeated = 0
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename in sources:
            entry = _frame(code, trace.tb_lineno, sources[code.co_filename])
            if entry in entries[-3:]:
                repeated += 1
            else:
                entries.append(entry)
        trace = trace.tb_next
    if len(entries) > _FIRST_FRAMES + _LAST_FRAMES:
        left_out = len(entries) - _FIRST_FRAMES - _LAST_FRAMES
        entries[_FIRST_FRAMES:-_LAST_FRAMES] = [f"  [... {left_out} more calls ...]"]
    if repeated:
        entries.append(f"  [these calls repeated {repeated} more times]")
    return entries


def _frame(code: CodeType, number: int, source: str) -> str:
    place = f'  File "{code.co_filename}", line {number}, in {code.co_name}'
    lines = normal(source).split("\n")
    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"{place}\n    {_short(text)}" if text else place


def _syntax_lines(error: SyntaxError) -> list[str]:
    lines = [f'  File "{error.filename}", line {error.lineno}']
    if error.text:
        text = error.text.rstrip("\n")
        lines.append(f"    {_short(text.strip())}")
        column = (error.offset or 0) - (len(text) - len(text.lstrip()))
        if 0 < column <= _LONGEST_LINE:
            lines.append("    " + " " * (column - 1) + "^")
    return lines


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 4] + " ..."
