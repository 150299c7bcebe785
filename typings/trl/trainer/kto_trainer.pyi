from typing import Any

from transformers import Trainer

class KTOTrainer(Trainer):
    def __init__(self, **options: Any) -> None: ...
