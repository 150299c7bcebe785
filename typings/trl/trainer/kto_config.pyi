from typing import Any

from transformers import TrainingArguments

class KTOConfig(TrainingArguments):
    def __init__(self, **options: Any) -> None: ...
