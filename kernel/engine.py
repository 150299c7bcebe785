"""The engine: prompts in as token ids, completions out; vLLM in a process of its own behind it.

Covers: the Engine protocol, the tokenizer, starting vLLM in the background, restarting it when it
dies or hangs, and keeping ids and text of a completion the same. Does not cover: problems, code,
answers, or when a request is worth making (`sc_tir`); what vLLM does with it (`engine_process`).

When vLLM's process ends, or says nothing for `engine_step_seconds` while it has work, it is killed
and started anew with smaller settings, and every unfinished request is submitted again. After
`RESTARTS` of these in a row without a completion the engine is lost: requests come back as FAILED.
"""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from kernel.config import Config
from kernel.records import Completion, Finish, Request

RESTARTS = 2
"""Fresh starts allowed without a completion between them."""
WAIT_SECONDS = 0.02
"""Longest pause in `poll` when nothing has finished: code results wait no longer than this."""
LONGEST_STOP_TOKENS = 12
"""Ids at a completion's end that may have to give way so that they decode to its text."""


class Engine(Protocol):
    """Generates text. Knows nothing of problems, code or answers."""

    def encode(self, text: str) -> list[int]:
        """Return the token ids of `text`, no special tokens added."""
        ...

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the ids of a conversation in the model's chat template, the reply to follow."""
        ...

    def submit(self, request: Request) -> None:
        """Queue a request; its Completion comes out of a later `poll`."""
        ...

    def poll(self) -> list[Completion]:
        """Return what has finished; waits for at most one engine step, [] when nothing has."""
        ...

    def abort(self, request_ids: Iterable[str]) -> None:
        """Forget these requests: no Completion for them comes out any more."""
        ...


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that is used here."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...  # noqa: D102
    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str: ...  # noqa: D102
    def apply_chat_template(self, conversation: Any, **options: Any) -> str: ...  # noqa: D102


