"""Recipe `bnb`: LLM.int8 by bitsandbytes, the baseline that needs no calibration.

Covers: 8-bit rows of weights, quantized by transformers as it loads the model, and each module's
error. Does not cover: serving: vLLM cannot split such a checkpoint over two GPUs.

    python -m quantize.recipes.bnb job.json
"""

import re
import shutil
from pathlib import Path

import torch
from bitsandbytes.nn.modules import Linear8bitLt
from safetensors import safe_open
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from quantize.recipes.checkpoint import take_over
from quantize.recipes.job import Job, open_job

LAYER = re.compile(r"layers\.(\d+)\.(.+)$")


def main() -> None:
    """Quantize, and write the raw checkpoint."""
    job = open_job()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    job.tell(note="bitsandbytes quantizes while it loads: the errors are reported afterwards.")
    model = AutoModelForCausalLM.from_pretrained(
        str(job.model),
        quantization_config=BitsAndBytesConfig(load_in_8bit=True),
        dtype=torch.float16,
        device_map={"": device},
        local_files_only=True,
    )
    saved = job.scratch / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    model.save_pretrained(saved, max_shard_size="2GB")
    tell_errors(job, model)
    take_over(job.model, saved, job.raw)
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    job.done(device, peak)


def tell_errors(job: Job, model: PreTrainedModel) -> None:
    """Report the squared error of each weight, relative to its own square."""
    modules: dict[int, list[tuple[str, str, Linear8bitLt]]] = {}
    for name, module in model.named_modules():
        match = LAYER.search(name)
        if match and isinstance(module, Linear8bitLt):
            modules.setdefault(int(match[1]), []).append((name, match[2], module))
    places: dict[str, Path] = {}
    for shard in job.model.glob("*.safetensors"):
        with safe_open(shard, "pt") as file:
            places |= dict.fromkeys(file.keys(), shard)
    for layer, members in sorted(modules.items()):
        for name, short, module in members:
            with safe_open(places[f"{name}.weight"], "pt") as file:
                weight = file.get_tensor(f"{name}.weight").float()
            state = module.state_dict()
            # LLM.int8 keeps each row's largest magnitude, which 127 stands for.
            plain = state["weight"].cpu().float() * (state["SCB"].cpu().float() / 127).unsqueeze(1)
            error = ((plain - weight).square().sum() / weight.square().sum()).item()
            job.module_done(layer, short, error)
        job.layer_done(layer)


if __name__ == "__main__":
    main()
