"""`make train`: one stage of full fine-tuning, from a model's folder to a model's folder.

Covers: the command: it estimates what it needs and refuses what does not fit; it resumes from its
own checkpoints with the losses that an uninterrupted run would have had, keeps what is done on
Ctrl-C, and ends with a model that every other command accepts. Does not cover: the data
(`make dataset`), several stages in a row (`make recipe`).

    python -m training.train --stage tir --model MODEL --data DATA
    accelerate launch --config_file training/recipes/zero3.yaml -m training.train ...
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from datasets import Dataset

from common.files import check_folder
from training import estimates, fine_tuning, model_folder, plots, rows, settings, stages
from training.run_folder import RunFolder, opened
from training.settings import Recipe, Stage

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class TrainOptions:
    """Train one stage."""

    stage: Literal["cot", "draft", "tir"] = "tir"
    """cot: words; tir: words with code; draft: a first pass of tir, where the recipe has one."""
    model: str = ""
    """The model to start from: a folder or an id on the hub; the recipe's base if not given."""
    data: Path = ROOT / "runs/dataset"
    """A folder that `make dataset` wrote."""
    recipe: str = "embedded"
    """A recipe's name, or its file."""
    out: Path | None = None
    """The training's folder; resumed where it exists. The model is its sub-folder `model`."""
    learning_rate: float | None = None
    """In place of the recipe's."""
    epochs: float | None = None
    """In place of the recipe's."""
    mask_outputs: bool | None = None
    """In place of the recipe's."""
    max_rows: int | None = None
    """In place of the recipe's: only this many of the first rows."""
    hours: float | None = None
    """In place of the recipe's: refuse a training that takes longer."""
    tracker: str = ""
    """trackio, wandb or tensorboard, where it is installed."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 on a broken loss, 130 on Ctrl-C."""
    options = tyro.cli(TrainOptions)
    stages.report_errors(lambda: train(options))


def train(options: TrainOptions) -> int:
    """Train, and return the exit status.

    Raises:
        TrainingError: something is missing or does not fit.
        FileError: nothing can be written where the training should go.
        LossError: the loss was not a number.
    """
    recipe = settings.load(options.recipe)
    stage = settings.changed(
        recipe.stage(options.stage),
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        mask_outputs=options.mask_outputs,
        max_rows=options.max_rows,
    )
    recipe = replace(recipe, hours=options.hours or recipe.hours)
    out = options.out or ROOT / "runs/train" / f"{recipe.name}-{options.stage}"
    check_folder(out)
    base = stages.resolved(options.model or recipe.base)
    data = options.data / rows.TRAIN
    about = {
        "recipe": recipe.name,
        "stage": options.stage,
        "settings": asdict(stage),
        "seed": recipe.seed,
        "template": recipe.chat_template,
        "base": stages.fingerprint(base),
        "data": rows.digest(data) if data.is_file() else str(data),
    }
    with opened(out.resolve(), about) as folder:
        if folder.done:
            print(f"done before  {folder.model}")
            return 0
        return _run(options, recipe, stage, base, folder)


def _run(options: TrainOptions, recipe: Recipe, stage: Stage, base: str, folder: RunFolder) -> int:
    tokenizer = model_folder.load_tokenizer(base, recipe.chat_template)
    every = rows.read_rows(options.data / rows.TRAIN, stage.max_rows)
    found = fine_tuning.samples(every, tokenizer, stage.block)
    learnt = found.learnt(stage)
    print(
        f"{len(found.tokens)} rows, {found.count} tokens an epoch, {learnt:.0%} of them learnt; "
        f"{found.too_long} rows are longer than {stage.block} tokens and left out"
    )
    here = stages.machine_for(recipe)
    shared = fine_tuning.shared_arguments(folder.path, here, recipe.seed, options.tracker)
    tokens = round(found.count * stage.epochs)
    block = stage.block * stage.blocks_at_once
    work = estimates.Work(tokens, block, stage.checkpointing, learnt)
    stages.refuse(base, work, here, folder.path, recipe.hours)
    with fine_tuning.quiet():
        model = fine_tuning.load_model(base, here)
    masks = (stage.mask_outputs, stage.mask_failed)
    train_rows = fine_tuning.dataset(found, *masks, recipe.seed)
    heldout = _heldout(options.data, tokenizer, stage)
    trainer = fine_tuning.build(stage, model, tokenizer, train_rows, heldout, shared, here.devices)
    if not stages.run(trainer, folder, tokens):
        return 130
    if trainer.is_world_process_zero():
        lines = stages.metrics(folder)
        counts = {"rows": len(found.tokens), "rows_too_long": found.too_long, "tokens": tokens}
        done = {
            "stage": options.stage,
            "settings": asdict(stage),
            "data": rows.card(options.data),
            "figures": {**counts, "learnt": round(learnt, 4), **stages.figures_of(lines, trainer)},
        }
        picture = plots.plot_loss(lines, folder.path / "loss.png")
        stages.finish(recipe, base, folder, trainer, tokenizer, done, picture, here)
    return 0


def _heldout(data: Path, tokenizer: "PreTrainedTokenizer", stage: Stage) -> Dataset | None:
    """Return the held-out rows as a dataset; only what the model is to write counts there."""
    path = data / rows.HELDOUT
    if not path.is_file():
        return None
    found = fine_tuning.samples(rows.read_rows(path), tokenizer, stage.block)
    return fine_tuning.dataset(found, mask_outputs=True, mask_failed=True)


if __name__ == "__main__":
    main()
