"""Mistakes that models make in their first block, put into programs that work.

Covers: for each kind of mistake, the broken program, the fixed one, one sentence that says what was
wrong, and what the broken one's output must show. Does not cover: running either (`conversations`
does, and drops a mistake whose real output shows something else).

Above 300 lines because it is one list: each kind of mistake is a short function of its own.

The kinds come from what small models were seen to do: of 230 errors in one study, 101 were brackets
that were not closed or did not match.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SYNTAX = r"SyntaxError|IndentationError"
NO_OUTPUT = r"^\[no output"
"""What the sandbox says of a block that printed nothing and ends in no value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A program with a mistake, and how it is fixed."""

    kind: str
    broken: str
    mended: str
    remark: str
    """What was wrong, in one sentence."""
    shows: str
    """A pattern that the whole of the broken program's output matches somewhere."""


Maker = Callable[[str, random.Random], Fault | None]

_SHOWN = re.compile(r"^print\((?P<shown>.+)\)$", re.MULTILINE)
_IMPORT = re.compile(r"^from (?P<module>[\w.]+) import (?P<names>.+)\n", re.MULTILINE)
_ASSIGNED = re.compile(r"^(?P<name>[A-Za-z]\w{2,}) = ", re.MULTILINE)
_RANGE = re.compile(r"range\((?P<low>-?\d+), (?P<high>\d+) \+ 1\)")
WRONG_NAMES = {
    "comb": ("choose", "binom"),
    "gcd": ("gcf", "hcf"),
    "lcm": ("least_multiple", "lcd"),
    "factorial": ("fact",),
    "perm": ("permute",),
    "prod": ("product",),
    "isqrt": ("integer_sqrt", "int_sqrt"),
    "divisors": ("get_divisors", "all_divisors"),
    "divisor_count": ("num_divisors", "count_divisors"),
    "primerange": ("prime_range", "primes"),
    "isprime": ("is_prime",),
    "primefactors": ("prime_factors",),
    "factorint": ("factorize", "prime_factorization"),
    "totient": ("phi", "euler_phi"),
    "symbols": ("symbol",),
    "solve": ("solve_equation", "solver"),
    "Fraction": ("fraction",),
}
"""Functions that models misremember, and as what."""


def _last_print(code: str) -> re.Match[str] | None:
    """Return the print that shows the answer."""
    return ([*_SHOWN.finditer(code)] or [None])[-1]


def _replaced(code: str, match: re.Match[str], text: str) -> str:
    return code[: match.start()] + text + code[match.end() :]


def unclosed(code: str, draw: random.Random) -> Fault | None:
    """Leave out the last closing bracket."""
    match = _last_print(code)
    if not match:
        return None
    broken = _replaced(code, match, match[0][:-1])
    remarks = (
        "The bracket of print was never closed.",
        "A closing bracket is missing at the end of the line with print.",
        "I opened one more bracket than I closed.",
    )
    return Fault("unclosed bracket", broken, code, draw.choice(remarks), "was never closed")


def unclosed_inside(code: str, draw: random.Random) -> Fault | None:
    """Leave out a closing bracket that is not the last."""
    lines = [line for line in code.splitlines() if re.search(r"\)\S*\)|\) ", line)]
    if not lines:
        return None
    line = draw.choice(lines)
    place = draw.choice([m.start() for m in re.finditer(r"\)", line)])
    broken = code.replace(line, line[:place] + line[place + 1 :], 1)
    remarks = (
        "The brackets in this line do not match: one closing bracket is missing.",
        "One closing bracket is missing, so I count the brackets and write the line again.",
    )
    return Fault("missing bracket", broken, code, draw.choice(remarks), SYNTAX)


def unmatched(code: str, draw: random.Random) -> Fault | None:
    """Write one closing bracket too many."""
    match = _last_print(code)
    if not match:
        return None
    wrong = draw.choice((")", "]"))
    broken = _replaced(code, match, match[0] + ")" if wrong == ")" else match[0][:-1] + "]")
    remark = (
        "There is one closing bracket too many."
        if wrong == ")"
        else "The bracket of print must be closed by a round one."
    )
    return Fault("unmatched bracket", broken, code, remark, "unmatched|does not match")


