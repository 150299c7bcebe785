"""Measures the offline build: every recipe on the embedded model, quality and cost, in one table.

Covers: what `benchmarks/results/quantize.json` holds; each recipe goes through `make quantize` as a
whole, up to one problem solved where vLLM here loads the result. An interrupted run resumes with
the recipes that are not done. Does not cover: larger models, and AutoGPTQ, which needs a GPU.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from rich.table import Table

from benchmarks.result import Row, write_result
from common.console import console
from quantize.build import build
from quantize.options import QuantizeOptions
from quantize.steps import BuildError

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "runs" / "bench-quantize"
Recipe = Literal["round-to-nearest", "gptq", "w8a8", "bnb"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)


def main() -> None:
    """Build with each recipe, and write the file."""
    rows = [row(recipe, report_of(recipe)) for recipe in RECIPES]
    by_name = {row["recipe"]: row for row in rows}
    gptq, floor = by_name["gptq"], by_name["round-to-nearest"]
    figures = {
        "kl_ratio_rtn_over_gptq": round(floor["maths_kl"] / gptq["maths_kl"], 2),
        "ppl_ratio_gptq": round(gptq["maths_ppl_ratio"], 5),
        "top1_gptq": round(gptq["maths_top1"], 4),
        "size_ratio": round(gptq["size_ratio"], 4),
        "cpu_seconds": gptq["cpu_seconds"],
    }
    if gptq["build_seconds"] is not None:
        figures["build_minutes"] = round(gptq["build_seconds"] / 60, 1)
    show(rows)
    print(f"written to {write_result('quantize', figures, rows)}")
    shutil.rmtree(WORK)


def report_of(recipe: Recipe) -> Mapping[str, Any]:
    """Return the report of a recipe's build; builds it where that has not been done."""
    kept = WORK / f"{recipe}.json"
    if not kept.is_file():
        out = WORK / f"{recipe}-model"
        shutil.rmtree(out, ignore_errors=True)
        try:
            build(QuantizeOptions(recipe=recipe, out=out, work=WORK / recipe))
        except BuildError as fault:
            print(fault)  # a missed gate or a fault in serving is a result, too
        (WORK / recipe / "report.json").replace(kept)
        shutil.rmtree(out, ignore_errors=True)
    return json.loads(kept.read_text("utf-8"))


def row(recipe: str, report: Mapping[str, Any]) -> Row:
    """Return one recipe's line of the table."""
    domains = {domain["name"]: domain for domain in report["comparison"]["domains"]}
    quantization = report["quantization"]
    back: Mapping[str, Any] = report.get("read_back") or {}
    return {
        "recipe": recipe,
        "maths_ppl_ratio": domains["maths"]["perplexity_ratio"],
        "maths_kl": domains["maths"]["mean_kl"],
        "maths_p99_kl": domains["maths"]["p99_kl"],
        "maths_top1": domains["maths"]["top1"],
        "general_kl": domains["general"]["mean_kl"],
        "general_top1": domains["general"]["top1"],
        "size_ratio": report["comparison"]["size_ratio"],
        "cpu_seconds": quantization["cpu_seconds"],
        "peak_mib": round(quantization["peak_bytes"] / 2**20),
        "computed_mib": round(sum(report["estimate"]["memory"].values()) / 2**20),
        "build_seconds": whole_seconds(report),
        "gates_missed": report.get("gates_missed", []),
        "vllm_loads": bool(back.get("loaded")),
        "answer": back.get("answer"),
        "truth": back.get("truth"),
    }


def whole_seconds(report: Mapping[str, Any]) -> float | None:
    """Return what a build took from end to end, None where it was cut off and resumed."""
    seconds = report.get("seconds_this_run", 0.0)
    return seconds if seconds > report["quantization"]["seconds"] else None


def show(rows: list[Row]) -> None:
    """Print the table."""
    table = Table("recipe", "ppl ratio", "mean KL", "top-1", "general KL", "size", "CPU s", "MiB")
    table.add_column("vLLM here")
    for entry in rows:
        table.add_row(
            entry["recipe"],
            f"{entry['maths_ppl_ratio']:.4f}",
            f"{entry['maths_kl']:.2e}",
            f"{entry['maths_top1']:.2%}",
            f"{entry['general_kl']:.2e}",
            f"{entry['size_ratio']:.3f}",
            f"{entry['cpu_seconds']:.0f}",
            str(entry["peak_mib"]),
            f"answers {entry['answer']}" if entry["vllm_loads"] else "does not load",
        )
    console().print(table)


if __name__ == "__main__":
    main()
