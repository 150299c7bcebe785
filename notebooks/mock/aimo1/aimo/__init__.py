"""A stand-in for `aimo`, AIMO-1's compiled module, which exists only on Kaggle.

How the real one was seen to behave, and this one does: `make_env()` once, `env.iter_test()` once;
the iterator gives pandas frames of one row, `test[id, problem]` and `sub[id, answer]`, and the
answers go back by `env.predict(sub)`. Continuing without `predict` prints a message and gives None.
`predict` before a row, after the end, twice for a row, or with something that is not a DataFrame
raises. The frame's contents are not checked. `submission.csv` is written to the current folder once
the iterator is exhausted, and not before, so a crash leaves nothing.

What differs: the problems come from `MOCK_INPUT` (see `core/settings.py`) in the file's order, and
a submission left by an earlier run is removed at the start, where Kaggle starts a fresh machine.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pandas as pd

from .core.settings import Settings

_SUBMISSION = Path("submission.csv")


class _State(Enum):
    """Whose turn it is."""

    NEW = "the iterator was not asked for a row yet"
    ASKED = "a row waits for its answer"
    ANSWERED = "the answer was taken; the next row may be asked for"
    DONE = "every row was answered"


class Environment:
    """What `make_env` gives: an iterator over the problems that takes one answer each."""

    def __init__(self) -> None:
        frame = pd.read_csv(
            Settings.from_environment().problems_file(), dtype=str, keep_default_na=False
        )
        self._problems = frame[["id", "problem"]]
        self._answers: list[pd.DataFrame] = []
        self._state = _State.NEW
        self._iterated = False
        _SUBMISSION.unlink(missing_ok=True)

    def iter_test(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame] | None]:
        """Give the problems one by one; None where the last one has no answer yet."""
        if self._iterated:
            raise RuntimeError("iter_test() works once: restart the notebook to begin again.")
        self._iterated = True
        return self._rows()

    def _rows(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame] | None]:
        for index in range(len(self._problems)):
            test = self._problems.iloc[[index]].reset_index(drop=True)
            self._state = _State.ASKED
            yield test, pd.DataFrame({"id": test["id"], "answer": [0]})
            while self._state is _State.ASKED:
                print(
                    "You must call `predict()` successfully before you can continue with "
                    "`iter_test()`",
                    flush=True,
                )
                yield None
        self._state = _State.DONE
        self._write()

    def predict(self, sub: object) -> None:
        """Take the answer to the row given last."""
        if self._state is _State.DONE:
            raise RuntimeError("predict() after the end: every problem has its answer.")
        if self._state is not _State.ASKED:
            raise RuntimeError("predict() without a problem: ask iter_test() for the next first.")
        if not isinstance(sub, pd.DataFrame):
            raise TypeError(f"predict() takes a DataFrame, not {type(sub).__name__}.")
        self._answers.append(sub.copy())
        self._state = _State.ANSWERED

    def _write(self) -> None:
        draft = _SUBMISSION.with_suffix(".tmp")
        pd.concat(self._answers, ignore_index=True).to_csv(draft, index=False)
        draft.rename(_SUBMISSION)


_made = False


def make_env() -> Environment:
    """Make the environment, once in a process."""
    global _made  # one process, one environment: that is the behaviour to show
    if _made:
        raise RuntimeError("make_env() works once: restart the notebook to begin again.")
    _made = True
    return Environment()
