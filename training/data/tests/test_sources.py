"""Sources: files and their faults by line, other sets' output blocks, calculator notes."""

import json

import polars as pl
import pytest

from kernel.config import Config
from training.data.calculator_notes import worked
from training.data.dialect import as_kernel_writes
from training.data.filters import LAST_FAILED, NO_INTEGER, NOT_THE_TRUTH
from training.data.gathering import executed
from training.data.sources import SourceError, draft, file_records, problems_of, records

CONFIG = Config()


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def drafts(path, kind="cot"):
    return [draft(r, n, str(path), kind, CONFIG) for n, r in enumerate(file_records(path), 1)]


GOOD = {"id": "a", "problem": "What is 1 + 1?", "solution": r"It is $\boxed{2}$.", "answer": 2}


def without(*names, **changes):
    return {k: v for k, v in (GOOD | changes).items() if k not in names}


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_both_formats_give_the_same_rows(tmp_path, suffix):
    path = tmp_path / f"set{suffix}"
    frame = pl.DataFrame([GOOD, without(id="b", answer=3)])
    (frame.write_ndjson if suffix == ".jsonl" else frame.write_parquet)(path)
    rows = [made.row for made in drafts(path)]
    assert [(r.id, r.answer, r.solution) for r in rows] == [
        ("a", 2, GOOD["solution"]),
        ("b", 3, GOOD["solution"]),
    ]


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (GOOD, 2),
        (without("answer"), 2),
        (without(answer="2.0"), 2),
        (without(answer="1,234"), 1234),
        (without(answer="x + 1"), None),
        (without("answer", solution=r"\boxed{x}"), None),
        (
            {
                "messages": [
                    {"role": "user", "content": "What is 1 + 1?"},
                    {"role": "assistant", "content": r"\boxed{2}"},
                ]
            },
            2,
        ),
        ({"question": "What is 1 + 1?", "answer": "1+1=<<1+1=2>>2\n#### 2"}, 2),
    ],
)
def test_the_truth_of_a_row(tmp_path, row, answer):
    (made,) = drafts(write(tmp_path / "a.jsonl", row))
    assert (made.row.answer, made.row.problem) == (answer, "What is 1 + 1?")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (without("problem"), "line 2: the problem is missing"),
        (without(problem=" "), "line 2: the problem is missing"),
        (without("solution"), "line 2: the solution is missing"),
        (without(solution=None), "line 2: the solution is missing"),
        (without(answer=None), "line 2: the answer is missing"),
        (without(answer=""), "line 2: the answer is missing"),
        (without("answer", solution="It is 2."), "line 2: the answer is missing: add it, or box"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path, row, sentence):
    with pytest.raises(SourceError, match=sentence):
        drafts(write(tmp_path / "a.jsonl", GOOD, row))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.jsonl", "{}\n[1]\n", "line 2: this is not a JSON object"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2: this is not JSON"),
        ("a.parquet", "text", "is not Parquet"),
        ("a.txt", "text", "neither a JSONL or Parquet file nor one of generator, numina-cot"),
        ("missing.jsonl", None, "neither a JSONL or Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=sentence) as raised:
        list(file_records(tmp_path / name))
    assert "\n" not in str(raised.value)


def test_the_order_of_a_file_depends_on_the_seed_alone(tmp_path):
    path = write(tmp_path / "a.jsonl", *(without(id=str(n)) for n in range(30)))
    order = [[r.cells["id"] for r in records(str(path), seed)] for seed in (0, 0, 1)]
    assert order[0] == order[1] != order[2] and sorted(order[0]) == sorted(order[2])


SOLVED = "Add.\n```python\nprint(1 + 1\n```\n```output\nSyntaxError: '(' was never closed\n```\n"
MENDED = "Close it.\n```python\nprint(1 + 1)\n```\n\n```output\n2\n```\nIt is $\\boxed{2}$."


def test_output_blocks_of_other_sets_are_written_as_the_kernel_does():
    written = as_kernel_writes(SOLVED + MENDED, CONFIG)
    assert written.text == SOLVED + MENDED.replace("\n\n```output", "\n```output")
    first, second = (written.text[a:b] for a, b in written.outputs)
    assert first == "\nSyntaxError: '(' was never closed\n```\n" and second == "\n2\n```\n"
    assert [written.text[a:b] for a, b in written.failures] == ["print(1 + 1"]
    assert written.recoveries == 1
    assert as_kernel_writes(SOLVED, CONFIG).recoveries == 0
    plain = "No code: $\\boxed{2}$."
    assert as_kernel_writes(plain, CONFIG).text == plain


def test_an_output_beyond_the_kernels_limit_is_cut():
    long = f"```python\nprint('x' * 9)\n```\n```output\n{'x' * 9}\n```\n"
    written = as_kernel_writes(long, Config(max_output_chars=4))
    assert "\nxxxx\n```\n" in written.text


@pytest.mark.parametrize(
    ("solution", "program", "answer"),
    [
        ("He has 48/2 = <<48/2=24>>24.\n#### 24", "step1 = 48/2\nprint(step1)", 24),
        (
            "In May she sold 48/2 = <<48/2=24>>24.\nIn all 48+24 = <<48+24=72>>72.\n#### 72",
            "# In May she sold\nstep1 = 48/2\nstep2 = 48+step1\nprint(step2)",
            72,
        ),
        ("It is <<2*.5=1>>1.\n#### 1,080", "step1 = 2*.5\nprint(step1)", 1080),
        ("No notes.\n#### 5", None, 5),
        ("It is <<x+1=3>>3.\n#### 3", None, 3),
        ("It is <<__import__('os')=3>>3.\n#### 3", None, 3),
        ("It is <<1/2=.5>>half.\n#### half", "step1 = 1/2\nprint(step1)", None),
    ],
)
def test_calculator_notes_become_programs(solution, program, answer):
    parts = worked(solution)
    assert (parts.program, parts.answer) == (program, answer)
    assert "<<" not in parts.words and "####" not in parts.words


class Calculator:
    """Runs one block a session, as the sandbox would."""

    def __init__(self):
        self.done = []

    def submit(self, session, code):
        import contextlib
        import io

        from kernel.records import Execution, ExecutionStatus

        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            exec(code, {})
        self.done.append(Execution(session, ExecutionStatus.OK, shown.getvalue(), 0.0))

    def poll(self, timeout=0.0):
        done, self.done = self.done, []
        return done

    def close_session(self, session):
        pass


def test_gsm8k_rows_are_executed_in_order(tmp_path):
    rows = [
        {"question": f"What is {n} / 2?", "answer": f"{n}/2 = <<{n}/2={n // 2}>>\n#### {n // 2}"}
        for n in range(2, 40, 2)
    ]
    path = write(tmp_path / "g.jsonl", *rows)
    made = list(executed(drafts(path, "tir"), Calculator(), CONFIG))
    assert [row.answer for row in made] == list(range(1, 20))
    for row in made:
        ((start, end),) = row.outputs
        assert row.solution[start:end] == f"\n{row.answer}.0\n```\n"
        assert row.solution.endswith(f"The answer is $\\boxed{{{row.answer}}}$.")
    assert {NO_INTEGER, NOT_THE_TRUTH, LAST_FAILED} and "```" not in drafts(path)[0].row.solution


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([GOOD, without("problem")], "line 2: the problem is missing"),
        ([GOOD, without("answer")], "line 2: the answer is missing"),
        ([GOOD, GOOD], "line 2: the id 'a' appears twice"),
        ([], "holds no problems"),
    ],
)
def test_problems_to_be_sampled_need_an_answer(tmp_path, rows, sentence):
    with pytest.raises(SourceError, match=sentence):
        problems_of(write(tmp_path / "p.jsonl", *rows))


def test_problems_to_be_sampled_need_no_id(tmp_path):
    rows = [without("id", "solution", problem=f"{n}?", answer=n) for n in (5, "1/2")]
    found = problems_of(write(tmp_path / "p.jsonl", *rows))
    assert [(p.id, p.truth) for p in found] == [("p-1", 5), ("p-2", None)]
