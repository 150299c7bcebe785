"""`make train`: one stage of full fine-tuning, from a model's folder to a model's folder.

Covers: the command: what it needs is estimated and refused where it does not fit; it resumes from
its own checkpoints with the losses that a whole run would have had, keeps what is done on Ctrl-C,
and ends with a model that every other command takes. Does not cover: the data (`make dataset`),
several stages in a row (`make recipe`).

    python -m training.train --stage tir --model MODEL --data DATA
    accelerate launch --config_file training/recipes/zero3.yaml -m training.train ...
"""

import resource
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import tyro

from common import embedded_model
from training import estimates, fine_tuning, machine, model_folder, plots, progress, rows, settings
from training.progress import LossError, Progress
from training.run_folder import RunFolder, opened
from training.settings import Recipe, Stage, TrainingError

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Options:
    """Train one stage."""

    stage: Literal["cot", "tir"] = "tir"
    """cot: words; tir: words with code."""
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
    """In place of the recipe's: only the first so many rows."""
    hours: float | None = None
    """In place of the recipe's: refuse what takes longer."""
    tracker: str = ""
    """trackio, wandb or tensorboard, where it is installed."""


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 on a broken loss, 130 on Ctrl-C."""
    options = tyro.cli(Options)
    try:
        sys.exit(train(options))
    except TrainingError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except LossError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped at once; the last checkpoint is kept.", file=sys.stderr)
        sys.exit(130)


def train(options: Options) -> int:
    """Train, and return the exit status.

    Raises:
        TrainingError: something is missing or does not fit.
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
    base = resolved(options.model or recipe.base)
    out = options.out or ROOT / "runs/train" / f"{recipe.name}-{options.stage}"
    data = options.data / rows.TRAIN
    about = {
        "recipe": recipe.name,
        "stage": options.stage,
        "settings": asdict(stage),
        "seed": recipe.seed,
        "template": recipe.chat_template,
        "base": fingerprint(base),
        "data": rows.digest(data) if data.is_file() else str(data),
    }
    with opened(out.resolve(), about) as folder:
        if folder.done:
            print(f"done before  {folder.model}")
            return 0
        return _run(options, recipe, stage, base, folder)


def _run(options: Options, recipe: Recipe, stage: Stage, base: str, folder: RunFolder) -> int:
    tokenizer = model_folder.load_tokenizer(base, recipe.chat_template)
    every = rows.read_rows(options.data / rows.TRAIN, stage.max_rows)
    found = fine_tuning.samples(every, tokenizer, stage.block)
    print(
        f"{len(found.tokens)} rows, {found.count} tokens an epoch, "
        f"{found.learnt(stage.mask_outputs):.0%} of them learnt; {found.too_long} rows are longer "
        f"than {stage.block} tokens and left out"
    )
    here = machine.here(recipe.devices if torch.cuda.device_count() > 1 else 1)
    shared = fine_tuning.shared_arguments(folder.path, here, recipe.seed, options.tracker)
    work = estimates.Work(
        tokens=round(found.count * stage.epochs),
        block=stage.block * stage.blocks_at_once,
        checkpointing=stage.checkpointing,
        learnt=found.learnt(stage.mask_outputs),
    )
    refuse(estimates.shape_of(base), work, here, folder.path, recipe.hours)
    heldout = _heldout(options.data, tokenizer, stage)
    with fine_tuning.quiet():
        model = fine_tuning.load_model(base, here)
    trainer = fine_tuning.build(
        stage,
        model,
        tokenizer,
        fine_tuning.dataset(found, stage.mask_outputs, recipe.seed),
        heldout,
        shared,
        here.devices,
    )
    watch = Progress(folder.path, work.tokens)
    trainer.add_callback(watch)
    begun = time.monotonic()
    checkpoint = folder.checkpoint()
    if checkpoint:
        print(f"going on from {checkpoint.name}")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if watch.stopped:
        print(f"Stopped. Kept in {folder.path}: run the same again to go on.")
        return 130
    if trainer.is_world_process_zero():
        figures = _figures(folder, trainer, found, work, time.monotonic() - begun)
        _finish(options, recipe, stage, base, folder, trainer, tokenizer, here, figures)
    return 0


