"""Runs many conversations' blocks in the kernel's sandbox, one session each, several at once.

Covers: blocks that build on one another, the order of the results. Does not cover: what is done
with the outputs.
"""

from collections.abc import Callable, Iterator, Sequence

from kernel.protocols import Sandbox
from kernel.records import Execution, ExecutionStatus

SESSIONS = 32
"""Open at once: enough for every worker to find its next block waiting."""
WAIT_SECONDS = 1.0
STEADY = (ExecutionStatus.OK, ExecutionStatus.RAISED)
"""How a block ends that depends on nothing but itself."""
TRIES = 4

Program = Sequence[str]
"""Blocks that run one after the other in one session."""


def run_all(
    programs: Sequence[Program],
    sandbox: Sandbox,
    progress: Callable[[int], None] = lambda done: None,
) -> list[list[Execution]]:
    """Return what each program's blocks gave, in the order of the programs.

    Args:
        programs: each with at least one block.
        sandbox: has no sessions of these names: `0`, `1` and so on.
        progress: called with the number of programs that have ended.
    """
    results: list[list[Execution]] = [[] for _ in programs]
    waiting, done = iter(range(len(programs))), 0
    running = sum(_begin(waiting, programs, sandbox) for _ in range(SESSIONS))
    while running:
        for execution in sandbox.poll(WAIT_SECONDS):
            number = int(execution.session)
            results[number].append(execution)
            if len(results[number]) < len(programs[number]):
                sandbox.submit(execution.session, programs[number][len(results[number])])
                continue
            sandbox.close_session(execution.session)
            done += 1
            progress(done)
            running += _begin(waiting, programs, sandbox) - 1
    return results


def run_steady(
    programs: Sequence[Program],
    sandbox: Sandbox,
    progress: Callable[[int], None] = lambda done: None,
) -> list[list[Execution]]:
    """Return the executions of programs that break no limit, whatever the machine is busy with.

    A program that a crowded machine cut short is run again: the same programs give the same
    outputs. What is cut short every time comes back as it is.
    """
    results = run_all(programs, sandbox, progress)
    for _ in range(TRIES):
        cut = [n for n, done in enumerate(results) if any(e.status not in STEADY for e in done)]
        again = run_all([programs[n] for n in cut], sandbox)
        for number, done in zip(cut, again, strict=True):
            results[number] = done
    return results


def _begin(waiting: Iterator[int], programs: Sequence[Program], sandbox: Sandbox) -> int:
    """Begin the next program; return how many were begun."""
    number = next(waiting, None)
    if number is None:
        return 0
    sandbox.submit(str(number), programs[number][0])
    return 1
