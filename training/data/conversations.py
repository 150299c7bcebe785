"""Writes conversations about the families' problems: with code that was run, or in words alone.

Covers: programs with and without mistakes, run in the kernel's sandbox; the text around them;
solutions by hand. Does not cover: which problems there are (`families`), and filters.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kernel.config import Config
from kernel.protocols import Sandbox
from kernel.records import Execution, ExecutionStatus
from training.data.executions import run_steady
from training.data.families.family import FamilyProblem
from training.data.faults import Fault, fault_in, two_faults_in
from training.data.rows import Row, Writing, failures

SOURCE = "generator"
ONE_FAULT = 0.27
"""Share of conversations whose first block fails."""
TWO_FAULTS = 0.05
"""Share of conversations whose first two blocks fail."""
TRIES = 4
"""Mistakes tried on a program before it is written without one."""
CLOSINGS = (
    "The answer is {box}.",
    "So {result} is {box}.",
    "Hence {result} is {box}.",
    "{Result} is {box}.",
    "Therefore, {result} is {box}.",
)
PLANS = ("", "", "", "Let us compute this with a program. ", "We use Python. ")


class FamilyError(RuntimeError):
    """A family whose program does not print its answer; the message names it."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a conversation's blocks will be."""

    posed: FamilyProblem
    faults: tuple[Fault, ...]

    @property
    def blocks(self) -> list[str]:
        """The blocks in order; the last one works."""
        final = self.faults[-1].mended if self.faults else self.posed.code
        return [*(fault.broken for fault in self.faults), final]


def scripted(
    posed: FamilyProblem, attempt: int, errors: Mapping[str, Fault] | None = None
) -> Script:
    """Return a problem's conversation with mistakes drawn by its id and the attempt.

    Where `errors` are given, they take the place of drawn ones: a model's own, by problem.
    """
    if errors is not None:
        own = errors.get(posed.id) if attempt == 0 else None
        return Script(posed, (own,) if own else ())
    draw = random.Random(f"{posed.id}/faults")
    wanted = draw.random()
    draw.seed(f"{posed.id}/faults/{attempt}")
    if attempt < TRIES and wanted < TWO_FAULTS and (two := two_faults_in(posed.code, draw)):
        return Script(posed, two)
    if attempt < TRIES and wanted < ONE_FAULT + TWO_FAULTS and (one := fault_in(posed.code, draw)):
        return Script(posed, (one,))
    return Script(posed, ())


def with_code(
    problems: Sequence[FamilyProblem],
    sandbox: Sandbox,
    config: Config,
    progress: Callable[[int], None] = lambda done: None,
    errors: Mapping[str, Fault] | None = None,
) -> list[Row]:
    """Return a conversation with executed code for each problem.

    A mistake that does not show in the real output is replaced by another one. `errors` are a
    model's own, by problem; with them no others are drawn.

    Raises:
        FamilyError: a working program prints something else than the answer.
    """
    rows: dict[str, Row] = {}
    for attempt in range(TRIES + 1):
        scripts = [scripted(posed, attempt, errors) for posed in problems if posed.id not in rows]
        blocks = [script.blocks for script in scripts]
        # The few that are tried again are not worth a second count.
        show = progress if attempt == 0 else _silent
        for script, done in zip(scripts, run_steady(blocks, sandbox, show), strict=True):
            if row := written(script, done, config):
                rows[row.id] = row
    return [rows[posed.id] for posed in problems]


def written(script: Script, executions: Sequence[Execution], config: Config) -> Row | None:
    """Return the conversation, None where a mistake did not show as it should."""
    for fault, execution in zip(script.faults, executions, strict=False):
        if not re.search(fault.shows, execution.output) or _is_right(execution, script.posed):
            return None
    if not _is_right(executions[-1], script.posed):
        raise FamilyError(
            f"The family {script.posed.family} has a program that does not print the answer "
            f"{script.posed.answer}: {executions[-1].output[:200]!r}."
        )
    posed, draw = script.posed, random.Random(f"{script.posed.id}/words")
    writing = Writing(config)
    writing.say(draw.choice(PLANS) + posed.plan)
    remarks = [*(fault.remark for fault in script.faults), closing(posed, draw)]
    for block, execution, remark in zip(script.blocks, executions, remarks, strict=True):
        writing.ask(block)
        writing.answer(execution.output)
        writing.say(remark)
    failed = [True] * len(script.faults) + [False]
    return Row(
        id=posed.id,
        problem=posed.problem,
        answer=posed.answer,
        solution=writing.text,
        outputs=writing.outputs,
        source=SOURCE,
        family=posed.family,
        recoveries=len(script.faults),
        failures=failures(writing, failed),
    )


def in_words(posed: FamilyProblem) -> Row:
    """Return a conversation that calculates step by step, without code."""
    draw = random.Random(f"{posed.id}/words")
    join = draw.choice(("\n", ". "))
    steps = join.join(posed.steps) + ("" if posed.steps[-1].endswith(".") else ".")
    text = f"{steps}\n{closing(posed, draw)}"
    return Row(posed.id, posed.problem, posed.answer, text, (), SOURCE, posed.family)


def _silent(done: int) -> None:
    pass


def closing(posed: FamilyProblem, draw: random.Random) -> str:
    """Return the sentence with the boxed answer."""
    box = f"$\\boxed{{{posed.answer}}}$"
    result = posed.result
    return draw.choice(CLOSINGS).format(
        box=box, result=result, Result=result[:1].upper() + result[1:]
    )


def _is_right(execution: Execution, posed: FamilyProblem) -> bool:
    """Whether the output's last line is the answer."""
    lines = execution.output.split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return execution.status is ExecutionStatus.OK and last.strip() == str(posed.answer)
