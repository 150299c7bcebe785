"""The kernel's decode attention, compiled for the T4 by the assembler in Triton's wheel."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.attention import ROOT
from common import environment

CODE = """
import json, sys
from benchmarks.attention import Shape, row_of_own
print(json.dumps([row_of_own(Shape("", *sizes)) for sizes in json.loads(sys.argv[1])]))
"""
SIZES = {
    "one query head a KV head": (16, 16, 48, 128),
    "split": (16, 16, 4, 128),
    "seven query heads a KV head": (14, 2, 48, 128),
    "four query heads a KV head": (16, 4, 48, 128),
    "heads of 64": (16, 16, 48, 64),
    "heads of 96": (16, 16, 48, 96),
    "heads of 256": (8, 8, 48, 256),
    "odd blocks": (16, 16, 48, 128, 13),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(environment.triton()), str(ROOT)]),
        "TRITON_CACHE_DIR": str(tmp_path_factory.mktemp("triton")),
    }
    command = [sys.executable, "-c", CODE, json.dumps(list(SIZES.values()))]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(SIZES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", SIZES)
def test_the_loop_has_no_shared_memory_no_barrier_and_no_spills(rows, name):
    row = rows[name]
    assert (row["shared_accesses"], row["barriers"], row["spilled_bytes"]) == (0, 0, 0)
    assert row["registers"] < 255
    # The memory is what limits it, not the instructions.
    assert row["bound_gb_s"] == row["memory_gb_s"]


def test_the_full_batch_of_a_7b_takes_ten_instructions_a_position(rows):
    row = rows["one query head a KV head"]
    assert row["instructions_a_position"] <= 10
    assert row["registers"] <= 64
