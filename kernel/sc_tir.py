"""SC-TIR: self-consistency with tool-integrated reasoning, for one problem.

Covers: the life of each candidate (generate, run its code, append the output, continue), the vote,
and when to stop. Does not cover: how text is generated, code is run or time is shared; those are
passed in. Source of the algorithm: the NuminaMath team's AIMO-1 submission. Unlike theirs, this has
no rounds in lock-step: a candidate whose code has run goes straight back to the engine.

Above 300 lines because of the table of rules and because the algorithm is read in one piece.

Stop rules, in the order in which they are checked.
After a generation (`after_generation`):
  1. the engine failed                                      ENGINE_FAILED
  2. the text asks for its code to be run:
     in an earlier round                                    run it
     in the last round, nothing boxed so far                run it: its output may decide the answer
     in the last round, something boxed                     ROUNDS_USED
  3. something is boxed                                     ANSWERED or NOT_AN_INTEGER
  4. the new tokens were used up                            CONTEXT_FULL, TOKENS_USED, TRUNCATED
  5. the model ended its turn                               NO_ANSWER
After an execution (`after_execution`):
  1. it was the last round's                                ROUNDS_USED
  2. the context has no room for another round              CONTEXT_FULL
  3. the candidate's tokens do not suffice for another one  TOKENS_USED
For all candidates (`solve`): the vote is DECIDED, then the DEADLINE.
A candidate that is stopped by any rule but DECIDED votes for what it has boxed.

Extra candidates (none by default): when all candidates started so far have voted, or their vote is
decided, but the lead is not clear, a further group starts if there is time for the slowest round so
far.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kernel import prompt, voting
from kernel.answers import extraction
from kernel.config import Config
from kernel.deadline import Deadline
from kernel.protocols import Engine, Sandbox
from kernel.records import (
    Candidate,
    Completion,
    Execution,
    Finish,
    Problem,
    Request,
    Solution,
    StopReason,
)
from kernel.trace import Trace

LEAST_ROOM = 32
"""Fewer free tokens than this hold no useful round: a sentence and a box take about as many."""
ROUND_MARGIN = 1.5
"""An extra candidate's round gets this times the slowest one so far, or is not begun."""
PROGRESS_SECONDS = 5.0
"""Pause between two progress events."""
EXECUTION_WAIT_SECONDS = 0.05
"""How long to wait for the sandbox when the engine has nothing to do."""


def after_generation(candidate: Candidate, completion: Completion, config: Config) -> Candidate:
    """Return the candidate after one generation: with code to run, or stopped."""
    candidate = replace(
        candidate,
        text=candidate.text + completion.text,
        token_ids=candidate.token_ids + completion.token_ids,
        round=candidate.round + 1,
        generated_tokens=candidate.generated_tokens + completion.generated_tokens,
    )
    if completion.finish is Finish.FAILED:
        return stopped(candidate, StopReason.ENGINE_FAILED, config)
    boxed = extraction.find_boxed(candidate.text) is not None
    if (code := extraction.pending_code(completion.text)) is not None:
        if candidate.round < config.rounds or not boxed:
            return replace(candidate, code=code)
        return stopped(candidate, StopReason.ROUNDS_USED, config)
    if boxed:
        reason = StopReason.ANSWERED
        if vote(candidate, config) is None:
            reason = StopReason.NOT_AN_INTEGER
        return stopped(candidate, reason, config)
    if completion.finish is Finish.LENGTH:
        return stopped(candidate, spent(candidate, config) or StopReason.TRUNCATED, config)
    return stopped(candidate, StopReason.NO_ANSWER, config)


def after_execution(
    candidate: Candidate,
    execution: Execution,
    encode: Callable[[str], Sequence[int]],
    config: Config,
) -> Candidate:
    """Return the candidate with its code's output appended: ready to go on, or stopped."""
    block = prompt.output_block(candidate.text, execution.output, config.stop)
    printed = extraction.printed_integer(execution.output)
    answer = None if printed is None else extraction.to_answer(printed, config)
    candidate = replace(
        candidate,
        text=candidate.text + block,
        token_ids=candidate.token_ids + tuple(encode(block)),
        executions=candidate.executions + 1,
        code=None,
        printed=candidate.printed if answer is None else answer,
    )
    if candidate.round >= config.rounds:
        return stopped(candidate, StopReason.ROUNDS_USED, config)
    if reason := spent(candidate, config):
        return stopped(candidate, reason, config)
    return candidate


