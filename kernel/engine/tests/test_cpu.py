"""The CPU's number type follows its instruction sets, whatever the machine."""

import os

import pytest

from kernel.engine import cpu as processor
from kernel.engine.cpu import free_cores, read_cpu

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


def free(monkeypatch, *idle_shares):
    """Return the free cores of a machine whose cores have slept these shares of the look."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(len(idle_shares))))
    before = dict.fromkeys(range(8), (1000, 5000))
    after = dict.fromkeys(range(8), (1000, 5050))
    after |= {core: (1000 + round(50 * share), 5050) for core, share in enumerate(idle_shares)}
    looks = iter((before, after))
    monkeypatch.setattr(processor, "_times", lambda: next(looks))
    return free_cores(look_seconds=0)


@pytest.mark.parametrize(
    ("idle_shares", "cores"),
    [((1, 1), 2), ((1, 0.1), 1), ((0, 0), 1), ((0.9, 0.8, 0.2, 0.95), 3), ((0.65, 0.65), 1)],
)
def test_a_busy_core_gets_no_thread(monkeypatch, idle_shares, cores):
    assert free(monkeypatch, *idle_shares) == cores


def test_a_machine_that_does_not_say_gets_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(processor, "_times", dict)
    assert free_cores(look_seconds=0) == 1


@pytest.mark.parametrize(("value", "cores"), [("3", 3), ("0", 1), ("4,2", 1)])
def test_the_users_own_threads_win(monkeypatch, value, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert free_cores() == cores


def test_this_machine_says_how_busy_it_is():
    assert set(range(len(os.sched_getaffinity(0)))) <= processor._times().keys()
