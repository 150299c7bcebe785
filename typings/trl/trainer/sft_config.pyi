from typing import Any

from transformers import TrainingArguments

class SFTConfig(TrainingArguments):
    def __init__(self, **options: Any) -> None: ...
