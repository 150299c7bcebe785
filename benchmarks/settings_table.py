"""The table of all settings in docs/config.md, read from `kernel/config.py`.

Covers: every field of `Config`, its default and the text below it. Does not cover: which values a
model needs, which is written by hand on the page.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise

from benchmarks import markdown
from kernel import config
from kernel.config import Config


def meanings() -> dict[str, str]:
    """Return the text below each setting in the class, by name."""
    parsed = ast.parse(inspect.getsource(config))
    found = (node for node in parsed.body if isinstance(node, ast.ClassDef))
    body = next(node.body for node in found if node.name == Config.__name__)
    return {name: text for field, below in pairwise(body) for name, text in _said(field, below)}


def _said(field: ast.stmt, below: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield a field's name and text, if it is one with a text below it."""
    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
        match below:
            case ast.Expr(value=ast.Constant(value=str() as text)):
                yield field.target.id, " ".join(text.split())
            case _:
                pass


def table() -> str:
    """Return the table, a row a setting, with the defaults as JSON."""
    said, default = meanings(), Config()
    rows = (
        (f"`{name}`", f"`{json.dumps(getattr(default, name), default=str)}`", text)
        for name, text in said.items()
    )
    return markdown.table(("setting", "default", "meaning"), rows)
