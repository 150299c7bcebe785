"""What a build of a training set works with, and how it ends: the files and the report.

Covers: checking the options, loading the tokenizer that counts tokens, sampling the model, writing
set and card, printing counts. Does not cover: where rows come from (`gathering`, `sampled`).
"""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from common import embedded_model
from common.console import console
from common.files import check_folder
from common.problems import ProblemRow
from kernel.checks.preflight import model_settings
from kernel.config import Config
from kernel.engine.tokenizer import Encoding, load_tokenizer
from kernel.protocols import Engine, Sandbox
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data import card, construction
from training.data.families.family import FamilyProblem
from training.data.filters import Sieve, checks_of, tokens
from training.data.options import DatasetOptions
from training.data.overlap import Overlap, overlap_with
from training.data.rows import Row
from validation import engine
from validation.server_engine import ServerError
from validation.validate import locked

ROOT = Path(__file__).resolve().parents[2]


class BuildError(ValueError):
    """A set that cannot be built; the message is one sentence."""


@dataclass(frozen=True)
class Workplace:
    """What every step of a build uses."""

    options: DatasetOptions
    out: Path
    model: Path
    config: Config
    """The model's settings; the context is the longest row's."""
    encoding: Encoding
    index: Overlap
    missing: list[str]
    """Validation sets that are not on this machine, so nothing could be checked against them."""
    sieve: Sieve
    console: Console


@dataclass
class TrainingSet:
    """What a build has made."""

    rows: list[Row]
    held_out: list[Row]
    sources: list[dict[str, Any]]
    """Name, licence and origin of each."""
    known: tuple[FamilyProblem, ...] = ()
    """Problems kept for testing, of families that are trained on."""
    unseen: tuple[FamilyProblem, ...] = ()
    """Problems of families that are not."""
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    """What else the card says."""


def prepared(options: DatasetOptions) -> Workplace:
    """Return what the build uses, after checking the options.

    Raises:
        BuildError: an option cannot be used.
        ConfigError: there is no model, or its settings cannot work.
        SetError: a validation set cannot be read.
        FileError: the set cannot be written where it should go.
    """
    for name in ("rows", "samples", "at_once"):
        if getattr(options, name) < 1:
            raise BuildError(f"{name.upper()} is {getattr(options, name)}: set it to at least 1.")
    if options.problems and options.kind != "tir":
        raise BuildError("FROM samples solutions with code: set KIND=tir.")
    if options.errors_of and (options.kind != "tir" or options.problems):
        raise BuildError("ERRORS_OF works on the generator's problems: set KIND=tir, and no FROM.")
    out = options.out or ROOT / "runs" / "data" / options.kind
    check_folder(out)
    model = options.model or embedded_model.ensure()
    config = model_settings(model)
    config = replace(config, max_context=options.context or config.max_context)
    encoding = Encoding(load_tokenizer(model), config.chat_template_arguments)
    index, missing = overlap_with(options.against)
    # A model that has been trained gets the bare problem.
    sieve = Sieve(checks_of(options.kind, encoding, replace(config, examples=())), index)
    return Workplace(options, out, model, config, encoding, index, missing, sieve, console())


def sampled_candidates(
    place: Workplace,
    model: Path,
    problems: Sequence[ProblemRow],
    config: Config,
    path: Path,
    about: Mapping[str, Any],
    progress: construction.Progress,
    rounds: int = construction.ROUNDS,
) -> list[construction.SampledProblem]:
    """Return a model's candidates, sampling what the file does not hold yet; one process at a time.

    Args:
        place: names the server, where there is one, and how many problems are solved side by side.
        model: the model's folder.
        problems, config, path, about, progress, rounds: see `construct`.

    Raises:
        BuildError: the server does not answer, or serves another model.
        ConstructionError: the file holds another run's samples.
        ServerError: the engine is gone; what is sampled is in the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        return construction.construct(
            problems,
            config,
            path,
            about,
            lambda widest: _opened(place, model, widest, path),
            place.options.at_once,
            progress,
            rounds,
        )


@contextlib.contextmanager
def _opened(
    place: Workplace, model: Path, widest: Config, path: Path
) -> Generator[tuple[Engine, Sandbox]]:
    """Open an engine with the model, on the server where the options name one, and a sandbox.

    Raises:
        BuildError: the server does not answer, or serves another model.
    """
    options = place.options
    url, served = options.engine_url, options.served
    with contextlib.ExitStack() as stack:
        try:
            loading = engine.opened(model, widest, path, options.at_once, url, served)
            ready = stack.enter_context(loading)
        except ServerError as error:
            raise BuildError(str(error)) from None
        yield ready, stack.enter_context(ForkedSandbox(widest))


def write(place: Workplace, built: TrainingSet) -> Path:
    """Write the set and its card, print the counts, and return the card's path.

    Raises:
        BuildError: no row is left.
        FileError: a file cannot be written.
    """
    if not built.rows:
        raise BuildError(place.sieve.emptied())
    card.write_rows(place.out / card.TRAIN, built.rows)
    card.write_rows(place.out / card.HELD_OUT, built.held_out)
    for name, problems in (
        (card.KNOWN_PROBLEMS, built.known),
        (card.HELD_OUT_PROBLEMS, built.unseen),
    ):
        if problems:
            card.write_problems(place.out / name, problems)
    path = card.write_card(place.out, about(place, built))
    report(place, built)
    return path


def about(place: Workplace, built: TrainingSet) -> dict[str, Any]:
    """Return what the data card says."""
    sieve, bare = place.sieve, replace(place.config, examples=())
    counts = {
        name: {"rows": len(part), "tokens": sum(tokens(r, place.encoding, bare) for r in part)}
        for name, part in (("train", built.rows), ("held_out", built.held_out))
    }
    return {
        "kind": place.options.kind,
        "seed": place.options.seed,
        "sources": [{**source, "read": sieve.read[source["name"]]} for source in built.sources],
        **counts,
        "context": place.config.max_context,
        "filters": dict(sieve.taken),
        "recoveries": card.recoveries(built.rows),
        "decontamination": {
            "sets": place.index.sets,
            "not_here": place.missing,
            "rows": sieve.contaminated,
        },
        **built.about,
    }


def report(place: Workplace, built: TrainingSet) -> None:
    """Print what was read, taken out and kept."""
    sieve, console = place.sieve, place.console
    card.print_counts(console, sum(sieve.read.values()), sieve.taken, len(built.rows))
    sets = ", ".join(f"{name} ({n})" for name, n in place.index.sets.items())
    found = len(sieve.contaminated)
    console.print(f"Checked against {sets}: {found} rows were in them too.", soft_wrap=True)
    for row in sieve.contaminated[:10]:
        console.print(f"  {row['row']}: {row['set']}, problem {row['id']}", soft_wrap=True)
    if place.missing:
        console.print(f"Not downloaded, so not checked against: {', '.join(place.missing)}.")
    share = card.recoveries(built.rows)["share"]
    console.print(f"{share:.0%} of the conversations fix a failed block.")
