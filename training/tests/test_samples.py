import json
from pathlib import Path

import pytest

from training.rows import Row
from training.samples import Sample, chosen, labelled, weights, write_problems
from training.settings import TrainingError
from training.tests.tiny import make_data, make_row
from validation.runs.records import read_run
from validation.tests.run_files import CODE, RunFile

GOOD, BAD = (Sample(Row("p", kind), kind == "good") for kind in ("good", "bad"))


def test_labels_are_by_the_truth_and_spans_are_the_kernels(tmp_path: Path) -> None:
    run = RunFile()
    run.problem("seven", 7)
    run.candidate(0, (CODE.format(7), "7"), "So \\boxed{7}.", answer=7)
    run.candidate(1, (CODE.format(8), "8"), "So \\boxed{8}.", answer=8)
    run.candidate(2, "I give up.", reason="no_answer")
    run.candidate(3, "So \\boxed{", reason="truncated")
    run.solution(7)
    found = labelled(read_run(run.save(tmp_path / "run.jsonl")))
    assert [sample.good for sample in found] == [True, False, False, False]
    row = found[0].row
    assert row.problem == "What is seven?"
    assert row.solution == f"{CODE.format(7)}\n7\n```\nSo \\boxed{{7}}."
    assert [row.solution[start:end] for start, end in row.outputs] == ["\n7\n```\n"]


@pytest.mark.parametrize("reason", ["deadline", "decided", "engine_failed"])
def test_a_candidate_that_was_cut_off_is_no_sample(tmp_path: Path, reason: str) -> None:
    run = RunFile()
    run.problem("seven", 7)
    run.candidate(0, "Let me", reason=reason)
    run.candidate(1, "So \\boxed{7}.", answer=7)
    run.solution(7)
    found = labelled(read_run(run.save(tmp_path / "run.jsonl")))
    assert [sample.good for sample in found] == [True]


def test_a_truth_goes_through_the_competitions_convention(tmp_path: Path) -> None:
    run = RunFile()
    run.votes("big", 5007, [7, 5007], 7)
    found = labelled(read_run(run.save(tmp_path / "run.jsonl")))
    assert [sample.good for sample in found] == [True, False]


@pytest.mark.parametrize(
    ("good", "bad", "most", "expected"),
    [
        (3, 9, None, (3, 9)),
        (3, 9, 6, (3, 3)),
        (9, 3, 8, (5, 3)),
        (9, 9, 8, (4, 4)),
        (1, 1, 9, (1, 1)),
    ],
)
def test_both_kinds_are_kept(
    good: int, bad: int, most: int | None, expected: tuple[int, int]
) -> None:
    found = chosen([GOOD] * good + [BAD] * bad, most, seed=0)
    kinds = [sample.good for sample in found]
    assert (sum(kinds), len(kinds) - sum(kinds)) == expected


def test_good_ones_are_spread_over_the_order() -> None:
    kinds = [sample.good for sample in chosen([GOOD] * 5 + [BAD] * 15, None, seed=0)]
    assert all(sum(kinds[start : start + 4]) == 1 for start in range(0, 20, 4))


@pytest.mark.parametrize("samples", [[GOOD], [BAD, BAD], []])
def test_one_kind_alone_is_refused(samples: list[Sample]) -> None:
    with pytest.raises(TrainingError, match="samples are right: KTO needs right and wrong ones"):
        chosen(samples, None, seed=0)


@pytest.mark.parametrize(
    ("good", "bad", "expected"), [(10, 30, (3.0, 1.0)), (30, 10, (1.0, 3.0)), (5, 5, (1.0, 1.0))]
)
def test_the_kinds_weigh_the_same(good: int, bad: int, expected: tuple[float, float]) -> None:
    assert weights(good, bad) == expected
    of_good, of_bad = weights(good, bad)
    assert good * of_good == bad * of_bad


def test_each_problem_with_an_answer_is_asked_once(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", 3)
    with (data / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({**make_row(1), "id": "again"}) + "\n")
        file.write(json.dumps({**make_row(4), "answer": None}) + "\n")
    out = write_problems(data / "train.jsonl", tmp_path / "problems.jsonl", None)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["row-1", "row-2", "row-3"]
    assert [row["answer"] for row in rows] == [7, 14, 21]


def test_a_set_without_answers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({**make_row(1), "answer": None}) + "\n", "utf-8")
    with pytest.raises(TrainingError, match="KTO needs the truth"):
        write_problems(path, tmp_path / "problems.jsonl", None)
