"""`make recipe`: from a base model to the model that the kernel runs, in one command.

Covers: the order of the work (data, stage 1, stage 2, KTO, an evaluation after each), resuming
where it was interrupted, and with DRY_RUN=1 the commands, memory, hours and cost instead. Does not
cover: what each command does; it says so itself.

Everything goes into the cache, never into the repository. A finished step is skipped; an
interrupted one is started again with its own command, which resumes.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from common import files, foreground
from common.embedded_model import cache_folder
from common.files import FileError, check_folder
from training import evaluation, gsm8k, settings
from training.evaluation import WORDS, Scoring
from training.preview import preview
from training.settings import Recipe, TrainingError
from training.stages import resolved

ROOT = Path(__file__).resolve().parent.parent
DRY_RUN_PROBLEMS = ROOT / "common/problems.csv"
GSM8K = cache_folder() / "sets/gsm8k.jsonl"
"""Asked where it could be fetched."""
WHOLE = 100_000
"""More problems than any set has."""


@dataclass
class RecipeOptions:
    """Make a model from a recipe, from its base to KTO, with an evaluation after each stage."""

    recipe: str = "embedded"
    """A recipe's name, or its file."""
    out: Path | None = None
    """Where data, models and runs go; a folder in the cache if not given."""
    dry_run: bool = False
    """Only say what would be done, and what it would take."""
    until: str = ""
    """Stop after this step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a recipe."""

    name: str
    command: tuple[str, ...]
    done: Path
    """There once the step is finished."""
    scored: Scoring | None = None
    """Of an evaluation: what it scores; its command is made when the model is there."""


@dataclass(frozen=True, slots=True)
class Place:
    """A recipe's folder; all names in it are fixed."""

    folder: Path

    def data(self, stage: str) -> Path:
        """Return the folder of a stage's training set."""
        return self.folder / "data" / stage

    def run(self, stage: str) -> Path:
        """Return the folder of a stage's training."""
        return self.folder / stage

    def model(self, stage: str) -> Path:
        """Return the model that a stage leaves."""
        return self.folder / stage / "model"

    @property
    def evaluations(self) -> Path:
        """Return the folder of all runs that score a model."""
        return self.folder / "evaluations"


def place_of(recipe: Recipe, out: Path | None = None) -> Place:
    """Return where a recipe's work goes: a folder for each state of what its models depend on."""
    parts = (recipe.base, recipe.seed, recipe.chat_template, recipe.data)
    stages = [asdict(part) for part in (recipe.cot, recipe.tir, recipe.kto, recipe.draft) if part]
    digest = hashlib.sha256(json.dumps([parts, stages], sort_keys=True).encode()).hexdigest()
    name = f"{recipe.name}-{digest[:8]}"
    return Place((out or cache_folder() / "recipes" / name).resolve())


def steps(recipe: Recipe, name: str, place: Place, base: str) -> Iterator[Step]:
    """Yield the steps in order.

    Args:
        recipe: its values.
        name: as the commands take it.
        place: where everything goes.
        base: the base model's folder or id.
    """
    first, *later = (stage for stage in recipe.stages if stage != "cot")
    yield _dataset(recipe, "cot", place)
    yield _dataset(recipe, first, place)
    yield from _evaluations(recipe, "base", Path(base), place)
    yield _train(recipe, name, "cot", base, place)
    yield from _evaluations(recipe, "cot", place.model("cot"), place)
    yield _train(recipe, name, first, str(place.model("cot")), place)
    for stage in later:
        yield _dataset(recipe, stage, place, place.model(first))
        yield _train(recipe, name, stage, str(place.model(first)), place)
    yield from _evaluations(recipe, "tir", place.model("tir"), place)
    yield _kto(name, place)
    yield from _evaluations(recipe, "kto", place.model("kto"), place)


def _dataset(recipe: Recipe, stage: str, place: Place, errors_of: Path | None = None) -> Step:
    out = place.data(stage)
    given = [
        part
        for key, value in recipe.data.get(stage, {}).items()
        for part in (f"--{key.replace('_', '-')}", str(value))
    ]
    kind = "cot" if stage == "cot" else "tir"
    command = (sys.executable, "-m", "training.dataset", "--kind", kind, "--out", str(out))
    if errors_of:
        command += ("--errors-of", str(errors_of))
    return Step(f"data-{stage}", (*command, *given), out / "dataset.json")


