"""Engine and sandbox as the algorithm sees them, and what replaces one that cannot be started.

Covers: both protocols in full, and stand-ins for an absent engine or sandbox, so that the run goes
on and every problem still gets the best answer there is. Does not cover: the real ones (`engine`,
`sandbox`), which restart themselves when they fail later.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from kernel.records import Completion, Execution, ExecutionStatus, Finish, Request


class Engine(Protocol):
    """Generates text. Knows nothing about problems, code or answers."""

    @property
    def ready(self) -> bool:
        """Whether the model is loaded; requests submitted before wait for it."""
        ...

    @property
    def lost(self) -> bool:
        """Whether it is gone for good: requests come back as FAILED at once."""
        ...

    @property
    def restarts(self) -> int:
        """Restarts so far."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """Versions, GPUs and settings for the trace; empty until it is ready."""
        ...

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

    def close(self) -> None:
        """End it, with its processes."""
        ...


class Sandbox(Protocol):
    """Runs code blocks in sessions; knows nothing of candidates or answers."""

    @property
    def report(self) -> Mapping[str, Any]:
        """What the machine gave and refused, for the trace; `layers` once it is known."""
        ...

    def submit(self, session: str, code: str) -> None:
        """Queue a block; the first one opens the session."""
        ...

    def poll(self, timeout: float = 0.0) -> list[Execution]:
        """Return what has ended, after at most `timeout` seconds of waiting for the first."""
        ...

    def close_session(self, session: str) -> None:
        """Kill a session; an unfinished block is dropped and no execution comes back for it."""
        ...

    def close(self) -> None:
        """End every session."""
        ...


class AbsentEngine:
    """An engine that was lost before it began: every request comes back as FAILED."""

    ready = False
    lost = True
    restarts = 0

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self._waiting: list[str] = []

    def encode(self, text: str) -> list[int]:
        """Return no ids: nobody reads them."""
        return []

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return no ids: nobody reads them."""
        return []

    def submit(self, request: Request) -> None:
        """Queue a request that will fail."""
        self._waiting.append(request.id)

    def poll(self) -> list[Completion]:
        """Fail what was submitted."""
        failed = [Completion(i, "", (), Finish.FAILED, 0) for i in self._waiting]
        self._waiting.clear()
        return failed

    def abort(self, request_ids: Iterable[str]) -> None:
        """Forget these requests."""
        gone = set(request_ids)
        self._waiting = [i for i in self._waiting if i not in gone]

    def close(self) -> None:
        """There is nothing to end."""


class AbsentSandbox:
    """A sandbox that did not start: every block is refused, and the model is told so."""

    def __init__(self) -> None:
        self.report: dict[str, Any] = {"layers": {}, "absent": True}
        self._waiting: list[str] = []

    def submit(self, session: str, code: str) -> None:
        """Queue a block that will be refused."""
        self._waiting.append(session)

    def poll(self, timeout: float = 0.0) -> list[Execution]:
        """Refuse what was submitted."""
        text = "Code cannot be run here."
        refused = [Execution(s, ExecutionStatus.REFUSED, text, 0.0) for s in self._waiting]
        self._waiting.clear()
        return refused

    def close_session(self, session: str) -> None:
        """Forget the session's block."""
        self._waiting = [s for s in self._waiting if s != session]

    def close(self) -> None:
        """There is nothing to end."""
