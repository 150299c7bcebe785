"""All families, by theme, and which of them are held out.

Covers: the list, and the split into families that are trained on and families that only test.
Does not cover: drawing problems (`family`).

About one family in seven is held out, by a hash of its name: nobody chose which, and a new family
moves no other.
"""

import hashlib

from training.data.families import (
    algebra,
    counting,
    digits,
    divisibility,
    geometry,
    sequences,
    stories,
    sums,
)
from training.data.families.family import Family

THEMES: dict[str, tuple[Family, ...]] = {
    module.__name__.rpartition(".")[2]: tuple(
        value for value in vars(module).values() if isinstance(value, Family)
    )
    for module in (divisibility, digits, sums, sequences, algebra, counting, geometry, stories)
}
HELD_OUT_OF = 7


def families(held_out: bool) -> list[Family]:
    """Return the families that only test, or those that are trained on."""
    return [
        family
        for theme in THEMES.values()
        for family in theme
        if is_held_out(family.name) is held_out
    ]


def is_held_out(name: str) -> bool:
    """Tell whether no problem of this family is ever trained on."""
    return hashlib.sha256(name.encode()).digest()[0] % HELD_OUT_OF == 0
