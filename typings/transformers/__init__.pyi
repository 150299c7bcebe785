from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import torch

# What is used nowhere but in passing.
def __getattr__(name: str) -> Any: ...

_Model = TypeVar("_Model", bound=PreTrainedModel)

class PreTrainedConfig:
    model_type: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    tie_word_embeddings: bool
    use_cache: bool
    quantization_config: Any
    _attn_implementation: str

class PreTrainedTokenizer:
    chat_template: str | None
    eos_token: str | None
    eos_token_id: int | None
    pad_token: str | None
    pad_token_id: int | None
    @property
    def added_tokens_decoder(self) -> Mapping[int, Any]: ...
    def __call__(self, text: str, *, add_special_tokens: bool = ...) -> dict[str, list[int]]: ...
    def encode(self, text: str, *, add_special_tokens: bool = ...) -> list[int]: ...
    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool = ...) -> str: ...
    @overload
    def apply_chat_template(
        self, conversation: Any, *, tokenize: Literal[False] = ..., **options: Any
    ) -> str: ...
    @overload
    def apply_chat_template(
        self, conversation: Any, *, tokenize: Literal[True], **options: Any
    ) -> list[int]: ...
    def save_pretrained(self, save_directory: str | Path) -> Any: ...

class CausalLMOutput:
    logits: torch.Tensor

class PreTrainedModel(torch.nn.Module):
    config: PreTrainedConfig
    def __call__(self, input_ids: torch.Tensor | None = ..., **inputs: Any) -> CausalLMOutput: ...
    def named_modules(self) -> Iterator[tuple[str, torch.nn.Module]]: ...
    def get_input_embeddings(self) -> torch.nn.Embedding: ...
    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None: ...
    def tie_weights(self) -> None: ...

class AutoConfig:
    @staticmethod
    def from_pretrained(name: str | Path, **options: Any) -> PreTrainedConfig: ...

class AutoTokenizer:
    @staticmethod
    def from_pretrained(name: str | Path, **options: Any) -> PreTrainedTokenizer: ...

class AutoModelForCausalLM:
    @staticmethod
    def from_pretrained(name: str | Path, **options: Any) -> PreTrainedModel: ...
    @staticmethod
    def from_config(config: PreTrainedConfig, **options: Any) -> PreTrainedModel: ...

class BitsAndBytesConfig:
    def __init__(self, *, load_in_8bit: bool = ...) -> None: ...

class AttentionInterface:
    @staticmethod
    def register(
        key: str, value: Callable[..., tuple[torch.Tensor, torch.Tensor | None]]
    ) -> None: ...

class TrainingArguments: ...

class TrainerState:
    global_step: int
    max_steps: int
    is_world_process_zero: bool

class TrainerControl:
    should_save: bool
    should_training_stop: bool

class TrainerCallback: ...
class PrinterCallback(TrainerCallback): ...

class Accelerator:
    def unwrap_model(self, model: _Model) -> _Model: ...

class Trainer:
    accelerator: Accelerator
    model: PreTrainedModel
    state: TrainerState
    def add_callback(self, callback: TrainerCallback) -> None: ...
    def remove_callback(self, callback: type[TrainerCallback]) -> None: ...
    def is_world_process_zero(self) -> bool: ...
    def train(self, resume_from_checkpoint: str | None = ...) -> Any: ...
    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = ...,
        num_items_in_batch: torch.Tensor | int | None = ...,
    ) -> torch.Tensor | tuple[torch.Tensor, CausalLMOutput]: ...
