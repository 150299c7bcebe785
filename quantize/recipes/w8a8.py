"""Recipe `w8a8`: int8 weights and activations by GPTQ, with llmcompressor, in its environment.

Covers: a scale for each output channel, activations scaled token by token at run time: what vLLM
runs on a T4 (CUTLASS) and on a CPU. Does not cover: resuming, which the library cannot.

    python -m quantize.recipes.w8a8 job.json
"""
# pyright: reportMissingModuleSource=false
# What is missing there is in the recipe's own environment.

import re
import shutil

import torch
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.gptq import GPTQModifier
from llmcompressor.utils.metric_logging import CompressionLogger
from transformers import AutoModelForCausalLM, PreTrainedModel

from quantize.recipes.checkpoint import compute_dtype, take_over
from quantize.recipes.job import Job, open_job

LAYER = re.compile(r"layers\.(\d+)\.(.+)$")


def main() -> None:
    """Quantize, and write the raw checkpoint."""
    job = open_job()
    job.tell(note="llmcompressor cannot resume: a run that is cut off starts over.")
    gpu = torch.cuda.is_available()
    # In main memory as a whole; each layer visits the GPU, where there is one, when its turn comes.
    model = AutoModelForCausalLM.from_pretrained(
        str(job.model),
        dtype=compute_dtype(job.dtype, "cuda" if gpu else "cpu"),
        local_files_only=True,
    )
    follow_modules(job, model)
    ids = job.token_ids()
    rows = [{"input_ids": row, "attention_mask": [1] * len(row)} for row in ids]
    oneshot(
        model=model,
        dataset=Dataset.from_list(rows),
        recipe=GPTQModifier(targets="Linear", scheme="W8A8", ignore=["lm_head"]),
        max_seq_length=max(map(len, ids)),
        num_calibration_samples=len(ids),
        pipeline="sequential",
    )
    job.layer_done(job.layers - 1)
    saved = job.scratch / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    model.save_pretrained(saved, save_compressed=True, max_shard_size="2GB")
    take_over(job.model, saved, job.raw)
    peak = torch.cuda.max_memory_allocated() if gpu else 0
    job.done("cuda" if gpu else "cpu", peak)


def follow_modules(job: Job, model: PreTrainedModel) -> None:
    """Take each module's error from what llmcompressor logs of it; a layer ends where one begins.

    Its loss is the squared error of the module's output over all calibration tokens.
    """
    names = {id(module): name for name, module in model.named_modules()}
    set_results = CompressionLogger.set_results
    current = 0

    def set_and_keep(
        self: CompressionLogger, name: str | None = None, loss: float | None = None
    ) -> None:
        nonlocal current
        set_results(self, name, loss)
        match = LAYER.search(names.get(id(self.module), ""))
        if match is None or loss is None:
            return
        if int(match[1]) != current:
            job.layer_done(current)
            current = int(match[1])
        job.module_done(current, match[2], loss)

    CompressionLogger.set_results = set_and_keep


if __name__ == "__main__":
    main()
