"""Compares the package's decode attention with vLLM's as both are compiled for the T4.

    make bench-attention

Both GPU kernels are compiled for sm_75 by the Triton that Kaggle's image has, for the shapes of
NuminaMath-7B and Qwen2.5-7B on two GPUs; `machine_code` counts the loop's instructions and derives
a bound on the rate at which keys and values are read. Then both process the same inputs in Triton's
interpreter, and are compared with each other and with float64. The first run downloads vLLM's wheel
for its GPU kernel's source.

Covers: what `benchmarks/results/attention.json` holds. Does not cover: time on a GPU; none is
needed here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import torch
from rich.table import Table

from benchmarks import machine_code
from benchmarks.result import Measurement, Row, print_figures, print_rows, write_result
from benchmarks.vllm_source import VERSION, unified_attention_file, unified_attention_module
from common import environment
from common.console import console
from common.environment import SetupError
from kernel.engine.tests.attention_cases import Case, Inputs, inputs, reference

ROOT = Path(__file__).resolve().parent.parent
SEGMENTS = 16
SPLIT_UP_TO = 8
"""Sequences up to which vLLM splits the context, with 16 KV heads a GPU."""


@dataclass(frozen=True)
class Shape:
    """A batch of a model on one of two GPUs."""

    model: str
    heads: int
    kv_heads: int
    sequences: int
    head: int = 128
    block: int = 16

    @property
    def position_bytes(self) -> int:
        """Keys and values of one position and KV head, 16 bits each."""
        return 4 * self.head


SHAPES = tuple(
    Shape(model, heads, kv_heads, sequences)
    for model, heads, kv_heads in (("NuminaMath-7B", 16, 16), ("Qwen2.5-7B", 14, 2))
    for sequences in (48, 4)
)
DIFFERENCES = {
    "700 tokens": Case((700, 351), 2, 1, 128),
    "700 tokens, split": Case((700, 351), 2, 1, 128, segments=SEGMENTS),
    "seven query heads a KV head": Case((300, 45), 1, 7, 128),
    "large logits": Case((200, 31), 2, 1, 128, spread=30.0),
}
"""Float16 only: the interpreter cannot multiply matrices of bfloat16, as vLLM's kernel does."""


def call_of_vllm(module: ModuleType, case: Case, given: Inputs) -> torch.Tensor:
    """Call vLLM's kernel with a case's inputs, as its Triton backend does; return the output."""
    rows, heads = len(given.lengths), given.query.shape[1]
    padded = 1 << (case.head - 1).bit_length()
    slots = (rows, heads, SEGMENTS)
    out = torch.empty_like(given.query)
    scales = torch.ones(rows, case.kv_heads)
    module.unified_attention(
        q=given.query,
        k=given.keys,
        v=given.values,
        out=out,
        cu_seqlens_q=given.starts,
        max_seqlen_q=1,
        seqused_k=given.lengths,
        max_seqlen_k=max(case.lengths),
        softmax_scale=case.head**-0.5,
        causal=True,
        window_size=(-1, -1),
        block_table=given.table,
        softcap=0,
        q_descale=None,
        k_descale=scales,
        v_descale=scales,
        seq_threshold_3D=rows if case.segments > 1 else 0,
        num_par_softmax_segments=SEGMENTS,
        softmax_segm_output=torch.empty(*slots, padded),
        softmax_segm_max=torch.empty(slots),
        softmax_segm_expsum=torch.empty(slots),
    )
    return out


def case_of(shape: Shape) -> Case:
    """Return a call with the shape's sizes; contexts are as short as can be."""
    segments = SEGMENTS if shape.sequences <= SPLIT_UP_TO else 1
    group = shape.heads // shape.kv_heads
    lengths = (1,) * shape.sequences
    return Case(lengths, shape.kv_heads, group, shape.head, shape.block, segments)


def row_of_own(shape: Shape) -> Row:
    """Return what the kernel of this package compiles to."""
    from kernel.engine import attention

    case = case_of(shape)
    given = inputs(case)
    query = given.query.float()
    parts = (query, query, query)
    attention.merge = machine_code.Launches()

    def call() -> None:
        attention.attend(**vars(given), scale=1.0, segments=case.segments, parts=parts)

    return {"kernel": "own", **row_of_call(attention, "decode", call, "TILE", shape)}


def row_of_vllm(module: ModuleType, shape: Shape) -> Row:
    """Return what vLLM's kernel compiles to."""
    case = case_of(shape)
    given = inputs(case)
    kernel = f"kernel_unified_attention_{'3d' if case.segments > 1 else '2d'}"
    vars(module)["reduce_segments"] = machine_code.Launches()

    def call() -> None:
        call_of_vllm(module, case, given)

    row = row_of_call(module, kernel, call, "TILE_SIZE", shape)
    return {"kernel": f"vLLM {VERSION}", **row}


