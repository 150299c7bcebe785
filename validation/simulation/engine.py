"""An engine in virtual time: writes texts of given lengths, and lets the time they take pass.

Covers: the Engine protocol with continuous batching as vLLM does it (slots, chunked prefill, the
prompt's blocks shared by all copies, a prefix cache for continued sequences, preemption where the
KV cache is full). Does not cover: blocks (tokens count singly), replicas (one engine), tokenizing:
an id is a placeholder, a word is a token.

A poll takes one step, or several equal ones where nothing can happen in between: until the first
sequence ends, something else in virtual time is due, or `LONGEST_SECONDS` have passed.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.records import Completion, Finish, Request
from validation.simulation.costs import Costs
from validation.simulation.occupancy import Occupancy
from validation.simulation.shapes import Shape, ShapedProblem
from validation.simulation.virtual_time import VirtualClock

LONGEST_SECONDS = 1.0
"""So that a deadline is seen about as soon as by the real engine's user."""
CODE = "So:\n```python\nprint(1)\n```\n```output"
PROMPT_TOKENS = 150
"""A competition problem in its chat template, about."""


@dataclass(slots=True)
class _Sequence:
    request: Request
    finish: Finish
    text: str
    total: int
    """Tokens it will write."""
    left: int
    """Of these, those not yet written."""
    own: int
    """Tokens behind the prompt: computed ones, and those that still are to be."""
    prefill: int = 0
    """Of these, those not yet computed."""


