"""`make dataset`: builds a training set for a stage, and its data card.

Covers: the options, the order of the work, user errors as one sentence. Does not cover: sources,
families, filters and sampling, which are in `training/data/`.

    python -m training.dataset --kind tir --rows 2500 --out runs/data/tir

leaves `train.jsonl`, `heldout.jsonl` (for the loss that training watches), the test problems
`problems-known.jsonl` and `problems-heldout.jsonl` where the generator is a source, and
`dataset.json`.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console

from common import embedded_model
from common.console import Progress
from kernel.checks.preflight import PROFILE
from kernel.config import Config, ConfigError
from kernel.engine.tokenizer import Encoding, load_tokenizer
from kernel.sandbox.forked_sandbox import ForkedSandbox
from training.data import card, generator
from training.data.conversations import SOURCE, in_words, with_code
from training.data.families.catalogue import families
from training.data.families.family import Posed
from training.data.filters import Sieve, checks_of, tokens
from training.data.overlap import Overlap, overlap_with
from training.data.rows import Row
from validation.runs.sets import SetError

ROOT = Path(__file__).resolve().parent.parent
LICENCES = {SOURCE: {"licence": "the licence of this package", "from": "training/data/families"}}


class DatasetError(ValueError):
    """A set that cannot be built; the message is one sentence."""


@dataclass
class Options:
    """Build a training set and its data card."""

    kind: Literal["cot", "tir"] = "tir"
    """cot: words alone, for stage 1; tir: with executed code, for stage 2."""
    out: Path | None = None
    """Folder of the set; runs/data/KIND if not given."""
    rows: int = 2500
    """Most conversations to train on."""
    seed: int = 0
    """Decides what is drawn."""
    against: list[str] = field(default_factory=list[str])
    """Validation sets whose problems must not be trained on: names or files. If not given: those
    named sets that have been downloaded. The dry run's problems always count."""
    model: Path | None = None
    """Whose tokenizer counts tokens; the embedded model if not given."""
    context: int | None = None
    """Most tokens of prompt and solution; the model's own if not given."""


@dataclass(frozen=True)
class Workplace:
    """What every step of a build uses."""

    options: Options
    out: Path
    config: Config
    encoding: Encoding
    index: Overlap
    missing: list[str]
    sieve: Sieve
    console: Console


def main() -> None:
    """Run the command; exit 2 on a user's error, 130 on Ctrl-C."""
    options = tyro.cli(Options)
    try:
        build(options)
    except (DatasetError, SetError, ConfigError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        sys.exit(130)


def build(options: Options) -> Path:
    """Build the set and return the path of its card.

    Raises:
        DatasetError: an option cannot be used, or no row is left.
        SetError: a validation set cannot be read.
        ConfigError: there is no model, or its settings cannot work.
    """
    place = prepared(options)
    start = time.monotonic()
    rows, held_out = generated(place)
    if not rows:
        raise DatasetError(place.sieve.emptied())
    path = write(place, rows, held_out)
    report(place, rows, time.monotonic() - start)
    print(path)
    return path


def prepared(options: Options) -> Workplace:
    """Return what the build uses, after checking the options."""
    if options.rows < 1:
        raise DatasetError(f"ROWS is {options.rows}: set it to at least 1.")
    model = options.model or embedded_model.ensure()
    config = settings_of(model)
    config = replace(config, max_context=options.context or config.max_context, examples=())
    encoding = Encoding(load_tokenizer(model))
    index, missing = overlap_with(options.against)
    sieve = Sieve(checks_of(options.kind, encoding, config), index)
    out = options.out or ROOT / "runs" / "data" / options.kind
    return Workplace(options, out, config, encoding, index, missing, sieve, Console(stderr=True))


def settings_of(model: Path) -> Config:
    """Return the kernel's settings with those of the model's profile.

    Raises:
        ConfigError: it is no model's folder, or the profile's values cannot work.
    """
    if not (model / "config.json").is_file():
        raise ConfigError(f"{model} is no model: set MODEL to a folder with config.json.")
    profile = model / PROFILE
    values = json.loads(profile.read_text("utf-8")) if profile.is_file() else {}
    return Config().updated(values)


def generated(place: Workplace) -> tuple[list[Row], list[Row]]:
    """Return the generator's rows for training and those held out."""
    options, kept = place.options, generator.kept_problems()
    problems = generator.training_problems(
        options.rows, options.seed, options.kind == "tir", kept, place.sieve.is_clean
    )
    tests = generator.tests_of(kept)
    with Progress(place.console) as show:
        done = conversed([*problems, *tests], place, show)
    rows = [row for row in done[: len(problems)] if place.sieve.passes(row)]
    place.out.mkdir(parents=True, exist_ok=True)
    card.write_problems(place.out / card.KNOWN_PROBLEMS, kept.known)
    card.write_problems(place.out / card.HELD_OUT_PROBLEMS, kept.held_out)
    return rows, done[len(problems) :]


def conversed(problems: list[Posed], place: Workplace, show: Progress) -> list[Row]:
    """Return the problems' conversations, saying how far it is."""
    if place.options.kind == "cot":
        return [in_words(posed) for posed in problems]
    start = time.monotonic()

    def progress(done: int) -> None:
        left = (time.monotonic() - start) / done * (len(problems) - done)
        # The share is part of the stage's name, so that it is seen in a log as well.
        share = f"{10 * done // len(problems)}0%"
        show(f"Running code, {share}: {done} of {len(problems)}, about {left:.0f} s left")

    with ForkedSandbox(place.config) as sandbox:
        return with_code(problems, sandbox, place.config, progress)


def write(place: Workplace, rows: list[Row], held_out: list[Row]) -> Path:
    """Write the set and its card."""
    card.write_rows(place.out / card.TRAIN, rows)
    card.write_rows(place.out / card.HELD_OUT, held_out)
    sieve, options = place.sieve, place.options
    counts = {
        name: {
            "rows": len(part),
            "tokens": sum(tokens(r, place.encoding, place.config) for r in part),
        }
        for name, part in (("train", rows), ("held_out", held_out))
    }
    about: dict[str, Any] = {
        "kind": options.kind,
        "seed": options.seed,
        "sources": [{"name": name, "read": n, **LICENCES[name]} for name, n in sieve.read.items()],
        **counts,
        "context": place.config.max_context,
        "filters": dict(sieve.taken),
        "recoveries": card.recoveries(rows),
        "decontamination": {
            "sets": place.index.sets,
            "not_here": place.missing,
            "rows": sieve.contaminated,
        },
        "families": {
            "trained": sorted({row.family for row in rows if row.family}),
            "held_out": [family.name for family in families(True)],
        },
    }
    return card.write_card(place.out, about)


def report(place: Workplace, rows: Sequence[Row], seconds: float) -> None:
    """Print what was read, taken out and kept."""
    sieve, console = place.sieve, Console()
    card.print_counts(console, sum(sieve.read.values()), sieve.taken, len(rows))
    sets = ", ".join(f"{name} ({n})" for name, n in place.index.sets.items())
    console.print(f"Checked against {sets}.", soft_wrap=True)
    if place.missing:
        console.print(f"Not downloaded, so not checked: {', '.join(place.missing)}.")
    mended = card.recoveries(rows)["share"]
    console.print(f"{mended:.0%} of the conversations mend a failed block. {seconds:.0f} s.")


if __name__ == "__main__":
    main()
