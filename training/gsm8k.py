"""GSM8K's first 200 test problems, as a file that evaluations take.

Covers: fetching them once from the hub into the cache, or using the file that is already there
(`sets/gsm8k.jsonl` in the cache: id, problem, answer). Does not cover: training on GSM8K
(`make dataset`). Without both network and file the set is left out.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common import files
from common.embedded_model import cache_folder

REPOSITORY = "openai/gsm8k"
COUNT = 200
MARK = "####"
"""A solution's final number follows it."""


def fetched(path: Path | None = None) -> Path | None:
    """Return the file of problems, fetched the first time; None where it cannot be had."""
    path = path or cache_folder() / "sets/gsm8k.jsonl"
    if path.is_file():
        return path
    try:
        import datasets

        test = datasets.load_dataset(REPOSITORY, "main", split=f"test[:{COUNT}]")
    except Exception as error:
        # The hub's client raises errors of half a dozen packages; all mean the same here.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        print(f"{REPOSITORY} is left out: it cannot be fetched ({reason[:120]}).")
        return None
    lines = [json.dumps(row) + "\n" for row in problems(test)]
    files.write_text(path, "".join(lines))
    return path


def problems(rows: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the rows as problems, with their final integers."""
    return [
        {
            "id": f"gsm8k-{number}",
            "problem": row["question"],
            "answer": int(row["answer"].rpartition(MARK)[2].strip().replace(",", "")),
        }
        for number, row in enumerate(rows)
    ]
