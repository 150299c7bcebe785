import torch

class CompressionLogger:
    module: torch.nn.Module
    def set_results(self, name: str | None = ..., loss: float | None = ...) -> None: ...
