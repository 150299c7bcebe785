"""Lines of a notebook that are no Python: shell commands and magics.

Covers: finding them only where a statement may begin, never inside brackets, strings or a continued
line; keeping the code that a magic carries (`%time x = 42`); leaving valid Python behind, line for
line, also under `except:`. Does not cover: carrying any of them out, and `files = !ls`, which stays
an error.
"""

import builtins

__builtins__ = dict(builtins.__dict__)  # see restore.py

_TIMERS = {
    **{"%time": "", "%timeit": "nrp", "%%timeit": "nrp", "%prun": "lsTD", "%memit": "rti"},
    **{"%lprun": "fmuzTD", "%mprun": "fT"},
}
"""Magics that are applied to code, each with the options that the next word is for."""
_CELLS = (
    *("%%time", "%%timeit", "%%prun", "%%capture", "%%memit", "%%lprun", "%%mprun"),
    *("%%python", "%%python3"),
)
"""What stands below these is Python."""
_OPENING, _CLOSING = "([{", ")]}"


def without_magics(source: str) -> tuple[str, tuple[str, ...]]:
    """Return the source with every magic cut down to its own code, and what was left out.

    Where a suite would be left empty, `pass` takes the magic's place.

    Text without magics comes back as it was.
    """
    lines = source.split("\n")
    left_out: list[str] = []
    state = _State()
    position = 0
    while position < len(lines):
        line = lines[position]
        text = line.strip()
        if not (state.at_start and text and _is_magic(text)):
            state.read(line)
            position += 1
            continue
        end = position
        while lines[end].endswith("\\") and end + 1 < len(lines):
            end += 1
        parts = [part.strip().rstrip("\\").rstrip() for part in lines[position : end + 1]]
        if text.startswith("%%") and text.split()[0] not in _CELLS:
            end = len(lines) - 1  # a cell of another language
        code = _carried(" ".join(parts))
        if not code:
            left_out.append(" ".join(parts))
        code = code or ("pass" if state.opens_a_suite else "")
        indent = line[: len(line) - len(line.lstrip())] if code else ""
        lines[position : end + 1] = [indent + code, *[""] * (end - position)]
        state.read(code)
        position = end + 1
    return "\n".join(lines), tuple(left_out)


def _is_magic(text: str) -> bool:
    asks = text.endswith("?") and text.rstrip("?").replace(".", "_").isidentifier()
    # A line that begins with "% 5" or "!= 5" was to go on with the one before.
    named = text[:1] == "%" and text.lstrip("% ")[:1].isidentifier()
    return named or asks or text[:1] == "?" or (text[:1] == "!" and text[1:2] != "=")


def _carried(text: str) -> str:
    """Return the Python that a line magic is applied to, or nothing."""
    name, *rest = text.split(None, 1)
    code = rest[0] if rest and name in _TIMERS else ""
    while code.startswith("-"):
        option, *rest = code.split(None, 1)
        if len(option) == 2 and option[1] in _TIMERS[name] and rest:
            rest = rest[0].split(None, 1)[1:]  # `-n 10`
        code = rest[0] if rest else ""
    return code.strip()


class _State:
    """Where reading has got to: inside brackets, a string of several lines, a continued line."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""
        self._continued = False
        self._last = ""
        """The last character of code that is no blank."""

    @property
    def at_start(self) -> bool:
        """Whether the next line may begin a statement."""
        return not (self._depth or self._quote or self._continued)

    @property
    def opens_a_suite(self) -> bool:
        """Whether the next line must be a statement, further in."""
        return self._last == ":"

    def read(self, line: str) -> None:
        """Take in one more line of Python."""
        self._continued = False
        position = 0
        while position < len(line):
            character = line[position]
            if self._quote:
                position = self._in_string(line, position)
                continue
            if character == "#":
                break
            if not character.isspace():
                self._last = character
            if character in "'\"":
                tripled = line[position : position + 3] == 3 * character
                self._quote = 3 * character if tripled else character
                position += len(self._quote)
                continue
            self._depth += (character in _OPENING) - (character in _CLOSING)
            self._continued = character == "\\" and position == len(line) - 1
            position += 1
        self._depth = max(0, self._depth)
        if len(self._quote) == 1:
            # An ordinary string ends with its line, unless a backslash continues it.
            self._continued = line.endswith("\\")
            self._quote = self._quote if self._continued else ""

    def _in_string(self, line: str, position: int) -> int:
        """Return where to go on, one step further in a string."""
        if line[position] == "\\":
            return position + 2
        if line.startswith(self._quote, position):
            position += len(self._quote)
            self._quote = ""
            return position
        return position + 1
