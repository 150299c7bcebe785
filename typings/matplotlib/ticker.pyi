# Its methods take what they draw as **kwargs of any kind.
from typing import Any

def __getattr__(name: str) -> Any: ...
