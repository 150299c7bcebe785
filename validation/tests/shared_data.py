"""Where real sets and transcripts lie on a machine that has them; the tests pass without."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDER = Path(os.environ.get("AIMO_SHARED_DATA", _BESIDE))


def shared(name: str) -> Path:
    """Return the path of a shared file; skips the test where it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not on this machine")
    return path
