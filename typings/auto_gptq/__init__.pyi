from collections.abc import Mapping, Sequence
from typing import Any

from transformers import CausalLMOutput, PreTrainedModel

class BaseQuantizeConfig:
    def __init__(
        self, *, bits: int, group_size: int, sym: bool, desc_act: bool, damp_percent: float
    ) -> None: ...

class AutoGPTQModel:
    model: PreTrainedModel
    def __call__(self, **inputs: Any) -> CausalLMOutput: ...
    def quantize(
        self,
        examples: Sequence[Mapping[str, list[int]]],
        *,
        batch_size: int,
        cache_examples_on_gpu: bool,
    ) -> None: ...
    def save_quantized(self, save_dir: str, *, use_safetensors: bool) -> None: ...

class AutoGPTQForCausalLM:
    @staticmethod
    def from_pretrained(
        name: str, quantize_config: BaseQuantizeConfig, **options: Any
    ) -> AutoGPTQModel: ...
    @staticmethod
    def from_quantized(name: str, **options: Any) -> AutoGPTQModel: ...
