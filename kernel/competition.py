"""Speaks the competition's API: finds out which one is there, and answers its questions.

Covers: AIMO-1 (we loop over its iterator), AIMO-2 and AIMO-3 (their gateway calls us over gRPC),
found on the path or anywhere below the input mounts; the frames and dtypes each expects; the local
run that must leave a submission file. Does not cover: time, and errors of the answering function,
which must not raise at all: an exception loses every answer, and with AIMO-2 and -3 a `SystemExit`
or `KeyboardInterrupt` hangs the run until its limit. Call `Competition.serve` before the model is
loaded: AIMO-2 and -3 give up after 15 minutes without it, but wait for the first answer forever.
"""

import importlib
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import polars as pl

from kernel.config import ConfigError
from kernel.records import Problem


@dataclass(frozen=True, slots=True)
class Convention:
    """What a competition accepts as an answer, and how long it waits for all of them."""

    modulus: int | None
    """Answers are taken modulo this; None: as they are."""
    max_answer: int
    """Answers run from 0 to this."""
    limit_seconds: float
    """The platform's limit for the whole run."""


@dataclass(frozen=True, slots=True)
class Competition:
    """One of the competitions, as found by `find`."""

    name: str
    module: str
    """The API's module, as it is imported."""
    server: str | None
    """The class of its inference server; None: an iterator that we pull from."""
    convention: Convention
    inputs: Path = Path()
    """Below it lie the problems of a local run."""
    folder: Path = Path()
    """It holds the module; the competition's own problems lie beside that."""

    def serve(self, answer: Callable[[Problem], int]) -> None:
        """Answer every problem of the competition; return when there are no more.

        In a scored run of AIMO-2 or -3 the platform may end the process instead of returning.

        Args:
            answer: gives an integer from 0 to `convention.max_answer`, and never raises. AIMO-2
                and -3 call it in a worker thread: it can set no signal handlers.

        Raises:
            ConfigError: a local run finds no problems below `inputs`.
            RuntimeError: AIMO-1's iterator gave no problem.
            ValueError: the answer is no such integer.
        """

        def ask(problem_id: str, text: str) -> int:
            return self._checked(answer(Problem(problem_id, text)))

        api = importlib.import_module(self.module)
        if self.server is None:
            _pull(api, ask)
        else:
            self._push(getattr(api, self.server), ask)

    def _checked(self, value: int) -> int:
        """Refuse what the gateway would let pass and the scorer would not."""
        largest = self.convention.max_answer
        if type(value) is not int or not 0 <= value <= largest:
            raise ValueError(f"answer() returned {value!r}: return an int from 0 to {largest}.")
        return value

    def _push(self, server_class: Any, ask: Callable[[str, str], int]) -> None:
        """Let the gateway ask: the platform's in a scored run, a local one otherwise."""

        # AIMO-3 takes nothing but a plain function, and the gateway calls it by this name.
        def predict(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
            value = ask(_text(ids.item()), _text(problems.item()))
            # The id goes back as it came: AIMO-2 infers integers from digits and takes nothing
            # else for them. Any dtype of an answer passes, and a wrong one fails the scoring.
            return pl.DataFrame({"id": ids, "answer": pl.Series([value], dtype=pl.Int64)})

        if os.environ.get("KAGGLE_IS_COMPETITION_RERUN"):
            server_class(predict).serve()
            return
        problems = self._local_problems()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "test.csv"
            problems.write_csv(path)
            server_class(predict).run_local_gateway((str(path),))

    def _local_problems(self) -> pl.DataFrame:
        """Read the test file, or the reference file where there is none.

        A further column (the reference's `answer`) would reach `predict` as a further argument.
        """
        places = [self.folder, *folders(self.inputs)]
        paths = [folder / name for name in ("test.csv", "reference.csv") for folder in places]
        for path in filter(Path.is_file, paths):
            frame = pl.read_csv(path, infer_schema_length=0)
            if {"id", "problem"} <= set(frame.columns):
                return frame.select("id", "problem")
        raise ConfigError(
            f"{self.name} has no test.csv with the columns id and problem below {self.inputs}: "
            "attach the competition's data to the notebook."
        )


def _push_style(number: int, convention: Convention) -> Competition:
    module = f"kaggle_evaluation.aimo_{number}_inference_server"
    return Competition(f"AIMO-{number}", module, f"AIMO{number}InferenceServer", convention)


# Source of the numbers: the competitions' rules.
COMPETITIONS = (
    _push_style(3, Convention(modulus=None, max_answer=99_999, limit_seconds=5 * 3600)),
    _push_style(2, Convention(modulus=1000, max_answer=999, limit_seconds=5 * 3600)),
    Competition("AIMO-1", "aimo", None, Convention(1000, 999, limit_seconds=9 * 3600)),
)
"""Newest first: where data of an older competition is attached too, the newer one is meant."""


def find(inputs: Path) -> Competition:
    """Find the competition whose API is on the path, or lies somewhere below `inputs`.

    Raises:
        ConfigError: there is none.
    """
    for competition in COMPETITIONS:
        if folder := _locate(competition.module, sys.path):
            return replace(competition, inputs=inputs, folder=folder)
    mounted = [str(folder) for folder in folders(inputs)]
    for competition in COMPETITIONS:
        for path in mounted:
            if folder := _locate(competition.module, [path]):
                # In front: an image may carry a `kaggle_evaluation` without this competition.
                sys.path.insert(0, path)
                return replace(competition, inputs=inputs, folder=folder)
    raise ConfigError(
        "no competition API (aimo, or kaggle_evaluation of AIMO-2 or -3) is on the path or below "
        f"{inputs}: attach the competition's data to the notebook."
    )


def _locate(module: str, path: Sequence[str]) -> Path | None:
    """Return the folder on `path` that `module` would be imported from, without running it."""
    locations, name, origin = path, "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, locations)
        if spec is None:
            return None
        locations, origin = spec.submodule_search_locations or [], spec.origin
    # A mere folder of that name also gives a spec, but one without an origin.
    return Path(origin).parents[module.count(".") + bool(locations)] if origin else None


def folders(top: Path) -> Iterator[Path]:
    """Yield every folder from `top` down, nearest first, linked ones too, none twice."""
    waiting, seen = deque([top] if top.is_dir() else []), set[Path]()
    while waiting:
        folder = waiting.popleft()
        # Kaggle's mount layouts link to each other; a link to a parent would never end.
        if (real := folder.resolve()) in seen:
            continue
        seen.add(real)
        yield folder
        with os.scandir(folder) as entries:
            waiting.extend(sorted(folder / entry.name for entry in entries if entry.is_dir()))


def _pull(api: Any, ask: Callable[[str, str], int]) -> None:
    """Ask AIMO-1's iterator for problems, and give it an answer to each."""
    env = api.make_env()
    for row in env.iter_test():
        if row is None:
            raise RuntimeError("AIMO-1 gave no problem: it did not take the last answer.")
        test, sub = row
        sub["answer"] = ask(_text(test["id"].item()), _text(test["problem"].item()))
        env.predict(sub)


def _text(cell: Any) -> str:
    """Return a cell as text; an empty one arrives as None or NaN, and means no text."""
    return "" if cell is None or cell != cell else str(cell)
