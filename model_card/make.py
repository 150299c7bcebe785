"""`make model-card`: writes a model folder's card again, with validation results.

Covers: reading the folder's `quantization.json` and the named reports, checking the card, and
putting it into the folder with a manifest that includes it. Does not cover: what it says
(`render`).
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from common import manifest
from common.files import FileError, write_text
from model_card.render import faults, render

ROOT = Path(__file__).resolve().parent.parent


class CardError(ValueError):
    """A card that cannot be made; the message says what to do."""


@dataclass
class CardOptions:
    """Write a model folder's card again, with the results of validation runs."""

    model: Path = ROOT / "dist/model"
    """A folder that `make quantize` wrote."""
    reports: tuple[Path, ...] = ()
    """Reports of validation runs with this model (*.report.json)."""


def make(model: Path, reports: Sequence[Path]) -> Path:
    """Write the card and return its path.

    Raises:
        CardError: a file is missing or of another form, or the card breaks a rule.
    """
    report = _object(model / "quantization.json", "quantize the model with `make quantize`")
    runs = [
        _object(path, "make it with `python -m validation.report RUN.jsonl`") for path in reports
    ]
    picture = "layers.png" if (model / "layers.png").is_file() else None
    card = render(report, runs, picture=picture)
    if found := faults(card):
        raise CardError(f"The card is not fit to publish: {' '.join(found)}")
    path = model / "README.md"
    write_text(path, card)
    manifest.write(model)
    return path


def _object(path: Path, hint: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise CardError(f"{path} is missing or no JSON object: {hint}.")
    return value  # pyright: ignore[reportUnknownVariableType] - JSON keys are text


def main() -> None:
    """Run the command; exit 2 on a user's error."""
    options = tyro.cli(CardOptions)
    try:
        print(make(options.model, options.reports))
    except (CardError, FileError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
