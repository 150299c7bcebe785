"""A worker on a fake T4: takes an extension as vLLM's do, and attends once a step.

Why: to see what the package's attention, and a broken one, does to an engine. The tensors are real
and lie on the CPU; the model has one head of 64.
"""

import importlib
from types import SimpleNamespace

import torch

from vllm.v1.attention.backends import triton_attn

SLOW_SECONDS = 0.5
"""What vLLM's attention takes in a trial; the package's, in an interpreter, takes less."""


class _Model:
    dtype = torch.float16

    def get_num_attention_heads(self, parallel):
        """One."""
        return 1

    def get_num_kv_heads(self, parallel):
        """One."""
        return 1

    def get_head_size(self):
        """The smallest that kernels take."""
        return 64


def extended(worker_class, qualname):
    """Add the extension to the class's bases, as vLLM's WorkerWrapperBase does."""
    module, _, name = qualname.rpartition(".")
    extension = getattr(importlib.import_module(module), name)
    for attribute in dir(extension):
        if not attribute.startswith("__"):
            assert not hasattr(worker_class, attribute), f"the worker has {attribute} already"
    worker_class.__bases__ = (*worker_class.__bases__, extension)


class _Base:
    pass


class Worker(_Base):
    """Attends with two sequences at each step."""

    def __init__(self, arguments):
        if arguments["attention_backend"] == "FLASHINFER":
            raise RuntimeError("nvcc was not found, says the fake")
        # Trials only: a whole run of it would take minutes.
        triton_attn.PAUSE = SLOW_SECONDS if arguments.get("load_format") == "dummy" else 0.0
        if qualname := arguments.get("worker_extension_cls"):
            extended(Worker, qualname)
        self.device = torch.device("cpu")
        self.vllm_config = SimpleNamespace(model_config=_Model(), parallel_config=None)
        self.impl = triton_attn.TritonAttentionImpl()
        self.cache = torch.randn(4, 2, 16, 1, 64).half()
        self.query = torch.randn(2, 1, 64).half()

    def step(self):
        """Attend; the output goes nowhere, as the fake's text is fixed."""
        integers = {"dtype": torch.int32}
        slots = (1, 1, 1)  # an interpreter is slow: one program a sequence
        metadata = SimpleNamespace(
            query_start_loc=torch.tensor([0, 1, 2], **integers),
            max_query_len=1,
            seq_lens=torch.tensor([17, 3], **integers),
            max_seq_len=17,
            block_table=torch.tensor([[0, 1], [2, 3]], **integers),
            seq_threshold_3D=8,
            num_par_softmax_segments=16,
            softmax_segm_output=torch.empty(*slots, 64),
            softmax_segm_max=torch.empty(slots),
            softmax_segm_expsum=torch.empty(slots),
        )
        out = torch.empty_like(self.query)
        self.impl.forward(self.query, self.cache, out, metadata)
