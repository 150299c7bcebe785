"""Loaded by each of vLLM's workers (`worker_extension_cls`): installs the package's attention.

Covers: installing it when vLLM resolves the name of the class, which is before the model is built
and its graphs are captured; telling the engine's process whether that worked. Does not cover:
whether it is any good (`trial`, `probe`).
"""

from typing import Any

from kernel.engine import own_attention
from kernel.engine.attention_comparison import difference

OWN = own_attention.install()


class AttentionWorker:
    """What a worker can be asked about its attention; vLLM adds it to the worker's bases."""

    def own_attention_fault(self) -> str:
        """Return why vLLM's attention does the work here, "" where the package's does."""
        return OWN if isinstance(OWN, str) else OWN.fault

    def own_attention_taken(self) -> int:
        """Return how many calls the package's attention took; a replayed graph counts none."""
        return 0 if isinstance(OWN, str) else OWN.taken

    def own_attention_difference(self) -> float:
        """Return the largest difference from vLLM's output, see `difference`."""
        import torch

        if isinstance(OWN, str):
            return float("nan")
        worker: Any = self
        model, parallel = worker.vllm_config.model_config, worker.vllm_config.parallel_config
        like = torch.empty(0, dtype=model.dtype, device=worker.device)
        heads = model.get_num_attention_heads(parallel), model.get_num_kv_heads(parallel)
        return difference(OWN, *heads, model.get_head_size(), like)
