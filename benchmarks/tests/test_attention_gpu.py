"""The comparison on a GPU, as far as none is needed."""

import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from benchmarks import attention_gpu
from benchmarks.attention_gpu import ROOT, SHAPES, compared, faults, figures, gap_of, prompts_of
from benchmarks.attention_page import measured
from benchmarks.result import FOLDER, read_result
from common import embedded_model
from common.problems import load_problems

CASE = {"case": "head 64", "roundings": 0.4, "finite": True, "untouched": True}
CALLS = [
    {"shape": "a", "sequences": 48, "context": 700, "own_gb_s": 20, "vllm_gb_s": 5, "ratio": 4.0},
    {"shape": "a", "sequences": 1, "context": 1500, "own_gb_s": 5, "vllm_gb_s": 5, "ratio": 1.0},
]


def engine(attention, tokens, milliseconds):
    """Return what the part of one attention prints: its texts, then a step."""
    gaps = [[0.5, 0.01, 2.0]] * len(tokens)
    step = {"sequences": 48, "context": 700, "milliseconds": milliseconds}
    return [{"tokens": tokens, "gaps": gaps}, {"attention": attention, **step}]


@pytest.fixture
def inside():
    theirs = engine("theirs", [[1, 2, 3], [4, 5, 6]], 3.0)
    return compared("a model", theirs, engine("own", [[1, 2, 3], [4, 7, 6]], 2.0))


def test_texts_that_part_are_shown_with_how_close_the_choice_was(inside):
    assert inside[0] == {"model": "a model", "texts": 2, "equal": 1, "gaps_where_parted": [0.01]}


def test_steps_are_compared_size_by_size(inside):
    (step,) = inside[1:]
    assert (step["vllm_ms"], step["own_ms"], step["ratio"]) == (3.0, 2.0, 1.5)


def test_the_figures_are_of_all_rows(inside):
    found = figures([CASE, {**CASE, "roundings": 0.2}, *CALLS, *inside])
    assert found == {
        "largest_difference_roundings": 0.4,
        "own_gb_s": 20,
        "vllm_gb_s": 5,
        "call_ratio": 2.0,
        "step_ratio": 1.5,
        "texts_equal": 1,
        "texts": 2,
    }
    assert "texts" not in figures([CASE, *CALLS])


@pytest.mark.parametrize(
    "wrong", [{"finite": False}, {"untouched": False}, {"roundings": 4.1}, {"roundings": 1e9}]
)
def test_a_wrong_kernel_is_a_fault(wrong):
    assert faults([CASE]) == []
    (fault,) = faults([CASE, {**CASE, **wrong}])
    assert fault.startswith("The GPU kernel is wrong here: head 64")


def test_the_gap_is_between_the_two_best():
    class Entry:
        def __init__(self, logprob):
            self.logprob = logprob

    assert gap_of({7: Entry(-2.0), 9: Entry(-0.5), 1: Entry(-3.0)}) == 1.5


def test_bytes_are_those_of_keys_and_values():
    whole, half = SHAPES[:2]
    assert whole.kv_bytes(48, 700) == 2 * half.kv_bytes(48, 700) == 48 * 700 * 2 * 32 * 128 * 2


def test_prompts_are_the_dry_runs_with_and_without_a_tokenizer(tmp_path):
    texts = [problem.problem for problem in load_problems(ROOT / "common/problems.csv")]
    assert [len(ids) for ids in prompts_of(str(tmp_path))] == [len(text) for text in texts]
    model = str(embedded_model.ensure())
    tokenizer = AutoTokenizer.from_pretrained(model)
    written = [tokenizer.decode(ids) for ids in prompts_of(model)]
    assert all(text in whole for text, whole in zip(texts, written, strict=True))


def test_without_a_gpu_it_says_so(tmp_path):
    if attention_gpu.read_gpus():
        pytest.skip("there is a GPU")
    command = [sys.executable, "-m", "benchmarks.attention_gpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no NVIDIA GPU here that torch can use.\n"


def test_the_page_has_a_row_for_each_shape():
    page = measured(read_result(FOLDER / "attention_gpu.json"))
    assert [line.split(" | ")[0][2:] for line in page.splitlines() if line.startswith("| ")] == [
        "heads of",
        *(shape.model for shape in SHAPES),
    ]
    assert "greedy texts are the same" in page
