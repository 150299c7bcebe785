"""Runs Kaggle's official client in a process of its own: a typed call, or one of its commands.

Covers: a call with its answer's fields (`typed`), a command with its lines as they come (uploads
and downloads, `strict`), who is logged in. Does not cover: what to send; `datasets` and `kernels`
do that. Nothing here talks to Kaggle by itself.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")
PYTHON = (sys.executable, "-P")
"""`-P` keeps this folder's names from hiding the client's own."""
COMMAND = (*PYTHON, str(Path(__file__).with_name("strict.py")), "-W")
"""`-W` leaves out the client's remark that a newer one exists."""
CALL = (*PYTHON, str(Path(__file__).with_name("typed.py")))
AUTHENTICATION = "Authentication required to call the Kaggle API"
"""How the client says that it has no credential, or one that Kaggle does not know."""
ABSENT = re.compile(r"\b404\b|\b403\b|not found|denied|forbidden", re.IGNORECASE)
"""What Kaggle says of a private or missing thing; the client too takes both for a free name."""
PROGRESS = re.compile(r"\s*(\d+)%\|")
STUBBORN = 5
"""Failures in a row after which waiting ends; one lost connection must not end an hour."""


class KaggleError(Exception):
    """Something that Kaggle or its client did not do; the message is one sentence."""


class CredentialError(KaggleError):
    """There is no credential, or none that Kaggle knows."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a run of the client gave: stdout and stderr as one text, progress bars left out."""

    code: int
    text: str

    def last_line(self) -> str:
        """Return the last line with words: the client's error, or the end of its traceback."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return lines[-1] if lines else f"nothing, and exit code {self.code}"

    def failure(self, doing: str) -> KaggleError:
        """Return the error that says in one sentence what did not work."""
        return KaggleError(f"{doing} failed; Kaggle's client says: {self.last_line()}")


def call(doing: str, name: str, **arguments: Any) -> Any:
    """Make one of the calls of `typed`, and return its answer.

    Args:
        doing: what it is for, to begin the error's sentence with.
        name: the call's.
        arguments: JSON values.

    Raises:
        CredentialError: the client has no valid credential.
        KaggleError: Kaggle or the client refused it.
    """
    reply = _run((*CALL, name, json.dumps(arguments)))
    if reply.code != 0:
        raise reply.failure(doing)
    return json.loads(reply.last_line())


def asked(doing: str, name: str, **arguments: Any) -> Any | None:
    """Make one of the calls, and return its answer, None where this account is shown no such thing.

    Raises:
        CredentialError: the client has no valid credential.
        KaggleError: Kaggle or the client refused it otherwise.
    """
    try:
        return call(doing, name, **arguments)
    except CredentialError:
        raise
    except KaggleError as error:
        if ABSENT.search(str(error)):
            return None
        raise


def run(
    *arguments: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Reply:
    """Run a command of the client's to its end and return what it printed.

    Args:
        arguments: the client's own, such as `datasets`, `files`.
        folder: where it runs; the paths it is given count from there.
        environment: variables beside this process's own.
        on_line: is given each line and each state of a progress bar as it comes.

    Raises:
        CredentialError: the client has no valid credential.
    """
    return _run((*COMMAND, *arguments), folder, environment, on_line)


def _run(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Reply:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        reply = _follow(process, on_line or (lambda _: None))
    finally:
        # Also after Ctrl-C: nobody would see a client that kept uploading.
        process.kill()
        process.wait()
    if AUTHENTICATION in reply.text:
        raise CredentialError(
            "There is no credential that Kaggle accepts: run `kaggle auth login`, or put a token "
            "from https://www.kaggle.com/settings/api into KAGGLE_API_TOKEN or "
            "~/.kaggle/access_token."
        )
    return reply


def _follow(process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> Reply:
    """Read what the client prints, to its end."""
    assert process.stdout is not None
    lines: list[str] = []
    with process.stdout as stream:
        for line in _lines(stream):
            if not PROGRESS.match(line):
                lines.append(line)
            on_line(line)
    return Reply(process.wait(), "\n".join(lines))


def user() -> str:
    """Return the name of the account whose credential the client finds.

    Raises:
        CredentialError: it finds none, or none that Kaggle knows.
        KaggleError: the client fails otherwise.
    """
    doing = "Reading the credential"
    if name := call(doing, "user")["name"]:
        return str(name)
    raise KaggleError(f"{doing} failed: it names no account.")


def patiently(ask: Callable[[], T], seconds: float) -> Iterator[T]:
    """Yield what `ask` returns, again and again with `seconds` between.

    Raises:
        KaggleError: `ask` failed several times in a row; single failures are waited out.
        CredentialError: at once, since no waiting mends a credential.
    """
    failures = 0
    while True:
        time.sleep(seconds)
        try:
            answer = ask()
        except CredentialError:
            raise
        except KaggleError:
            failures += 1
            if failures == STUBBORN:
                raise
            continue
        failures = 0
        yield answer


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield lines as they come; a progress bar's carriage return ends one too."""
    rest = b""
    while piece := os.read(stream.fileno(), 1 << 16):
        *whole, rest = re.split(rb"[\r\n]", rest + piece)
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