def row_of_call(
    module: ModuleType, kernel: str, call: Callable[[], None], tile_name: str, shape: Shape
) -> Row:
    """Return what a module's kernel compiles to as a call launches it.

    Args:
        module: with the kernel.
        kernel: its name there.
        call: launches it once.
        tile_name: its argument with the positions of one pass.
        shape: of the call.
    """
    launch = machine_code.launched_with(module, kernel, call)
    tile = launch[tile_name]
    code = getattr(module, kernel)
    made = machine_code.compiled(code, launch, tile, tile * shape.position_bytes)
    return {**asdict(shape), **made.figures()}


def compiled_rows(file: Path) -> list[Row]:
    """Return what both kernels compile to, a row a shape and kernel."""
    module = unified_attention_module(file)
    return [row for shape in SHAPES for row in (row_of_vllm(module, shape), row_of_own(shape))]


def difference_rows(file: Path) -> list[Row]:
    """Return how far both GPU kernels are from float64 and from each other, in the interpreter."""
    from kernel.engine import attention

    theirs = unified_attention_module(file)
    rows: list[Row] = []
    for name, case in DIFFERENCES.items():
        given = inputs(case)
        exact = reference(case, given)
        slots = given.query.shape[0] * given.query.shape[1] * case.segments
        parts = torch.empty(slots, case.head), torch.empty(slots), torch.empty(slots)
        attention.attend(**vars(given), scale=case.head**-0.5, segments=case.segments, parts=parts)
        own = given.out[: len(case.lengths)].double()
        vllm = call_of_vllm(theirs, case, given).double()
        tensors = {"largest": exact, "own": own - exact, "vllm": vllm - exact}
        tensors["between"] = own - vllm
        largest = {kind: float(tensor.abs().max()) for kind, tensor in tensors.items()}
        rows.append({"case": name, **largest})
    return rows


def measure() -> Measurement:
    """Return the result file's figures and rows.

    Raises:
        SetupError: Triton or vLLM's wheel cannot be fetched.
    """
    folder, file = environment.triton(), unified_attention_file()
    found: dict[str, list[Row]] = {}
    # Triton decides at its import whether it compiles or interprets.
    for part, interpret in (("compiled", "0"), ("differences", "1")):
        print(f"{part} ...", file=sys.stderr, flush=True)
        paths = os.pathsep.join([str(folder), str(ROOT)])
        env = {**os.environ, "PYTHONPATH": paths, "TRITON_INTERPRET": interpret}
        command = [sys.executable, "-m", "benchmarks.attention", part, str(file)]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        found[part] = json.loads(done.stdout)
    made, differences = found["compiled"], found["differences"]
    return Measurement(figures(made, differences), [*made, *differences])


def figures(made: Sequence[Row], differences: Sequence[Row]) -> dict[str, float]:
    """Return the figures that others read: of the full batch of NuminaMath-7B."""
    vllm, own = made[:2]
    return {
        "instructions_a_position_vllm": vllm["instructions_a_position"],
        "instructions_a_position_own": own["instructions_a_position"],
        "shared_accesses_own": own["shared_accesses"],
        "registers_own": own["registers"],
        "spilled_bytes_own": max(row["spilled_bytes"] for row in made if row["kernel"] == "own"),
        "bound_gb_s_vllm": vllm["bound_gb_s"],
        "bound_gb_s_own": own["bound_gb_s"],
        "largest_difference_own": max(row["own"] / row["largest"] for row in differences),
        "largest_difference_vllm": max(row["vllm"] / row["largest"] for row in differences),
    }


def show(rows: Sequence[Row]) -> None:
    """Print what both compile to."""
    columns = (
        *("model", "sequences", "kernel", "instructions_a_position", "ffma", "shared_accesses"),
        *("barriers", "registers", "spilled_bytes", "bytes_in_flight_a_sm", "bound_gb_s"),
    )
    table = Table(*(column.replace("_", " ") for column in columns))
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    console(width=max(150, console().width)).print(table)


def main() -> None:
    """Measure, print the figures, write the file; exit 2 where something cannot be fetched."""
    if len(sys.argv) == 3:
        part = {"compiled": compiled_rows, "differences": difference_rows}[sys.argv[1]]
        print(json.dumps(part(Path(sys.argv[2]))))
        return
    try:
        found, rows = measure()
    except SetupError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    show([row for row in rows if "kernel" in row])
    print_rows([row for row in rows if "case" in row])
    print_figures(found)
    print(f"written to {write_result('attention', found, rows)}")


if __name__ == "__main__":
    main()
