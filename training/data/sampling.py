"""A model's candidates on problems whose answers are known, each judged.

Covers: sampling with the kernel's own `solve` (its rounds, sandbox and stop rules), which parts of
a candidate's text the kernel wrote, which blocks failed, whether the boxed answer is the truth.
Does not cover: choosing among candidates (`construction` keeps good ones, KTO takes all), files,
and opening an engine (`validation.engine`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from common.problems import ProblemRow
from kernel import prompt, sc_tir
from kernel.answers import extraction
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.protocols import Engine, Sandbox
from kernel.records import Candidate, ExecutionStatus, Problem, StopReason
from kernel.trace import Event, Trace
from training.data.filters import failed
from training.data.rows import Span, spans_of
from validation import side_by_side
from validation.engine import wait_until_loaded
from validation.server_engine import ServerError

SECONDS = 630.0
"""Most a problem, as in a submission."""


@dataclass(frozen=True, slots=True)
class JudgedCandidate:
    """A candidate, judged."""

    problem: str
    """The problem's id."""
    index: int
    text: str
    """All that follows the prompt: what the model wrote, and the kernel's output blocks."""
    outputs: tuple[Span, ...]
    """Parts of the text that the kernel wrote, in order."""
    failures: tuple[Span, ...]
    """Code of the blocks that failed: an error, a limit, or nothing printed."""
    failed: tuple[bool, ...]
    """For each block that ran, in order, whether it failed."""
    answer: int | None
    """The exact integer boxed last."""
    right: bool
    """Whether that is the truth."""
    stop: StopReason
    """Why the candidate ended; `DEADLINE` and `ENGINE_FAILED` say nothing about the model."""
    tokens: int
    """Tokens that the model wrote."""

    @property
    def last_failed(self) -> bool:
        """Whether the last block that ran failed."""
        return self.failed[-1:] == (True,)

    @property
    def recoveries(self) -> int:
        """Failed blocks that a later block fixed."""
        return 0 if self.last_failed else sum(self.failed)

    def line(self) -> str:
        """Return the sample as a JSON line."""
        return json.dumps(asdict(self)) + "\n"


def sample_of(values: Mapping[str, Any]) -> JudgedCandidate:
    """Return the sample of a JSON object."""
    return replace(
        JudgedCandidate(**values),
        outputs=spans_of(values["outputs"]),
        failures=spans_of(values["failures"]),
        failed=tuple(values["failed"]),
        stop=StopReason(values["stop"]),
    )


def sample(
    problems: Sequence[ProblemRow],
    config: Config,
    engine: Engine,
    sandbox: Sandbox,
    seconds: float = SECONDS,
    at_once: int = 1,
) -> Iterator[tuple[ProblemRow, list[JudgedCandidate]]]:
    """Yield each problem with its judged candidates, as soon as it is done.

    A candidate's randomness comes from `config.seed`, the problem's id, its index and its round, so
    the order of the problems changes nothing.

    Args:
        problems: each with its truth.
        config: `candidates` is how many are sampled a problem, `rounds` how often each
            generates; temperature, limits and seed count as in a submission. No candidate is
            aborted because the vote is decided.
        engine: the model, the local one or a server's.
        sandbox: runs the code.
        seconds: most a problem.
        at_once: problems solved side by side; with more than one they come in any order.

    Raises:
        ServerError: the engine or server cannot be used any more; what was yielded before stands.
    """
    config = replace(config, stop_when_decided=False)
    wait_until_loaded(engine)

    def solve(number: int, own: Engine, boxes: Sandbox) -> tuple[ProblemRow, list[JudgedCandidate]]:
        row = problems[number]
        return row, candidates_of(row, config, own, boxes, seconds)

    yield from side_by_side.each(len(problems), at_once, engine, sandbox, solve)


def candidates_of(
    row: ProblemRow, config: Config, engine: Engine, sandbox: Sandbox, seconds: float = SECONDS
) -> list[JudgedCandidate]:
    """Return the judged candidates of one problem.

    Raises:
        ServerError: the engine or server cannot be used any more.
    """
    events: list[Event] = []
    deadline = Deadline(seconds, 0.0, 1)
    deadline.begin()
    problem = Problem(row.id, row.problem)
    solution = sc_tir.solve(
        problem, config, engine, sandbox, deadline, Trace(None, echo=events.append)
    )
    lost = [c.stop is StopReason.ENGINE_FAILED for c in solution.candidates]
    if all(lost) or (any(lost) and engine.lost):
        raise ServerError(f"The engine failed on problem {row.id}: see its log.")
    return [judged(candidate, events, row, config) for candidate in solution.candidates]


def judged(
    candidate: Candidate, events: Sequence[Event], row: ProblemRow, config: Config
) -> JudgedCandidate:
    """Return a candidate with what its trace says about it."""
    text, outputs, failures, bad = "", list[Span](), list[Span](), list[bool]()
    for event in events:
        if event.get("candidate") != candidate.index:
            continue
        if event["event"] == "completion":
            text += event["text"]
        elif event["event"] == "execution":
            bad.append(event["status"] != ExecutionStatus.OK or failed(event["output"]))
            if bad[-1]:
                failures.append(_span_of(event["code"], text))
            block = prompt.output_block(text, event["output"], config.stop)
            outputs.append((len(text), len(text) + len(block)))
            text += block
    answer = extraction.extract_answer(candidate.text)
    assert candidate.stop is not None and text == candidate.text
    return JudgedCandidate(
        problem=row.id,
        index=candidate.index,
        text=text,
        outputs=tuple(outputs),
        failures=tuple(failures),
        failed=tuple(bad),
        answer=answer,
        right=answer is not None and answer == row.truth,
        stop=candidate.stop,
        tokens=candidate.generated_tokens,
    )


def _span_of(code: str, text: str) -> Span:
    """Return where the code stands that was run last; from its first to its last line."""
    lines = code.splitlines()
    end = text.rfind(lines[-1].strip()) + len(lines[-1].strip())
    start = text.rfind(code, 0, end)
    # Several blocks run together, or indented ones, do not stand there in one piece.
    start = text.rfind(lines[0].strip(), 0, end) if start < 0 else start
    return max(start, 0), end