def missing_colon(code: str, draw: random.Random) -> Fault | None:
    """Leave out a colon."""
    lines = [line for line in code.splitlines() if re.match(r" *(for|while|if|def) .*:$", line)]
    if not lines:
        return None
    line = draw.choice(lines)
    word = line.split()[0]
    remark = f"The line with `{word}` must end in a colon."
    return Fault("missing colon", code.replace(line, line[:-1], 1), code, remark, SYNTAX)


def no_indent(code: str, draw: random.Random) -> Fault | None:
    """Forget to indent the body of a loop or function."""
    match = re.search(r":\n +(?=\S)", code)
    if not match:
        return None
    remarks = ("The line after the colon must be indented.", "The body is not indented.")
    return Fault(
        "missing indent", _replaced(code, match, ":\n"), code, draw.choice(remarks), SYNTAX
    )


def single_equals(code: str, draw: random.Random) -> Fault | None:
    """Compare with one equals sign."""
    if " == " not in code:
        return None
    remarks = ("A comparison needs `==`, not `=`.", "One `=` assigns; to compare I need `==`.")
    broken = code.replace(" == ", " = ", 1)
    return Fault("single equals sign", broken, code, draw.choice(remarks), SYNTAX)


def prose(code: str, draw: random.Random) -> Fault | None:
    """Write a sentence into the block."""
    line = draw.choice(
        ("The answer is:", "Now we print the result.", "So we get", "Let us compute.")
    )
    *before, last = code.splitlines()
    broken = "\n".join([*before, line, last])
    remark = "A block may hold only code; the sentence in it must go."
    return Fault("prose in the code", broken, code, remark, SYNTAX)


def missing_times(code: str, draw: random.Random) -> Fault | None:
    """Multiply as on paper, without a sign."""
    match = re.search(r"\b(\d+)\*([a-z])\b", code)
    if not match:
        return None
    remark = f"Python needs the sign: `{match[1]}*{match[2]}`, not `{match[1]}{match[2]}`."
    broken = _replaced(code, match, match[1] + match[2])
    return Fault("missing multiplication sign", broken, code, remark, SYNTAX)


def equation_as_argument(code: str, draw: random.Random) -> Fault | None:
    """Give sympy an equation with an equals sign."""
    match = re.search(r"Eq\(([^,()]+), ([^,()]+)\)", code)
    if not match:
        return None
    broken = _replaced(code, match, f"{match[1]} = {match[2]}")
    remark = "Sympy wants an equation as `Eq(left, right)`."
    return Fault("equation with an equals sign", broken, code, remark, SYNTAX)


def missing_import(code: str, draw: random.Random) -> Fault | None:
    """Forget an import."""
    match = _IMPORT.search(code)
    if not match:
        return None
    name = match["names"].split(", ")[0]
    remarks = (
        f"I forgot to import `{name}` from {match['module']}.",
        f"`{name}` must be imported first.",
    )
    broken = _replaced(code, match, "").lstrip("\n")
    return Fault("missing import", broken, code, draw.choice(remarks), r"NameError: name")


def wrong_import(code: str, draw: random.Random) -> Fault | None:
    """Import a function by a name that it does not have."""
    match = _IMPORT.search(code)
    known = [n for n in match["names"].split(", ") if n in WRONG_NAMES] if match else []
    if not match or not known:
        return None
    name = draw.choice(known)
    wrong = draw.choice(WRONG_NAMES[name])
    broken = re.sub(rf"\b{name}\b", wrong, code)
    remark = f"There is no `{wrong}` in {match['module']}; the function is called `{name}`."
    return Fault("wrong name of a function", broken, code, remark, f"ImportError.*{wrong}")


def missing_symbols(code: str, draw: random.Random) -> Fault | None:
    """Use a symbol of sympy that was never made."""
    match = re.search(r"^(?P<names>\w(?:, \w)*) = symbols\(.+\n", code, re.MULTILINE)
    if not match:
        return None
    remark = f"The symbol must be made first, with `{match[0].strip()}`."
    return Fault("missing symbol", _replaced(code, match, ""), code, remark, "NameError: name")


def misspelled(code: str, draw: random.Random) -> Fault | None:
    """Misspell a variable where it is used."""
    match, names = _last_print(code), _ASSIGNED.findall(code)
    names = [name for name in names if match and re.search(rf"\b{name}\b", match["shown"])]
    if not match or not names:
        return None
    name = draw.choice(names)
    wrong = draw.choice((name[:-1], f"{name}s", f"{name}_value", name.capitalize()))
    line = re.sub(rf"\b{name}\b", wrong, match[0])
    remark = f"The variable is called `{name}`, not `{wrong}`."
    shows = f"NameError: name '{wrong}' is not defined"
    return Fault("misspelled name", _replaced(code, match, line), code, remark, shows)


