"""Shares of right candidates: what they count, and what a family is for."""

from pathlib import Path

import pytest

from benchmarks.candidate_shares import gain, shares
from validation.runs.records import read_run
from validation.scoring import Rule, Source
from validation.tests.run_files import CODE, RunFile


def test_a_share_is_of_all_candidates(tmp_path: Path) -> None:
    made = RunFile()
    made.problem("p", 5)
    made.candidate(0, (CODE.format(5), "5"), "So \\boxed{5}.", answer=5)
    made.candidate(1, (CODE.format(5), "5"), "So it is.", reason="no_answer")
    made.candidate(2, (CODE.format(6), "6"), "So \\boxed{6}.", answer=6)
    made.candidate(3, "I cannot.", reason="no_answer")
    made.solution(5)
    run = read_run(made.save(tmp_path / "run.jsonl"))
    assert shares(run, Rule("kernel")) == {"p": 0.25}
    assert shares(run, Rule("printed", source=Source.BOXED_ELSE_PRINTED), 1) == {"p": 0.5}


FAMILIES = {f"{family}{n}": family for family in "abcdefgh" for n in range(4)}


def test_problems_of_a_family_are_one_case() -> None:
    before = dict.fromkeys(FAMILIES, 0.25)
    after = before | {problem: 1.0 for problem in FAMILIES if problem[0] == "a"}
    found = gain(before, after, FAMILIES)
    assert found
    assert (found.families, found.mean) == (8, pytest.approx(0.75 / 8))
    assert found.p == 1.0  # one family of eight, though four problems of four
    apart = gain(before, after, {})
    assert apart
    assert apart.families == 32
    assert apart.p == pytest.approx(2 * 2**-4)


def test_all_families_gain() -> None:
    before = dict.fromkeys(FAMILIES, 0.25)
    after = {problem: 0.5 + ord(problem[0]) / 1000 for problem in FAMILIES}
    found = gain(before, after, FAMILIES)
    assert found
    assert found.p == pytest.approx(2 * 2**-8)
    assert 0.25 < found.interval.low < found.mean < found.interval.high


def test_none_in_common_gives_no_test() -> None:
    assert gain({"a": 1.0}, {"b": 1.0}, {}) is None
