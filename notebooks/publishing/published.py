"""What was published last, kept in `dist/published.json` between `make publish` and `make submit`.

Covers: the notebook's version and what it was made of. Does not cover: whether Kaggle still has it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.files import write_json

NAME = "published.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """A version of the notebook that Kaggle has taken."""

    notebook: str
    """owner/slug."""
    version: int
    key: str
    """Digest of what it was made of; another one means that `dist/` has changed since."""
    model_dataset: str = ""
    """The uploaded model that it takes; empty where the model came from `dist/` too."""
    file: str = ""
    """The submission file that its commit run left; empty until that run is complete."""
    votes: int | None = None
    """Problems that its commit run answered by vote; None where it did not say."""
    model_version: int = 1
    """Of the Kaggle Model that `dist/model` became, where it became one."""

    @property
    def message(self) -> str:
        """What its submission is described by: the same for the same version, so it is found."""
        return f"{self.notebook.split('/')[1]} version {self.version}"


def save(dist: Path, published: Publication) -> None:
    """Keep it, whole or not at all."""
    write_json(dist / NAME, asdict(published))


def load(dist: Path) -> Publication | None:
    """Return what was published last from this folder, or None where nothing legible is kept."""
    try:
        value: Any = json.loads((dist / NAME).read_text("utf-8"))
        return Publication(**value)
    except (OSError, ValueError, TypeError):
        return None
