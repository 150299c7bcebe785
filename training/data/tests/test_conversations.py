"""Conversations: what the kernel would make of them, recoveries, and the same bytes again."""

from collections import Counter

import pytest

from kernel.answers import extraction
from kernel.config import Config
from kernel.prompt import output_block
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data.conversations import FamilyError, in_words, with_code
from training.data.families.catalogue import families
from training.data.families.family import Case, Family
from training.data.filters import failed, last_failed, unused
from training.data.generator import kept_problems, training_problems, watched
from training.data.overlap import words

CONFIG = Config()


@pytest.fixture(scope="module")
def sandbox():
    with ForkedSandbox(CONFIG) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(sandbox):
    return with_code(training_problems(240, 0, True, kept_problems()), sandbox, CONFIG)


def test_a_conversation_is_what_the_kernel_would_have_written(rows):
    for row in rows:
        end = 0
        for start, stop in row.outputs:
            said = row.solution[end:start]
            # The model's part asks for its code to be run, as the kernel reads it.
            assert said.endswith(CONFIG.stop[0])
            assert extraction.pending_code(said) is not None
            output = row.solution[start:stop].removesuffix("```\n").strip("\n")
            assert output_block(said, output, CONFIG.stop) == row.solution[start:stop]
            end = stop
        assert extraction.pending_code(row.solution[end:]) is None
        assert extraction.extract_answer(row.solution) == row.answer
        assert not last_failed(row) and not unused(row)


def test_one_in_five_conversations_mends_what_really_failed(rows):
    counts = Counter(row.recoveries for row in rows)
    assert 0.2 <= 1 - counts[0] / len(rows) <= 0.4 and counts[2] >= 3
    for row in rows:
        assert len(row.failures) == row.recoveries == len(row.outputs) - 1
        for (start, stop), (first, last) in zip(row.failures, row.outputs, strict=False):
            code = extraction.pending_code(row.solution[:first])
            assert row.solution[start:stop].strip("\n") == code
            output = row.solution[first:last].removesuffix("```\n")
            # An end that is off by one prints its check; everything else is an error or nothing.
            assert failed(output) or "numbers[0], numbers[-1]" in code


def test_the_same_problems_give_the_same_bytes(rows, sandbox):
    problems = training_problems(60, 0, True, kept_problems())
    again = with_code(problems, sandbox, CONFIG)
    assert [row.line() for row in again] == [row.line() for row in rows[:60]]
    other = training_problems(60, 1, True, kept_problems())
    assert not {p.problem for p in other} >= {p.problem for p in problems}


def test_solutions_in_words_box_the_answer_and_hold_no_code():
    for family in (*families(False), *families(True)):
        row = in_words(family.pose("3", large=False))
        assert extraction.extract_answer(row.solution) == row.answer
        assert row.outputs == () and "```" not in row.solution


def test_a_program_that_is_wrong_names_its_family(sandbox):
    bad = Family("bad", "", ("?",), ("p",), ("print(1)",), "it", lambda d: Case(2, ("2",), {}))
    with pytest.raises(FamilyError, match=r"family bad .* does not print the answer 2"):
        with_code([bad.pose("0")], sandbox, CONFIG)


def test_problems_kept_for_testing_are_never_trained_on():
    kept = kept_problems()
    assert len(kept.known) >= 260 and len(kept.held_out) >= 130
    assert {p.family for p in kept.known} == {f.name for f in families(False)}
    assert {p.family for p in kept.held_out} == {f.name for f in families(True)}
    assert {p.family for p in watched(kept)} == {p.family for p in (*kept.known, *kept.held_out)}
    for large in (False, True):
        trained = training_problems(3000, 5, large, kept)
        assert len(trained) == len({tuple(words(p.problem)) for p in trained}) == 3000
        assert {p.family for p in trained} == {f.name for f in families(False)}
        assert not {(p.family, p.numbers) for p in trained} & kept.numbers
    assert kept_problems() == kept
