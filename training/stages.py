"""What every stage of training does around its trainer.

Covers: the model it starts from, the estimate beforehand, running the trainer with resuming and
stopping, figures, the finished folder, and errors as one sentence. Does not cover: what is trained
and how (`train`, `kto`).
"""

import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import Trainer

from common import embedded_model
from common.files import FileError
from training import estimates, machine, model_folder, progress, rows, settings
from training.machine import Machine
from training.progress import LossError, Progress
from training.run_folder import RunFolder
from training.settings import Recipe, TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

Lines = Sequence[Mapping[str, Any]]


def report_errors(command: Callable[[], int]) -> None:
    """Run a command and end with its status; 2 on a user's error, 1 on a broken loss."""
    try:
        sys.exit(command())
    except (TrainingError, FileError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except LossError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped at once; the last checkpoint is kept.", file=sys.stderr)
        sys.exit(130)


def resolved(model: str) -> str:
    """Return a model's folder or id on the hub; the embedded model is made where it is asked for.

    Raises:
        TrainingError: a path holds no model.
    """
    if model == settings.EMBEDDED:
        return str(embedded_model.ensure())
    is_path = model.startswith(("/", ".", "~")) or Path(model).exists()
    if is_path and not (Path(model) / "config.json").is_file():
        raise TrainingError(f"{model} is not a model: set MODEL to a folder with config.json.")
    return model


def fingerprint(model: str) -> dict[str, Any]:
    """Return what identifies a model without reading gigabytes."""
    folder = Path(model)
    if not folder.is_dir():
        return {"name": model}
    sizes = [path.stat().st_size for path in sorted(folder.glob("*.safetensors"))]
    report = folder / model_folder.REPORT
    trained = rows.digest(report) if report.is_file() else ""
    config = rows.digest(folder / "config.json")
    return {"name": folder.name, "config": config, "bytes": sizes, "trained": trained}


def machine_for(recipe: Recipe) -> Machine:
    """Return the machine at hand; several GPUs only where a launcher has started a process each."""
    together = int(torch.distributed.is_torchelastic_launched()) and torch.cuda.device_count()
    return machine.here(max(1, min(recipe.devices, together)))


def refuse(base: str, work: estimates.Work, here: Machine, out: Path, hours: float) -> None:
    """Say what the work will take; end here where it does not fit.

    Raises:
        TrainingError: it does not fit.
    """
    shape = estimates.shape_of(base)
    needs = estimates.needs(shape, work, here)
    threads = f", {here.threads} threads" if here.device == "cpu" else ""
    print(f"{shape.name} in {here.dtype} on {here.devices} x {here.name}{threads}, estimated:")
    print("\n".join(f"  {line}" for line in needs.lines()), flush=True)
    if why := estimates.refusal(needs, here, shutil.disk_usage(out).free, hours):
        raise TrainingError(why)


def run(trainer: Trainer, folder: RunFolder, tokens: int) -> bool:
    """Train to the end or until stopped, from the newest checkpoint; tell whether it is the end."""
    watch = Progress(folder.path, tokens)
    trainer.add_callback(watch)
    checkpoint = folder.checkpoint()
    if checkpoint:
        print(f"resuming from {checkpoint.name}", flush=True)
    begun = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if watch.stopped:
        print(f"Stopped. Kept in {folder.path}: run the same command again to resume.")
        return False
    print(f"trained for {time.monotonic() - begun:.0f} s")
    return True


def figures_of(lines: Lines, trainer: Trainer) -> dict[str, Any]:
    """Return what was measured: steps, losses, time of all starts together, memory."""
    losses = [line["loss"] for line in lines if "loss" in line]
    heldout = [line["eval_loss"] for line in lines if "eval_loss" in line]
    return {
        "steps": trainer.state.global_step,
        "loss_first": losses[0] if losses else None,
        "loss_last": losses[-1] if losses else None,
        "loss_heldout": heldout[-1] if heldout else None,
        "seconds": round(seconds_of(lines), 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "gpu_peak_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0,
    }


def seconds_of(lines: Lines) -> float:
    """Return the time of all starts together: each begins to count at 0 again."""
    total, last = 0.0, 0.0
    for line in lines:
        if line["seconds"] < last:
            total += last
        last = line["seconds"]
    return total + last


def finish(
    recipe: Recipe,
    base: str,
    folder: RunFolder,
    trainer: Trainer,
    tokenizer: "PreTrainedTokenizer",
    done: Mapping[str, Any],
    picture: Path,
    here: Machine,
) -> None:
    """Write the model folder; then the checkpoints are no longer needed.

    Args:
        recipe: whose profile the model gets.
        base: what it was trained from.
        folder: of the training.
        trainer: holds the model.
        tokenizer: the model's.
        done: stage, settings, data and figures, for the report.
        picture: of the training.
        here: the machine.
    """
    about = {"machine": asdict(here), "versions": machine.versions()}
    report = model_folder.next_report(base, recipe, {**done, **about})
    model = trainer.accelerator.unwrap_model(trainer.model)
    # As it is published: 16 bits, and the attention that every reader has.
    model.config._attn_implementation = "sdpa"  # pyright: ignore[reportPrivateUsage]
    model.config.use_cache = True
    model = model.to(torch.bfloat16)
    model_folder.write(folder.model, model, tokenizer, recipe.profile, report, (picture,))
    folder.drop_checkpoints()
    print(f"picture  {picture}\nmodel    {folder.model}")


def metrics(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the lines that the training has written."""
    return progress.read(folder.path / progress.METRICS)