def undefined_result(code: str, draw: random.Random) -> Fault | None:
    """Print a variable that was never set."""
    match = _last_print(code)
    name = draw.choice(("answer", "result", "ans", "count", "total"))
    if not match or re.search(rf"\b{name}\b", code):
        return None
    remark = f"`{name}` was never set; what I want to print is `{match['shown']}`."
    if len(match["shown"]) > 40:
        remark = f"`{name}` was never set; I print the value itself."
    shows = f"NameError: name '{name}'"
    broken = _replaced(code, match, f"print({name})")
    return Fault("name never set", broken, code, remark, shows)


def text_plus_number(code: str, draw: random.Random) -> Fault | None:
    """Add a number to a text."""
    match = _last_print(code)
    if not match or " for " in match["shown"]:
        return None
    label = draw.choice(("Answer: ", "Result: ", "The answer is "))
    broken = _replaced(code, match, f'print("{label}" + {match["shown"]})')
    remarks = ("A number cannot be added to a text; I print it alone.", "I print only the number.")
    return Fault("text plus number", broken, code, draw.choice(remarks), "TypeError")


def digits_of_number(code: str, draw: random.Random) -> Fault | None:
    """Go through the digits of a number as if it were a text."""
    match = re.search(r"(?<=in )str\((\w+)\)|(?<=map\(int, )str\((\w+)\)", code)
    if not match:
        return None
    name = match[1] or match[2]
    remark = f"A number has no digits to go through; `str({name})` has."
    broken = _replaced(code, match, name)
    return Fault("digits of a number", broken, code, remark, "TypeError: 'int' object is not")


def text_digits(code: str, draw: random.Random) -> Fault | None:
    """Calculate with digits that are still text."""
    if "int(c)" not in code:
        return None
    remark = "The digits are text; `int(c)` makes numbers of them."
    return Fault("digits as text", code.replace("int(c)", "c"), code, remark, "TypeError")


def float_range(code: str, draw: random.Random) -> Fault | None:
    """Divide with `/` where an integer is needed."""
    match = re.search(r"range\([^\n]*?//", code)
    if not match:
        return None
    broken = _replaced(code, match, match[0][:-1])
    remark = "`range` needs integers, so the division must be `//`."
    return Fault("float in a range", broken, code, remark, "TypeError: 'float'")


def float_root(code: str, draw: random.Random) -> Fault | None:
    """Take a root that is not an integer where one is needed."""
    if "isqrt" not in code or "range(" not in code:
        return None
    broken = code.replace("isqrt", "sqrt")
    remark = "`sqrt` gives a float; `isqrt` gives the integer that `range` needs."
    return Fault("float in a range", broken, code, remark, "TypeError: 'float'")


def zero_divisor(code: str, draw: random.Random) -> Fault | None:
    """Begin a range of divisors at zero."""
    match = re.search(r"for (?P<name>\w) in range\(1, ", code)
    if not match or not re.search(rf"% {match['name']}\b", code):
        return None
    broken = _replaced(code, match, match[0].replace("1, ", "0, "))
    remark = "Nothing can be divided by 0, so the range must start at 1."
    return Fault("division by zero", broken, code, remark, "ZeroDivisionError")


def wrong_index(code: str, draw: random.Random) -> Fault | None:
    """Take a solution that is not there."""
    match = re.search(r"\)\[0\]", code)
    if not match:
        return None
    broken = _replaced(code, match, ")[1]")
    remark = "There is only one solution, and its index is 0."
    return Fault("index out of range", broken, code, remark, "IndexError")


def text_key(code: str, draw: random.Random) -> Fault | None:
    """Look a symbol up by its name."""
    match = re.search(r"\bs\[([xy])\]", code)
    if not match:
        return None
    broken = re.sub(r"\bs\[([xy])\]", r"s['\1']", code)
    remark = "The keys of the solution are the symbols themselves, not their names."
    return Fault("symbol's name as a key", broken, code, remark, "KeyError|TypeError")


def length_method(code: str, draw: random.Random) -> Fault | None:
    """Ask for a length as other languages do."""
    match = re.search(r"\blen\((\w+)\)", code)
    if not match:
        return None
    broken = _replaced(code, match, f"{match[1]}.length")
    remark = f"Python's length is `len({match[1]})`."
    return Fault("length as an attribute", broken, code, remark, "AttributeError")


