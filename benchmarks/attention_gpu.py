"""Compares the package's decode attention with vLLM's on the GPU at hand.

    make bench-attention_gpu

Needs an NVIDIA GPU. First the GPU kernel alone: every case of its tests against float64, then the
time of both over batches and contexts as a run has them. Then both inside vLLM, where its version
is installed: the time of a decode step with captured graphs, and the tokens of greedy decoding,
with random weights of NuminaMath-7B's shapes and with the embedded model.

Covers: what `benchmarks/results/attention_gpu.json` holds. Does not cover: the T4, unless it is the
GPU at hand (on newer ones vLLM's multiplies on tensor cores, which it cannot on a T4; what it
compiles to there is `attention`'s), other attention than Triton's.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import torch

from benchmarks.result import Row, print_figures, print_rows, write_result
from benchmarks.vllm_source import unified_attention_file, unified_attention_module
from common import embedded_model
from common.environment import SetupError
from common.problems import load_problems
from kernel.engine.attention_comparison import BLOCK, TOLERANCE
from kernel.engine.gpu import read_gpus
from kernel.engine.own_attention import MOST_SEGMENTS, VERSION, OwnAttention
from kernel.engine.profile import OWN, PROVEN, T4X2, attention_arguments
from notebooks.probe.probe_checks import SIZES
from validation.simulation.model_shape import NUMINA

ROOT = Path(__file__).resolve().parent.parent
STEP_SIZES = ((48, 700), (8, 1200), (1, 1500))
"""Those that a whole step is timed at."""
LEAST_PROGRAMS = 128
"""vLLM splits contexts where its programs would be fewer than this."""
CACHES_OF_L2 = 4
"""Keys and values that a measurement reads, in sizes of the L2 cache: as a model's many layers do,
each reading its own."""
MOST_CACHES = 64
GREEDY_TOKENS = 128
PREFIX = "measured: "
"""How a part's one line begins; vLLM logs to the standard output as well."""
NUMINA_7B: Mapping[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": NUMINA.hidden,
    "intermediate_size": NUMINA.intermediate,
    "num_hidden_layers": NUMINA.layers,
    "num_attention_heads": NUMINA.heads,
    "num_key_value_heads": NUMINA.kv_heads,
    "vocab_size": NUMINA.vocabulary,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": NUMINA.tied,
}
"""A config.json of NuminaMath-7B's sizes; the rest is as a Llama has it."""


@dataclass(frozen=True)
class Shape:
    """Heads of a model on one GPU."""

    model: str
    heads: int
    kv_heads: int
    head: int = 128

    def kv_bytes(self, sequences: int, context: int) -> int:
        """Keys and values of a batch, 16 bits each."""
        return 4 * sequences * context * self.kv_heads * self.head


SHAPES = (
    Shape("NuminaMath-7B", 32, 32),
    Shape("NuminaMath-7B, half", 16, 16),
    Shape("Qwen2.5-7B", 28, 4),
    Shape("SmolLM2-135M", 9, 3, 64),
)


def correct_rows() -> list[Row]:
    """Return how far the GPU kernel lies from float64, a row a case of its tests."""
    from kernel.engine.tests.attention_cases import outcome
    from kernel.engine.tests.test_attention import CASES

    rows: list[Row] = []
    for name, case in CASES.items():
        found = outcome(case, "cuda")
        # All outputs of "no logits at all" may be next to nothing.
        apart = found["difference"] / max(found["rounding"], 1e-30)
        row = {"case": name, "roundings": round(apart, 3)}
        rows.append({**row, "finite": found["finite"], "untouched": found["untouched"]})
    return rows


def timed_rows() -> list[Row]:
    """Return the time of one call of both GPU kernels, a row a shape and batch."""
    theirs = unified_attention_module(unified_attention_file()).unified_attention
    return [timed_row(theirs, shape, *size) for shape in SHAPES for size in SIZES]


