"""Writes a trained model as a folder that every other command accepts.

Covers: weights, config, a tokenizer and chat template that transformers 4.57 and 5 both read, the
kernel's `profile.json`, what was trained (`training.json`), picture, card and manifest. The folder
appears whole or not at all. Does not cover: 8 bit (`quantize/`), and what the card says
(`model_card.trained`).
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import files, manifest, saved_model
from kernel.checks.preflight import PROFILE
from model_card.trained import render
from training.settings import Recipe, TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizer

REPORT = "training.json"


def load_tokenizer(model: Path | str, template: str | None) -> "PreTrainedTokenizer":
    """Return a model's tokenizer with its chat template, or the one given.

    Raises:
        TrainingError: it has none, and none is given.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(model))
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["no tokenizer.json"])[0]
        raise TrainingError(f"{model} has no tokenizer that can be read: {reason}") from None
    if template is not None:
        tokenizer.chat_template = template
    if not tokenizer.chat_template:
        raise TrainingError(f"{model} has no chat template: give one in the recipe.")
    if tokenizer.eos_token_id is None:
        raise TrainingError(f"{model} has no end-of-turn token: a model must be able to stop.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def write(
    folder: Path,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizer",
    profile: Mapping[str, Any],
    report: Mapping[str, Any],
    pictures: tuple[Path, ...] = (),
) -> Path:
    """Write `folder` and return it; one that is there is replaced.

    Args:
        folder: the model's.
        model: with its trained weights; saved in its own type.
        tokenizer: with its chat template.
        profile: settings of the kernel that belong to the model.
        report: how it was trained, for the card and for later stages.
        pictures: PNGs beside the card.
    """
    template = tokenizer.chat_template
    assert template is not None  # `load_tokenizer` refuses a model without
    with files.whole_folder(folder) as scratch:
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        mend_tokenizer(scratch, template)
        files.write_json(scratch / PROFILE, profile)
        describe(scratch, report, pictures)
    return folder


def describe(folder: Path, report: Mapping[str, Any], pictures: tuple[Path, ...] = ()) -> None:
    """Write report, pictures, card and manifest of a model that lies in `folder`."""
    files.write_json(folder / REPORT, report)
    for picture in pictures:
        shutil.copyfile(picture, folder / picture.name)
    card = render(report, [picture.name for picture in pictures])
    (folder / "README.md").write_text(card, "utf-8")
    manifest.write(folder)


def mend_tokenizer(folder: Path, template: str) -> None:
    """Write config and tokenizer so that transformers 4.57 reads them too."""
    saved_model.mend(folder)
    path = folder / "tokenizer_config.json"
    settings: dict[str, Any] = json.loads(path.read_text("utf-8"))
    # In both places: older readers look into the settings, newer ones beside them first.
    files.write_json(path, {**settings, "chat_template": template})
    (folder / "chat_template.jinja").write_text(template, "utf-8")


def next_report(base: str, recipe: Recipe, done: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's report: that of the model it came from, with what was done now."""
    try:
        before: dict[str, Any] = json.loads((Path(base) / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        before = {"base": Path(base).name if Path(base).is_dir() else base, "stages": []}
    kept = {name: before[name] for name in ("base", "stages") if name in before}
    stages = [*kept.get("stages", []), dict(done)]
    return {**kept, "recipe": recipe.name, "sources": dict(recipe.sources), "stages": stages}