def not_printed(code: str, draw: random.Random) -> Fault | None:
    """Forget to print."""
    match = _last_print(code)
    if not match:
        return None
    name = re.fullmatch(r"\w+", match["shown"])
    line = "" if name else f"{draw.choice(('answer', 'result', 'value'))} = {match['shown']}"
    remarks = (
        "Nothing was printed, so I add a print.",
        "There is no output: the value must be printed.",
        "I forgot to print the result.",
    )
    broken = _replaced(code, match, line).rstrip()
    return Fault("nothing printed", broken, code, draw.choice(remarks), NO_OUTPUT)


def not_called(code: str, draw: random.Random) -> Fault | None:
    """Define a function and leave it at that."""
    match = _last_print(code)
    if not match or "def " not in code:
        return None
    remarks = (
        "The function was only defined; it must be called and its value printed.",
        "Nothing called the function, so there is no output.",
    )
    broken = _replaced(code, match, "").rstrip()
    return Fault("function not called", broken, code, draw.choice(remarks), NO_OUTPUT)


def off_by_one(code: str, draw: random.Random) -> Fault | None:
    """End a range one too early, and see it in a printed check."""
    match = _RANGE.search(code)
    if not match or "def " in code or int(match["high"]) <= int(match["low"]) + 1:
        return None
    low, high = int(match["low"]), int(match["high"])
    inside = _replaced(code, match, "numbers")
    at = inside.rfind("\n", 0, inside.index("numbers")) + 1
    if inside[at : at + 1] == " ":
        return None

    def checked(end: str) -> str:
        check = f"numbers = range({low}, {end})\nprint(numbers[0], numbers[-1])\n"
        return inside[:at] + check + inside[at:]

    remarks = (
        f"The check shows that the last number is {high - 1}, but {high} belongs to it.",
        f"The range ends at {high - 1}: it must go to {high}, so I add 1.",
    )
    shows = rf"^{low} {high - 1}\n"
    mended = checked(f"{high} + 1")
    return Fault("off by one", checked(str(high)), mended, draw.choice(remarks), shows)


SPOILERS: Sequence[Maker] = (unclosed, unclosed_inside, unmatched, missing_colon, no_indent, prose)
"""Mistakes that keep a program from being read at all, whatever else is wrong with it."""
PARTICULAR: Sequence[Maker] = (
    single_equals,
    missing_times,
    equation_as_argument,
    missing_import,
    wrong_import,
    missing_symbols,
    misspelled,
    digits_of_number,
    text_digits,
    float_range,
    float_root,
    zero_divisor,
    wrong_index,
    text_key,
    length_method,
    not_called,
    off_by_one,
)
"""Mistakes that only some programs can have."""
GENERAL: Sequence[Maker] = (undefined_result, text_plus_number, not_printed)
"""Mistakes that nearly every program can have."""
SPOILER_SHARE, PARTICULAR_SHARE = 0.3, 0.45
"""Of all mistakes; in a study 44% of real errors were brackets, but they are easy to fix."""


def fault_in(code: str, draw: random.Random) -> Fault | None:
    """Return a mistake that this program can have, None where none fits."""
    place = draw.random()
    groups = [PARTICULAR, GENERAL, SPOILERS]
    if place < SPOILER_SHARE:
        groups = [SPOILERS, PARTICULAR, GENERAL]
    elif place > SPOILER_SHARE + PARTICULAR_SHARE:
        groups = [GENERAL, PARTICULAR, SPOILERS]
    for makers in groups:
        if fault := _first(makers, code, draw):
            return fault
    return None


def two_faults_in(code: str, draw: random.Random) -> tuple[Fault, Fault] | None:
    """Return a mistake that hides another: the second is seen once the first is fixed."""
    makers = [maker for maker in (*PARTICULAR, *GENERAL) if maker is not single_equals]
    second = _first(makers, code, draw)
    first = _first(SPOILERS, second.broken, draw) if second else None
    return (first, second) if first and second else None


def _first(makers: Sequence[Maker], code: str, draw: random.Random) -> Fault | None:
    """Return a fault of the first maker, in an order drawn at random, that the program suits."""
    made = (maker(code, draw) for maker in draw.sample(makers, len(makers)))
    return next((fault for fault in made if fault and fault.broken != fault.mended), None)
