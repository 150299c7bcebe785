"""`make kto`: the last stage, on the model's own samples labelled by the truth.

Covers: sampling with the kernel's own solve, TRL's KTO trainer with output blocks masked and good
and bad samples balanced, implicit rewards and KL as figures, picture and one sentence on their
health. Resumes in sampling and in training. Does not cover: what good samples are (`samples`).

Above 300 lines since this stage shares neither samples, batches, trainer nor figures with the
others.

    python -m training.kto --model runs/train/embedded-tir/model --data runs/data/tir
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import tyro
from datasets import Dataset
from transformers import PrinterCallback
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from common.files import check_folder
from training import (
    estimates,
    evaluation,
    fine_tuning,
    machine,
    model_folder,
    plots,
    rows,
    settings,
    stages,
)
from training.run_folder import RunFolder, opened
from training.samples import Sample, chosen, labelled, weights, write_problems
from training.settings import Evaluation, Kto, Recipe, TrainingError
from training.tokens import encode_all
from validation.runs.records import read_run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

ROOT = Path(__file__).resolve().parent.parent
SHARE = 4
"""A quarter of the steps at each end is what "first" and "last" mean."""
LOST = -0.5
"""Where good samples are rewarded with less, the model has unlearnt to write them, however far bad
ones are below. A judgement between two measurements of the embedded model: at -1.4 (bad ones -3.1)
5 of 40 problems were right, 25 before; at -0.04 (bad ones -0.08) 133 of 200, 135 before."""
FEW = 0.25
"""Fewer changed weights than this, and more training is advised; a judgement. On the embedded model
5% to 7% changed at 1e-5, nearly all of them below 0.06 in size, and the margin was noise."""
ERRORS = 2
"""A margin of so many standard errors is more than noise."""
MORE = "more samples, or a slightly higher learning rate,"


@dataclass
class KtoOptions:
    """Train on the model's own samples."""

    model: str = ""
    """The folder of stage 2's model."""
    data: Path = ROOT / "runs/data/tir"
    """A folder that `make dataset` wrote; its problems are sampled."""
    recipe: str = "embedded"
    """A recipe's name, or its file."""
    out: Path | None = None
    """The training's folder; resumed where it exists."""
    learning_rate: float | None = None
    """In place of the recipe's."""
    problems: int | None = None
    """In place of the recipe's: only this many of the first problems."""
    engine_url: str = ""
    """An OpenAI-compatible server that runs the model, instead of an engine here."""
    hours: float | None = None
    """In place of the recipe's: refuse a training that takes longer."""
    tracker: str = ""
    """trackio, wandb or tensorboard, where it is installed."""


