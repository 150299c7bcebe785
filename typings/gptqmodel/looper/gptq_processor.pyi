from typing import Any

class GPTQProcessor:
    def log_new_row(self, row: dict[str, Any]) -> None: ...
