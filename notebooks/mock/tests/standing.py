"""What the mock's tests share: where the platforms lie, twelve problems, and small helpers.

Covers: constants and types. Does not cover: fixtures (`conftest.py`).
"""

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import polars as pl
import pytest

MOCK = Path(__file__).parents[1]
MODULES = {
    "aimo1": "aimo",
    "aimo2": "kaggle_evaluation.aimo_2_inference_server",
    "aimo3": "kaggle_evaluation.aimo_3_inference_server",
}
IDS = [f"a{n:02}" for n in range(12)]
PROBLEMS = "id,problem,answer\n" + "".join(f"{id_},What is ${id_}$?,5\n" for id_ in IDS)

Stand = Callable[[str], ModuleType]
"""Puts a platform on the path of this process and imports it."""
Serve = Callable[..., pl.DataFrame]
"""Runs a `predict` against a platform's local gateway and returns the submission."""

both = pytest.mark.parametrize("api", ["aimo2", "aimo3"])


def frame(id_: object, answer: object) -> pl.DataFrame:
    """What `predict` is to return."""
    return pl.DataFrame({"id": [id_], "answer": [answer]})


def seven(ids: pl.Series, problems: pl.Series) -> pl.DataFrame:
    """A right answer from a function that is not named `predict`."""
    return frame(ids.item(), 7)


def listing(folder: Path = Path()) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rerun(NamedTuple):
    """How a hidden rerun ended."""

    server: subprocess.CompletedProcess[str]
    gateway: subprocess.CompletedProcess[str]


def hidden_rerun(
    api: str, command: Sequence[str], folders: tuple[Path, Path], environment: Mapping[str, str]
) -> Rerun:
    """Run a server and the gateway that asks it, each in its own process.

    Args:
        api: `aimo2` or `aimo3`.
        command: Starts the server.
        folders: Of the server and of the gateway.
        environment: Of both, but for what makes it a rerun.
    """
    rerun = {"KAGGLE_IS_COMPETITION_RERUN": "1", "MOCK_PORT": str(free_port())}
    environment = {**environment, **rerun}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folders[0], env=environment, text=True, stdout=pipe, stderr=pipe
    ) as server:
        try:
            gateway = subprocess.run(
                [sys.executable, "-m", f"kaggle_evaluation.aimo_{api[-1]}_gateway"],
                cwd=folders[1],
                env=environment,
                text=True,
                capture_output=True,
                timeout=120,
                check=False,
            )
            out, err = server.communicate(timeout=60)
        finally:
            server.kill()
    done = subprocess.CompletedProcess(command, server.returncode, out, err)
    return Rerun(done, gateway)
