"""A model's own errors on the generator's problems, as mistakes that a conversation fixes.

Covers: letting a model try each problem once (a file keeps the tries, so that a killed run
resumes), and which of its failed blocks are kept. Does not cover: writing the conversations
(`conversations`, which runs a block again and drops it where its error does not show).

A model that has learnt to fix errors drawn for it cannot yet fix its own. Source of the idea:
DAgger (Ross, Gordon and Bagnell 2011), where a teacher answers in the states that the learner
reaches; here the teacher is the family's program.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.problems import ProblemRow
from kernel.checks.preflight import model_settings
from training.data.families.family import FamilyProblem
from training.data.faults import NO_OUTPUT, Fault
from training.data.sampling import JudgedCandidate
from training.data.workplace import BuildError, Workplace, sampled_candidates

FILE = "tries.jsonl"
ERROR = r"^(?P<name>[A-Z]\w*(?:Error|Iteration|Exception)):?"
"""A traceback's last line."""
MOST_CHARACTERS = 500
"""Of a failed block: longer ones are seldom attempts at the problem."""
REMARKS = (
    "{Error}: this program cannot work. We write another one.",
    "The program fails with {error}. Let us write it anew.",
    "{Error}. We start again, step by step.",
)
SILENT = "no output"


def own_errors(
    place: Workplace, problems: Sequence[FamilyProblem], progress: Callable[[int], None]
) -> dict[str, Fault]:
    """Return the mistakes that the model of the option `errors_of` made, by problem.

    `progress` is called with the number of problems tried.

    Raises:
        BuildError, ConfigError: there is no such model, or the server does not answer.
        ConstructionError: the folder holds another run's tries.
        ServerError: the engine is gone; what was tried is saved.
    """
    options, model = place.options, place.options.errors_of
    assert model is not None
    if not (model / "config.json").is_file():
        raise BuildError(f"{model} is not a model: set ERRORS_OF to a folder with config.json.")
    config = replace(model_settings(model), candidates=1, rounds=1, seed=options.seed)
    path = place.out / FILE
    about: Mapping[str, Any] = {"model": str(model.resolve()), "seed": options.seed}
    rows = [ProblemRow(posed.id, posed.problem, posed.answer) for posed in problems]

    def show(number: int, done: int, of: int, solved: int) -> None:
        progress(done)

    tried = sampled_candidates(place, model, rows, config, path, about, show, rounds=1)
    by_id = {posed.id: posed for posed in problems}
    found = {part.problem: error_in(part.samples[0], by_id[part.problem]) for part in tried}
    return {problem: fault for problem, fault in found.items() if fault}


def error_in(tried: JudgedCandidate, posed: FamilyProblem) -> Fault | None:
    """Return a candidate's first block as a mistake; None where it worked or shows no error."""
    if not tried.failed or not tried.failed[0]:
        return None
    begin, end = tried.failures[0]
    broken = tried.text[begin:end]
    begin, end = tried.outputs[0]
    output = tried.text[begin:end]
    error = SILENT if re.search(NO_OUTPUT, output, re.MULTILINE) else ""
    for match in re.finditer(ERROR, output, re.MULTILINE):
        error = match["name"]
    if not error or len(broken) > MOST_CHARACTERS:
        return None
    remark = random.Random(f"{posed.id}/own").choice(REMARKS)
    remark = remark.format(error=error, Error=error[0].upper() + error[1:])
    shows = NO_OUTPUT if error == SILENT else rf"(?m)^{error}"
    return Fault("own", broken, posed.code, remark, shows)
