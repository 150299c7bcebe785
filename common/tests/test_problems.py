"""Problem files: what is read, what is refused, and the truth of our own ten problems.

Covers: every fault with its file and line; each truth of `common/problems.csv`, counted by brute
force from the problem's words. Does not cover: how well a model answers them.
"""

import csv
import json
import re
from itertools import product
from math import isqrt
from pathlib import Path

import polars as pl
import pytest

from common.problems import ProblemFileError, ProblemRow, load_problems

OWN = Path(__file__).parents[1] / "problems.csv"


def _write(tmp_path: Path, content: str | bytes, name: str = "set.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _fault(path: Path) -> str:
    with pytest.raises(ProblemFileError) as caught:
        load_problems(path)
    message = str(caught.value)
    assert str(path) in message
    assert message.endswith(".") and "\n" not in message
    return message.replace(str(path), "FILE")


# What is read


def test_csv_with_answers(tmp_path: Path):
    path = _write(tmp_path, 'id,problem,answer\na1,"$1, 2$ or\n3?",3\n007,"say ""x""",-12\n')
    assert load_problems(path) == [
        ProblemRow("a1", "$1, 2$ or\n3?", 3),
        ProblemRow("007", 'say "x"', -12),
    ]


def test_csv_without_answers(tmp_path: Path):
    assert load_problems(_write(tmp_path, "id,problem\na,p\n")) == [ProblemRow("a", "p", None)]


def test_an_empty_answer_is_no_truth(tmp_path: Path):
    rows = load_problems(_write(tmp_path, "id,problem,answer\na,p,\nb,q,5\n"))
    assert [row.truth for row in rows] == [None, 5]


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path):
    path = _write(tmp_path, "\ufeffid,problem\na,p\n")
    assert load_problems(path) == [ProblemRow("a", "p", None)]


def test_columns_in_any_order_and_further_ones(tmp_path: Path):
    path = _write(tmp_path, "url,answer,problem,id\nhttp,4,p,a\n")
    assert load_problems(path) == [ProblemRow("a", "p", 4)]


def test_windows_line_ends_and_blank_lines(tmp_path: Path):
    path = _write(tmp_path, "id,problem,answer\r\n\r\na,p,1\r\n\r\n")
    assert load_problems(path) == [ProblemRow("a", "p", 1)]


@pytest.mark.parametrize(
    ("text", "truth"),
    [("0", 0), ("+7", 7), ("-900", -900), (" 42 ", 42), ("142.0", 142), ("9" * 60, int("9" * 60))],
)
def test_truths_are_kept_exactly(tmp_path: Path, text: str, truth: int):
    assert load_problems(_write(tmp_path, f"id,problem,answer\na,p,{text}\n"))[0].truth == truth


def test_a_very_long_problem(tmp_path: Path):
    text = "x" * 1_000_000
    assert load_problems(_write(tmp_path, f"id,problem\na,{text}\n"))[0].problem == text


def test_jsonl(tmp_path: Path):
    rows = [
        {"id": 0, "problem": "p\u2028q", "answer": 142.0, "url": "u"},
        {"id": "b", "problem": "r", "answer": "-3"},
        {"id": "c", "problem": "s"},
        {"id": "d", "problem": "t", "answer": 10**30},
    ]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"
    assert load_problems(_write(tmp_path, text, "set.jsonl")) == [
        ProblemRow("0", "p\u2028q", 142),
        ProblemRow("b", "r", -3),
        ProblemRow("c", "s", None),
        ProblemRow("d", "t", 10**30),
    ]


def test_parquet(tmp_path: Path):
    path = tmp_path / "set.parquet"
    pl.DataFrame({"id": [1, 2], "problem": ["p", "q"], "answer": [-5, None]}).write_parquet(path)
    assert load_problems(path) == [ProblemRow("1", "p", -5), ProblemRow("2", "q", None)]


# What is refused


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "FILE holds no problems."),
        ("id,problem\n", "FILE holds no problems."),
        ("id,question\na,p\n", "FILE, line 1: the column 'problem' is missing."),
        ("problem,answer\n", "FILE, line 1: the column 'id' is missing."),
        ("id,problem,id\na,p,b\n", "FILE, line 1: the column 'id' appears twice."),
        ('id,problem\na,"p\nq"\nb,r\na,s\n', "FILE, line 5: the id 'a' appears twice."),
        ("id,problem\na,p\nb,\n", "FILE, line 3: the problem is empty."),
        ("id,problem\na,  \n", "FILE, line 2: the problem is empty."),
        ("id,problem\n,p\n", "FILE, line 2: the id is empty."),
        ("id,problem\na,1, 2 and 3\n", "FILE, line 2: 3 cells, not 2."),
        ("id,problem,answer\na,p\n", "FILE, line 2: 2 cells, not 3."),
        ("id,problem,answer\na,p,4.5\n", "FILE, line 2: the answer '4.5' is not an integer."),
        ("id,problem,answer\na,p,many\n", "FILE, line 2: the answer 'many' is not an integer."),
        ("id,problem,answer\na,p,1_000\n", "FILE, line 2: the answer '1_000' is not an integer."),
        ("id,problem,answer\na,p,\u0663\n", "FILE, line 2: the answer '\u0663' is not an integer."),
        ("id,problem\na,p\nb,\u00e9\n".encode("latin-1"), "FILE, line 3: this is not UTF-8 text."),
        ("id,problem\na,p\n".encode("utf-16"), "FILE, line 1: this is not UTF-8 text."),
    ],
)
def test_a_faulty_csv(tmp_path: Path, content: str | bytes, says: str):
    assert _fault(_write(tmp_path, content)) == says


