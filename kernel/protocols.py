"""What stands in for an engine or a sandbox that could not even be started.

Covers: both protocols, so that the run goes on and every problem still gets the best answer there
is. Does not cover: ones that fail later; `engine` and `sandbox` restart those themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kernel.records import Completion, Execution, ExecutionStatus, Finish, Request


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
