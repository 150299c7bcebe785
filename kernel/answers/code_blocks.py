r"""Finds the code blocks in a model's text: what is to be run, and what is no prose.

Covers: fences as models really write them: backticks or tildes, indented, quoted, in the middle of
a line, fused as in "``````output", missing before the output fence, with a title, attributes or a
file name behind "python". Does not cover: running code (`sandbox`), boxes (`extraction`). Nothing
here raises, whatever the text, and all of it is linear in the text's length.
"""

import re
import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple

MAX_TEXT = 60_000
"""Characters at the end of a text that are searched: some 16,000 tokens."""

# "```pythondef f():", "```pythonpython" and "``python" are from real transcripts. What stands
# behind the language is code unless it is known to be none: a title, attributes, words that are
# no statement where a line of code follows.
_INFO = r"""
    (?: =\d* | [ \t]*[:,;] )? (?: [ \t]* :? [ \t]*\(?[\w./-]+\.py\b\)? | (?<=:)[\w./-]+ )?
    (?: [ \t]* (?: \{[^}\n]{0,200}\} | \[[^\]\n]{0,200}\] )
      | ,?[ \t]+ (?: (?:title|file|filename|name|caption|label|id|class|src|path|lines?
                   |linen(?:o|um)s?|hl_lines|highlight|start|startFrom|startline|numbers|theme|mode|eval|echo|exec
                   |copy|editable|run|live|cell|tags|output|lang|language|version
                   |(?:show)?lineNumbers|[A-Za-z]+(?:-\w+)+)
                  [ \t]*=[ \t]*(?:"[^"\n]{0,200}"|'[^'\n]{0,200}'|\[[^\]\n]{0,200}\]|[\w./-]+)
                | (?!(?:import|from|def|class|if|for|while|with|try|return|raise|assert|del|global
                     |nonlocal|pass|break|continue|yield|await|not|print)\b)
                  [A-Za-z][\w-]*+ (?=[ \t:]*(?:[\r\n]|[ \t](?!=)))
                  (?=[^\n]{0,200}\n(?![ \t>]*(?:`{3}|~{3}|``python))[^\n]*\S) ) ){0,8}
    [ \t]*:?[ \t]* (?=\r?\n|\Z)
"""
_FENCE = re.compile(
    rf"""
    (?P<own_line> ^[ \t]*(?:>[ \t]*)* )? (?P<mark> `{{3,}}|~{{3,}}|``(?=python) ) [ \t]*
    (?: (?P<output> output\b )
      | (?P<python>
          (?: \{{(?:[ \t]*[.\#][\w-]+){{0,4}}?[ \t]*\.?(?:i?python3?|py3?)\b[^}}\n]{{0,200}}\}}
            | \{{(?:code-cell|code-block|code)\}}[ \t]*i?python3?\b
            | (?:lang(?:uage)?[-=:])?
              (?:ipython3?|(?:python3?)+(?:\.\d+)?|py3?\b)(?:[-_](?:repl|console|exec|code)\b)? )
          (?!`{{3}}) (?:{_INFO})? [ \t]*:?[ \t]* (?:\r?\n)? ) )?
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# The model began to close the block, then wrote the output fence.
_BROKEN_FENCE = re.compile(r"\n[ \t]*`{1,2}\Z")
_QUOTED = re.compile(r"^[ \t]*> ?", re.MULTILINE)


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
    end, output_follows = 0, False
    for block in _blocks(text):
        if block.kind == "code" and block.closed:
            if output_follows:
                codes = []
            codes.append(_code(text[block.start : block.end]))
            end, output_follows = block.behind, False
        elif block.kind == "output" and codes and not output_follows:
            end, output_follows = block.start, True
    if text[end:].strip():
        return None
    return "\n".join(filter(None, codes)) or None


class FencedBlock(NamedTuple):
    """What stands between two fences."""

    kind: Literal["code", "output", "other"]
    start: int
    end: int
    behind: int
    """Where the text goes on, behind the closing fence."""
    closed: bool


def _blocks(text: str) -> Iterator[FencedBlock]:
    """Yield the blocks of a text in order; one that the next begins within, or the end, is open."""
    opening: re.Match[str] | None = None
    fences = list(_FENCE.finditer(text))
    longest = _longest_behind(fences)
    least = 3
    for fence, behind in zip(fences, longest, strict=True):
        kind, own_line = _kind(fence), fence["own_line"] is not None
        inside = _kind(opening) if opening else None
        other_sign = opening is not None and opening["mark"][0] != fence["mark"][0]
        if kind == "output":
            begins, ends = True, inside == "code"
        elif kind == "code":
            begins, ends = own_line or inside != "code", False
        else:
            begins, ends = opening is None and own_line, not other_sign and _closes(fence)
            if opening and len(fence["mark"]) < least:
                continue
        if (fence["mark"][0] == "~" and not own_line) or not (begins or (ends and opening)):
            continue
        if opening:
            span = opening.end(), fence.start()
            yield FencedBlock(_kind(opening), *span, fence.end(), closed=ends)
        opening = fence if begins else None
        # A shorter fence within a long one is content, if the long one is closed at all.
        size = len(fence["mark"])
        least = size if begins and behind.get(fence["mark"][0], 0) >= size else 3
    if opening:
        yield FencedBlock(_kind(opening), opening.end(), len(text), len(text), closed=False)


def _longest_behind(fences: list[re.Match[str]]) -> list[dict[str, int]]:
    """Return for each fence how long, by its sign, a bare one is in front of the next that opens.

    Only fences on lines of their own count.
    """
    found: list[dict[str, int]] = []
    longest: dict[str, int] = {}
    for fence in reversed(fences):
        found.append(longest)
        sign, size = fence["mark"][0], len(fence["mark"])
        if fence["own_line"] is None:
            continue
        if _kind(fence) == "other":
            longest = {**longest, sign: max(size, longest.get(sign, 0))}
        else:
            longest = {}
    return found[::-1]


def _kind(fence: re.Match[str]) -> Literal["code", "output", "other"]:
    if fence["output"]:
        return "output"
    return "code" if fence["python"] else "other"


def _closes(fence: re.Match[str]) -> bool:
    """Whether a bare fence ends a block; within a line of code it may be a string's content."""
    at_line_end = fence.string[fence.end() : fence.end() + 1] in ("", "\n", "\r")
    return fence["own_line"] is not None or at_line_end


def _code(raw: str) -> str:
    """Tidy the text between two fences; "" when there is no code."""
    code = _BROKEN_FENCE.sub("", raw.rstrip())
    lines = [line for line in code.splitlines() if line.strip()]
    if lines and all(line.lstrip().startswith(">") for line in lines):
        code = _QUOTED.sub("", code)
    return textwrap.dedent(code).strip("\r\n")


# --- What is no prose ---

_FAILED = re.compile(
    r"^(?:Traceback \(|Crash:"
    r"|[\w.]*(?:Error|Exception|ExceptionGroup|StopIteration|SystemExit|KeyboardInterrupt)\b)",
    re.MULTILINE,
)
# In a block of no language, and where the model forgot to close one, a box may be the answer, but
# not in a comment or a string.
_COMMENT_OR_STRING = re.compile(
    r"""\#[^\n]* | (?:"{3}|'{3})(?:[^\\]|\\.)*?(?:"{3}|'{3}|\Z)
    | (?<!\w)[rfbu]{0,2}(?:"[^"\n]*"|'[^'\n]*')""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_PRINT = re.compile(r"\bprint\([^()\n]*+(?:\([^()\n]*+\)[^()\n]*+)*+\)")


def prose(text: str) -> str:
    """Return `text` with blanks instead of code, and of what failing code left behind."""
    parts: list[str] = []
    done = 0
    for block in _blocks(text):
        inner = text[block.start : block.end]
        if block.kind == "output":
            inner = _blank(inner) if _FAILED.search(inner) else inner
        elif block.kind == "code" and block.closed:
            inner = _blank(inner)
        else:
            inner = _COMMENT_OR_STRING.sub(lambda match: _blank(match[0]), inner)
        parts += [text[done : block.start], inner]
        done = block.end
    return _PRINT.sub(lambda match: _blank(match[0]), "".join(parts) + text[done:])


def _blank(text: str) -> str:
    return " " * len(text)
