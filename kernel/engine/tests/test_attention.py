"""The decode kernel in Triton's interpreter, which needs no GPU, beside the same in float64."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from common import environment
from kernel.engine.tests.attention_cases import Case

ROOT = Path(__file__).resolve().parents[3]
LENGTHS = (1, 15, 16, 17, 100)
CASES = {
    **{f"head {size}": Case(LENGTHS, head=size) for size in (64, 96, 128, 256)},
    **{f"head {size}, bfloat16": Case(LENGTHS, head=size, dtype="bfloat16") for size in (64, 96)},
    **{f"group {group}": Case((1, 40), group=group) for group in range(1, 9)},
    **{f"blocks of {block}": Case(LENGTHS, block=block) for block in (1, 3, 17, 32, 128)},
    **{f"{n} segments": Case((1, 9, 300), kv_heads=2, segments=n) for n in (2, 8, 16)},
    "grouped and split": Case((1, 77, 130), 2, 7, 128, segments=16),
    "grouped, split, odd blocks": Case((5, 60), 2, 5, 96, 13, 4, "bfloat16"),
    "5,000 tokens": Case((5000,), head=128),
    "5,000 tokens, split": Case((5000, 1), head=128, segments=16),
    "extreme logits": Case(LENGTHS, spread=1000.0),
    "extreme logits, split": Case(LENGTHS, spread=1000.0, segments=8),
    "extreme logits, bfloat16": Case(LENGTHS, spread=1e6, dtype="bfloat16"),
    "values near float16's largest": Case((1, 50, 500), value=60000.0),
    "no logits at all": Case(LENGTHS, spread=0.0),
    "a padded batch": Case((20, 3), padding=3),
    "a padded batch, split": Case((20, 3), padding=3, segments=4),
    "heads apart": Case((33,), 2, 4, heads_apart=True),
}


def with_triton(*command, **variables):
    """Run Python with Triton on its path; return what it printed."""
    path = os.pathsep.join([str(environment.triton()), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **variables}
    done = subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def outcomes():
    given = json.dumps([asdict(case) for case in CASES.values()])
    printed = with_triton("-m", "kernel.engine.tests.attention_cases", given, TRITON_INTERPRET="1")
    return dict(zip(CASES, json.loads(printed), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_kernel_equals_float64_to_the_last_digit(outcomes, name):
    found = outcomes[name]
    assert found["finite"]
    # Half a unit is the rounding of the output itself; sums in float32 add next to nothing.
    assert found["difference"] <= 0.6 * found["rounding"] + 1e-6
    assert found["untouched"]
