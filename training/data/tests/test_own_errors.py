"""A model's own failed blocks become mistakes that conversations mend with the right program."""

import re
from dataclasses import replace

import pytest

from kernel.config import Config
from kernel.records import StopReason
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data import construction, generator, own_errors
from training.data.conversations import scripted, with_code
from training.data.options import DatasetOptions
from training.data.own_errors import MOST_CHARACTERS, error_in
from training.data.sampling import JudgedCandidate
from training.data.workplace import BuildError, prepared

CONFIG = Config(max_context=4000)
POSED = generator.training_problems(3, 0, True, generator.kept_problems())
CLOSED = "SyntaxError: '(' was never closed"
TRACEBACK = 'Traceback (most recent call last):\n  File "<block 1>", line 1\nNameError: n'


def tried(code, output, failed=True):
    text = f"Plan.\n```python\n{code}\n```\n```output\n{output}\n```\n"
    begin, at = text.index(code), text.index(f"\n{output}") + 1
    return JudgedCandidate(
        problem=POSED[0].id,
        index=0,
        text=text,
        outputs=((at, at + len(output)),),
        failures=((begin, begin + len(code)),) if failed else (),
        failed=(failed,),
        answer=None,
        right=False,
        stop=StopReason.ROUNDS_USED,
        tokens=20,
    )


@pytest.mark.parametrize(
    ("code", "output", "error"),
    [
        ("print(1", f'  File "<block 1>", line 1\n{CLOSED}', "SyntaxError"),
        ("print(n)", TRACEBACK, "NameError"),
        ("next(iter(()))", "Traceback:\nStopIteration", "StopIteration"),
        ("x = 1", "[no output: use print]", "no output"),
        # What a busy machine or a limit ended says nothing about the program.
        ("while 1: pass", "[stopped after 10 s]", None),
        ("1 / 0\n" + "#" * MOST_CHARACTERS, "ZeroDivisionError: division by zero", None),
    ],
)
def test_a_failed_block_is_a_mistake_with_the_right_program(code, output, error):
    fault = error_in(tried(code, output), POSED[0])
    if error is None:
        assert fault is None
        return
    assert (fault.broken, fault.mended) == (code, POSED[0].code)
    assert re.search(fault.shows, output)
    assert not re.search(fault.shows, "KeyError: 7")
    assert error.lower() in fault.remark.lower()


def test_what_worked_or_ran_nothing_is_no_mistake():
    worked = tried("print(1)", "1", failed=False)
    assert error_in(worked, POSED[0]) is None
    assert error_in(replace(worked, outputs=(), failed=()), POSED[0]) is None


def test_conversations_hold_the_models_error_and_no_drawn_one():
    fault = error_in(tried("print(n)", TRACEBACK), POSED[0])
    errors = {POSED[0].id: fault}
    assert scripted(POSED[0], 0, errors).faults == (fault,)
    # An error that does not show when its block runs again leaves the conversation without.
    assert scripted(POSED[0], 1, errors).faults == ()
    assert all(not scripted(posed, 0, {}).faults for posed in POSED)
    with ForkedSandbox(CONFIG) as sandbox:
        first, *others = with_code(POSED, sandbox, CONFIG, errors=errors)
        hidden = {POSED[0].id: replace(fault, broken=POSED[0].code)}
        again = with_code(POSED[:1], sandbox, CONFIG, errors=hidden)
    assert first.recoveries == 1 and [row.recoveries for row in others] == [0, 0]
    (begin, end), (low, high) = first.failures[0], first.outputs[0]
    assert first.solution[begin:end] == "print(n)"
    assert "NameError" in first.solution[low:high]
    assert POSED[0].code in first.solution[high:]
    assert again[0].recoveries == 0


class Tries:
    """Stands for the model's tries: what `construct` would sample."""

    def __init__(self, samples):
        self.samples = samples

    def __call__(self, problems, config, path, about, opened, at_once, progress, rounds):
        progress(1, len(problems), len(problems), 0)
        assert (config.candidates, config.rounds, rounds) == (1, 1, 1)
        return [construction.SampledProblem(1, row.id, (self.samples[row.id],)) for row in problems]


def test_errors_are_found_by_problem(tmp_path, monkeypatch):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    place, counts = prepared(DatasetOptions(out=tmp_path / "out", errors_of=model)), []
    samples = {
        POSED[0].id: tried("print(n)", TRACEBACK),
        POSED[1].id: tried("print(1)", "1", False),
    }
    monkeypatch.setattr(construction, "construct", Tries(samples))
    found = own_errors.own_errors(place, POSED[:2], counts.append)
    assert list(found) == [POSED[0].id] and counts == [2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "cot"}, "set KIND=tir, and no FROM"),
        ({"problems": "p.jsonl"}, "set KIND=tir, and no FROM"),
        ({}, "is not a model: set ERRORS_OF"),
    ],
)
def test_what_cannot_be_tried_is_said(tmp_path, options, said):
    with pytest.raises(BuildError, match=said):
        place = prepared(
            DatasetOptions(out=tmp_path / "out", errors_of=tmp_path / "nowhere", **options)
        )
        own_errors.own_errors(place, POSED, lambda done: None)
