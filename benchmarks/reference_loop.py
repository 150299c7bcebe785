"""The reference: SC-TIR as published, in rounds of lock-step.

Covers: every round generates for all candidates at once and waits for the last, then runs all code
blocks in a pool and waits for the last; each block gets a fresh Python; candidates that have
finished stay in the batch; nothing stops early, no time is shared out. Does not cover: how text is
generated (passed in: vLLM's offline `generate`, or the simulated engine).

Prompts, extraction, seeds and the vote are the kernel's, so that only the loop differs. It is
treated more kindly than necessary in two ways: what a finished candidate still writes is thrown
away, and the loop ends once all have finished.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kernel import prompt, sc_tir, voting
from kernel.config import Config
from kernel.records import Candidate, Completion, Execution, ExecutionStatus, Problem, Request

IMPORTS = "import math\nimport numpy as np\nimport sympy as sp\nfrom sympy import *\n"

Generate = Callable[[list[Request]], list[Completion]]
"""Completes all requests, in their order."""
RunBlocks = Callable[[Sequence[tuple[str, str]]], list[Execution]]
"""Runs (session, code) pairs, and returns in their order."""


@dataclass(frozen=True, slots=True)
class ReferenceSolution:
    """The answer to one problem, and what it took."""

    answer: int
    tally: dict[int, int]
    generated_tokens: int
    """Those of finished candidates included: they were waited for."""
    wasted_tokens: int
    """Those of finished candidates alone."""
    rounds: int


def solve(
    problem: Problem,
    config: Config,
    prompt_ids: Sequence[int],
    encode: Callable[[str], Sequence[int]],
    generate: Generate,
    run_blocks: RunBlocks,
) -> ReferenceSolution:
    """Solve one problem; takes as long as it takes."""
    # A candidate that has stopped keeps its record, and its place in the batch.
    config = replace(config, stop_when_decided=False)
    candidates = [Candidate(index, tuple(prompt_ids)) for index in range(config.candidates)]
    tokens = wasted = rounds = 0
    while rounds < config.rounds and any(candidate.running for candidate in candidates):
        completions = generate([_request(problem, c, rounds, config) for c in candidates])
        rounds += 1
        tokens += sum(completion.generated_tokens for completion in completions)
        for index, completion in enumerate(completions):
            if candidates[index].running:
                candidates[index] = sc_tir.after_generation(candidates[index], completion, config)
            else:
                wasted += completion.generated_tokens
        asking = [c for c in candidates if c.running and c.code is not None]
        blocks = [(f"{problem.id}/{c.index}", c.code or "") for c in asking]
        for candidate, execution in zip(asking, run_blocks(blocks), strict=True):
            stepped = sc_tir.after_execution(candidate, execution, encode, config)
            candidates[candidate.index] = stepped
    answer = voting.conclude(problem.id, candidates, config, None, 0.0).answer
    tally = voting.tally(candidate.answer for candidate in candidates)
    return ReferenceSolution(answer, tally, tokens, wasted, rounds)


def _request(problem: Problem, candidate: Candidate, round_: int, config: Config) -> Request:
    room = config.max_context - len(candidate.token_ids)
    return Request(
        id=f"{problem.id}/{candidate.index}/{round_}",
        token_ids=candidate.token_ids[: config.max_context - 1],
        max_tokens=max(1, min(config.max_new_tokens, room)),
        temperature=config.temperature,
        top_p=config.top_p,
        stop=config.stop,
        seed=sc_tir.request_seed(config, problem, candidate),
    )


def chat_ids(
    problem: Problem,
    config: Config,
    encode_chat: Callable[[list[prompt.Message]], Sequence[int]],
) -> tuple[int, ...]:
    """Return the prompt's ids, as the kernel makes them."""
    return prompt.fitting_ids(problem.text, config, encode_chat)


class ColdPythons:
    """Runs each block in a fresh Python, as many at once as there are CPUs."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.blocks = 0
        self.seconds = 0.0
        """Wall time of all calls."""

    def __call__(self, blocks: Sequence[tuple[str, str]]) -> list[Execution]:
        """Run the blocks; the limits are the kernel's own, as far as a plain process takes them."""
        begun = time.monotonic()
        with (
            tempfile.TemporaryDirectory() as folder,
            ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        ):
            paths = [Path(folder) / f"{number}.py" for number in range(len(blocks))]
            executions = list(pool.map(self._run, paths, blocks))
        self.blocks += len(blocks)
        self.seconds += time.monotonic() - begun
        return executions

    def _run(self, path: Path, block: tuple[str, str]) -> Execution:
        session, code = block
        path.write_text(IMPORTS + code, "utf-8", errors="replace")
        status, output = ExecutionStatus.OK, ""
        try:
            done = subprocess.run(
                [sys.executable, path],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._config.code_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            status, output = ExecutionStatus.TIMED_OUT, "Timed out."
        else:
            output = done.stdout
            if done.returncode != 0:
                status = ExecutionStatus.RAISED
                output += (done.stderr.strip().splitlines() or ["It failed."])[-1]
        return Execution(session, status, output[: self._config.max_output_chars], 0.0)