def test_a_quote_left_open_names_the_line_it_opens_on(tmp_path: Path):
    path = _write(tmp_path, 'id,problem\na,p\nb,"q\nc,r\n')
    assert _fault(path).startswith("FILE, line 3: this is not CSV")


def test_more_digits_than_python_reads(tmp_path: Path):
    path = _write(tmp_path, f"id,problem,answer\na,p,{'9' * 5000}\n")
    assert _fault(path) == "FILE, line 2: the answer has too many digits to read."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "FILE holds no problems."),
        ('{"id": 1, "problem": "p"}\n{"id": 2,\n', "FILE, line 2: this is not JSON."),
        ("[" * 100_000, "FILE, line 1: this is not JSON."),
        ("[1]\n", "FILE, line 1: this is not a JSON object."),
        ('{"problem": "p"}\n', "FILE, line 1: the column 'id' is missing."),
        ('{"id": 1, "problem": null}\n', "FILE, line 1: the problem is empty."),
        (
            '{"id": 1, "problem": "p", "answer": true}',
            "FILE, line 1: the answer 'True' is not an integer.",
        ),
        (
            '{"id": 1, "problem": "p", "answer": 1e30}',
            "FILE, line 1: the answer '1e+30' is not an integer.",
        ),
        (
            '{"id": 1, "problem": "p"}\n\n{"id": "1", "problem": "q"}',
            "FILE, line 3: the id '1' appears twice.",
        ),
    ],
)
def test_a_faulty_jsonl(tmp_path: Path, content: str, says: str):
    assert _fault(_write(tmp_path, content, "set.jsonl")) == says


def test_a_faulty_parquet(tmp_path: Path):
    assert _fault(_write(tmp_path, "id,problem\n", "set.parquet")).startswith("FILE is not Parquet")


def test_a_parquet_without_the_column_and_without_the_truth(tmp_path: Path):
    path = tmp_path / "set.parquet"
    pl.DataFrame({"id": ["a"], "text": ["p"]}).write_parquet(path)
    assert _fault(path) == "FILE: the column 'problem' is missing."
    pl.DataFrame({"id": ["a"], "problem": ["p"], "answer": [0.5]}).write_parquet(path)
    assert _fault(path) == "FILE, row 1: the answer '0.5' is not an integer."


@pytest.mark.parametrize(
    ("content", "truths"),
    [
        ("id,problem,answer,,\n1,p,5,,\n2,q,6,x,\n", [5, 6]),
        (",id,problem,answer\n0,1,p,5\n", [5]),
        ("id,problem,answer\n1,p,5,\n2,q,6, ,\n", [5, 6]),
        ("id,problem,source,source,answer\n1,p,a,b,5\n", [5]),
        ("id,problem,answer\n1,p,NaN\n2,q,nan\n3,r,\n", [None, None, None]),
    ],
)
def test_columns_without_a_name_are_ignored_and_nan_is_a_gap(tmp_path, content, truths):
    (tmp_path / "a.csv").write_text(content)
    assert [row.truth for row in load_problems(tmp_path / "a.csv")] == truths


def test_more_cells_than_columns_are_refused_where_they_hold_something(tmp_path):
    (tmp_path / "a.csv").write_text("id,problem,answer\n1,p, with a comma,5\n")
    with pytest.raises(ProblemFileError, match="line 2: 4 cells, not 3"):
        load_problems(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("[1]", "a list"), ('{"a": 1}', "an object"), ("true", "a truth value"), ("5", "int")],
)
@pytest.mark.parametrize("column", ["id", "problem"])
def test_a_cell_that_is_no_text_is_refused(tmp_path, column, cell, kind):
    row = {"id": '"a"', "problem": '"p"', column: cell}
    path = tmp_path / "a.jsonl"
    path.write_text("{" + ", ".join(f'"{name}": {value}' for name, value in row.items()) + "}")
    if (column, cell) == ("id", "5"):
        assert load_problems(path)[0].id == "5"
        return
    with pytest.raises(ProblemFileError, match=rf"line 1: the {column} is .*{kind}"):
        load_problems(path)