class SimulatedEngine:
    """Writes the shapes of one problem after the other.

    Args:
        costs: of one step, and the room for keys and values.
        clock: passes the time.
        slots: sequences decoded together.
        budget: tokens of one step, prefill and decode together.
        prefix_cache: whether a continued sequence finds what was computed of it before.
    """

    ready, lost, restarts = True, False, 0

    def __init__(
        self,
        costs: Costs,
        clock: VirtualClock,
        slots: int,
        budget: int = 2048,
        prefix_cache: bool = True,
    ) -> None:
        if costs.kv_tokens < PROMPT_TOKENS + budget:
            raise ValueError(
                f"{costs.model.name} leaves {costs.kv_tokens} KV tokens on {costs.gpu.name} as "
                f"{costs.layout.name}: take fewer bits or more GPUs for a replica."
            )
        self.facts: dict[str, Any] = {}
        self.occupancy = Occupancy(slots)
        self.generated_tokens = self.prefilled_tokens = self.preempted = self.steps = 0
        self._costs, self._clock, self._slots, self._budget = costs, clock, slots, budget
        self._shapes: tuple[Shape, ...] = ()
        self._waiting: deque[_Sequence] = deque()
        self._running: list[_Sequence] = []
        self._cached: OrderedDict[str, int] = OrderedDict()
        self._prompt_ready = False
        self._prefix_cache = prefix_cache

    def begin(self, problem: ShapedProblem) -> None:
        """Write this problem's shapes from now on; nothing may be left of the last one."""
        self._shapes = problem.shapes
        self._cached.clear()
        self._prompt_ready = False

    def encode(self, text: str) -> list[int]:
        """Return an id a word."""
        return [0] * len(text.split())

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the ids of a prompt."""
        return [0] * PROMPT_TOKENS

    def submit(self, request: Request) -> None:
        """See Engine; the id is PROBLEM/CANDIDATE/ROUND."""
        _, candidate, round_ = request.id.rsplit("/", 2)
        finish, text, total = _written(self._shapes[int(candidate)], int(round_))
        if total > request.max_tokens:
            finish, text, total = Finish.LENGTH, "...", request.max_tokens
        own = len(request.token_ids) - PROMPT_TOKENS
        self._waiting.append(_Sequence(request, finish, text, total, total, own))

    def abort(self, request_ids: Iterable[str]) -> None:
        """See Engine."""
        gone = set(request_ids)
        self._waiting = deque(s for s in self._waiting if s.request.id not in gone)
        self._running = [s for s in self._running if s.request.id not in gone]

    def close(self) -> None:
        """See Engine; there is nothing to end."""

    def poll(self) -> list[Completion]:
        """See Engine."""
        self._admit()
        if not self._running:
            return []
        if any(sequence.prefill for sequence in self._running):
            self._mixed_step()
        else:
            self._decode_steps()
        return self._completions()

    def _room(self) -> int:
        """Return the KV tokens that no sequence of the batch holds or has been promised."""
        held = sum(sequence.own for sequence in self._running)
        return self._costs.kv_tokens - PROMPT_TOKENS - held

    def _evict(self) -> None:
        """Drop the oldest cached sequences until what is left fits beside the batch."""
        while self._cached and sum(self._cached.values()) > self._room():
            self._cached.popitem(last=False)

    def _admit(self) -> None:
        """Take waiting sequences into the batch, in order, while slots and room are free."""
        while self._waiting and len(self._running) < self._slots:
            sequence = self._waiting[0]
            # A batch without any sequence takes one in any case: waiting would not help it.
            if self._running and self._room() <= sequence.own:
                return
            self._waiting.popleft()
            sequence.prefill = sequence.own - min(self._cached.pop(_key(sequence), 0), sequence.own)
            if not (self._prompt_ready and self._prefix_cache):
                sequence.prefill += PROMPT_TOKENS
                self._prompt_ready = True
            self._running.append(sequence)
            self._evict()

    def _mixed_step(self) -> None:
        """Take one step in which prompts are prefilled while the others decode."""
        self._make_room()
        decoding = [s for s in self._running if not s.prefill]
        context = sum(PROMPT_TOKENS + s.own for s in decoding)
        room = self._budget - len(decoding)
        prefilled = 0
        for sequence in self._running:
            if sequence.prefill and prefilled < room:
                part = min(sequence.prefill, room - prefilled)
                sequence.prefill -= part
                prefilled += part
                if not sequence.prefill:
                    decoding.append(sequence)
        self.prefilled_tokens += prefilled
        for sequence in decoding:
            sequence.left -= 1
            sequence.own += 1
        self._pass(self._costs.step(len(decoding), context, prefilled), len(decoding), 1)

    def _decode_steps(self) -> None:
        """Take equal steps in which every sequence gets a token each."""
        room = self._make_room()
        batch = len(self._running)
        context = sum(sequence.own for sequence in self._running) + batch * PROMPT_TOKENS
        longest = min(LONGEST_SECONDS, self._clock.until_due())
        count = math.ceil(longest / self._costs.step(batch, context))
        count = max(1, min(count, room // batch, *(s.left for s in self._running)))
        # The cost is linear in the context, which grows by a token a sequence and step.
        mean = self._costs.step(batch, context + batch * (count - 1) / 2)
        for sequence in self._running:
            sequence.left -= count
            sequence.own += count
        self._pass(count * mean, batch, count)

    def _make_room(self) -> int:
        """Preempt what came last until there is a free KV token for each; return the free ones."""
        while self._room() < len(self._running) and len(self._running) > 1:
            self._waiting.appendleft(self._running.pop())
            self.preempted += 1
        self._evict()
        return self._room()

    def _pass(self, seconds: float, batch: int, steps: int) -> None:
        self.occupancy.note(self._clock(), seconds, len(self._running))
        self._clock.advance(seconds)
        self.generated_tokens += batch * steps
        self.steps += steps

    def _completions(self) -> list[Completion]:
        """Take the sequences that are written out of the batch; their blocks stay cached."""
        done = [s for s in self._running if s.left <= 0]
        if done:
            self._running = [s for s in self._running if s.left > 0]
        for sequence in done if self._prefix_cache else ():
            self._cached[_key(sequence)] = len(sequence.request.token_ids) - PROMPT_TOKENS
            self._cached[_key(sequence)] += sequence.total
        return [Completion(s.request.id, s.text, (0,) * s.total, s.finish, s.total) for s in done]


def _key(sequence: _Sequence) -> str:
    return sequence.request.id.rpartition("/")[0]


def _written(shape: Shape, round_: int) -> tuple[Finish, str, int]:
    """Return how a shape's round ends, its text and its tokens."""
    if round_ >= len(shape.generated):
        # A finished text continued: the model ends its turn again at once.
        return Finish.END, "", 1
    tokens = max(1, shape.generated[round_])
    if round_ < len(shape.generated) - 1:
        return Finish.STOP, CODE, tokens
    return Finish.END, f"\\boxed{{{shape.answer}}}" if shape.answer else "Hm.", tokens
