"""What a family of problems is, and how one problem of it is posed.

Covers: drawing numbers, filling in a phrasing, a plan and a program, the small changes of wording
that every phrasing goes through. Does not cover: running programs and writing conversations
(`conversations`), the families themselves (the other modules of this folder).

In a template, `<name>` stands for a drawn value. The same seed poses the same problem.
"""

import random
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from training.data.families.styles import styled

VERBS = ("Find", "Compute", "Determine", "Calculate", "Work out", "Give")
PEOPLE = [
    "Mia",
    "Tom",
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Ella",
    "Felix",
    "Grace",
    "Hugo",
    "Ida",
    "Jack",
    "Kira",
    "Leo",
    "Maria",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sam",
    "Tina",
    "Uma",
    "Victor",
    "Wendy",
    "Yusuf",
    "Zoe",
    "Amir",
    "Chen",
    "Priya",
    "Kofi",
]
THINGS = [
    "apples",
    "books",
    "cards",
    "coins",
    "cookies",
    "eggs",
    "marbles",
    "oranges",
    "pencils",
    "stamps",
    "stickers",
    "tickets",
    "toys",
    "shells",
    "buttons",
    "bottles",
    "candles",
    "plums",
    "tiles",
    "keys",
]
REQUESTS = ("Give the answer as an integer.", "Answer with an integer.", "Show your work.")
Item = TypeVar("Item")
_PLACE = re.compile(r"<(\w+)>")


class Draw:
    """Draws a problem's numbers and words.

    Args:
        seed: decides every draw.
        large: whether numbers may be too large to calculate by hand in a few lines.
    """

    def __init__(self, seed: str, large: bool = True) -> None:
        self.random = random.Random(seed)
        self.large = large

    def number(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        return self.random.randint(low, high)

    def upto(self, low: int, small: int, large: int) -> int:
        """Return an integer from `low` to `small`, or to `large` where large ones are allowed."""
        return self.random.randint(low, large if self.large else small)

    def pick(self, *options: Item) -> Item:
        """Return one of the options."""
        return self.random.choice(options)

    def some(self, options: Iterable[int], count: int) -> list[int]:
        """Return `count` different options, in increasing order."""
        return sorted(self.random.sample(list(options), count))

    def ints(self, count: int, low: int, high: int) -> list[int]:
        """Return several integers, each from `low` to `high`."""
        return [self.random.randint(low, high) for _ in range(count)]

    def chance(self, share: float) -> bool:
        """Return whether something happens that happens in this share of draws."""
        return self.random.random() < share

    def person(self) -> str:
        """Return a first name."""
        return self.random.choice(PEOPLE)

    def thing(self) -> str:
        """Return a word for several things that can be counted."""
        return self.random.choice(THINGS)


@dataclass(frozen=True, slots=True)
class Case:
    """One problem's numbers, its answer, and the calculation that leads there."""

    answer: int
    steps: tuple[str, ...]
    """Sentences of a solution by hand; the last one ends in the answer."""
    values: Mapping[str, int | str]
    """What fills the places of the templates."""


def case(answer: int, steps: Sequence[str], **values: int | str) -> Case:
    """Return what a family's function draws, its values by name."""
    return Case(answer, tuple(steps), values)


@dataclass(frozen=True, slots=True)
class FamilyProblem:
    """A problem in words, and what its conversation is written from."""

    id: str
    family: str
    problem: str
    answer: int
    numbers: tuple[int | str, ...]
    """What makes it another problem of its family, whatever the wording."""
    plan: str
    code: str
    steps: tuple[str, ...]
    result: str
    """What the answer is, as a noun: `the number of divisors`."""


@dataclass(frozen=True, slots=True)
class Family:
    """Problems of one kind."""

    name: str
    about: str
    """What is asked, in a few words."""
    ask: tuple[str, ...]
    """Phrasings."""
    plan: tuple[str, ...]
    """Sentences that say what the program will do."""
    code: tuple[str, ...]
    """Programs, each of which prints the answer last."""
    result: str
    draw: Callable[[Draw], Case]

    def pose(self, seed: str, large: bool = True) -> FamilyProblem:
        """Return the problem of a seed."""
        draw = Draw(f"{self.name}/{seed}", large)
        values = self.draw(draw)
        places = {**values.values, "answer": values.answer}
        program = filled(draw.pick(*self.code), places)
        result = filled(self.result, places)
        return FamilyProblem(
            id=f"{self.name}-{seed}",
            family=self.name,
            problem=worded(filled(draw.pick(*self.ask), places), draw),
            answer=values.answer,
            numbers=_numbers(values),
            plan=filled(draw.pick(*self.plan), places),
            code=styled(program, result, draw.random),
            steps=values.steps,
            result=result,
        )


def family(
    ask: Sequence[str], plan: Sequence[str], code: Sequence[str], result: str
) -> Callable[[Callable[[Draw], Case]], Family]:
    """Make the decorated function, which draws the numbers, a family named after it.

    Args:
        ask: phrasings; one that begins with `Find` is asked with other verbs too.
        plan: sentences before the program.
        code: programs, which may be indented.
        result: what the answer is, with its article.
    """

    def made(draw: Callable[[Draw], Case]) -> Family:
        programs = tuple(textwrap.dedent(program).strip() for program in code)
        name = draw.__name__.replace("_", "-")
        about = (draw.__doc__ or "").rstrip(".")
        return Family(name, about, tuple(ask), tuple(plan), programs, result, draw)

    return made


def filled(text: str, values: Mapping[str, int | str]) -> str:
    """Return `text` with each place `<name>` that has a value filled in."""
    return _PLACE.sub(lambda match: str(values.get(match[1], match[0])), text)


def worded(problem: str, draw: Draw) -> str:
    """Return a problem with a verb, signs and a closing request as people vary them."""
    if problem.startswith("Find "):
        problem = f"{draw.pick(*VERBS)}{problem[4:]}"
    if "\\" not in problem and draw.chance(0.25):
        problem = problem.replace("$", "")
    if draw.chance(0.06):
        problem = f"{problem} {draw.pick(*REQUESTS)}"
    return problem


def _numbers(values: Case) -> tuple[int | str, ...]:
    """Return the drawn numbers; the drawn words only where there are no numbers."""
    numbers = [value for value in values.values.values() if isinstance(value, int)]
    return tuple(numbers or values.values.values())
