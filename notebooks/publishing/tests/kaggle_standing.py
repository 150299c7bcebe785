"""What the tests of publishing share: a small `dist/`, and the client sent to the stand-in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from common import manifest
from notebooks.mock.kaggle_service.account import Account
from notebooks.mock.kaggle_service.server import environment, serve
from notebooks.packaging import settings
from notebooks.packaging.metadata import dataset_metadata, kernel_metadata

ROOT = Path(__file__).resolve().parents[3]
CHECKPOINT = "model-00001-of-00002.safetensors"
SIZE = 3_000_000
"""Of a checkpoint's file: enough for an upload to be cut in its middle."""


def make_dist(folder: Path) -> Path:
    """Lay out what `make package` makes, in small."""
    chosen = settings.load()
    kernel = folder / "kernel"
    kernel.mkdir(parents=True)
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (kernel / "submission.ipynb").write_text(json.dumps(notebook))
    (kernel / "kernel-metadata.json").write_text(json.dumps(kernel_metadata(chosen)))
    (folder / "wheels").mkdir()
    (folder / "wheels" / "vllm-0.1-py3-none-any.whl").write_bytes(b"a wheel")
    (folder / "model").mkdir()
    (folder / "model" / CHECKPOINT).write_bytes(os.urandom(SIZE))
    (folder / "model" / "README.md").write_text("# A model card")
    for name in ("wheels", "model"):
        metadata = dataset_metadata(chosen, name)
        (folder / name / "dataset-metadata.json").write_text(json.dumps(metadata))
        manifest.write(folder / name)
    return folder


@contextmanager
def standing(account: Account, home: Path, token: str | None = "good-token") -> Iterator[None]:
    """Send every client process to the stand-in, as somebody with that token."""
    home.mkdir(exist_ok=True)
    with serve(account) as url, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
            patch.delenv(name)
        for name, value in {**environment(url, token), "HOME": str(home)}.items():
            patch.setenv(name, value)
        yield


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def start(command: str, dist: Path, *options: str) -> subprocess.Popen[str]:
    """Start `publish` or `submit` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", f"notebooks.publishing.{command}", "--dist", str(dist), *options],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Ended:
    """Wait for its end."""
    out, err = process.communicate(timeout=600)
    return Ended(process.returncode, out, err)


def command(name: str, dist: Path, *options: str) -> Ended:
    """Run `publish` or `submit` to its end, asking the stand-in without pauses."""
    pauses = () if "--dry-run" in options else ("--poll-seconds", "0")
    return finish(start(name, dist, *pauses, *options))
