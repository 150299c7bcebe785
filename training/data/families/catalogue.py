"""All families, by theme, and which of them are held out.

Covers: the list, and the split into families that are trained on and families that only test.
Does not cover: drawing problems (`family`).

About one family in seven is held out, by a hash of its name: nobody chose which, and adding a
family moves no other.
"""

import hashlib

from training.data.families import (
    arithmetic,
    chance,
    choices,
    counting,
    digits,
    divisors,
    equations,
    expressions,
    fractions,
    measures,
    money,
    motion,
    numerals,
    partitions,
    primes,
    recursion,
    remainders,
    right_triangles,
    sequences,
    shares,
    sums,
    triangles,
)
from training.data.families.family import Family

THEMES: dict[str, tuple[Family, ...]] = {
    module.__name__.rpartition(".")[2]: tuple(
        value for value in vars(module).values() if isinstance(value, Family)
    )
    for module in (
        arithmetic,
        divisors,
        remainders,
        primes,
        counting,
        digits,
        numerals,
        sums,
        fractions,
        sequences,
        recursion,
        equations,
        expressions,
        choices,
        partitions,
        chance,
        right_triangles,
        triangles,
        measures,
        money,
        motion,
        shares,
    )
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


def table() -> str:
    """Return the families by theme as the documentation shows them, held-out ones in italics."""
    rows = [
        f"| {theme} | {', '.join(_shown(family.name) for family in members)} |"
        for theme, members in THEMES.items()
    ]
    return "\n".join(["| theme | families |", "|---|---|", *rows])


def _shown(name: str) -> str:
    return f"*{name}*" if is_held_out(name) else name


if __name__ == "__main__":
    print(table())
