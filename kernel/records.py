"""The records that travel between modules, from a problem to its solution.

Covers: immutable data, the enums that say why something ended, and simple questions a record can
answer about itself. Does not cover: any decision (`sc_tir`), clock, file or process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Problem:
    """One question in the competition."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One generation asked of the engine: continue `token_ids`."""

    id: str
    token_ids: tuple[int, ...]
    max_tokens: int
    """At most this many new tokens; at least 1."""
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    """Generation ends after the first of these; the text keeps it."""
    seed: int
    """Makes this request's sampling independent of what else is in the batch."""
    top_k: int = 0
    """0: all tokens."""
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop_token_ids: tuple[int, ...] = ()
    """End the turn as the model's own end token does."""


class Finish(StrEnum):
    """Why the engine ended a completion."""

    STOP = "stop"
    """A stop string was written; the text ends with it."""
    END = "end"
    """The model ended its turn."""
    LENGTH = "length"
    """`max_tokens` were written."""
    FAILED = "failed"
    """The engine could not serve the request; text and ids are empty."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What the engine wrote for one request; `text` is exactly what `token_ids` decode to."""

    request_id: str
    text: str
    token_ids: tuple[int, ...]
    finish: Finish
    generated_tokens: int
    """Tokens the engine spent, the end of the turn included."""


class ExecutionStatus(StrEnum):
    """How a code block ended."""

    OK = "ok"
    RAISED = "raised"
    """An exception, a syntax error included, or an exit with a non-zero status."""
    TIMED_OUT = "timed_out"
    """The block's wall-clock limit."""
    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    PROCESS_LIMIT = "process_limit"
    """Too many processes or threads."""
    OUTPUT_LIMIT = "output_limit"
    """It printed more than any reader could want and was stopped."""
    FILE_LIMIT = "file_limit"
    """A file grew over the limit, or too many were open."""
    CRASHED = "crashed"
    """The session died (a signal, `os._exit`, or a lost sandbox); its state is gone."""
    REFUSED = "refused"
    """The session has used up its limits, so the block was not run."""


@dataclass(frozen=True, slots=True)
class Execution:
    """The result of running one code block."""

    session: str
    status: ExecutionStatus
    output: str
    """For the model: printed output, trimmed traceback, limit messages; head and tail kept."""
    seconds: float
    """Wall time from the block's start to its end."""


class StopReason(StrEnum):
    """Why a candidate ended."""

    ANSWERED = "answered"
    """It boxed an integer and had no more code to run."""
    NOT_AN_INTEGER = "not_an_integer"
    """It boxed something, but no integer in the competition's range."""
    NO_ANSWER = "no_answer"
    """The model ended its turn with neither code nor a box."""
    TRUNCATED = "truncated"
    """A completion used up its new tokens without reaching code or a box."""
    ROUNDS_USED = "rounds_used"
    """The last round ended in code, so nothing could follow its output."""
    CONTEXT_FULL = "context_full"
    """No room was left in the model's context for another round."""
    TOKENS_USED = "tokens_used"
    """It generated as many tokens over all its rounds as a candidate may."""
    ENGINE_FAILED = "engine_failed"
    """The engine could not serve the request."""
    DECIDED = "decided"
    """Aborted: no remaining vote could change the answer."""
    DEADLINE = "deadline"
    """Aborted: the problem's share of the time was used up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the N attempts at a problem. Each step of `sc_tir` returns a new one."""

    index: int
    token_ids: tuple[int, ...]
    """The context so far, prompt included: what the next round continues."""
    text: str = ""
    """Everything after the prompt: completions and output blocks."""
    round: int = 0
    """Completions received."""
    executions: int = 0
    """Code blocks run."""
    code: str | None = None
    """The block whose execution it waits for."""
    printed: int | None = None
    """The integer its code printed last, in the competition's convention."""
    answer: int | None = None
    """Its vote, in the competition's convention."""
    generated_tokens: int = 0
    stop: StopReason | None = None

    @property
    def running(self) -> bool:
        """Whether it can still change the vote."""
        return self.stop is None


class AnswerSource(StrEnum):
    """Where a solution's answer came from."""

    VOTE = "vote"
    PRINTED = "printed"
    """No candidate boxed an answer: the most frequent integer printed last."""
    DEFAULT = "default"
    """Nothing at hand: the configured default."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The answer to one problem, and what it rests on."""

    problem_id: str
    answer: int
    source: AnswerSource
    ended: StopReason | None
    """DECIDED or DEADLINE where candidates were aborted, None where all ended by themselves."""
    tally: Mapping[int, int] = field(default_factory=dict[int, int])
    """Votes by answer."""
    candidates: tuple[Candidate, ...] = ()
    seconds: float = 0.0

    @property
    def votes(self) -> int:
        """Votes for the answer given."""
        return self.tally.get(self.answer, 0)

    @property
    def generated_tokens(self) -> int:
        """Tokens generated by all candidates."""
        return sum(candidate.generated_tokens for candidate in self.candidates)