def timed_row(theirs: Callable[..., None], shape: Shape, sequences: int, context: int) -> Row:
    """Time one call of each, in graphs that read several caches in turn."""
    from kernel.engine.attention import attend

    own = OwnAttention(theirs, attend)
    read = shape.kv_bytes(sequences, context)
    cuda: Any = torch.cuda
    cache = int(cuda.get_device_properties(0).L2_cache_size)
    count = min(MOST_CACHES, max(2, -(-CACHES_OF_L2 * cache // read)))
    calls = [call_of(shape, sequences, context) for _ in range(count)]
    milliseconds = {
        name: graph_milliseconds(lambda way=way: [way(**call) for call in calls]) / count
        for name, way in (("vllm", theirs), ("own", own))
    }
    if own.fault or not own.taken:
        raise RuntimeError(f"The package's attention did not take the call: {own.fault}.")
    row: dict[str, Any] = {"shape": shape.model, "sequences": sequences, "context": context}
    for name, took in milliseconds.items():
        row[f"{name}_us"] = round(1000 * took, 1)
        row[f"{name}_gb_s"] = round(read / took / 1e6)
    return {**row, "ratio": round(milliseconds["vllm"] / milliseconds["own"], 2)}


def call_of(shape: Shape, sequences: int, context: int) -> dict[str, Any]:
    """Return the arguments of a call as vLLM's Triton backend makes it, random ones."""
    place, rows = "cuda", -(-context // BLOCK)
    half = torch.float16
    cache = (sequences * rows, BLOCK, shape.kv_heads, shape.head)
    query = torch.randn(sequences, shape.heads, shape.head, dtype=half, device=place)
    threshold = LEAST_PROGRAMS // shape.kv_heads
    slots = (threshold, shape.heads, MOST_SEGMENTS)
    ones = torch.ones(sequences, shape.kv_heads, device=place)
    return {
        "q": query,
        "k": torch.randn(cache, dtype=half, device=place),
        "v": torch.randn(cache, dtype=half, device=place),
        "out": torch.empty_like(query),
        "cu_seqlens_q": torch.arange(sequences + 1, dtype=torch.int32, device=place),
        "max_seqlen_q": 1,
        "seqused_k": torch.full((sequences,), context, dtype=torch.int32, device=place),
        "max_seqlen_k": context,
        "softmax_scale": shape.head**-0.5,
        "causal": True,
        "window_size": (-1, -1),
        "block_table": torch.randperm(cache[0], device=place).view(sequences, rows).int(),
        "softcap": 0,
        "q_descale": None,
        "k_descale": ones,
        "v_descale": ones,
        "seq_threshold_3D": threshold,
        "num_par_softmax_segments": MOST_SEGMENTS,
        "softmax_segm_output": torch.empty((*slots, shape.head), device=place),
        "softmax_segm_max": torch.empty(slots, device=place),
        "softmax_segm_expsum": torch.empty(slots, device=place),
    }


def graph_milliseconds(work: Callable[[], object]) -> float:
    """Return the median time of the work, replayed from a captured graph as vLLM replays it."""
    testing: Any = import_module("triton.testing")
    with torch.cuda.stream(torch.cuda.Stream()):
        return float(testing.do_bench_cudagraph(work, rep=60, return_mode="median"))


def engine_rows(attention: str, model: str) -> list[Row]:
    """Return what vLLM does with an attention: seconds a step, greedy tokens.

    Args:
        attention: as the engine's profile names it.
        model: a folder; without weights in it they are random.
    """
    os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", HF_HUB_OFFLINE="1")
    os.environ.update(VLLM_NO_USAGE_STATS="1", VLLM_USE_FLASHINFER_SAMPLER="0")
    from kernel.engine.trial import STEPS, fault_of_own, step_seconds

    vllm: Any = import_module("vllm")
    longest = max(context for _, context in STEP_SIZES) + 2 * STEPS
    has_weights = any(Path(model).glob("*.safetensors"))
    arguments = {
        "model": model,
        "dtype": "float16",
        "load_format": "auto" if has_weights else "dummy",
        "skip_tokenizer_init": True,
        "max_num_seqs": 48,
        "max_model_len": longest,
        "cudagraph_capture_sizes": list(T4X2["cudagraph_capture_sizes"]),
        "enable_prefix_caching": False,
        "gpu_memory_utilization": 0.6,
        "disable_log_stats": True,
        **attention_arguments(attention),
    }
    engine = vllm.LLMEngine.from_engine_args(vllm.EngineArgs(**arguments))
    tokens, gaps = greedy(vllm, engine, prompts_of(model))
    rows: list[Row] = [{"attention": attention, "tokens": tokens, "gaps": gaps}]
    for sequences, context in STEP_SIZES:
        seconds = step_seconds(engine, sequences, context)
        row = {"attention": attention, "sequences": sequences, "context": context}
        rows.append({**row, "milliseconds": round(1000 * seconds, 3)})
        while engine.has_unfinished_requests():
            engine.step()
    if attention == OWN and (fault := fault_of_own(engine)):
        raise RuntimeError(f"The package's attention was not used: {fault}.")
    return rows


def prompts_of(model: str) -> list[list[int]]:
    """Return the dry run's problems as token ids; of a model without tokenizer, ordinary ids."""
    problems = load_problems(ROOT / "common/problems.csv")
    if not (Path(model) / "tokenizer.json").is_file():
        return [[100 + ord(letter) for letter in problem.problem] for problem in problems]
    tokenizer: Any = import_module("transformers").AutoTokenizer.from_pretrained(model)
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": problem.problem}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
        )
        for problem in problems
    ]


def greedy(
    vllm: Any, engine: Any, prompts: Sequence[Sequence[int]]
) -> tuple[list[list[int]], list[list[float]]]:
    """Return each prompt's greedy tokens, and by how much each was likelier than the next best."""
    params = vllm.SamplingParams(
        temperature=0, max_tokens=GREEDY_TOKENS, ignore_eos=True, logprobs=2, detokenize=False
    )
    for number, prompt in enumerate(prompts):
        engine.add_request(f"greedy-{number}", {"prompt_token_ids": list(prompt)}, params)
    finished: dict[str, Any] = {}
    while engine.has_unfinished_requests():
        finished |= {each.request_id: each.outputs[0] for each in engine.step() if each.finished}
    outputs = [finished[f"greedy-{number}"] for number in range(len(prompts))]
    tokens = [list(output.token_ids) for output in outputs]
    return tokens, [[gap_of(place) for place in output.logprobs] for output in outputs]


def gap_of(place: Mapping[int, Any]) -> float:
    """Return the difference of the two best log probabilities at a position."""
    best = sorted((entry.logprob for entry in place.values()), reverse=True)
    return round(best[0] - best[1], 4)


def compared(model: str, theirs: Sequence[Row], own: Sequence[Row]) -> list[Row]:
    """Return a row on the tokens of both attentions, then one a step size.

    Where two greedy texts part, the gap says whether it was a toss-up: the difference of the two
    best log probabilities at that token.
    """
    pairs = list(zip(theirs[0]["tokens"], own[0]["tokens"], theirs[0]["gaps"], strict=True))
    parted = [(first_difference(a, b), gaps) for a, b, gaps in pairs if a != b]
    row = {"model": model, "texts": len(pairs), "equal": len(pairs) - len(parted)}
    rows: list[Row] = [{**row, "gaps_where_parted": [gaps[at] for at, gaps in parted]}]
    for first, second in zip(theirs[1:], own[1:], strict=True):
        ratio = round(first["milliseconds"] / second["milliseconds"], 3)
        times = {"vllm_ms": first["milliseconds"], "own_ms": second["milliseconds"]}
        size = {"sequences": first["sequences"], "context": first["context"]}
        rows.append({"step_of": model, **size, **times, "ratio": ratio})
    return rows


def first_difference(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the first place where two lists differ."""
    return next(at for at, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)


def part(*arguments: str) -> list[Row]:
    """Run a part in a process of its own, since vLLM and what stands for it share their names."""
    print(f"{' '.join(Path(word).name for word in arguments)} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.attention_gpu", *arguments]
    # vLLM's workers and models are looked up in processes of their own.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()])}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith(PREFIX))
    return json.loads(line.removeprefix(PREFIX))


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def installed() -> str:
    """Return the version of the vLLM that is installed, "" if there is none."""
    try:
        return version("vllm").partition("+")[0]
    except PackageNotFoundError:
        return ""


def inside_vllm() -> list[Row]:
    """Return the rows of both models inside vLLM; none where it is not installed."""
    if installed() != VERSION:
        print(f"Not compared inside vLLM: {VERSION} is not installed.", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="numina-7b-") as folder:
        (Path(folder) / "config.json").write_text(json.dumps(NUMINA_7B))
        models = {"NuminaMath-7B, random weights": folder}
        models["embedded model"] = str(embedded_model.ensure())
        return [
            row
            for name, model in models.items()
            for row in compared(name, part("engine", PROVEN, model), part("engine", OWN, model))
        ]


def figures(rows: Sequence[Row]) -> dict[str, float]:
    """Return the figures that others read."""
    timed = [row for row in rows if "shape" in row]
    found = {
        "largest_difference_roundings": max(row["roundings"] for row in rows if "case" in row),
        "own_gb_s": timed[0]["own_gb_s"],
        "vllm_gb_s": timed[0]["vllm_gb_s"],
        "call_ratio": round(geometric_mean(row["ratio"] for row in timed), 2),
    }
    steps = [row for row in rows if "step_of" in row]
    if steps:
        texts = [row for row in rows if "texts" in row]
        found["step_ratio"] = round(geometric_mean(row["ratio"] for row in steps), 3)
        found["texts_equal"] = sum(row["equal"] for row in texts)
        found["texts"] = sum(row["texts"] for row in texts)
    return found


def faults(rows: Sequence[Row]) -> list[str]:
    """Return what is wrong with the GPU kernel here, a sentence each."""
    wrong = [
        f"{row['case']}: {row['roundings']} roundings from float64"
        for row in rows
        if "case" in row
        and not (row["finite"] and row["untouched"] and row["roundings"] <= TOLERANCE)
    ]
    return [f"The GPU kernel is wrong here: {fault}." for fault in wrong]


def main() -> None:
    """Measure, print the figures, write the file; exit 2 where there is no GPU, 1 where wrong."""
    if len(sys.argv) > 1:
        way, *arguments = sys.argv[1:]
        ways = {"correct": correct_rows, "timed": timed_rows, "engine": engine_rows}
        print(PREFIX + json.dumps(ways[way](*arguments)), flush=True)
        os._exit(0)  # vLLM's threads may hang at the end
    if not read_gpus() or not torch.cuda.is_available():
        print("There is no NVIDIA GPU here that torch can use.", file=sys.stderr)
        sys.exit(2)
    try:
        unified_attention_file()
    except SetupError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    rows = [*part("correct"), *part("timed"), *inside_vllm()]
    print_rows(rows)
    found = figures(rows)
    print_figures(found)
    print(f"written to {write_result('attention_gpu', found, rows)}")
    if wrong := faults(rows):
        print("\n".join(wrong), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
