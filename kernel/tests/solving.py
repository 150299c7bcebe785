"""What the tests of `sc_tir` share: a scripted engine, a sandbox that prints 42, one problem."""

from kernel import sc_tir
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.records import (
    Completion,
    Execution,
    ExecutionStatus,
    Finish,
    Problem,
)
from kernel.trace import Trace

CODE = "```python\nprint(6*7)\n```\n```output"
PROBLEM = Problem("p", "What is 6 times 7?")
CONFIG = Config(candidates=4, rounds=2, max_context=400, max_new_tokens=100)


def ids(text):
    """Return a token a character."""
    return [ord(c) for c in text]


def completion(text, finish=Finish.END, request_id="p/0/0"):
    """Return what an engine gives for `text`."""
    return Completion(request_id, text, tuple(ids(text)), finish, len(text))


def execution(output, session="p/0", status=ExecutionStatus.OK):
    """Return what a sandbox gives."""
    return Execution(session, status, output, 0.01)


class FakeEngine:
    """Answers each request from a script by candidate and round; `order` picks what finishes."""

    def __init__(self, script, order=lambda requests: requests[:1]):
        self.script, self.order = script, order
        self.waiting, self.requests, self.aborted = [], [], []

    def encode(self, text):
        return ids(text)

    def encode_chat(self, messages):
        return ids(messages[-1]["content"])

    def submit(self, request):
        self.waiting.append(request)
        self.requests.append(request)

    def abort(self, request_ids):
        self.aborted += list(request_ids)
        self.waiting = [r for r in self.waiting if r.id not in self.aborted]

    def poll(self):
        done = self.order(self.waiting)
        self.waiting = [r for r in self.waiting if r not in done]
        return [self.complete(request) for request in done]

    def complete(self, request):
        _, index, number = request.id.split("/")
        text = self.script(int(index), int(number))
        finish = Finish.STOP if text.endswith("```output") else Finish.END
        return completion(text, finish, request.id)


class FakeSandbox:
    """Prints 42 for every block, `delay` polls after it came."""

    def __init__(self, delay=0):
        self.delay, self.waiting, self.blocks, self.closed = delay, {}, [], []

    def submit(self, session, code):
        self.waiting[session] = self.delay
        self.blocks.append((session, code))

    def close_session(self, session):
        self.waiting.pop(session, None)
        self.closed.append(session)

    def poll(self, timeout=0.0):
        ready = [session for session, polls in self.waiting.items() if polls <= 0]
        self.waiting = {s: n - 1 for s, n in self.waiting.items() if s not in ready}
        return [execution("42", session) for session in ready]


def deadline(seconds=60.0, now=None):
    """Return a deadline whose only problem is begun."""
    result = Deadline(seconds, 0, 1, **({} if now is None else {"now": now}))
    result.begin()
    return result


def solve(engine, sandbox, config=CONFIG, events=None, until=None, board=None):
    """Solve the problem on fakes."""
    trace = Trace(None, echo=(lambda event: None) if events is None else events.append)
    return sc_tir.solve(PROBLEM, config, engine, sandbox, until or deadline(), trace, board)


def tool_user(index, number):
    """Write code first, then the answer that it prints."""
    return CODE if number == 0 else r"It is $\boxed{42}$."
