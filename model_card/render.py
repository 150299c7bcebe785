"""The model card: one template, filled with numbers read from result files.

Covers: the quantization report, reports of validation runs, benchmark results, and what the authors
of known source models say (`sources.toml`); the YAML head in huggingface_hub's form; rules of our
own in place of its check, which needs the network. A number that is in no file reads "not
measured". Does not cover: measuring anything.
"""

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Undefined

HERE = Path(__file__).resolve().parent
BENCHMARKS = HERE.parent / "benchmarks" / "results"
NOT_MEASURED = "not measured"
METHODS = {"gptq": "GPTQ", "auto-gptq": "GPTQ", "w8a8": "W8A8", "bnb": "LLM.int8"}
MEASURES = (
    ("tokens", "tokens", ",d"),
    ("perplexity ratio", "perplexity_ratio", ".4f"),
    ("mean KL divergence, nats a token", "mean_kl", ".2e"),
    ("99th percentile of KL", "p99_kl", ".2e"),
    ("same first choice", "top1", ".2%"),
    ("largest difference of logits", "largest_logit_difference", ".2f"),
)
HEADINGS = ("Intended use", "trained", "quantized", "Evaluation", "How to run", "Licence")


def render(
    report: Mapping[str, Any],
    evaluations: Sequence[Mapping[str, Any]] = (),
    *,
    picture: str | None = None,
    benchmarks: Path = BENCHMARKS,
) -> str:
    """Return the card's text.

    Args:
        report: the build's `quantization.json`; `ranks` are the GPUs that share each layer.
        evaluations: reports of validation runs with this model.
        picture: file name of the layers' picture beside the card.
        benchmarks: folder of the benchmarks' result files.
    """
    source = source_of(str(_part(report, "source").get("name") or ""))
    domains: list[dict[str, Any]] = _part(report, "comparison").get("domains") or []
    by_name = {domain["name"]: domain for domain in domains}
    quantization = _part(report, "quantization")
    title = f"{source['id'].rpartition('/')[2] or 'Model'}, 8 bit"
    text = (
        environment()
        .get_template("template.md.j2")
        .render(
            yaml=_head(report, source, evaluations, title).to_yaml(),
            title=f"{title} ({METHODS.get(str(report.get('recipe')), 'rounded to nearest')})",
            report=report,
            source=source,
            settings=_plain(_part(quantization, "settings")),
            # No GPU took part: its memory is not a measured zero.
            gpu_peak=quantization.get("gpu_peak_bytes") or None,
            maths=by_name.get("maths", {}),
            general=by_name.get("general", {}),
            measures=MEASURES,
            evaluations=evaluations,
            benches={path.stem: _read(path) for path in sorted(benchmarks.glob("*.json"))},
            picture=picture,
            ranks=report.get("ranks", 2),
            licence_text=licence(source),
        )
    )
    return text.rstrip() + "\n"


def _part(report: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a part of a report, {} where it is not there."""
    return report.get(name) or {}


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the quantization's settings under GPTQ's names, whatever wrote them."""
    found = dict(settings)
    if groups := _part(settings, "config_groups"):
        weights = _part(next(iter(groups.values())), "weights")
        strategy = str(weights.get("strategy"))
        shared = {"channel": "those of an output", "tensor": "a whole matrix"}.get(strategy)
        found |= {"bits": weights.get("num_bits"), "sym": weights.get("symmetric")}
        found |= {"group_size": shared or weights.get("group_size"), "desc_act": "not used"}
    elif settings.get("load_in_8bit"):
        found |= {"bits": 8, "sym": True, "group_size": "those of an output"}
        found |= {"desc_act": "not used"}
    return found


def source_of(name: str) -> dict[str, Any]:
    """Return what is recorded of a source model; of an unknown one, its name."""
    table = tomllib.loads((HERE / "sources.toml").read_text("utf-8"))
    for source in table["source"]:
        if source["match"] in name.lower():
            return source
    about = "A language model, quantized to 8 bit."
    return {"id": name or "unknown", "licence": "", "about": about, "tags": [], "datasets": []}


def _head(
    report: Mapping[str, Any],
    source: Mapping[str, Any],
    evaluations: Sequence[Mapping[str, Any]],
    title: str,
) -> ModelCardData:
    """Return the card's metadata; results are only those that were measured here."""
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=str(run.get("set") or "file"),
            dataset_name=str(run.get("set") or "file"),
            metric_type="accuracy",
            metric_name="right by majority vote",
            metric_value=round(run["accuracy"], 4),
        )
        for run in evaluations
        if _measured(run.get("accuracy"))
    ]
    # A model-index without results is refused on upload.
    index: dict[str, Any] = {"eval_results": results, "model_name": title} if results else {}
    return ModelCardData(
        base_model=source["id"],
        base_model_relation="quantized",
        license=source["licence"] or "other",
        library_name="transformers",
        pipeline_tag="text-generation",
        language=source.get("language"),
        datasets=source["datasets"] or None,
        tags=[*source["tags"], "8-bit", str(report.get("recipe") or "quantized"), "vllm"],
        **index,
    )


def licence(source: Mapping[str, Any]) -> str:
    """Return the sentence about the weights' licence."""
    if source["licence"]:
        return f"The weights keep the licence of {source['id']}: {source['licence']}."
    return f"The weights keep the licence of {source['id']}, which is not recorded here."


def environment() -> Environment:
    """Return the template's environment: a missing value is undefined all the way down."""
    loader = FileSystemLoader(HERE)
    found: Any = Environment(
        loader=loader, undefined=ChainableUndefined, keep_trailing_newline=True
    )
    found.filters |= {"number": number, "text": text, "pairs": pairs, "code": code}
    return found


def _measured(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, form: str, unit: str = "", divisor: float = 1) -> str:
    """Format a number; one that is missing or not finite was not measured."""
    if not _measured(value):
        return NOT_MEASURED
    return format(value if divisor == 1 else value / divisor, form) + unit


def text(value: Any) -> str:
    """Format a word; nothing reads as not measured."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, Undefined) or value == "":
        return NOT_MEASURED
    return str(value).replace("|", "\\|")


def pairs(value: Any) -> str:
    """Format a mapping as `name value, ...`."""
    if not isinstance(value, Mapping) or not value:
        return NOT_MEASURED
    entries: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    return ", ".join(f"{name} {text(entry)}" for name, entry in entries.items())


def code(value: Any) -> str:
    """Format a token as code, its line ends visible."""
    shown = text(value).replace("`", "'").encode("unicode_escape").decode("ascii")
    return f"`{shown}`"


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def faults(card: str) -> list[str]:
    """Return a sentence for each rule that a card breaks; none for a good one."""
    try:
        data: dict[str, Any] = ModelCard(card).data.to_dict()
    except Exception as error:  # YAML and the hub's client raise many kinds
        return [f"The head is not valid model card metadata: {error}"]
    found = [f"The head lacks {key}." for key in ("base_model", "license") if not data.get(key)]
    if data.get("base_model_relation") != "quantized":
        found.append("The head must say base_model_relation: quantized.")
    models: list[dict[str, Any]] = data.get("model-index") or []
    for model in models:
        for result in model["results"]:
            if not all(_measured(metric["value"]) for metric in result["metrics"]):
                found.append("A result in the head has no number.")
    lines = [line for line in card.splitlines() if line.startswith("## ")]
    found += [f"There is no section {name!r}." for name in HEADINGS if name not in " ".join(lines)]
    if any(word in card for word in ("Undefined", "None |", "nan |", "{{", "{%")):
        found.append("A placeholder was left unfilled.")
    return found
