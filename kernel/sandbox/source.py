"""From a code block to code objects, and from an exception to the text of a traceback.

Covers: the quirks of model-written source (byte-order mark, CRLF, a uniformly indented block, shell
and notebook lines), the last expression found by syntax tree, tracebacks trimmed to the model's own
lines. Does not cover: running anything, and repairing source that Python does not accept.
"""

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, TracebackType

_LONGEST_LINE = 300
"""Characters shown of a source line or a message line; models print whole tables in one."""
_FIRST_FRAMES, _LAST_FRAMES = 3, 5


@dataclass(frozen=True, slots=True)
class Program:
    """A block, ready to run: the statements, and the expression that ends it, if one does."""

    body: CodeType
    last: CodeType | None
    called: frozenset[str]
    """Plain names that the block calls and binds nowhere."""


def compile_block(source: str, filename: str) -> Program:
    """Compile a block.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: as Python's own compiler.
    """
    tree = _parse(_normal(source), filename)
    called = _called(tree)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        expression = ast.Expression(tree.body.pop().value)  # type: ignore[union-attr]
        last = compile(expression, filename, "eval", dont_inherit=True)
    return Program(compile(tree, filename, "exec", dont_inherit=True), last, called)


def _normal(source: str) -> str:
    return source.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _parse(source: str, filename: str) -> ast.Module:
    """Parse the source, or a harmless variant of it; report the error of the source itself."""
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        for variant in _variants(source):
            try:
                return ast.parse(variant, filename)
            except SyntaxError:
                continue
        raise error from None


def _variants(source: str) -> Iterator[str]:
    """Yield the source dedented, and without shell and notebook commands (`!pip`, `%time`)."""
    dedented = textwrap.dedent(source)
    yield dedented
    lines = dedented.split("\n")
    if any(line.lstrip()[:1] in ("!", "%") for line in lines):
        yield "\n".join("" if line.lstrip()[:1] in ("!", "%") else line for line in lines)


def _called(tree: ast.Module) -> frozenset[str]:
    called: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
    return frozenset(called - bound)


def describe(error: BaseException, sources: Mapping[str, str]) -> str:
    """Return the traceback of `error`, trimmed to frames of the files in `sources`."""
    if isinstance(error, SyntaxError) and error.filename in sources:
        return "\n".join([*_syntax_lines(error), summary(error)])
    return "\n".join(part for part in (stack(error, sources), summary(error)) if part)


def stack(error: BaseException, sources: Mapping[str, str]) -> str:
    """Return the frames of `error` that are in the files in `sources`, under their heading."""
    frames = _frames(error.__traceback__, sources)
    return "\n".join(["Traceback (most recent call last):", *frames]) if frames else ""


def summary(error: BaseException) -> str:
    """Return the last line of a traceback: the type, and the message if there is one."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    message = error.msg if isinstance(error, SyntaxError) else _message(error)
    lines = [_short(line) for line in f"{name}: {message}".split("\n")] if message else [name]
    return "\n".join(lines)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "<the message could not be formatted>"


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
    lines = _normal(source).split("\n")
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