def _heldout(data: Path, tokenizer: Any, stage: Stage) -> Any:
    """Return the held-out rows as a dataset; only what the model has to write counts there."""
    path = data / rows.HELDOUT
    if not path.is_file():
        return None
    found = fine_tuning.samples(rows.read_rows(path), tokenizer, stage.block)
    return fine_tuning.dataset(found, mask_outputs=True)


def refuse(
    shape: estimates.Shape,
    work: estimates.Work,
    here: machine.Machine,
    out: Path,
    hours: float,
) -> None:
    """Say what it will take; end here where it does not fit.

    Raises:
        TrainingError: it does not fit.
    """
    needs = estimates.needs(shape, work, here)
    threads = f", {here.threads} threads" if here.device == "cpu" else ""
    print(f"{shape.name} in {here.dtype} on {here.devices} x {here.name}{threads}, estimated:")
    print("\n".join(f"  {line}" for line in needs.lines()))
    if why := estimates.refusal(needs, here, shutil.disk_usage(out).free, hours):
        raise TrainingError(why)


def resolved(model: str) -> str:
    """Return a model's folder or id; the embedded model is made where it is asked for."""
    if model == settings.EMBEDDED:
        return str(embedded_model.ensure())
    if model.startswith(("/", ".")) and not (Path(model) / "config.json").is_file():
        raise TrainingError(f"{model} is no model: set MODEL to a folder with config.json.")
    return model


def fingerprint(model: str) -> dict[str, Any]:
    """Return what tells one model from another without reading gigabytes."""
    folder = Path(model)
    if not folder.is_dir():
        return {"name": model}
    sizes = [path.stat().st_size for path in sorted(folder.glob("*.safetensors"))]
    return {"name": folder.name, "config": rows.digest(folder / "config.json"), "bytes": sizes}


def _figures(
    folder: RunFolder,
    trainer: Any,
    found: fine_tuning.Samples,
    work: estimates.Work,
    seconds: float,
) -> dict[str, Any]:
    """Return what was measured, for the card and for the benchmark."""
    lines = progress.read(folder.path / progress.METRICS)
    losses = [line["loss"] for line in lines if "loss" in line]
    heldout = [line["eval_loss"] for line in lines if "eval_loss" in line]
    return {
        "rows": len(found.tokens),
        "rows_too_long": found.too_long,
        "tokens": work.tokens,
        "learnt": round(work.learnt, 4),
        "steps": trainer.state.global_step,
        "loss_first": losses[0] if losses else None,
        "loss_last": losses[-1] if losses else None,
        "loss_heldout": heldout[-1] if heldout else None,
        "seconds_last_start": round(seconds, 1),
        "seconds": round(_seconds(lines), 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "gpu_peak_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
    }


def _seconds(lines: list[dict[str, Any]]) -> float:
    """Return the time of all starts together: each begins to count at 0 again."""
    total, last = 0.0, 0.0
    for line in lines:
        if line["seconds"] < last:
            total += last
        last = line["seconds"]
    return total + last


def _finish(
    options: Options,
    recipe: Recipe,
    stage: Stage,
    base: str,
    folder: RunFolder,
    trainer: Any,
    tokenizer: Any,
    here: machine.Machine,
    figures: Mapping[str, Any],
) -> None:
    """Write the model folder; then the checkpoints are no longer needed."""
    lines = progress.read(folder.path / progress.METRICS)
    picture = plots.plot_loss(lines, folder.path / "loss.png")
    done = {
        "stage": options.stage,
        "settings": asdict(stage),
        "data": rows.card(options.data),
        "machine": asdict(here),
        "versions": machine.versions(),
        "figures": dict(figures),
    }
    report = model_folder.next_report(base, recipe, done)
    model = trainer.accelerator.unwrap_model(trainer.model)
    model_folder.write(folder.model, plain(model), tokenizer, recipe.profile, report, (picture,))
    folder.drop_checkpoints()
    print(f"loss     {picture}\nmodel    {folder.model}")


def plain(model: Any) -> Any:
    """Return the model as it is published: bfloat16, and the attention that readers have."""
    model.config._attn_implementation = "sdpa"
    return model.to(torch.bfloat16)


if __name__ == "__main__":
    main()
