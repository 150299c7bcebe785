"""Recipe `auto-gptq`: the original recipe, with AutoGPTQ 0.7.1, in an environment of its own.

Covers: 8 bit with `desc_act`, as the winning model was made, written in the layout of `gptq`; needs
a CUDA device. Does not cover: resuming, which the library cannot; serving by vLLM 0.30 and newer,
which refuse `desc_act`.

    python -m quantize.recipes.original job.json
"""
# pyright: reportMissingModuleSource=false
# What is missing there is in the recipe's own environment.

import json
import logging
import re
import shutil
from pathlib import Path

import torch
from auto_gptq import AutoGPTQForCausalLM, BaseQuantizeConfig

from quantize.recipes.checkpoint import gptq_settings, readable, take_over
from quantize.recipes.job import Job, RecipeError, open_job

BATCH = 4
"""Conversations at once: the original recipe's."""
DAMPING = 0.01
LAYER = re.compile(r"Start quantizing layer (\d+)/")
LOSS = re.compile(r"avg loss: ([\d.eE+-]+)")


def main() -> None:
    """Quantize, and write the raw checkpoint."""
    job = open_job()
    if not torch.cuda.is_available():
        raise RecipeError("AutoGPTQ quantizes on a CUDA device only, and there is none here.")
    job.tell(note="AutoGPTQ cannot resume: a run that is cut off starts over.")
    settings = BaseQuantizeConfig(
        bits=8, group_size=job.group_size, sym=True, desc_act=True, damp_percent=DAMPING
    )
    model = AutoGPTQForCausalLM.from_pretrained(
        str(legacy_view(job)), settings, torch_dtype=torch.float16
    )
    library = logging.getLogger("auto_gptq")
    library.setLevel(logging.INFO)
    library.addHandler(LayerLog(job))
    rows = [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in job.token_ids()]
    # Activations of all rows stay in main memory: a 7B's would fill a 16 GB GPU.
    model.quantize(rows, batch_size=BATCH, cache_examples_on_gpu=False)
    saved = job.scratch / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    model.save_quantized(str(saved), use_safetensors=True)
    job.layer_done(job.layers - 1)
    take_over(job.model, saved, job.raw, gptq_settings(job.group_size, desc_act=True))
    job.done("cuda", torch.cuda.max_memory_allocated())


def legacy_view(job: Job) -> Path:
    """Return a folder with the model's weights and a config that transformers 4.41 reads."""
    view = job.scratch / "source"
    shutil.rmtree(view, ignore_errors=True)
    view.mkdir(parents=True)
    for path in (*job.model.glob("*.safetensors"), *job.model.glob("*.safetensors.index.json")):
        (view / path.name).symlink_to(path.resolve())
    config = readable(json.loads((job.model / "config.json").read_text("utf-8")))
    config.pop("rope_parameters", None)
    (view / "config.json").write_text(json.dumps(config), "utf-8")
    return view


class LayerLog(logging.Handler):
    """Reads layers and losses from AutoGPTQ's log, the only place where it reports them."""

    def __init__(self, job: Job) -> None:
        super().__init__(logging.INFO)
        self.job = job
        self.layer = 0
        self.module = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one line of the log."""
        text = record.getMessage()
        if match := LAYER.search(text):
            if int(match[1]) > 1:
                self.job.layer_done(self.layer)
            self.layer = int(match[1]) - 1
        elif match := LOSS.search(text):
            self.job.module_done(self.layer, self.module, float(match[1]))
        elif text.startswith("Quantizing "):
            self.module = text.split()[1]


if __name__ == "__main__":
    main()
