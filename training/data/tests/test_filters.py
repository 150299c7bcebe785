"""Every filter as a table of rows that it takes and rows that it leaves."""

from dataclasses import replace

import pytest

from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from training.data import filters
from training.data.filters import Sieve, checks_of
from training.data.overlap import Overlap
from training.data.rows import Row, Writing
from validation.tests.fake_server import Characters

CONFIG = Config(max_context=400)
ENCODING = Encoding(Characters())
WORDS = Row("w", "What is 6 times 7?", 42, r"6 * 7 = 42. So $\boxed{42}$.", (), "s")


def tir(after=r"It is $\boxed{42}$.", output="42", earlier=()):
    """A conversation whose blocks gave these outputs."""
    writing = Writing(CONFIG, "Multiply.")
    for text in (*earlier, output):
        writing.ask("print(6 * 7)")
        writing.answer(text)
    writing.say(after)
    return Row("t", "What is 6 times 7?", 42, writing.text, writing.outputs, "s")


def boxed(text):
    return replace(WORDS, solution=text)


TABLE = [
    # Taken by none.
    (None, "tir", tir()),
    (None, "tir", tir(earlier=["NameError: name 'x' is not defined"])),
    (None, "tir", tir(output="6 * 7 = 42")),
    (None, "tir", tir(output="41", after=r"One more than 41 is $\boxed{42}$.")),
    (None, "tir", tir(output="Error bars: 42")),
    (None, "cot", WORDS),
    # The kernel's own extraction decides what is an integer.
    (None, "cot", boxed(r"\boxed{42}")),
    (None, "cot", boxed(r"\boxed{6 \cdot 7}")),
    (filters.NO_INTEGER, "cot", boxed("It is 42.")),
    (filters.NO_INTEGER, "cot", boxed(r"\boxed{x + 1}")),
    (filters.NO_INTEGER, "cot", boxed(r"\boxed{\frac{1}{2}}")),
    (filters.NO_INTEGER, "tir", tir(after="It is 42.")),
    (filters.NOT_THE_TRUTH, "cot", boxed(r"\boxed{41}")),
    (filters.NOT_THE_TRUTH, "cot", boxed(r"\boxed{42}, no: \boxed{1042}")),
    (filters.NOT_THE_TRUTH, "tir", replace(tir(), answer=None)),
    (filters.NO_CODE, "tir", WORDS),
    (filters.LAST_FAILED, "tir", tir(output="ZeroDivisionError: division by zero")),
    (filters.LAST_FAILED, "tir", tir(output="Traceback ...\nsympy.X.SomeError: 42")),
    (filters.LAST_FAILED, "tir", tir(output="TimeoutError: the code ran longer than 10 seconds.")),
    (filters.LAST_FAILED, "tir", tir(output="")),
    (filters.LAST_FAILED, "tir", tir(output="[no output: use print() to see a value]")),
    (filters.UNUSED, "tir", tir(output="17")),
    (filters.UNUSED, "tir", tir(output="[1, 2]", after=r"I know that it is $\boxed{42}$.")),
    (filters.UNUSED, "tir", tir(after="Done.", earlier=[r"42 \boxed{42}"])),
    (filters.OVER_CONTEXT, "cot", boxed("So " * 140 + r"\boxed{42}")),
    (filters.OVER_CONTEXT, "cot", replace(WORDS, problem="What? " * 70)),
]


@pytest.mark.parametrize(("taken", "kind", "row"), TABLE)
def test_the_first_filter_that_applies_takes_a_row(taken, kind, row):
    sieve = Sieve(checks_of(kind, ENCODING, CONFIG), Overlap())
    assert sieve.passes(row) is (taken is None)
    assert {name for name, count in sieve.taken.items() if count} == {taken} - {None}
    assert sieve.read == {"s": 1}


def test_the_context_counts_prompt_and_solution_to_the_token():
    length = filters.tokens(WORDS, ENCODING, CONFIG)
    for most, passes in ((length, True), (length - 1, False)):
        sieve = Sieve(checks_of("cot", ENCODING, Config(max_context=most)), Overlap())
        assert sieve.passes(WORDS) is passes


@pytest.mark.parametrize(
    ("other", "taken"),
    [
        (WORDS, True),
        (replace(WORDS, id="x", source="y"), True),
        (replace(WORDS, problem="what is  $6$ times $7$"), True),
        (replace(WORDS, problem="What is 6 times 8?"), False),
        (replace(WORDS, solution=r"Seven sixes: \boxed{42}"), False),
    ],
)
def test_duplicates(other, taken):
    sieve = Sieve(checks_of("cot", ENCODING, CONFIG), Overlap())
    assert sieve.passes(WORDS)
    assert sieve.passes(other) is not taken
    assert sieve.taken[filters.DUPLICATE] == taken


LONG = "In a town of twelve streets every house has a number that is a prime and no two are equal."


@pytest.mark.parametrize(
    ("problem", "taken"),
    [
        (LONG, True),
        (LONG.upper().replace(" ", "\n  "), True),
        # Thirteen words of it in another problem; twelve are not enough.
        ("Once: in a town of twelve streets every house has a number that is odd.", True),
        ("Once: in a town of twelve streets every house has a number which is odd.", False),
        # A short problem counts as a whole only.
        ("What is $2 + 3$?", True),
        ("what is 2 + 3", True),
        ("What is $2 + 3$, and what is $2 + 4$?", False),
        ("What is $2 + 4$?", False),
    ],
)
def test_problems_of_validation_sets_are_taken_and_listed(problem, taken):
    index = Overlap()
    index.add("amc", [("a", LONG), ("b", "What is $2 + 3$?")])
    sieve = Sieve(checks_of("cot", ENCODING, Config()), index)
    assert sieve.passes(replace(WORDS, problem=problem)) is not taken
    assert sieve.taken[filters.CONTAMINATED] == len(sieve.contaminated) == taken
    if taken:
        listed = sieve.contaminated[0]
        assert (listed["row"], listed["problem"], listed["set"]) == ("w", problem, "amc")
        assert listed["id"] == ("b" if "2" in problem else "a") and len(listed["words"]) > 3


def test_an_emptied_set_says_which_filter_took_how_many():
    sieve = Sieve(checks_of("cot", ENCODING, CONFIG), Overlap())
    for text in ("none", "none", r"\boxed{41}"):
        sieve.passes(boxed(text))
    assert sieve.emptied() == (
        "No row of 3 passes: no integer answer 2, boxed answer is not the truth 1."
    )
