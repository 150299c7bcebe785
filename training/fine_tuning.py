"""Full fine-tuning of one stage: rows to packed blocks, TRL's trainer, and its arguments.

Covers: what both stages share, on a CPU, one GPU or several. Does not cover: files and the command
(`train`), KTO's own arguments (`kto`).
"""

import contextlib
import os
import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, PreTrainedModel, PrinterCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from training import packed_attention
from training.machine import Machine
from training.rows import Row
from training.settings import Stage, TrainingError
from training.tokens import IGNORED, Tokens, encode_all

if TYPE_CHECKING:
    from transformers import CausalLMOutput, PreTrainedTokenizer

TRACKERS = ("trackio", "wandb", "tensorboard")
KEPT = 2
"""Checkpoints on disk, so that one is whole while the other is written."""


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Encoded rows that fit a block."""

    tokens: tuple[Tokens, ...]
    too_long: int
    """Rows left out because they are longer than a block."""

    @property
    def count(self) -> int:
        """All their tokens."""
        return sum(len(sample.ids) for sample in self.tokens)

    def learnt(self, stage: Stage) -> float:
        """Return the share of the tokens whose loss counts."""
        masks = (stage.mask_outputs, stage.mask_failed)
        return sum(int(sample.learnt(*masks).sum()) for sample in self.tokens) / max(1, self.count)


def samples(rows: Sequence[Row], tokenizer: "PreTrainedTokenizer", block: int) -> EncodedRows:
    """Return the rows' tokens.

    Raises:
        TrainingError: no row fits.
    """
    every = encode_all(rows, tokenizer)
    fitting = tuple(sample for sample in every if len(sample.ids) <= block)
    if not fitting:
        raise TrainingError(f"No row has at most {block} tokens: use a larger block.")
    return EncodedRows(fitting, len(every) - len(fitting))


def dataset(
    found: EncodedRows, mask_outputs: bool, mask_failed: bool, seed: int | None = None
) -> Dataset:
    """Return the samples as TRL takes them, mixed by `seed` if there is one."""
    order = list(found.tokens)
    if seed is not None:
        random.Random(seed).shuffle(order)
    columns = {
        "input_ids": [sample.ids for sample in order],
        "labels": [sample.labels(mask_outputs, mask_failed) for sample in order],
    }
    return Dataset.from_dict(columns)


class PackedTrainer(SFTTrainer):
    """TRL's trainer; on a CPU it computes the logits of learnt positions alone.

    TRL does that itself on GPUs. Elsewhere it computes all of them, and again on the way back: a
    quarter of a small model's step.
    """

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> "torch.Tensor | tuple[torch.Tensor, CausalLMOutput]":
        """Return the loss: the mean over the learnt tokens of all blocks of a step."""
        if inputs["input_ids"].device.type != "cpu" or inputs["input_ids"].shape[0] != 1:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")[0, 1:]
        learnt = (labels != IGNORED).nonzero().flatten()
        outputs = model(**inputs, use_cache=False, logits_to_keep=learnt)
        total = cross_entropy(outputs.logits[0].float(), labels[learnt], reduction="sum")
        count = len(learnt) if num_items_in_batch is None else num_items_in_batch
        loss = total / max(1, int(count))
        return (loss, outputs) if return_outputs else loss


def load_model(path: Path | str, machine: Machine, packed: bool = True) -> PreTrainedModel:
    """Load a model for training, with the attention that suits the machine."""
    attention = "flash_attention_2" if find_spec("flash_attn") else "sdpa"
    if machine.device == "cpu":
        attention = packed_attention.register() if packed else "sdpa"
    # One device keeps its weights in float32 and multiplies in `machine.dtype`; ZeRO-3 keeps the
    # float32 copies itself.
    dtype = torch.bfloat16 if machine.devices > 1 else torch.float32
    return AutoModelForCausalLM.from_pretrained(
        str(path), dtype=dtype, attn_implementation=attention
    )


def shared_arguments(out: Path, machine: Machine, seed: int, tracker: str) -> dict[str, Any]:
    """Return the arguments that every trainer here gets.

    Raises:
        TrainingError: the tracker is not installed.
    """
    if tracker and (tracker not in TRACKERS or not find_spec(tracker)):
        known = ", ".join(TRACKERS)
        raise TrainingError(f"{tracker} is not installed here: TRACKER is one of {known}.")
    return {
        "output_dir": str(out),
        "seed": seed,
        "data_seed": seed,
        "use_cpu": machine.device == "cpu",
        "bf16": machine.dtype == "bfloat16",
        "logging_steps": 1,
        # A loss that is not a number must be seen, not averaged away.
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_total_limit": KEPT,
        "report_to": [tracker] if tracker else [],
        "disable_tqdm": True,
        "dataloader_pin_memory": machine.device != "cpu",
    }


def build(
    stage: Stage,
    model: PreTrainedModel,
    tokenizer: "PreTrainedTokenizer",
    train: Dataset,
    heldout: Dataset | None,
    shared: dict[str, Any],
    devices: int,
) -> PackedTrainer:
    """Return the trainer of a stage.

    Args:
        stage: its values.
        model: to be trained.
        tokenizer: the model's.
        train: rows with `input_ids` and `labels`.
        heldout: likewise, for the loss at the end of each epoch.
        shared: `shared_arguments`.
        devices: how many work on each step.
    """
    arguments = SFTConfig(
        **shared,
        learning_rate=stage.learning_rate,
        num_train_epochs=stage.epochs,
        max_length=stage.block,
        packing=True,
        packing_strategy="bfd",  # "wrapped" lets samples see one another
        per_device_train_batch_size=stage.blocks_at_once,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=max(1, stage.batch // (stage.blocks_at_once * devices)),
        warmup_steps=stage.warmup,
        lr_scheduler_type=stage.schedule,
        weight_decay=stage.weight_decay,
        gradient_checkpointing=stage.checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if stage.checkpointing else None,
        save_steps=stage.save_steps,
        eval_strategy="epoch" if heldout is not None else "no",
    )
    with quiet():
        trainer = PackedTrainer(
            model=model,
            args=arguments,
            train_dataset=train,
            eval_dataset=heldout,
            processing_class=tokenizer,
        )
    trainer.remove_callback(PrinterCallback)
    return trainer


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep the libraries' progress bars from the terminal for a while."""
    import datasets
    from transformers.utils import logging

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        datasets.enable_progress_bars()