@dataclass
class MaskedCollator:
    """Batches samples so that only what the model itself wrote counts, twins included."""

    pad: int

    def __call__(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Return what TRL's trainer takes of a batch."""
        batch: dict[str, torch.Tensor] = {}
        for kind in ("", "KL_"):
            whole = [[*s["prompt_ids"], *s[f"{kind}completion_ids"]] for s in samples]
            own = [[0] * len(s["prompt_ids"]) + [*s[f"{kind}own"]] for s in samples]
            batch[f"{kind}input_ids"] = _padded(whole, self.pad)
            batch[f"{kind}attention_mask"] = _padded([[1] * len(ids) for ids in whole], 0)
            batch[f"{kind}completion_mask"] = _padded(own, 0)
        batch["label"] = torch.tensor([bool(s["label"]) for s in samples])
        return batch


def _padded(lists: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    longest = max(len(ids) for ids in lists)
    return torch.tensor([[*map(int, ids), *[value] * (longest - len(ids))] for ids in lists])


class MaskedKtoTrainer(KTOTrainer):
    """TRL's trainer for samples that are tokens already, with their masks."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any, **__: Any) -> Dataset:
        """Leave the samples as they are: TRL would tokenize text, and knows no masks."""
        return dataset


def main() -> None:
    """Run the command; exit 2 on a user's error, 1 on a broken loss, 130 on Ctrl-C."""
    options = tyro.cli(KtoOptions)
    stages.report_errors(lambda: train(options))


def train(options: KtoOptions) -> int:
    """Sample, train, and return the exit status.

    Raises:
        TrainingError: something is missing or does not fit.
        FileError: nothing can be written where the training should go.
        LossError: the loss was not a number.
    """
    recipe = settings.load(options.recipe)
    given = {"learning_rate": options.learning_rate, "problems": options.problems}
    kto = replace(recipe.kto, **{name: value for name, value in given.items() if value})
    recipe = replace(recipe, hours=options.hours or recipe.hours)
    out = options.out or ROOT / "runs/train" / f"{recipe.name}-kto"
    check_folder(out)
    if not options.model:
        raise TrainingError("Which model? Set MODEL to the folder that stage 2 left.")
    base = stages.resolved(options.model)
    data = options.data / rows.TRAIN
    rows.read_rows(data, 1)
    about = {
        "recipe": recipe.name,
        "stage": "kto",
        "settings": asdict(kto),
        "seed": recipe.seed,
        "base": stages.fingerprint(base),
        "data": rows.digest(data),
    }
    with opened(out.resolve(), about) as folder:
        if folder.done:
            print(f"done before  {folder.model}")
            return 0
        run = _sampled(options, recipe, kto, Path(base), folder)
        return _run(options, recipe, kto, base, run, folder)


def _sampled(
    options: KtoOptions, recipe: Recipe, kto: Kto, model: Path, folder: RunFolder
) -> list[Sample]:
    """Let the model solve the problems, or take what it has solved before."""
    train = options.data / rows.TRAIN
    problems = write_problems(train, folder.path / "problems.jsonl", kto.problems)
    count = sum(1 for line in problems.read_text("utf-8").split("\n") if line)
    scored = evaluation.Scoring("samples", model, problems, count, {})
    how = Evaluation(
        candidates=kto.candidates,
        rounds=recipe.evaluation.rounds,
        temperature=kto.temperature,
    )
    run = evaluation.evaluate(scored, how, folder.path, options.engine_url)
    found = labelled(read_run(run))
    good = sum(sample.good for sample in found)
    print(f"{len(found)} samples of {count} problems, {good} of them right")
    return found


def _run(
    options: KtoOptions,
    recipe: Recipe,
    kto: Kto,
    base: str,
    found: Sequence[Sample],
    folder: RunFolder,
) -> int:
    tokenizer = model_folder.load_tokenizer(base, recipe.chat_template)
    used, too_long = encoded(found, tokenizer, kto, recipe.seed)
    good = sum(entry["label"] for entry in used)
    print(f"{len(used)} samples are used, {good} good; {too_long} are over {kto.context} tokens")
    here = stages.machine_for(recipe)
    tokens = sum(len(e["prompt_ids"]) + len(e["completion_ids"]) for e in used)
    tokens = round(tokens * kto.epochs)
    block = kto.context * kto.samples_at_once
    work = estimates.Work(tokens, block, kto.checkpointing, reference=True)
    stages.refuse(base, work, here, folder.path, recipe.hours)
    shared = fine_tuning.shared_arguments(folder.path, here, recipe.seed, options.tracker)
    trainer = build(kto, base, tokenizer, twinned(used, kto.samples_at_once), shared, here)
    if not stages.run(trainer, folder, tokens):
        return 130
    if trainer.is_world_process_zero():
        lines = stages.metrics(folder)
        seen = rewards(lines)
        counts = {"rows": len(used), "rows_too_long": too_long, "tokens": tokens}
        counts |= {"good": good, "bad": len(used) - good, "sampled": len(found)}
        figures = {**counts, **stages.figures_of(lines, trainer), **seen, "health": health(seen)}
        unwrap = trainer.accelerator.unwrap_model
        share = changed(unwrap(trainer.model), unwrap(trainer.ref_model))
        figures["changed"] = share
        done = {
            "stage": "kto",
            "settings": asdict(kto),
            "data": rows.card(options.data),
            "figures": figures,
        }
        picture = plots.plot_rewards(lines, folder.path / "rewards.png")
        stages.finish(recipe, base, folder, trainer, tokenizer, done, picture, here)
        print(health(seen))
        if share is not None:
            print(kept(share))
    return 0


def encoded(
    found: Sequence[Sample], tokenizer: "PreTrainedTokenizer", kto: Kto, seed: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the samples to train on as tokens, and how many were too long."""
    order = chosen(found, kto.most, seed)
    tokens = encode_all([sample.row for sample in order], tokenizer)
    entries = [
        {
            "prompt_ids": part.ids[: part.prompt].tolist(),
            "completion_ids": part.ids[part.prompt :].tolist(),
            "own": part.own[part.prompt :].tolist(),
            "label": sample.good,
        }
        for sample, part in zip(order, tokens, strict=True)
        if len(part.ids) <= kto.context
    ]
    if not entries:
        raise TrainingError(f"No sample has at most {kto.context} tokens: raise context.")
    return entries, len(order) - len(entries)


def twinned(entries: Sequence[Mapping[str, Any]], batch: int) -> Dataset:
    """Return the samples with the twins that the KL is estimated from.

    A twin is the completion of its neighbour in the batch, as TRL pairs them. The last batch is
    filled up from the start: one sample alone would be its own twin.
    """
    whole = [*entries, *entries[: -len(entries) % batch]]
    twins = [
        {**entry, "KL_completion_ids": other["completion_ids"], "KL_own": other["own"]}
        for start in range(0, len(whole), batch)
        for group in [whole[start : start + batch]]
        for entry, other in zip(group, (group[-1], *group[:-1]), strict=True)
    ]
    return Dataset.from_list(twins)


def build(
    kto: Kto,
    base: str,
    tokenizer: "PreTrainedTokenizer",
    samples: Dataset,
    shared: dict[str, Any],
    here: machine.Machine,
) -> MaskedKtoTrainer:
    """Return the trainer, with the model and a fixed copy of it."""
    good = sum(samples["label"])
    of_good, of_bad = weights(good, len(samples) - good)
    arguments = KTOConfig(
        **shared,
        learning_rate=kto.learning_rate,
        num_train_epochs=kto.epochs,
        per_device_train_batch_size=kto.samples_at_once,
        gradient_accumulation_steps=max(1, kto.batch // (kto.samples_at_once * here.devices)),
        warmup_steps=kto.warmup,
        lr_scheduler_type=kto.schedule,
        beta=kto.beta,
        desirable_weight=of_good,
        undesirable_weight=of_bad,
        max_length=kto.context,
        gradient_checkpointing=kto.checkpointing,
        save_steps=kto.save_steps,
        remove_unused_columns=False,
    )
    pad = tokenizer.pad_token_id
    assert pad is not None  # `load_tokenizer` has set one
    with fine_tuning.quiet():
        trainer = MaskedKtoTrainer(
            model=fine_tuning.load_model(base, here, packed=False),
            ref_model=fine_tuning.load_model(base, here, packed=False),
            args=arguments,
            train_dataset=samples,
            processing_class=tokenizer,
            data_collator=MaskedCollator(pad),
        )
    trainer.remove_callback(PrinterCallback)
    return trainer


def rewards(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the implicit rewards of the first and last quarter of the steps, margin and KL.

    `margin_late` is the margin over the second half of the steps, with its standard error: a
    quarter of a short run is too few samples to tell a margin from noise.
    """
    names = {"good": "rewards/chosen", "bad": "rewards/rejected", "margin": "rewards/margins"}
    found: dict[str, Any] = {}
    for short, name in names.items():
        values = [line[name] for line in lines if name in line]
        part = max(1, len(values) // SHARE)
        found[f"{short}_first"] = sum(values[:part]) / part if values else None
        found[f"{short}_last"] = sum(values[-part:]) / part if values else None
    late = [line[names["margin"]] for line in lines if names["margin"] in line]
    late = late[len(late) // 2 :]
    if len(late) > 1:
        found["margin_late"] = statistics.mean(late)
        found["margin_late_error"] = statistics.stdev(late) / math.sqrt(len(late))
    divergences = [line["kl"] for line in lines if "kl" in line]
    found["kl_last"] = divergences[-1] if divergences else None
    return found


def health(found: Mapping[str, Any]) -> str:
    """Say in one sentence whether a run looks healthy: good rising, bad falling."""
    if any(found.get(f"{kind}_{end}") is None for kind in ("good", "bad") for end in _ENDS):
        return "Nothing can be said of this run: it saw only good or only bad samples."
    rising = found["good_last"] > found["good_first"]
    falling = found["bad_last"] < found["bad_first"]
    moves = (
        f"the reward of good samples went from {found['good_first']:.3f} to "
        f"{found['good_last']:.3f}, that of bad ones from {found['bad_first']:.3f} to "
        f"{found['bad_last']:.3f}"
    )
    noise = ERRORS * found.get("margin_late_error", 0)
    if found["good_last"] > LOST and abs(found.get("margin_late", 0)) < noise:
        return (
            f"The run learnt nothing that can be told from noise: {moves}; {MORE} would teach more."
        )
    if rising and falling:
        return f"The run looks healthy: {moves}."
    if found["good_last"] > max(found["bad_last"], LOST):
        what = "good samples did not rise" if not rising else "bad samples did not fall"
        return f"The run looks half healthy, {what}: {moves}."
    return f"The run does not look healthy: {moves}; try a lower learning rate."


def changed(model: torch.nn.Module, first: torch.nn.Module) -> float | None:
    """Return the share of the weights that differ from the first model's once both have 16 bits.

    A model is written in bfloat16, whose numbers lie 2^-8 to 2^-7 of themselves apart. Weights that
    moved by less than half of that are written as they were: where the learning rate is too small
    for the number of steps, the rewards move, and the model that is written does not. None where
    the weights are spread over GPUs.
    """
    before = dict(first.named_parameters())
    pairs = [(now, before[name]) for name, now in model.named_parameters()]
    if any(now.shape != then.shape or not now.numel() for now, then in pairs):
        return None
    moved = sum(int((now.bfloat16() != then.bfloat16()).sum()) for now, then in pairs)
    return moved / sum(now.numel() for now, _ in pairs)


def kept(share: float) -> str:
    """Say how much of the change the written model holds."""
    said = f"{share:.0%} of the weights are other numbers in the model that was written"
    if share < FEW:
        return f"{said}: the rest moved by less than its 16 bits show; {MORE} would change more."
    return f"{said}."


_ENDS = ("first", "last")


if __name__ == "__main__":
    main()
