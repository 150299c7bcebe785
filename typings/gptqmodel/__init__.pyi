from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

class QuantizeConfig:
    def __init__(self, **settings: Any) -> None: ...

class CheckpointConfig:
    def __init__(self, *, path: Path, resume: str, interval: str) -> None: ...

class GPTQModel:
    model: PreTrainedModel
    layer_callback: Any
    @staticmethod
    def load(name: str, quantize_config: QuantizeConfig, *, dtype: torch.dtype) -> GPTQModel: ...
    def quantize(
        self,
        calibration: Sequence[Mapping[str, list[int]]],
        *,
        batch_size: int,
        checkpoint: CheckpointConfig | None,
    ) -> Any: ...
    def save(self, save_dir: str, *, max_shard_size: str) -> None: ...
