"""The options of `make dataset`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from training.data.conversations import SOURCE as GENERATOR


@dataclass
class DatasetOptions:
    """Build a training set and its data card."""

    kind: Literal["cot", "tir"] = "tir"
    """cot: words alone, for stage 1; tir: with executed code, for stage 2."""
    out: Path | None = None
    """Folder of the set; runs/data/KIND if not given."""
    rows: int = 2500
    """At most this many conversations to train on, shared among the sources."""
    seed: int = 0
    """Decides what is drawn."""
    sources: list[str] = field(default_factory=lambda: [GENERATOR])
    """generator (no network needed), numina-cot, numina-tir, gsm8k, or JSONL and Parquet files with
    problem and solution."""
    against: list[str] = field(default_factory=list[str])
    """Validation sets whose problems must not be trained on: names or files. If not given: those
    named sets that have been downloaded. The dry run's problems always count."""
    model: Path | None = None
    """The model whose tokenizer counts tokens, and that FROM samples; the embedded model if not
    given."""
    context: int | None = None
    """At most this many tokens in prompt and solution; the model's own limit if not given."""
    errors_of: Path | None = None
    """A trained model that first tries the generator's problems: where its block fails, the
    conversation keeps that block and its error, and fixes it with a correct program."""
    problems: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """File of problems with answers; solutions are sampled and the right ones kept."""
    engine_url: str = ""
    """With FROM: an OpenAI-compatible server that runs the model, instead of an engine here."""
    served: str = ""
    """With FROM: the model's name on that server, if it serves several."""
    samples: int = 4
    """With FROM: candidates a problem in the first of three rounds; each next has twice as many."""
    temperature: float | None = None
    """With FROM: temperature of the first round; the model's own if not given."""
    at_once: int = 1
    """With FROM and ERRORS_OF: problems solved side by side."""