def test_nan_and_null_are_gaps_in_jsonl(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = '{"id": "a", "problem": "p", "answer": NaN}\n{"id": "b", "problem": "p", "answer": null}'
    path.write_text(f"\ufeff{rows}\n\n", "utf-8")
    assert [row.truth for row in load_problems(path)] == [None, None]
    path.write_text('{"id": NaN, "problem": "p"}')
    with pytest.raises(ProblemFileError, match="the id is empty"):
        load_problems(path)


def test_binary_columns_of_parquet_are_text(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"id": [b"a"], "problem": ["Fünf?".encode()], "answer": [b"5"]})
    frame.write_parquet(path)
    (row,) = load_problems(path)
    assert (row.id, row.problem, row.truth) == ("a", "Fünf?", 5)
    frame.with_columns(problem=pl.lit(b"\xff\xfe")).write_parquet(path)
    with pytest.raises(ProblemFileError, match="row 1: the problem is binary and not UTF-8"):
        load_problems(path)


def test_other_columns_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"id": ["a", "b"], "problem": ["p", "q"], "answer": [float("nan"), 5.0]})
    frame.write_parquet(path)
    assert [row.truth for row in load_problems(path)] == [None, 5]
    frame.with_columns(problem=pl.lit([1, 2])).write_parquet(path)
    with pytest.raises(ProblemFileError, match="row 1: the problem is a list"):
        load_problems(path)
    frame.with_columns(answer=pl.lit(True)).write_parquet(path)
    with pytest.raises(ProblemFileError, match="row 1: the answer 'True' is not an integer"):
        load_problems(path)


def test_no_such_file_a_folder_and_an_unknown_suffix(tmp_path: Path):
    assert "is not a file" in _fault(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "is not a file" in _fault(tmp_path / "folder.csv")
    assert _fault(tmp_path / "set.txt") == "FILE must end in one of .csv, .jsonl, .parquet."


# The ten problems. Each truth is counted by enumeration, from the words of the problem.


def _sum() -> int:
    return sum(range(1, 41))


def _product() -> int:
    return sum(17 for _ in range(23))


def _divisors() -> int:
    return sum(360 % n == 0 for n in range(1, 361))


def _zeros() -> int:
    factorial = 1
    for n in range(1, 31):
        factorial *= n
    digits = str(factorial)
    return len(digits) - len(digits.rstrip("0"))


def _gcd() -> int:
    return max(n for n in range(1, 1002) if 1001 % n == 0 and 1547 % n == 0)


def _digits() -> int:
    return sum(n % 4 == 0 and sum(map(int, str(n))) == 10 for n in range(100, 1000))


def _lcm() -> int:
    def least_common_multiple(a: int, b: int) -> int:
        return next(multiple for multiple in range(b, a * b + 1, b) if multiple % a == 0)

    # A number that does not divide 720 has no multiple that is 720.
    divisors = [n for n in range(1, 721) if 720 % n == 0]
    return sum(a <= b and least_common_multiple(a, b) == 720 for a in divisors for b in divisors)


def _triangles() -> int:
    found = set[tuple[int, ...]]()
    for a, b in product(range(1, 84), repeat=2):
        c = 84 - a - b
        if c < 1 or a + b <= c or b + c <= a or a + c <= b:
            continue
        sixteen_areas_squared = 84 * (b + c - a) * (a + c - b) * (a + b - c)
        root = isqrt(sixteen_areas_squared)
        if root * root == sixteen_areas_squared and root % 4 == 0:
            found.add(tuple(sorted((a, b, c))))
    return len(found)


def _paths() -> int:
    count = 0
    for steps in product((0, 1), repeat=16):
        if sum(steps) != 8:
            continue
        right, up, allowed = 0, 0, True
        for step in steps:
            right, up = right + step, up + 1 - step
            allowed = allowed and not (right == up and right in (2, 4, 6))
        count += allowed
    return count % 1000


def _functions() -> int:
    return sum(all(f[f[f[x]]] == f[x] for x in range(5)) for f in product(range(5), repeat=5))


TRUTHS = {
    "sum": _sum,
    "product": _product,
    "divisors": _divisors,
    "zeros": _zeros,
    "gcd": _gcd,
    "digits": _digits,
    "lcm": _lcm,
    "triangles": _triangles,
    "paths": _paths,
    "functions": _functions,
}


def test_there_are_ten_problems_each_with_a_truth_to_count():
    assert [row.id for row in load_problems(OWN)] == list(TRUTHS)
    assert len(TRUTHS) == 10


@pytest.mark.parametrize("problem", TRUTHS)
def test_the_truth_is_what_brute_force_counts(problem: str):
    truth = {row.id: row.truth for row in load_problems(OWN)}[problem]
    assert truth == TRUTHS[problem]()
    assert 0 <= truth <= 999


def test_the_problems_are_written_in_closed_latex():
    for row in load_problems(OWN):
        assert row.problem.count("$") % 2 == 0 and "$" in row.problem
        assert row.problem.count("{") == row.problem.count("}")
        assert not re.search(r"boxed|```", row.problem)


def test_the_problems_file_is_plain_to_other_readers():
    with open(OWN, newline="", encoding="utf-8") as file:
        rows = [row["id"] for row in csv.DictReader(file)]
    assert rows == pl.read_csv(OWN)["id"].to_list() == list(TRUTHS)
    assert pl.read_csv(OWN).schema["answer"] == pl.Int64
