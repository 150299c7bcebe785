"""A stand-in for the scorer: what a submission file must be, and how many answers are right.

Covers: the file's name, columns, dtypes (`id` as the gateway reads it, `answer` int64), one row a
problem, the range; equality with the truth. Does not cover: AIMO-3's two runs of the private set,
with 1, 0.5 or 0 points per problem. Kaggle answers a fault with nothing but "Submission Scoring
Error"; this names each fault.
"""

import io
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

_NAMES = ("submission.csv", "submission.parquet")


def read_submission(path: Path) -> pl.DataFrame:
    """Read a submission; of a CSV the ids are text, whatever they look like."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    return pl.read_csv(path, schema_overrides={"id": pl.String}, infer_schema_length=None)


def as_read(path: Path, ids: Collection[str]) -> pl.Series:
    """Return a problem file's ids as the run behind the submission `path` has met them.

    AIMO-1's, whose submission is a CSV, stay text; a gateway reads digits as integers.
    """
    texts = pl.DataFrame({"id": list(ids)}, {"id": pl.String})
    if path.suffix != ".parquet":
        return texts["id"]
    return pl.read_csv(io.StringIO(texts.write_csv()), infer_schema_length=None)["id"]


def faults(path: Path, ids: Collection[str], max_answer: int) -> list[str]:
    """Return everything that is wrong with the submission; an empty list for a right one."""
    if path.name not in _NAMES:
        return [f"the file is named {path.name}, not submission.csv or submission.parquet"]
    if not path.is_file():
        return [f"there is no {path.name}"]
    frame = read_submission(path)
    if frame.columns != ["id", "answer"]:
        return [f"the columns are {frame.columns}, not ['id', 'answer']"]
    known = as_read(path, ids)
    expected = {"id": known.dtype, "answer": pl.Int64}
    wrong = [
        f"the dtype of {name} is {frame.schema[name]}, not {dtype}"
        for name, dtype in expected.items()
        if frame.schema[name] != dtype
    ]
    # Rows and ranges mean nothing while the dtypes are wrong.
    return wrong or _row_faults(frame, known.to_list()) + _range_faults(frame, max_answer)


def score(path: Path, truths: Mapping[str, int]) -> int:
    """Return how many problems of `truths` the submission answers right."""
    answers = dict(read_submission(path).select("id", "answer").iter_rows())
    known = as_read(path, truths)
    return sum(answers.get(id_) == truth for id_, truth in zip(known, truths.values(), strict=True))


def _row_faults(frame: pl.DataFrame, ids: Collection[object]) -> list[str]:
    counts = Counter(frame["id"])
    expected = set(ids)
    return [
        *(f"problem {id_!r} has no row" for id_ in ids if id_ not in counts),
        *(f"id {id_!r} belongs to no problem" for id_ in counts if id_ not in expected),
        *(f"problem {id_!r} has {n} rows" for id_, n in counts.items() if n > 1),
    ]


def _range_faults(frame: pl.DataFrame, max_answer: int) -> list[str]:
    return [
        f"the answer to {id_!r} is {answer}, not between 0 and {max_answer}"
        for id_, answer in frame.iter_rows()
        if answer is None or not 0 <= answer <= max_answer
    ]