def stopped(candidate: Candidate, reason: StopReason, config: Config) -> Candidate:
    """Return the candidate at its end, with its vote unless the vote was decided without it."""
    answer = None if reason is StopReason.DECIDED else vote(candidate, config)
    return replace(candidate, stop=reason, code=None, answer=answer)


def vote(candidate: Candidate, config: Config) -> int | None:
    """Return the competition's answer that the candidate's text boxes last, None for no vote."""
    if not candidate.executions and not config.vote_without_code:
        return None
    value = extraction.extract_answer(candidate.text)
    return None if value is None else extraction.to_answer(value, config)


def room(candidate: Candidate, config: Config) -> int:
    """Return how many tokens the context still takes."""
    return config.max_context - len(candidate.token_ids)


def tokens_left(candidate: Candidate, config: Config) -> int:
    """Return how many tokens the candidate may generate in its next round, 0 or less for none."""
    most = min(config.max_new_tokens, room(candidate, config))
    if config.max_total_tokens is None:
        return most
    return min(most, config.max_total_tokens - candidate.generated_tokens)


def spent(candidate: Candidate, config: Config) -> StopReason | None:
    """Return which limit leaves no useful round, None where there is room for one."""
    if room(candidate, config) < LEAST_ROOM:
        return StopReason.CONTEXT_FULL
    # A round that is short because the settings say so is still a round.
    if tokens_left(candidate, config) < min(LEAST_ROOM, config.max_new_tokens):
        return StopReason.TOKENS_USED
    return None


def request_seed(config: Config, problem: Problem, candidate: Candidate) -> int:
    """Return a seed made of run seed, problem, candidate and round, never of order or time."""
    key = f"{config.seed}/{problem.id}/{candidate.index}/{candidate.round}"
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big")


@dataclass
class _Run:
    """The effects of one problem's run: who waits for what."""

    problem: Problem
    config: Config
    engine: Engine
    sandbox: Sandbox
    deadline: Deadline
    trace: Trace
    candidates: list[Candidate]
    prompt: tuple[int, ...]
    asked: dict[str, float] = field(default_factory=dict[str, float])
    """When each generation was asked for, in seconds since the problem was begun."""
    slowest: float | None = None
    """Seconds of the slowest generation so far."""

    def session(self, candidate: Candidate) -> str:
        return f"{self.problem.id}/{candidate.index}"

    def request_id(self, candidate: Candidate) -> str:
        return f"{self.problem.id}/{candidate.index}/{candidate.round}"

    def start(self, number: int) -> None:
        """Start further candidates."""
        first = len(self.candidates)
        self.candidates.extend(Candidate(first + n, self.prompt) for n in range(number))
        for candidate in self.candidates[first:]:
            self.advance(candidate)

    def group(self, seconds: float) -> int:
        """Return how many extra candidates are worth starting with so many seconds left."""
        config = self.config
        left = config.candidates + config.extra_candidates - len(self.candidates)
        if left <= 0 or self.slowest is None or ROUND_MARGIN * self.slowest > seconds:
            return 0
        return 0 if voting.clear(self.tally()) else min(left, config.extra_group)

    def is_decided(self, outstanding: int) -> bool:
        """Tell whether the rest need not be waited for."""
        votes, risk = self.tally(), self.config.stop_risk
        if not self.config.stop_when_decided:
            return False
        if voting.decided(votes, outstanding):
            return True
        return risk > 0 and voting.overturn_chance(votes, outstanding) < risk

    def running(self) -> list[Candidate]:
        return [candidate for candidate in self.candidates if candidate.stop is None]

    def advance(self, candidate: Candidate) -> None:
        """Take over a candidate's new state and start what it waits for."""
        self.candidates[candidate.index] = candidate
        if candidate.stop is not None:
            self.sandbox.close_session(self.session(candidate))
            self.write("stopped", candidate, reason=candidate.stop, answer=candidate.answer)
        elif candidate.code is not None:
            self.sandbox.submit(self.session(candidate), candidate.code)
        else:
            self.asked[self.request_id(candidate)] = self.deadline.spent()
            self.engine.submit(self.request(candidate))

    def request(self, candidate: Candidate) -> Request:
        config = self.config
        return Request(
            id=self.request_id(candidate),
            token_ids=candidate.token_ids,
            max_tokens=max(1, tokens_left(candidate, config)),
            temperature=config.temperature,
            top_p=config.top_p,
            stop=config.stop,
            seed=request_seed(config, self.problem, candidate),
            top_k=config.top_k,
            min_p=config.min_p,
            repetition_penalty=config.repetition_penalty,
            stop_token_ids=config.stop_token_ids,
        )

    def take_completions(self, running: Sequence[Candidate]) -> int:
        """Advance all whose generation is done; return how many of `running` were generating."""
        generating = [candidate for candidate in running if candidate.code is None]
        completions = self.engine.poll() if generating else []
        waiting = {self.request_id(c): c for c in generating} if completions else {}
        for completion in completions:
            candidate = waiting[completion.request_id]
            took = self.deadline.spent() - self.asked.pop(completion.request_id)
            if completion.finish is not Finish.FAILED:
                self.slowest = max(took, self.slowest or 0.0)
            self.write(
                "completion",
                candidate,
                text=completion.text,
                finish=completion.finish,
                tokens=completion.generated_tokens,
            )
            self.advance(after_generation(candidate, completion, self.config))
        return len(generating)

    def take_executions(self, timeout: float) -> None:
        """Advance all candidates whose code has run."""
        # Many polls find nothing: whoever has stopped has no code either, so one look is enough.
        waiting = {self.session(c): c for c in self.candidates if c.code is not None}
        for execution in self.sandbox.poll(timeout) if waiting else []:
            candidate = waiting[execution.session]
            self.write(
                "execution",
                candidate,
                code=candidate.code,
                status=execution.status,
                output=execution.output,
                seconds=round(execution.seconds, 3),
            )
            self.advance(after_execution(candidate, execution, self.engine.encode, self.config))

    def stop_all(self, reason: StopReason) -> None:
        """Stop every running candidate, in engine and sandbox too."""
        running = self.running()
        self.engine.abort([self.request_id(c) for c in running if c.code is None])
        for candidate in running:
            self.advance(stopped(candidate, reason, self.config))

    def write(self, event: str, candidate: Candidate, **values: object) -> None:
        self.trace.write(
            event,
            problem=self.problem.id,
            candidate=candidate.index,
            round=candidate.round,
            **values,
        )

    def tally(self) -> dict[int, int]:
        return voting.tally(candidate.answer for candidate in self.candidates)


