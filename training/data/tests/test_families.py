"""Families: numbers, answers, calculations and programs agree, for every family and many seeds."""

import re

import pytest

from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data.executions import run_steady
from training.data.families.catalogue import THEMES, families, is_held_out
from training.data.families.family import Draw, filled

ALL = [family for theme in THEMES.values() for family in theme]
SEEDS = range(40)
EQUATION = re.compile(
    r"(?<![\w.)])(\(*-?\d+\)*(?: (?:\*|\+|-|/) \(*-?\d+\)*|\^\d+)+) = (-?\d+)(?![\d^]| ?[*+/^-])"
)


def names(items):
    return [item.name for item in items]


@pytest.fixture(scope="module")
def sandbox():
    with ForkedSandbox(Config()) as opened:
        yield opened


def test_there_are_many_families_with_several_phrasings_and_names_of_their_own():
    assert len(ALL) >= 60 and len(set(names(ALL))) == len(ALL)
    assert [f.name for f in ALL if len(set(f.ask)) < 3] == []
    assert sum(len(set(f.ask)) >= 4 for f in ALL) / len(ALL) > 0.75
    assert [f.name for f in ALL if not (f.plan and f.code and f.result and f.about)] == []


def test_families_are_split_by_name():
    known, held_out = families(False), families(True)
    assert {*names(known)} | {*names(held_out)} == {*names(ALL)}
    assert {*names(known)} & {*names(held_out)} == set()
    assert len(held_out) >= 12 and all(is_held_out(f.name) for f in held_out)


@pytest.mark.parametrize("family", ALL, ids=names(ALL))
def test_a_familys_calculation_is_true_and_ends_in_its_answer(family):
    checked, different = 0, set()
    for seed in SEEDS:
        drawn = family.draw(Draw(f"{seed}", large=seed % 2 == 1))
        different.add(tuple(drawn.values.values()))
        assert re.findall(r"-?\d+", drawn.steps[-1])[-1] == str(drawn.answer), drawn
        for line in drawn.steps:
            for left, right in EQUATION.findall(line):
                checked += 1
                assert eval(left.replace("^", "**")) == int(right), line
        for template in (*family.ask, *family.plan, family.result):
            assert not re.search(r"<\w+>", filled(template, drawn.values)), template
    assert len(different) > len(SEEDS) / 2


def test_most_calculations_are_equations_that_are_checked():
    lines = [line for f in ALL for s in range(3) for line in f.draw(Draw(f"{s}", False)).steps]
    assert sum(bool(EQUATION.search(line)) for line in lines) > len(lines) / 2


def test_every_program_prints_the_answer(sandbox):
    programs, expected = [], []
    for family in ALL:
        for seed in range(2):
            drawn = family.draw(Draw(f"{seed}", large=seed % 2 == 1))
            for code in family.code:
                programs.append([filled(code, {**drawn.values, "answer": drawn.answer})])
                expected.append((family.name, str(drawn.answer)))
    done = run_steady(programs, sandbox)
    printed = [
        (name, execution.output.strip())
        for (name, _), (execution,) in zip(expected, done, strict=True)
    ]
    assert printed == expected


def test_a_posed_problem_depends_on_nothing_but_its_seed():
    assert [f.pose("7", True) for f in ALL] == [f.pose("7", True) for f in ALL]
    assert all(f.pose("7").problem != f.pose("8").problem for f in ALL)


def test_styled_programs_print_the_same(sandbox):
    posed = [family.pose("0", large=False) for family in ALL]
    done = run_steady([[p.code] for p in posed], sandbox)
    assert [e.output.strip() for (e,) in done] == [str(p.answer) for p in posed]
    styles = "\n".join(p.code for p in posed)
    assert "def " in styles and "# " in styles and re.search(r"^(answer|ans) = ", styles, re.M)
