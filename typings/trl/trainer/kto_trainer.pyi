from typing import Any

from transformers import PreTrainedModel, Trainer

class KTOTrainer(Trainer):
    ref_model: PreTrainedModel
    def __init__(self, **options: Any) -> None: ...
