"""Plans and simulates two T4s for a model with grouped KV heads and for one without.

    make bench-grouped_heads

Qwen2.5-Math-7B shares each of its 4 KV heads among seven query heads, NuminaMath-7B has one for
each of its 32. Both are at 8 bits on two T4s that share layers, and both get the same fifty
problems with the same lengths, so that only the model's sizes differ.

Covers: what `benchmarks/results/grouped_heads.json` holds: bytes, room, tokens per second when
layers are shared and for a replica per GPU, hours. Does not cover: real T4s
(`validation.simulation.costs`), and how long either model's candidates really are.
"""

from typing import Any

from benchmarks.result import write_result
from kernel.config import Config
from validation.simulation.costs import T4, Costs, Layout, with_attention
from validation.simulation.generated_shapes import generate
from validation.simulation.model_shape import NUMINA, QWEN_MATH, ModelShape
from validation.simulation.plan import layout_row
from validation.simulation.run import simulate

PROBLEMS, SEED = 50, 0
SHARED, REPLICAS = Layout(2, 1, 8), Layout(1, 2, 8)


def measured(model: ModelShape, attention: str) -> dict[str, Any]:
    """Return what a model comes to with one of the T4's attentions."""
    gpu = with_attention(T4, attention, model)
    config = Config(problems=PROBLEMS)
    shared, halves = (layout_row(gpu, model, layout, config) for layout in (SHARED, REPLICAS))
    problems = generate(PROBLEMS, config.candidates, SEED)
    run = simulate(problems, config, Costs(gpu, model, SHARED))
    return {
        "model": model.name,
        "attention": attention,
        "kv_bytes": model.kv_bytes,
        "weight_gib": shared.weight_gib,
        "kv_tokens": shared.kv_tokens,
        "kv_tokens_a_replica": halves.kv_tokens_a_replica,
        "tokens_a_candidate": shared.tokens_a_candidate,
        "shared_tokens_per_second": shared.tokens_per_second,
        "replicas_tokens_per_second": halves.tokens_per_second,
        "hours": run.hours,
    }


def main() -> None:
    """Run the benchmark."""
    rows = [measured(m, name) for m in (NUMINA, QWEN_MATH) for name in ("triton", "own")]
    by = {(row["model"], row["attention"]): row for row in rows}
    mha, gqa = by[NUMINA.name, "triton"], by[QWEN_MATH.name, "triton"]
    figures = {
        "kv_bytes_ratio": mha["kv_bytes"] / gqa["kv_bytes"],
        "kv_tokens_ratio": gqa["kv_tokens"] / mha["kv_tokens"],
        "hours_saved": mha["hours"] - gqa["hours"],
        "shared_over_replicas": gqa["shared_tokens_per_second"] / gqa["replicas_tokens_per_second"],
        "shared_over_replicas_mha": mha["shared_tokens_per_second"]
        / mha["replicas_tokens_per_second"],
    }
    for row in rows:
        print(row)
    print(write_result("grouped_heads", figures, rows))


if __name__ == "__main__":
    main()
