from typing import Any

from transformers import Trainer

class SFTTrainer(Trainer):
    def __init__(self, **options: Any) -> None: ...
