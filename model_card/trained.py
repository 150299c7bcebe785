"""The card of a model that was trained here: one template, filled from the training's own report.

Covers: settings, data and figures of each stage, evaluations where there are reports of them. Does
not cover: 8-bit models (`render`), and training.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import ModelCardData

from model_card.render import environment, licence, source_of

STAGES = {
    "cot": "Chain of thought",
    "tir": "Tool-integrated reasoning",
    "kto": "KTO on the model's own samples",
}


def render(
    report: Mapping[str, Any],
    pictures: Sequence[str] = (),
    evaluations: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the card's text.

    Args:
        report: the model's `training.json`.
        pictures: file names beside the card.
        evaluations: reports of validation runs with this model.
    """
    source = source_of(str(report.get("base") or ""))
    last = report["stages"][-1]["stage"] if report.get("stages") else "base"
    title = f"{source['id'].rpartition('/')[2] or 'Model'}, {STAGES.get(last, last)}"
    head = ModelCardData(
        base_model=source["id"],
        base_model_relation="finetune",
        license=source["licence"] or "other",
        library_name="transformers",
        pipeline_tag="text-generation",
        language=source.get("language"),
        tags=[*source["tags"], "trl", *("sft", "kto")[: 2 if last == "kto" else 1]],
    )
    card = (
        environment()
        .get_template("trained.md.j2")
        .render(
            yaml=head.to_yaml(),
            title=title,
            report=report,
            source=source,
            names=STAGES,
            pictures=pictures,
            evaluations=evaluations,
            licence_text=licence(source),
        )
    )
    return card.rstrip() + "\n"
