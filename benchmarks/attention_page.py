"""What the docs show of the two comparisons of the package's decode attention with vLLM's.

Covers: the results of `attention` (compiled for the T4) and `attention_gpu` (run on a GPU). Does
not cover: measuring.
"""

from benchmarks.markdown import table
from benchmarks.result import Result


def compiled(result: Result) -> str:
    """Return what both GPU kernels compile to for the T4."""
    head = (
        *("compiled for sm_75", "sequences", "GPU kernel", "instructions per position"),
        *("multiply-adds per tile", "shared memory", "barriers", "registers", "bound, GB/s"),
    )
    rows = (
        [
            *(row["model"], row["sequences"], row["kernel"]),
            f"{row['instructions_a_position']:g}",
            f"{row['ffma']} of {row['positions_a_tile']} positions",
            *(row["shared_accesses"], row["barriers"], row["registers"], row["bound_gb_s"]),
        ]
        for row in result.rows
        if "kernel" in row
    )
    own, theirs = (result.figures[f"largest_difference_{name}"] for name in ("own", "vllm"))
    return (
        f"{table(head, rows)}\n\n"
        "Largest difference from float64, relative to the largest output: the package's own "
        f"{own:.1e}, vLLM's {theirs:.1e}."
    )


def measured(result: Result) -> str:
    """Return what both did on a GPU: rates by heads and batch, and inside vLLM."""
    figures = result.figures
    timed = [row for row in result.rows if "shape" in row]
    shapes: dict[str, dict[str, str]] = {}
    for row in timed:
        rates = f"{row['own_gb_s']:,} / {row['vllm_gb_s']:,}"
        shapes.setdefault(row["shape"], {})[f"{row['sequences']} x {row['context']:,}"] = rates
    sizes = list(dict.fromkeys(size for cells in shapes.values() for size in cells))
    rows = [[name, *(cells.get(size, "") for size in sizes)] for name, cells in shapes.items()]
    cases = sum("case" in row for row in result.rows)
    text = (
        f"Keys and values read, GB/s, the package's / vLLM's ({result.where}):\n\n"
        f"{table(('heads of', *sizes), rows)}\n\n"
        f"All {cases} cases of the tests lie within {figures['largest_difference_roundings']:g} "
        "roundings of float64."
    )
    if "texts" in figures:
        text += (
            f" Inside vLLM {figures['texts_equal']:g} of {figures['texts']:g} greedy texts are the "
            "same with both, token for token, and a decode step takes "
            f"{figures['step_ratio']:g} times as long with vLLM's."
        )
    return text