def solve(
    problem: Problem,
    config: Config,
    engine: Engine,
    sandbox: Sandbox,
    deadline: Deadline,
    trace: Trace,
    candidates: list[Candidate] | None = None,
) -> Solution:
    """Solve one problem within the share of time that `deadline` has begun for it.

    Args:
        problem: what to solve.
        config: the run's settings.
        engine: generates; must have no requests of this problem.
        sandbox: runs the candidates' code, a session each.
        deadline: its `begin` has been called for this problem.
        trace: gets an event for every completion, execution and stop, and progress.
        candidates: filled with the candidates' latest states, so that whoever catches an error
            can still take the vote on what is there.
    """
    prompt_tokens = prompt.fitting_ids(problem.text, config, engine.encode_chat)
    candidates = [] if candidates is None else candidates
    candidates.clear()
    run = _Run(problem, config, engine, sandbox, deadline, trace, candidates, prompt_tokens)
    ended: StopReason | None = None
    try:
        run.start(config.candidates)
        ended = _until_stopped(run, deadline)
    finally:
        # On an error too: neither engine nor sandbox may go on working for this problem.
        run.stop_all(ended or StopReason.DEADLINE)
    return voting.conclude(problem.id, candidates, config, ended, deadline.spent())


def _until_stopped(run: _Run, deadline: Deadline) -> StopReason | None:
    """Poll engine and sandbox until no candidate runs, the vote is decided or time is up."""
    next_progress = PROGRESS_SECONDS
    while True:
        running = run.running()
        decided = run.is_decided(len(running))
        if (decided or not running) and (more := run.group(deadline.left())):
            run.trace.write("extra", problem=run.problem.id, candidates=more, tally=run.tally())
            run.start(more)
            continue
        if not running:
            return None
        if decided:
            return StopReason.DECIDED
        if deadline.reached:
            return StopReason.DEADLINE
        generating = run.take_completions(running)
        run.take_executions(0.0 if generating else EXECUTION_WAIT_SECONDS)
        if deadline.spent() >= next_progress:
            next_progress = deadline.spent() + PROGRESS_SECONDS
            run.trace.write(
                "progress",
                problem=run.problem.id,
                running=len(running),
                executing=len(running) - generating,
                tally=run.tally(),
                left=round(deadline.left(), 1),
            )
