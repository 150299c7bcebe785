"""The files of a run: where they can be written, and the answers an earlier run left in them.

Covers: a folder that takes files, answers kept from a run that was killed in the same folder,
writing JSON whole or not at all. Does not cover: what stands in the trace (`trace`, `submission`).
"""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from kernel.config import Config
from kernel.records import Problem

PROBE_BYTES = 65_536
"""A folder that cannot take this much is as good as full: one problem's trace is more."""


def writable_folder(wanted: Path) -> tuple[Path, str]:
    """Return the folder if it takes files, else a temporary one, and why ("" if wanted).

    Where not even that is found the wanted folder comes back: every writer bears a failure.
    """
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        _probe(wanted)
    except OSError as error:
        reason = f"cannot write to {wanted.absolute()} ({error.strerror})"
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="aimo-")), reason
        return wanted, f"{reason}, nor to any temporary folder"
    return wanted, ""


def _probe(folder: Path) -> None:
    """Raise OSError unless the folder takes a file of some size."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".probe-")
    try:
        with os.fdopen(handle, "wb") as probe:
            probe.write(os.urandom(PROBE_BYTES))
    finally:
        Path(name).unlink(missing_ok=True)


def answer_key(problem: Problem, config: Config) -> str:
    """Return what an earlier run's answer must agree in to be given again."""
    text = f"{problem.id}\n{problem.text}\n{config.seed} {config.modulus} {config.max_answer}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def answers_in(trace: Path, config: Config) -> dict[str, int]:
    """Return the answers, by `answer_key`, in the trace of a run that was killed in this folder."""
    answers: dict[str, int] = {}
    lines: list[bytes] = []
    with contextlib.suppress(OSError):
        lines = trace.read_bytes().splitlines()
    for line in lines:
        # A line may be torn or not ours; only lines that say "solution" are worth parsing.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if b'"solution"' in line and (event := json.loads(line))["event"] == "solution":
                answers[str(event["key"])] = int(event["answer"])
    return {key: answer for key, answer in answers.items() if 0 <= answer <= config.max_answer}


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all; a full disk costs the file, not the run."""
    scratch = path.with_name(f"{path.name}.part")
    try:
        scratch.write_text(json.dumps(value, indent=1), "utf-8")
        scratch.replace(path)
    except OSError as error:
        print(f"Cannot write {path} ({error.strerror}). The run goes on.", flush=True)
