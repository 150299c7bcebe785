"""Several problems at once on one engine and one sandbox.

Covers: giving every problem its own share of both, so that `solve` runs unchanged in one thread per
problem; a request's or session's name includes its share, so the same problem may run with two
seeds at once. Does not cover: starting and ending the real ones.

An engine that decodes 8 sequences reads all weights once for every 8 tokens; with 32 the same read
serves four times the tokens. On one CPU core a small model gave 2.5 times the tokens.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any, Generic, TypeVar

from kernel.protocols import Engine, Sandbox
from kernel.records import Completion, Execution, Request

MARK = "\n"
"""Between a share's number and a name; no problem's id holds it."""

Done = TypeVar("Done", Completion, Execution)
Result = TypeVar("Result")


class StoppedError(Exception):
    """The other problems are over too: the whole run is being stopped."""


def each(
    count: int,
    at_once: int,
    engine: Engine,
    sandbox: Sandbox,
    solve: Callable[[int, Engine, Sandbox], Result],
) -> Iterator[Result]:
    """Solve problems 0 to `count` - 1 and yield the results as they come.

    Args:
        count: how many there are.
        at_once: how many run side by side; 1: in order, in this thread.
        engine: for all of them.
        sandbox: likewise.
        solve: solves the problem of a number with its part of engine and sandbox.
    """
    if at_once == 1:
        for number in range(count):
            yield solve(number, engine, sandbox)
        return
    shared = Shares(engine, sandbox)
    free: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(at_once):
        free.put(number)

    def run(number: int) -> Result:
        place = free.get()
        try:
            return solve(number, *shared.share(place))
        finally:
            free.put(place)

    with ThreadPoolExecutor(at_once) as threads:
        futures: list[Future[Result]] = [threads.submit(run, n) for n in range(count)]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            # On an error, too: threads that went on would keep the process from ending.
            shared.stop()
            threads.shutdown(wait=True, cancel_futures=True)


class _Post(Generic[Done]):
    """Brings what comes out of one source to the share that asked for it."""

    def __init__(self, name_of: Callable[[Done], str]) -> None:
        self.lock = threading.Lock()
        self.stopped = False
        self._name_of = name_of
        self._boxes: dict[str, list[Done]] = {}

    def collect(self, share: str, polled: Iterable[Done]) -> list[Done]:
        """Take in what was polled and return the part of this share; holds no lock itself.

        Raises:
            StoppedError: the run is being stopped.
        """
        if self.stopped:
            raise StoppedError
        for done in polled:
            owner = self._name_of(done).partition(MARK)[0]
            self._boxes.setdefault(owner, []).append(done)
        return self._boxes.pop(share, [])


class Shares:
    """Hands out shares of an engine and a sandbox."""

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        self._engine = engine
        self._sandbox = sandbox
        self._completions = _Post[Completion](lambda done: done.request_id)
        self._executions = _Post[Execution](lambda done: done.session)

    def stop(self) -> None:
        """End every solve at its next poll."""
        self._completions.stopped = self._executions.stopped = True

    def share(self, number: int) -> "tuple[EngineShare, SandboxShare]":
        """Return the share of this number, which no other solve may have at the same time."""
        name = str(number)
        return (
            EngineShare(name, self._engine, self._completions),
            SandboxShare(name, self._sandbox, self._executions),
        )


class EngineShare:
    """An engine as one solve sees it."""

    def __init__(self, name: str, engine: Engine, post: _Post[Completion]) -> None:
        self._name = name
        self._engine = engine
        self._post = post

    @property
    def ready(self) -> bool:
        """See Engine."""
        return self._engine.ready

    @property
    def lost(self) -> bool:
        """See Engine."""
        return self._engine.lost

    @property
    def restarts(self) -> int:
        """See Engine."""
        return self._engine.restarts

    @property
    def facts(self) -> Mapping[str, Any]:
        """See Engine."""
        return self._engine.facts

    def encode(self, text: str) -> list[int]:
        """See Engine."""
        with self._post.lock:
            return self._engine.encode(text)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """See Engine."""
        with self._post.lock:
            return self._engine.encode_chat(messages)

    def submit(self, request: Request) -> None:
        """See Engine."""
        with self._post.lock:
            self._engine.submit(replace(request, id=f"{self._name}{MARK}{request.id}"))

    def poll(self) -> list[Completion]:
        """See Engine."""
        with self._post.lock:
            mine = self._post.collect(self._name, self._engine.poll())
        return [replace(done, request_id=done.request_id.partition(MARK)[2]) for done in mine]

    def abort(self, request_ids: Iterable[str]) -> None:
        """See Engine."""
        with self._post.lock:
            self._engine.abort([f"{self._name}{MARK}{i}" for i in request_ids])

    def close(self) -> None:
        """Nothing: the engine is others' too."""


class SandboxShare:
    """A sandbox as one solve sees it."""

    def __init__(self, name: str, sandbox: Sandbox, post: _Post[Execution]) -> None:
        self._name = name
        self._sandbox = sandbox
        self._post = post

    @property
    def report(self) -> Mapping[str, Any]:
        """See Sandbox."""
        return self._sandbox.report

    def submit(self, session: str, code: str) -> None:
        """See Sandbox."""
        with self._post.lock:
            self._sandbox.submit(f"{self._name}{MARK}{session}", code)

    def poll(self, timeout: float = 0.0) -> list[Execution]:
        """See Sandbox."""
        with self._post.lock:
            mine = self._post.collect(self._name, self._sandbox.poll(timeout))
        return [replace(done, session=done.session.partition(MARK)[2]) for done in mine]

    def close_session(self, session: str) -> None:
        """See Sandbox."""
        with self._post.lock:
            self._sandbox.close_session(f"{self._name}{MARK}{session}")

    def close(self) -> None:
        """Nothing: the sandbox is others' too."""