def matching_ids(text: str, ids: Sequence[int], tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return ids that decode to exactly `text`, keeping as many of `ids` as possible.

    The engine's ids hold the end-of-turn token that the text leaves out, and the whole of a token
    in whose middle a stop string ended.
    """
    for kept in range(len(ids), max(-1, len(ids) - LONGEST_STOP_TOKENS), -1):
        head = tokenizer.decode(ids[:kept], skip_special_tokens=True)
        if text.startswith(head):
            # An end-of-turn token decodes to nothing: it must go all the same.
            while kept and tokenizer.decode(ids[kept - 1 : kept], skip_special_tokens=True) == "":
                kept -= 1
            tail = tokenizer.encode(text[len(head) :], add_special_tokens=False)
            return (*ids[:kept], *tail)
    return tuple(tokenizer.encode(text, add_special_tokens=False))


def smaller(arguments: Mapping[str, Any], restart: int) -> dict[str, Any]:
    """Return settings for the given restart (1, 2, ...) that ask less of the memory."""
    halves = 2**restart
    return {
        **arguments,
        "max_num_seqs": max(1, arguments["max_num_seqs"] // halves),
        "gpu_memory_utilization": arguments.get("gpu_memory_utilization", 0.92) - 0.04 * restart,
        # CUDA graphs take memory of their own; the last attempt does without.
        "enforce_eager": arguments.get("enforce_eager", False) or restart >= RESTARTS,
    }


class _Outbox:
    """Sends messages from a thread, so that a hung process with a full pipe blocks nobody."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        threading.Thread(target=self._run, name="engine-outbox", daemon=True).start()

    def put(self, *message: Any) -> None:
        """Send `message` when its turn comes; a message to a process that has ended is dropped."""
        self._messages.put(message)

    def _run(self) -> None:
        # The process's end is noticed where its answers are read; the thread just ends with it.
        with contextlib.suppress(OSError):
            while (message := self._messages.get())[0] != "close":
                self._connection.send(message)


@dataclass
class _Process:
    """A running engine process and the kernel's ends of its two pipes."""

    popen: subprocess.Popen[bytes]
    connection: Connection
    outbox: _Outbox
    lifeline: int

    @classmethod
    def start(cls, arguments: Mapping[str, Any], log: Path) -> "_Process":
        ours, theirs = Pipe()
        watched, lifeline = os.pipe()
        command = [sys.executable, "-m", "kernel.engine_process"]
        fds = (theirs.fileno(), watched)
        home = str(Path(__file__).resolve().parent.parent)
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        with open(log, "ab") as output:
            popen = subprocess.Popen(
                [*command, *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        theirs.close()
        os.close(watched)
        outbox = _Outbox(ours)
        outbox.put("start", dict(arguments))
        return cls(popen, ours, outbox, lifeline)

    def kill(self) -> None:
        """Kill it with all its workers, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        self.outbox.put("close")
        self.connection.close()
        os.close(self.lifeline)


class VllmEngine:
    """vLLM behind the Engine protocol; starts loading at once and does not wait for it.

    Args:
        model: the model's folder.
        config: the run's settings.
        log: where vLLM's own output goes, appended.
        report: told in a few words when the engine is ready, restarted or lost.
    """

    def __init__(
        self, model: Path, config: Config, log: Path, report: Callable[[str], None]
    ) -> None:
        self._config = config
        self._log = log
        self._report = report
        self._arguments: dict[str, Any] = {
            "model": str(model),
            "max_model_len": config.max_context,
            "max_num_seqs": config.candidates,
            "enable_prefix_caching": True,
            "disable_log_stats": True,
            **config.engine,
        }
        self._waiting: dict[str, Request] = {}
        self._restarts = 0
        self.ready = False
        """Whether the model is loaded."""
        self.lost = False
        """Whether it was given up; requests fail at once."""
        self.generated_tokens = 0
        """Tokens generated by the running process, as last heard."""
        self._start(self._arguments)
        # While the process loads the model: importing transformers takes seconds.
        self._tokenizer = load_tokenizer(model)

    def encode(self, text: str) -> list[int]:
        """See Engine. What is no Unicode text (a lone surrogate) becomes a question mark."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        return self._tokenizer.encode(text, add_special_tokens=False)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """See Engine."""
        text = self._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True
        )
        return self.encode(text)

    def submit(self, request: Request) -> None:
        """See Engine. Before the model is loaded, requests wait here."""
        self._waiting[request.id] = request
        if self.ready:
            self._process.outbox.put("submit", request)

    def abort(self, request_ids: Iterable[str]) -> None:
        """See Engine."""
        known = [i for i in request_ids if self._waiting.pop(i, None) is not None]
        if known and self.ready:
            self._process.outbox.put("abort", known)

    def poll(self) -> list[Completion]:
        """See Engine."""
        if self.lost:
            return self._fail_all()
        done: list[Completion] = []
        try:
            wait = WAIT_SECONDS
            while self._process.connection.poll(wait):
                done += self._take(self._process.connection.recv())
                wait = 0.0
        except (EOFError, OSError):
            if not self.lost:  # closed by another thread
                self._restart(f"the engine's process ended ({self._process.popen.wait()})")
        else:
            self._check_silence()
        return done

    def close(self) -> None:
        """End vLLM's processes."""
        if not self.lost:
            self.lost = True
            self._process.kill()

    def _start(self, arguments: Mapping[str, Any]) -> None:
        self.ready = False
        self._heard = time.monotonic()
        self._process = _Process.start(arguments, self._log)

    def _take(self, message: tuple[Any, ...]) -> list[Completion]:
        """Act on one message of the process."""
        kind, value = message
        self._heard = time.monotonic()
        if kind == "completed":
            self._restarts = 0
            return [self._exact(completion) for completion in value if self._is_waited(completion)]
        if kind == "ready":
            self.ready = True
            self._report(f"The engine is ready (vLLM {value['vllm']}).")
            for request in self._waiting.values():
                self._process.outbox.put("submit", request)
        elif kind == "beat":
            self.generated_tokens = value
        elif kind == "failed":
            self._report(f"The engine did not start: {value}")
        return []

    def _is_waited(self, completion: Completion) -> bool:
        return self._waiting.pop(completion.request_id, None) is not None

    def _exact(self, completion: Completion) -> Completion:
        ids = matching_ids(completion.text, completion.token_ids, self._tokenizer)
        return replace(completion, token_ids=ids)

    def _check_silence(self) -> None:
        """Restart a process that should have spoken by now."""
        limit = self._config.engine_start_seconds
        if self.ready:
            limit = self._config.engine_step_seconds
        if time.monotonic() - self._heard > limit:
            self._restart(f"the engine said nothing for {limit:.0f} s")

    def _restart(self, reason: str) -> None:
        self._process.kill()
        self._restarts += 1
        if self._restarts > RESTARTS:
            self.lost = True
            self._report(f"The engine is lost: {reason}. See {self._log}.")
            return
        self._report(f"Restarting the engine: {reason}.")
        self._start(smaller(self._arguments, self._restarts))

    def _fail_all(self) -> list[Completion]:
        failed = [Completion(i, "", (), Finish.FAILED, 0) for i in self._waiting]
        self._waiting.clear()
        return failed


def load_tokenizer(model: Path) -> Tokenizer:
    """Load the tokenizer of a model's folder."""
    # By name: the package is large, slow to import, and without types.
    transformers: Any = importlib.import_module("transformers")
    return transformers.AutoTokenizer.from_pretrained(str(model))
