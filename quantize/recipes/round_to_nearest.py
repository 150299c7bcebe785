"""Recipe `round-to-nearest`: every weight to the nearest of 255 steps; no calibration, no library.

Covers: the floor that a better recipe must beat, in the layout that `gptq` writes, tensor by tensor
as the source's shards hold them, so that memory is one shard. Does not cover: anything smarter.

    python -m quantize.recipes.round_to_nearest job.json
"""

import re
from collections.abc import Iterable

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from quantize.recipes.checkpoint import gptq_settings, stored, write_config
from quantize.recipes.job import Job, open_job

DECODER_LINEAR = re.compile(r"\.layers\.(\d+)\.((?:self_attn|mlp)\.\w+_proj)\.weight$")
"""The modules that GPTQ quantizes, too."""
STEPS = 127
"""On each side of zero: symmetric, so that -128 is not used."""
ZERO = 128


def main() -> None:
    """Quantize shard by shard, and write the raw checkpoint."""
    job = open_job()
    job.raw.mkdir(parents=True, exist_ok=True)
    for shard in sorted(job.model.glob("*.safetensors")):
        tensors: dict[str, torch.Tensor] = {}
        with safe_open(shard, "pt") as file:
            for layer, names in by_layer(file.keys()).items():
                for name in names:
                    tensors |= converted(name, file.get_tensor(name), job)
                if layer >= 0:
                    job.layer_done(layer)
        save_file(tensors, job.raw / shard.name, {"format": "pt"})
    write_config(job.model, job.raw, gptq_settings(job.group_size))
    job.done("cpu")


def by_layer(names: Iterable[str]) -> dict[int, list[str]]:
    """Return a shard's tensors by decoder layer, in their order; what is in none is under -1."""
    layers: dict[int, list[str]] = {}
    for name in names:
        match = DECODER_LINEAR.search(name)
        layers.setdefault(int(match[1]) if match else -1, []).append(name)
    return dict(sorted(layers.items()))


def converted(name: str, tensor: torch.Tensor, job: Job) -> dict[str, torch.Tensor]:
    """Return what is stored for one tensor; keep a decoder weight's error."""
    match = DECODER_LINEAR.search(name)
    if not match:
        return {name: stored(name, tensor)}
    steps, scales = rounded(tensor.float(), job.group_size)
    job.module_done(int(match[1]), match[2], relative_error(tensor.float(), steps, scales))
    base = name.removesuffix(".weight")
    return {f"{base}.{part}": value for part, value in packed(steps, scales).items()}


def rounded(weight: torch.Tensor, group: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the steps (inputs by outputs) and the float16 scales (groups by outputs)."""
    outputs, inputs = weight.shape
    grouped = weight.T.reshape(inputs // group, group, outputs)
    # A group of zeros gets some scale: its steps are 0 whatever it is.
    scales = (grouped.abs().amax(1) / STEPS).clamp(min=2**-24).to(torch.float16)
    steps = (grouped / scales.float().unsqueeze(1)).round().clamp(-STEPS, STEPS)
    return steps.reshape(inputs, outputs).to(torch.int32), scales


def packed(steps: torch.Tensor, scales: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the tensors of the GPTQ layout, as AutoGPTQ 0.7.1 defined it.

    Four values fill an int32, the first one its lowest byte: of `qweight` along the inputs, of
    `qzeros` along the outputs. Stored zero points are less one.
    """
    inputs, outputs = steps.shape
    groups = scales.shape[0]
    zeros = torch.full((groups, outputs), ZERO - 1, dtype=torch.int32)
    return {
        "qweight": words(steps + ZERO),
        "qzeros": words(zeros.T.contiguous()).T.contiguous(),
        "scales": scales.contiguous(),
        "g_idx": (torch.arange(inputs) // (inputs // groups)).to(torch.int32),
    }


def words(values: torch.Tensor) -> torch.Tensor:
    """Pack each four rows of bytes into one row of int32."""
    size, width = values.shape
    return (
        values.to(torch.uint8)
        .reshape(size // 4, 4, width)
        .transpose(1, 2)
        .contiguous()
        .view(torch.int32)
        .reshape(size // 4, width)
    )


def relative_error(weight: torch.Tensor, steps: torch.Tensor, scales: torch.Tensor) -> float:
    """Return the squared error of a weight, relative to its own square."""
    spread = scales.float().repeat_interleave(steps.shape[0] // scales.shape[0], 0)
    difference = steps * spread - weight.T
    return (difference.square().sum() / weight.square().sum().clamp(min=1e-30)).item()


if __name__ == "__main__":
    main()
