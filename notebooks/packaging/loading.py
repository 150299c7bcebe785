"""Whether the libraries that go to Kaggle can read a model, tried in a small environment of their
own.

Covers: the environment, made once from the exact versions in the wheelhouse's lock, without torch
(260 MB, a minute); reading config, tokenizer, chat template and weight headers there; the same for
a dataset that is already on Kaggle, fetching only its small files; refusing what cannot be read.
Does not cover: what vLLM and a T4 need beyond that (`quantize.serving.constraints`).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from common.environment import SetupError, check_room, made_once, place_of, run_steps
from notebooks.packaging import settings
from notebooks.packaging.wheelhouse import PROFILES
from notebooks.publishing import datasets
from notebooks.publishing.client import KaggleError

READER = Path(__file__).with_name("read_model.py")
LIBRARY = "transformers"
NAMES = (
    *("certifi", "charset-normalizer", "filelock", "fsspec", "hf-xet", "huggingface-hub", "idna"),
    *("jinja2", "markupsafe", "numpy", "packaging", "pyyaml", "regex", "requests", "safetensors"),
    *("sentencepiece", "tiktoken", "tokenizers", "tqdm", LIBRARY, "typing-extensions", "urllib3"),
)
"""Of the lock: what reads a model's folder, with all that it needs."""
NEEDED_BYTES = 2**29
SMALL = (".json", ".jinja", ".model", ".txt")
"""Ends of the names of a model's files that are not weights."""
MOST_BYTES = 64 * 2**20
"""Of one such file; a tokenizer of 256,000 tokens has 33 MB."""

Say = Callable[[str], None]


class LoadingError(RuntimeError):
    """Kaggle would not load the model, or that cannot be tried; the message says what to do."""


def check_model(folder: Path, say: Say) -> None:
    """Refuse a model's folder that the libraries of the wheelhouse do not read.

    Raises:
        LoadingError: they do not, or cannot be tried.
    """
    say(f"Reading {folder} as Kaggle will ...")
    try:
        _refuse(str(folder), faults(folder, say), f"python -m common.saved_model {folder}")
    except SetupError as error:
        raise LoadingError(str(error)) from None


def check_dataset(reference: str, say: Say) -> None:
    """Refuse a dataset on Kaggle that the libraries of the wheelhouse do not read.

    Where Kaggle cannot be asked, as without a credential, that is said and nothing refused.

    Raises:
        LoadingError: they do not, or cannot be tried.
    """
    say(f"Reading {reference} as Kaggle will ...")
    try:
        _refuse(reference, dataset_faults(reference, say), "python -m common.saved_model FOLDER")
    except KaggleError as error:
        print(
            f"{reference} is not checked, because Kaggle cannot be asked for it: {error}",
            file=sys.stderr,
        )
    except SetupError as error:
        raise LoadingError(str(error)) from None


def _refuse(model: str, found: list[str], command: str) -> None:
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise LoadingError(
            f"Kaggle, with transformers {version()}, would not load {model}: {found[0]}{more}. "
            f"`{command}` mends what transformers 5 saved; else save the model again, or make it "
            "with `make quantize`."
        )


def version() -> str:
    """Return the version of transformers that the wheelhouse holds."""
    return locked((LIBRARY,)).split()[0].partition("==")[2]


def locked(names: Iterable[str]) -> str:
    """Return the lock's entries of these packages, with their hashes.

    Raises:
        KeyError: the lock has no such package.
    """
    text = PROFILES[settings.load().machine.wheels].lock.read_text("utf-8")
    entries = {entry.partition("==")[0]: entry for entry in re.split(r"(?m)^(?=\w)", text)}
    return "".join(entries[name] for name in names)


def place() -> Path:
    """Return where the environment is, or will be."""
    return place_of("reader", locked(NAMES), sys.version)


def interpreter(say: Say) -> Path:
    """Return the environment's Python; make the environment where there is none yet.

    Raises:
        SetupError: it could not be made, or there is no room.
    """
    folder = place()

    def make() -> None:
        check_room("reader", folder, NEEDED_BYTES)
        say(f"Installing Kaggle's {LIBRARY} {version()} into {folder} (once, 260 MB) ...")
        folder.mkdir()
        (listed := folder / "packages.txt").write_text(locked(NAMES), "utf-8")
        pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        steps = {
            "python": [sys.executable, "-m", "venv", str(folder)],
            "its packages": [
                *(*pip, "install", "--no-deps", "--require-hashes", "-r", str(listed)),
            ],
        }
        run_steps("reader", steps, say)

    made_once(folder, make)
    return folder / "bin/python"


def faults(folder: Path, say: Say) -> list[str]:
    """Return a phrase for each thing in a model's folder that would not be read on Kaggle.

    Raises:
        SetupError: the environment to try it in could not be made.
    """
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    done = subprocess.run(
        # -P: names beside the reader hide none of the libraries'.
        [str(interpreter(say)), "-P", str(READER), str(folder)],
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        return [f"{LIBRARY} {version()} does not start: {words[-1]}"]
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def dataset_faults(reference: str, say: Say) -> list[str]:
    """Return the same of a dataset on Kaggle, but for its weights, which are too large to fetch.

    Raises:
        KaggleError: Kaggle cannot be asked, or shows this account no such dataset.
        SetupError: the environment to try it in could not be made.
    """
    sizes = datasets.remote_sizes(reference)
    if not any(name.endswith(".safetensors") for name in sizes):
        return ["it has no *.safetensors"]
    small = [name for name, size in sizes.items() if name.endswith(SMALL) and size <= MOST_BYTES]
    with tempfile.TemporaryDirectory() as folder:
        for name in small:
            say(f"Fetching {name} of {reference} ...")
            datasets.fetch(reference, name, Path(folder))
        return faults(Path(folder), say)
