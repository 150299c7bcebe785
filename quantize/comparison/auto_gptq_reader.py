"""AutoGPTQ 0.7.1 as an independent reader: the logits of a checkpoint, computed by its own code.

Covers: loading a GPTQ folder on the CPU and writing the logits of some token ids. Runs in the
environment `auto-gptq`, apart from everything else. Does not cover: making that environment
(`environment`), judging the logits (`cross_check`).

    python -m quantize.comparison.auto_gptq_reader FOLDER ids.json logits.npy
"""
# pyright: reportMissingModuleSource=false
# What is missing there is in the reader's own environment.

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from auto_gptq import AutoGPTQForCausalLM
from safetensors import safe_open

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EMBEDDING = "model.embed_tokens.weight"


def main() -> None:
    """Write the logits of all windows, one below the other."""
    folder, ids, target = map(Path, sys.argv[1:])
    model = AutoGPTQForCausalLM.from_quantized(
        str(folder),
        device="cpu",
        torch_dtype=torch.float32,
        use_safetensors=True,
        # The plain kernel: the others need a GPU.
        disable_exllama=True,
        disable_exllamav2=True,
        use_triton=False,
        inject_fused_attention=False,
        inject_fused_mlp=False,
    )
    fill_shared_embedding(model.model, folder)
    windows: list[list[int]] = json.loads(ids.read_text("utf-8"))
    with torch.inference_mode():
        parts = [model(input_ids=torch.tensor([window])).logits[0].float() for window in windows]
    np.save(target, torch.cat(parts).numpy())


def fill_shared_embedding(model: "PreTrainedModel", folder: Path) -> None:
    """Read the embedding again where it is also the head: the loader then leaves both at zero."""
    if not model.config.tie_word_embeddings:
        return
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file, torch.no_grad():
            if EMBEDDING in file.keys():  # noqa: SIM118 - no mapping, `keys` is all it has
                model.get_input_embeddings().weight.copy_(file.get_tensor(EMBEDDING))
                model.tie_weights()


if __name__ == "__main__":
    main()
