"""The CPU's number type follows its instruction sets, whatever the machine."""

import os

import pytest

from kernel.engine.cpu import read_cpu

CPUINFO = """processor\t: 0
model name\t: {name}
flags\t\t: fpu sse2 {flags}

processor\t: 1
model name\t: {name}
flags\t\t: fpu sse2 {flags}
"""


@pytest.mark.parametrize(
    ("flags", "dtype", "shown"),
    [
        ("avx2 avx512f avx512_bf16 amx_bf16", "bfloat16", "amx_bf16 avx512_bf16 avx512f avx2"),
        ("avx2 avx512f avx512_bf16", "bfloat16", "avx512_bf16 avx512f avx2"),
        # AVX-512 of the first kind has no instructions for bfloat16.
        ("avx2 avx512f", "float32", "avx512f avx2"),
        ("avx2", "float32", "avx2"),
        ("", "float32", "no vector instructions known"),
        # A part of a longer name is not the flag.
        ("avx512_bf16x", "float32", "no vector instructions known"),
    ],
)
def test_the_type_follows_the_flags(tmp_path, flags, dtype, shown):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO.format(name="Some CPU @ 2 GHz", flags=flags))
    cpu = read_cpu(path)
    assert (cpu.name, cpu.dtype, cpu.instructions) == ("Some CPU @ 2 GHz", dtype, shown)
    assert cpu.cores == len(os.sched_getaffinity(0))
    assert shown in str(cpu)


def test_arm_names_its_flags_differently(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert read_cpu(path).instructions == "asimd"


def test_a_machine_that_tells_nothing_computes_in_float32(tmp_path):
    assert read_cpu(tmp_path / "nowhere").dtype == "float32"
