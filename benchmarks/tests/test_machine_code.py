"""Counting machine code: a loop as `cuobjdump -sass` prints it, and the bound that follows."""

import pytest

from benchmarks.machine_code import Loop, MachineCode, main_loop

PRINTED = """
        /*0000*/                   MOV R1, c[0x0][0x28] ;
        /*0010*/                   LDG.E.SYS R2, [R2] ;
        /*0020*/              @!P0 BRA 0x0010 ;
        /*0030*/                   LDG.E.SYS R5, [R6] ;
        /*0040*/                   IMAD.WIDE R6, R5, R4, R6 ;
        /*0050*/                   LDG.E.128.SYS R8, [R6] ;
        /*0060*/                   LDG.E.128.SYS R12, [R6+0x10] ;
        /*0070*/                   HADD2.F32 R20, -RZ, R9.H0_H0 ;
        /*0080*/                   LDG.E.128.SYS R16, [R6+0x20] ;
        /*0090*/                   FFMA R21, R20, R20, R21 ;
        /*00a0*/                   LDS.U.128 R24, [R7] ;
        /*00b0*/                   BAR.SYNC 0x0 ;
        /*00c0*/               @P0 BRA 0x0030 ;
        /*00d0*/                   EXIT ;
"""


def test_the_loop_over_the_context_is_found_and_counted():
    loop = main_loop(PRINTED)
    assert loop.instructions == 10
    assert (loop.counts["FFMA"], loop.counts["LDG"], loop.counts["BAR"]) == (1, 4, 1)
    assert (loop.shared, loop.wide_shared) == (1, 1)
    # Three loads of 16 bytes a thread; the block table is no key. Two before the first is needed.
    assert loop.asked_bytes == 3 * 512
    assert loop.ahead_bytes == 2 * 512


def test_code_without_a_loop_is_refused():
    with pytest.raises(ValueError, match="no loop"):
        main_loop("/*0000*/ EXIT ;")


def made(registers=64, warps=4, shared=0, **loop):
    values = {"instructions": 100, "counts": {}, "wide_shared": 0, "asked_bytes": 0}
    values |= {"ahead_bytes": 1024, **loop}
    return MachineCode(Loop(**values), registers, 0, shared, warps, 16, 8192)


@pytest.mark.parametrize(
    ("values", "blocks"),
    [
        ({}, 8),
        ({"registers": 65}, 7),
        ({"registers": 255}, 2),
        ({"warps": 8}, 4),
        ({"shared": 20_000}, 3),
    ],
)
def test_blocks_a_multiprocessor_holds(values, blocks):
    assert made(**values).blocks_a_sm == blocks


@pytest.mark.parametrize(
    ("counts", "cycles"),
    [({}, 100), ({"FFMA": 80, "FMUL": 10}, 180), ({"MUFU": 30}, 240), ({"LDS": 50}, 200)],
)
def test_the_busiest_pipe_takes_the_time(counts, cycles):
    assert made(counts=counts).loop.cycles() == cycles


def test_the_lowest_rate_is_the_bound():
    assert made().figures()["bound_gb_s"] == 240
    slow = made(ahead_bytes=32)
    assert slow.figures()["bound_gb_s"] == round(slow.rates()["latency"]) < 240
    busy = made(counts={"FFMA": 2000})
    assert busy.figures()["bound_gb_s"] == round(busy.rates()["pipes"]) < 240
