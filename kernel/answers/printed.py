r"""Finds the integer that a program printed last, for candidates that box nothing.

Covers: a last line that is an integer, alone or behind a label that says whose value it is, with a
modulus behind it or not; a box. Does not cover: numbers that a sentence mentions, several values,
errors: where it is not certain that the number is the result, there is none.
"""

import re

from kernel.answers.arithmetic import MAX_DIGITS
from kernel.answers.boxes import find_boxed
from kernel.answers.latex_integer import MAX_CHARS, evaluate_integer

_MODULUS = r"(?:\s*[\[(]?\s*mod(?:ulo)?\s*\(?\s*(?P<modulus>\d+)\s*[\])]{0,2})?"
_ALONE = re.compile(
    rf"(?P<integer>[-+−]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+))(?:\.0+)?{_MODULUS}\.?", re.IGNORECASE
)
# How libraries write an integer: np.int64(42), Fraction(42, 1).
_REPRESENTED = re.compile(r"\b(?:np\.u?int\d+|Integer)\((-?\d+)\)|\bFraction\((-?\d+), 1\)")
_QUOTED = re.compile(r"(?P<mark>\*\*|[`$'\"])(?P<inner>[^*`$'\"]+)(?P=mark)\.?")
# A container of one; a comma within parts its members.
_CONTAINED = re.compile(
    r"(?P<opening>(?:[\[({]|['\"]?[A-Za-z_]\w*['\"]?:\s)+)(?P<integer>[-+−]?\d+)(?:\.0*)?,?"
    r"(?P<closing>[\])}]+)\.?"
)
_LABELS = (
    # "x = 42", "Answer (mod 1000): 42", but neither "x >= 42" nor "10:42".
    re.compile(
        r"(?P<label>.*(?:(?<![<>!=:~])=|≡|(?<![\d\s:])\s*:"
        r"|(?:\bmod|\bmodulo|\bby|%)\s*\d+\s*[\])]?\s*:)\s*)(?P<value>[^\s:=].*)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<label>(?:.*(?<![\w-]))?(?:is|are|equals|answer|total|sum|product|count|result|value"
        r"|solution|remainder|maximum|minimum|max|min|gcd|lcm|ans|res)\s+)(?P<value>[^\s:=].*)",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<label>[A-Za-z_]\w*\([^()]*\)\s+)(?P<value>[^\s:=].*)"),
    # "x -> 42"; but "10 -> 42" is a row of a table.
    re.compile(r"(?P<label>[^\d]*(?:[-=]>|→)\s*)(?P<value>[^\s:=].*)"),
)
"""What may stand in front of a result."""
# "x = 3, y = 42", "x = 3 y = 42", "(x, y) = 42"; but "the sum for n = 10 is 42" has one value.
_SEVERAL = re.compile(
    r"[:=]\s*[-+−]?[\d.]+(?:\s*[,;|&/]\s*|\s+(?!(?:is|are|equals|gives|mod|modulo)\b))['\"A-Za-z]"
    r"|^\W*(?:[A-Za-z]_?\d*\s*(?:,|&|\band\b)\s*)+[A-Za-z]_?\d*\s*[:=]\s*$"
    r"|^\W*\d+\s+(?:remainder|rem|r)\b"
    r"|(?:^|[\s=:])[\[({][^\])}]*,[^\])}]*[\])}]\s*[:=]?\s*$"
)
_DENIED = re.compile(
    r"^\W*(?:no|not|none|nothing|never|cannot|can't|could|did|unable|failed|invalid|false"
    # What a program was about to do, or has done so far.
    r"|checking|checked|testing|tested|trying|tried|searching|searched|skipping|skipped|skip|elapsed"
    r"|runtime|exit code|exit status|return code)\b"
    r"|\b(?:not found|no (?:such|solutions?|answers?|integers?|values?|results?)|impossible"
    r"|there (?:is|are|was|were) (?:no|not|none))\b"
    r"|\b(?:limit|range|modulus|mod)\s*[:=]\s*$|\bbound\b"
    # Up to where, or for which value, something was looked for.
    r"|\b(?:for|to|with|when|if|until|in|at|from|below|under|than|where|mod)\s+[A-Za-z_]\w*\s*[:=]\s*$",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"[\w.]*(?:Error|Exception|Warning|StopIteration|SystemExit|KeyboardInterrupt|Traceback)\b"
)


def printed_integer(output: str) -> int | None:
    """Return the integer that an execution printed last, or None.

    Its last line that is not blank must be an integer or end in one that is its value: `42`,
    `42.0`, `[42]`, `x = 42`, `Answer: 42`, `Total 42`, `42 (mod 1000)`, a box. Errors, `[3, 42]`,
    `x = 3, y = 42`, `3 and 42` and `no solutions in range 42` give None.
    """
    line = output.rstrip().rpartition("\n")[2].strip()
    line = _REPRESENTED.sub(lambda match: match[1] or match[2], line[: MAX_CHARS + 1])
    if len(line) > MAX_CHARS or _ERROR.match(line):
        return None
    if (content := find_boxed(line)) is not None:
        return evaluate_integer(content)
    if (value := _value(line)) is not None:
        return value
    for labels in _LABELS:
        match = labels.fullmatch(line)
        if match and (value := _value(match["value"])) is not None:
            certain = not _SEVERAL.search(match["label"]) and not _DENIED.search(match["label"])
            return value if certain else None
    return None


def _value(text: str) -> int | None:
    """Return the integer that `text` is, in a container of one or with a modulus behind it."""
    if match := _QUOTED.fullmatch(text):
        text = match["inner"].strip()
    if match := _CONTAINED.fullmatch(text):
        if sum(map(match["opening"].count, "[({")) != len(match["closing"]):
            return None
        return _integer(match["integer"])
    match = _ALONE.fullmatch(text)
    value = _integer(match["integer"]) if match else None
    modulus = _integer(match["modulus"] or "") if match else None
    if value is None or modulus is None:
        return value
    return value % modulus if modulus else None


def _integer(digits: str) -> int | None:
    plain = digits.replace(",", "").replace("−", "-")
    return int(plain) if 0 < len(plain) <= MAX_DIGITS else None
