from pathlib import Path
from typing import Any

from nbformat import v4 as v4

NO_CONVERT: Any

class NotebookNode(dict[str, Any]):
    """A notebook, a cell or an output; its entries are attributes, too."""

    cells: list[NotebookNode]
    outputs: list[NotebookNode]

def read(fp: Path, as_version: int) -> NotebookNode: ...
def writes(nb: NotebookNode, version: Any = ...) -> str: ...
def validate(nbdict: NotebookNode) -> None: ...
