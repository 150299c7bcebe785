r"""Finds the last complete `\boxed{...}` of a text.

Covers: balanced and nested braces, boxes without braces, boxes that a program printed, and those
that are no answers: cut off, empty, in code or in what failing code left behind. Does not cover:
what the content evaluates to (`latex_integer`). Linear in the length of the text.
"""

import re

from kernel.answers.code_blocks import MAX_TEXT, prose

# "\x08oxed" is what "\boxed" becomes in a Python string that is not raw; the sandbox writes the
# control character out.
_BOX_OR_BRACE = re.compile(
    r"(?:\\boxed|\\fbox|\x08oxed|\\x08oxed)(?![A-Za-z])\s*"
    r"(?:(?P<box>\{)|(?P<bare>[-+−]?\d(?:[\w.,^/]|\{[^{}\s]*\}|\\[%!,])*+))?"
    # Behind an even number of backslashes, such as a line's end, a brace is none that is written.
    r"|(?<!\\)(?:\\\\)+(?=[{}])|\\[{}]|(?P<brace>[{}])"
)
_NON_BLANK = re.compile(r"\S")


def find_boxed(text: str) -> str | None:
    r"""Return the content of the last complete `\boxed{...}` (or `\fbox{...}`), or None.

    Of nested boxes the outermost complete one counts. `\boxed 5` counts with its number. A box that
    the text's end cuts off, and an empty one (models quote their instructions), do not count, nor
    does one in a code block, in what `print` is to write, or beside the error of a failed block.
    """
    text = prose(text[-MAX_TEXT:])
    found: tuple[int, int] | None = None
    # For each open brace where its content starts, if it is a box's.
    opened: list[int | None] = []
    for match in _BOX_OR_BRACE.finditer(text):
        if match["box"]:
            opened.append(match.end())
        elif match["bare"]:
            found = match.span("bare")
        elif match["brace"] == "{":
            opened.append(None)
        elif match["brace"] and opened:
            start, end = opened.pop(), match.start()
            if start is not None and not _is_blank(text, start, end):
                found = (start, end)
    return _stripped(text[slice(*found)]) if found else None


def _is_blank(text: str, start: int, end: int) -> bool:
    """Whether nothing but white space lies between; a slice each time would be quadratic."""
    return _NON_BLANK.search(text, start, end) is None


def _stripped(content: str) -> str:
    r"""Strip white space, but not the blank of a control space: `42\ `."""
    stripped = content.strip()
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    cut_off = backslashes % 2 and not content.endswith(stripped)
    return stripped + " " if cut_off else stripped
