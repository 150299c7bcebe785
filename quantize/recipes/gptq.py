"""Recipe `gptq`: 8 bit by GPTQ, with GPTQModel, in the environment `gptq`.

Covers: quantizing every decoder layer's linear modules (the head and the embedding stay float16),
layer by layer, on a GPU or a CPU; resuming at the layer where an earlier run was interrupted. Does
not cover: other bits or formats.

    python -m quantize.recipes.gptq job.json
"""
# pyright: reportMissingModuleSource=false
# What is missing there is in the recipe's own environment.

import os
import shutil
from typing import Any

# Read when gptqmodel is imported; with its default, one worker on two cores, it crashes.
os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")


import torch
from gptqmodel import CheckpointConfig, GPTQModel, QuantizeConfig
from gptqmodel.looper.checkpoint_store import CheckpointError
from gptqmodel.looper.gptq_processor import GPTQProcessor

from quantize.recipes.checkpoint import compute_dtype, take_over
from quantize.recipes.job import Job, open_job

RESUMABLE = ("llama", "qwen3_moe")
"""Model types for which GPTQModel 7.6.0 can resume at a layer."""
DAMPING = 0.05
"""Share of the mean diagonal that is added to the Hessian: GPTQModel's default."""
GPU_BATCH = 4
"""Conversations at once on a GPU; one at a time on a CPU, where padding costs time."""


def main() -> None:
    """Quantize, and write the raw checkpoint."""
    job = open_job()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    follow_modules(job)
    try:
        model = quantized(job, device)
    except CheckpointError as error:
        job.tell(note=f"What the earlier run left cannot be used ({error}): starting over.")
        shutil.rmtree(job.scratch / "layers")
        model = quantized(job, device)
    saved = job.scratch / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    model.save(str(saved), max_shard_size="2GB")
    take_over(job.model, saved, job.raw)
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    job.done(device, peak)


def quantized(job: Job, device: str) -> GPTQModel:
    """Return the quantized model, its layers offloaded to disk as they are done."""
    settings = QuantizeConfig(
        bits=8,
        group_size=job.group_size,
        sym=True,
        desc_act=False,
        damp_percent=DAMPING,
        device=device,
        calibration_data_device="cpu",  # a 7B's activations would fill a 16 GB GPU
        offload_to_disk=True,
        offload_to_disk_path=str(job.scratch / "offload"),
    )
    model = GPTQModel.load(str(job.model), settings, dtype=compute_dtype(job.dtype, device))
    model.layer_callback = LayerCallback(job)
    rows = [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in job.token_ids()]
    batch = GPU_BATCH if device == "cuda" else 1
    model.quantize(rows, batch_size=batch, checkpoint=checkpoints(job, model))
    return model


def checkpoints(job: Job, model: GPTQModel) -> CheckpointConfig | None:
    """Return where each finished layer is kept, None where the library cannot resume."""
    kind = model.model.config.model_type
    if kind not in RESUMABLE:
        job.tell(note=f"GPTQModel cannot resume {kind} models: a run that is cut off starts over.")
        return None
    return CheckpointConfig(path=job.scratch / "layers", resume="auto", interval="layer:1")


def follow_modules(job: Job) -> None:
    """Take each module's error from the row that GPTQModel logs for it."""
    log_new_row = GPTQProcessor.log_new_row

    def log_and_keep(self: GPTQProcessor, row: dict[str, Any]) -> None:
        log_new_row(self, row)
        job.module_done(int(row["layer"]), row["module"], float(row["loss"]))

    GPTQProcessor.log_new_row = log_and_keep


class LayerCallback:
    """GPTQModel calls it when a layer's modules are quantized, and again when they are packed."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def layer_complete(self, layer_idx: int, submodule_finalized: bool) -> None:
        """Report a layer that is packed."""
        if submodule_finalized:
            self.job.layer_done(layer_idx)


if __name__ == "__main__":
    main()
