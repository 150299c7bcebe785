"""What a failed run's log or Kaggle's words mean, and what to change: one sentence for each.

Covers: failures that were seen or are reported of Kaggle's notebooks with a GPU, without internet.
Does not cover: errors of the kernel's own, which say themselves what to do.
"""

import re
from collections.abc import Sequence

REASONS: Sequence[tuple[str, str]] = (
    (
        r"CUDA out of memory|OutOfMemoryError|No available memory for the cache blocks",
        "The GPUs ran out of memory: set a smaller gpu_memory_utilization or max_model_len "
        "in the model's profile.json, or quantize the model to 8 bit.",
    ),
    (
        r"Your notebook tried to allocate more memory|oom-kill|Killed process|exceeded.{0,20} RAM",
        "The machine ran out of main memory: lower the sandbox's limits or the number of "
        "candidates.",
    ),
    (
        r"is not a supported wheel on this platform|No matching distribution found"
        r"|THESE PACKAGES DO NOT MATCH THE HASHES",
        "The wheels are not for the image's Python: pin the image that they were made for in "
        "notebooks/kaggle.toml, and run `make package` again.",
    ),
    (
        r"no CUDA-capable device|No CUDA GPUs are available|Found no NVIDIA driver"
        r"|Failed to infer device type|nvidia-smi: (?:command )?not found",
        "No GPU was attached: check `accelerator` in notebooks/kaggle.toml, whether this account "
        "may use it, and its weekly GPU quota.",
    ),
    (
        r"NameResolutionError|Name or service not known|Temporary failure in name resolution"
        r"|Failed to establish a new connection|Network is unreachable",
        "The run tried to fetch something, but a submission has no internet: put it into the "
        "wheels or the model's dataset.",
    ),
    (
        r"no competition API|attach the competition's data",
        "The competition's data was not mounted: join the competition with this account, and name "
        "it in notebooks/kaggle.toml.",
    ),
    (
        r"one model \(config\.json beside|found no wheelhouse|No module named 'vllm'",
        "A dataset was not mounted: check that wheels and model are on Kaggle, ready, and among "
        "the notebook's inputs.",
    ),
    (
        r"(?i)timed? ?out|exceeded the maximum.{0,30}time|exceed(?:ed|s)? .{0,20}(?:runtime|hours)",
        "The run exceeded its time limit: set fewer candidates or a larger reserve_seconds.",
    ),
    (
        r"No problem was answered by vote",
        "The engine or the model gave no answer: see engine.log in the run's output.",
    ),
    (
        r"Submission Scoring Error|scoring error",
        "The submission file was refused: `make rehearse` shows which row or type is wrong.",
    ),
    (
        r"Inference Server Never Started",
        "The server was not there within 15 minutes: something takes too long before `main` "
        "starts it; check the installation of the wheels first.",
    ),
)
"""Pattern and sentence; the first that is found counts, so causes come before effects."""


def reason(*texts: str) -> str:
    """Return what the first text with a known meaning means, "" where none has one."""
    for text in texts:
        for pattern, sentence in REASONS:
            if re.search(pattern, text):
                return sentence
    return ""
