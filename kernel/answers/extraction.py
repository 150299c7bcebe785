r"""Finds in a model's text what the solve loop acts on: code to run, boxed answer, printed integer.

Covers: fences as models really write them (indented, fused as in "``````output", in the middle of a
line, missing before the output fence), the last `\boxed{...}` with balanced braces, and the
competition's convention for answers. Does not cover: what the content of a box evaluates to
(`latex_integer`), running code (`sandbox`), voting. Nothing here raises, whatever the text, and all
of it is linear in the text's length.
"""

import re
import textwrap

from kernel.answers.arithmetic import MAX_DIGITS
from kernel.answers.latex_integer import MAX_CHARS, evaluate_integer
from kernel.config import Config

MAX_TEXT = 60_000
"""Characters at the end of a text that are searched: some 16,000 tokens."""

# --- Code ---

# "```pythondef f():", "```pythonpython" and "``python" are from real transcripts.
_FENCE = re.compile(
    r"(?P<own_line>^[ \t]*)?(?:`{3,}[ \t]*|``(?=python))"
    r"(?:(?P<output>output\b)|(?P<python>(?:python3?)+|py3?\b)[ \t]*(?:\r?\n)?)?",
    re.IGNORECASE | re.MULTILINE,
)
# The model began to close the block, then wrote the output fence.
_BROKEN_FENCE = re.compile(r"\n[ \t]*`{1,2}\Z")


def pending_code(completion: str) -> str | None:
    """Return the code that `completion` asks to be run now, or None.

    It asks by ending in an output fence that is the first behind its last python block, or in the
    closing fence of that block (the model ended its turn). A block with an output block or prose
    behind it was an illustration, or has run.

    Only blocks whose fence names python count, and of those only closed ones; one that the output
    fence ends counts as closed. Several blocks in front of one output are run together, in order:
    each builds on those before it. In transcripts of DeepSeekMath-7B, 28 of 1,011 completions have
    several; 2 of the last blocks run by themselves, and 10 behind the blocks before them.
    """
    text = completion[-MAX_TEXT:]
    codes: list[str] = []
    start: int | None = None
    end, output_follows = 0, False
    for fence in _FENCE.finditer(text):
        if fence["python"] and (start is None or fence["own_line"] is not None):
            start = fence.end()
        elif start is not None and _closes(fence):
            if output_follows:
                codes = []
            codes.append(_code(text[start : fence.start()]))
            start, end, output_follows = None, fence.end(), bool(fence["output"])
        elif fence["output"] and codes and not output_follows:
            end, output_follows = fence.end(), True
    if text[end:].strip():
        return None
    return "\n".join(filter(None, codes)) or None


def _closes(fence: re.Match[str]) -> bool:
    """Whether the fence ends a block; within a line of code it may be a string's content."""
    at_line_end = fence.string[fence.end() : fence.end() + 1] in ("", "\n", "\r")
    return bool(fence["output"]) or fence["own_line"] is not None or at_line_end


def _code(raw: str) -> str:
    """Tidy the text between two fences; "" when there is no code."""
    return textwrap.dedent(_BROKEN_FENCE.sub("", raw.rstrip())).strip("\r\n")


# --- Answers ---

# "\x08oxed" is what "\boxed" becomes in a Python string that is not raw.
_BOX_OR_BRACE = re.compile(
    r"(?:\\boxed|\\fbox|\x08oxed)(?![A-Za-z])\s*(?:(?P<box>\{)|(?P<bare>[-+−]?\d[\d,.]*))?"
    r"|\\[{}]|(?P<brace>[{}])"
)
_NON_BLANK = re.compile(r"\S")
# An integer at the end of a line, alone or behind a label; not the end of a list or of a sum.
_PRINTED = re.compile(
    r"(?:^|(?<![\d<>!])[:=]\s*|[^\W\d_]\s+|\)\s+)[\[({]*"
    r"(?P<integer>[-+−]?\d+(?:,\d{3})*)(?:\.0*)?,?[\])}]*\.?\Z"
)
_SEVERAL = re.compile(r"[\[({].*,\s|.*[:=]\s*[-−]?[\d.]+,\s")
_ERROR = re.compile(
    r"[\w.]*(?:Error|Exception|Warning|StopIteration|SystemExit|KeyboardInterrupt|Traceback)\b"
)


def find_boxed(text: str) -> str | None:
    r"""Return the content of the last complete `\boxed{...}` (or `\fbox{...}`), or None.

    Of nested boxes the outermost complete one counts. `\boxed 5` counts with its number. A box that
    the text's end cuts off, and an empty one (models quote their instructions), do not count.
    """
    text = text[-MAX_TEXT:]
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
    return text[slice(*found)].strip() if found else None


def _is_blank(text: str, start: int, end: int) -> bool:
    """Whether nothing but white space lies between; a slice each time would be quadratic."""
    return _NON_BLANK.search(text, start, end) is None


def extract_answer(text: str) -> int | None:
    r"""Return the exact integer in the last box of `text`, without modulo; None without one.

    Only the last box counts: an earlier one was withdrawn.
    """
    content = find_boxed(text)
    return None if content is None else evaluate_integer(content)


def to_answer(value: int, config: Config) -> int | None:
    """Apply the competition's convention: modulo (Python's `%`, so -1 is 999), then the range."""
    if config.modulus is not None:
        value %= config.modulus
    return value if 0 <= value <= config.max_answer else None


def printed_integer(output: str) -> int | None:
    """Return the integer that an execution printed last, or None.

    Its last line that is not blank must be an integer or end in one: `42`, `42.0`, `[42]`,
    `x = 42`, `Answer: 42`, `Total 42`, a box. Errors, `[3, 42]` and `x = 3, y = 42` give None.
    """
    line = output.rstrip().rpartition("\n")[2].strip()
    if len(line) > MAX_CHARS or _ERROR.match(line):
        return None
    if (content := find_boxed(line)) is not None:
        return evaluate_integer(content)
    if _SEVERAL.match(line):
        return None
    match = _PRINTED.search(line)
    digits = match["integer"].replace(",", "").replace("−", "-") if match else ""
    return int(digits) if 0 < len(digits) <= MAX_DIGITS else None