def _train(recipe: Recipe, name: str, stage: str, model: str, place: Place) -> Step:
    launch = (sys.executable,)
    if recipe.accelerate:
        file = str(settings.FOLDER / recipe.accelerate)
        launch = ("accelerate", "launch", "--config_file", file)
    options = ("--recipe", name, "--stage", stage, "--model", model)
    paths = ("--data", str(place.data(stage)), "--out", str(place.run(stage)))
    command = (*launch, "-m", "training.train", *options, *paths)
    return Step(stage, command, place.model(stage) / "config.json")


def _kto(name: str, place: Place) -> Step:
    options = ("--recipe", name, "--model", str(place.model("tir")))
    paths = ("--data", str(place.data("tir")), "--out", str(place.run("kto")))
    command = (sys.executable, "-m", "training.kto", *options, *paths)
    return Step("kto", command, place.model("kto") / "config.json")


def _evaluations(recipe: Recipe, name: str, model: Path, place: Place) -> Iterator[Step]:
    """Yield the evaluations of one model: known families, families never seen, the dry run's.

    A model of words alone is asked the known families only: it is there for comparison with SC-TIR.
    """
    # The problems kept for testing are the same whatever the set.
    data, how = place.data(recipe.stages[1]), recipe.evaluation
    words = WORDS if name == "cot" else {}
    sets = [
        ("known", data / "problems-known.jsonl", how.words if words else how.known),
        ("heldout", data / "problems-heldout.jsonl", how.heldout),
        ("dry-run", DRY_RUN_PROBLEMS, 10),
        *([("gsm8k", GSM8K, gsm8k.COUNT)] if GSM8K.is_file() else []),
    ]
    if how.sets:
        sets = [(kind, Path(kind), WHOLE) for kind in how.sets]
    for kind, problems, most in sets[: 1 if name == "cot" and not how.sets else None]:
        scored = Scoring(f"{name}-{kind}", model, problems, most, words)
        command = tuple(evaluation.command(scored, how, place.evaluations))
        done = evaluation.done_file(scored.name, place.evaluations)
        yield Step(scored.name, command, done, scored)


def main() -> None:
    """Run the command; exit 2 on a user's error, else with the status of the step that failed."""
    options = tyro.cli(RecipeOptions)
    try:
        recipe = settings.load(options.recipe)
        place = place_of(recipe, options.out)
        check_folder(place.folder)
        base = recipe.base if options.dry_run else resolved(recipe.base)
        if not options.dry_run:
            gsm8k.fetched(GSM8K)
        every = list(steps(recipe, options.recipe, place, base))
        if options.until and options.until not in {step.name for step in every}:
            names = ", ".join(step.name for step in every)
            raise TrainingError(f"{options.until} is not a step: UNTIL is one of {names}.")
        if options.dry_run:
            commands = [(step.name, step.command) for step in every]
            print("\n".join(preview(recipe, commands)))
            sys.exit(0)
        place.evaluations.mkdir(parents=True, exist_ok=True)
        sys.exit(work(every, recipe, place, options.until))
    except (TrainingError, FileError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def work(
    every: list[Step],
    recipe: Recipe,
    place: Place,
    until: str = "",
    now: Callable[[], float] = time.monotonic,
) -> int:
    """Do what is not done yet; return the exit status."""
    for number, step in enumerate(every, 1):
        if step.done.is_file():
            print(f"{number}/{len(every)} {step.name}: done before")
        else:
            print(f"{number}/{len(every)} {step.name} ...", flush=True)
            begun = now()
            status = _do(step, recipe, place)
            keep_time(place, step.name, now() - begun)
            if status:
                print(f"{step.name} ended with {status}: run the same command again to resume.")
                return status
        if step.name == until:
            return 0
    print(f"models and runs  {place.folder}")
    return 0


def _do(step: Step, recipe: Recipe, place: Place) -> int:
    """Do one step and return its status."""
    if step.scored:
        evaluation.evaluate(step.scored, recipe.evaluation, place.evaluations)
        return 0
    return foreground.run(step.command, ROOT)


def keep_time(place: Place, name: str, seconds: float) -> None:
    """Add the time of a step, or of a part of it, to those of the recipe's folder."""
    path = place.folder / "seconds.json"
    known: dict[str, float] = {}
    if path.is_file():
        known = json.loads(path.read_text("utf-8"))
    known[name] = round(known.get(name, 0.0) + seconds, 1)
    files.write_json(path, known)


if __name__ == "__main__":
    main()
