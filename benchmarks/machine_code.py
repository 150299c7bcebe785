"""A Triton GPU kernel's machine code for the T4, without a T4: compiled, disassembled, and counted.

Covers: the arguments that a launch would have, compiling for sm_75 with the assembler in Triton's
wheel, the instructions of the loop over the context, registers and spills, and a bound on the rate
at which keys and values can be read. Does not cover: running anything.

The bound is the lowest of three rates, each of which a T4 cannot exceed:
  memory     what its DRAM gives out: 320 GB/s by data sheet, of which microbenchmarks reach 240
  pipes      an SM has four schedulers of one instruction a cycle each; a warp takes a pipe for
             `PIPE_CYCLES`. A loop's cycles are those of its busiest pipe
  latency    bytes in flight on an SM over the time that DRAM takes to answer (Little's law); what a
             block of threads has in flight is what its loop asks for before it uses any of it
It says what is impossible, not what will be reached: waiting at barriers, conflicts in shared
memory and clocks lowered by heat are not in it (vLLM's GPU kernel was seen far below its bound on
T4s). Rates are for a clock of 1,110 MHz, between the T4's base (585) and boost (1,590). Pipe
widths: NVIDIA's Turing white paper and Jia and others, "Dissecting the NVidia Turing T4 GPU via
Microbenchmarking" (2019).
"""

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

SMS, CLOCK_HZ, MEMORY_GB_S = 40, 1.11e9, 240.0
LATENCY_SECONDS = 0.65e-6
"""DRAM's answer on a busy card."""
REGISTERS, WARPS_A_SM, SHARED_A_SM = 65536, 32, 65536
PIPE_CYCLES = {
    "float": (2, "FFMA FMUL FADD IMAD"),
    "integer": (2, "IADD3 LEA LOP3 SHF MOV SEL ISETP FSETP FMNMX PRMT IMNMX PLOP3 CS2R"),
    "half": (2, "HADD2 HMUL2 HFMA2"),
    "special": (8, "MUFU F2F I2F F2I"),
    "memory": (4, "LDG STG SHFL LDS STS LDL STL"),
    "wide shared": (12, "LDS.128"),  # beside the four of "memory": 512 bytes at 32 a cycle
}
"""Cycles for which a warp's instruction takes its pipe, of one of the four schedulers."""
LINE = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+ )?([A-Z0-9_.]+)([^;]*);")


@dataclass(frozen=True)
class Loop:
    """The loop over the context, as one warp executes it for one tile."""

    instructions: int
    counts: Mapping[str, int]
    """By mnemonic, without what follows the first dot."""
    wide_shared: int
    """Of the shared-memory reads those of 16 bytes a thread."""
    asked_bytes: int
    """What a warp asks the memory for in one pass."""
    ahead_bytes: int
    """Of that, what it asks for before it uses any."""

    @property
    def shared(self) -> int:
        """Accesses to shared memory."""
        return self.counts.get("LDS", 0) + self.counts.get("STS", 0)

    def cycles(self) -> float:
        """Return the cycles of one scheduler that a warp takes for one pass."""
        busy = [float(self.instructions)]
        for name, (cycles, mnemonics) in PIPE_CYCLES.items():
            members = (self.counts.get(mnemonic, 0) for mnemonic in mnemonics.split())
            busy.append(cycles * (self.wide_shared if name == "wide shared" else sum(members)))
        busy[-2:] = [busy[-2] + busy[-1]]  # wide reads hold the memory pipe for longer
        return max(busy)


@dataclass(frozen=True)
class MachineCode:
    """A kernel compiled for the T4."""

    loop: Loop
    registers: int
    spilled_bytes: int
    shared_bytes: int
    warps: int
    tile: int
    """Positions of the context in one pass."""
    useful_bytes: int
    """Keys and values of one pass."""

    @property
    def blocks_a_sm(self) -> int:
        """Blocks of threads that an SM holds at once."""
        each = -(-self.registers // 8) * 8 * 32 * self.warps
        fitting = [REGISTERS // each, WARPS_A_SM // self.warps, 16]
        if self.shared_bytes:
            fitting.append(SHARED_A_SM // self.shared_bytes)
        return min(fitting)

    def rates(self) -> dict[str, float]:
        """Return the three rates in GB/s, see the module."""
        # A block's warps lie on different schedulers, four at a time.
        cycles = self.loop.cycles() * self.warps / 4
        flying = self.blocks_a_sm * self.warps * self.loop.ahead_bytes
        return {
            "memory": MEMORY_GB_S,
            "pipes": self.useful_bytes / cycles * SMS * CLOCK_HZ / 1e9,
            "latency": flying / LATENCY_SECONDS * SMS / 1e9,
        }

    def figures(self) -> dict[str, Any]:
        """Return what is worth showing."""
        counts, rates = self.loop.counts, self.rates()
        return {
            "positions_a_tile": self.tile,
            "instructions_a_tile": self.loop.instructions,
            "instructions_a_position": round(self.loop.instructions / self.tile, 1),
            "ffma": counts.get("FFMA", 0),
            "shared_accesses": self.loop.shared,
            "barriers": counts.get("BAR", 0),
            "registers": self.registers,
            "spilled_bytes": self.spilled_bytes,
            "blocks_a_sm": self.blocks_a_sm,
            "bytes_in_flight_a_sm": self.blocks_a_sm * self.warps * self.loop.ahead_bytes,
            **{f"{name}_gb_s": round(rate) for name, rate in rates.items()},
            "bound_gb_s": round(min(rates.values())),
        }


class Launches:
    """Takes the place of a kernel: remembers what it is launched with."""

    def __init__(self) -> None:
        self.arguments: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __getitem__(self, grid: object) -> Callable[..., None]:
        """Take a grid, as a kernel does."""
        return lambda *args, **kwargs: self.arguments.append((args, kwargs))


def launched_with(module: ModuleType, kernel: str, call: Callable[[], None]) -> dict[str, Any]:
    """Return the arguments, by name, of the one launch of a module's kernel in a call."""
    whole, launches = getattr(module, kernel), Launches()
    setattr(module, kernel, launches)
    try:
        call()
    finally:
        setattr(module, kernel, whole)
    ((args, kwargs),) = launches.arguments
    return {**dict(zip(whole.arg_names, args, strict=False)), **kwargs}


def compiled(kernel: Any, arguments: Mapping[str, Any], tile: int, useful: int) -> MachineCode:
    """Compile a kernel for the T4 as a launch with these arguments would.

    Args:
        kernel: the decorated function.
        arguments: of the launch.
        tile: positions of the context in one pass of its loop.
        useful: bytes of keys and values in one.
    """
    # Laid over this environment by `common.environment.triton`, see there.
    triton = import_module("triton")
    target = import_module("triton.backends.compiler").GPUTarget("cuda", 75, 32)
    warps = arguments.get("num_warps", 4)
    source = import_module("triton.compiler").ASTSource(kernel, *_specialized(kernel, arguments))
    made = triton.compile(source, target=target, options={"num_warps": warps})
    tools = Path(str(triton.__file__)).parent / "backends/nvidia/bin"
    printed, usage = _taken_apart(made.asm["cubin"], tools / "cuobjdump")
    found = {name: int(n) for name, n in re.findall(r"(REG|STACK|LOCAL):(\d+)", usage)}
    spilled = found["STACK"] + found["LOCAL"]
    shared = int(made.metadata.shared)
    return MachineCode(main_loop(printed), found["REG"], spilled, shared, warps, tile, useful)


def _taken_apart(code: bytes, tool: Path) -> tuple[str, str]:
    """Return what `cuobjdump` prints of compiled code: its instructions, and what it uses."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(code)
        file.flush()
        asked = ([tool, option, file.name] for option in ("-sass", "-res-usage"))
        done = [subprocess.run(a, capture_output=True, text=True, check=True) for a in asked]
    printed, usage = (each.stdout + each.stderr for each in done)
    return printed, usage


def _specialized(
    kernel: Any, arguments: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any], dict[tuple[int], Any]]:
    """Return types, constants and alignments as Triton takes them from a launch's arguments."""
    import torch

    kinds = {"float16": "*fp16", "bfloat16": "*bf16", "float32": "*fp32", "int32": "*i32"}
    signature: dict[str, str] = {}
    constants: dict[str, Any] = {}
    aligned: dict[tuple[int], Any] = {}
    for index, parameter in enumerate(kernel.params):
        name, value = parameter.name, arguments.get(parameter.name, parameter.default)
        if parameter.is_constexpr or value is None or (isinstance(value, int) and value == 1):
            signature[name], constants[name] = "constexpr", value
            continue
        if isinstance(value, torch.Tensor):
            signature[name] = kinds[str(value.dtype).removeprefix("torch.")]
        elif isinstance(value, float):
            signature[name] = "fp32"
        else:
            signature[name] = "i64" if "int64" in str(parameter.annotation) else "i32"
        if signature[name] != "fp32" and (signature[name][0] == "*" or value % 16 == 0):
            aligned[(index,)] = [["tt.divisibility", 16]]
    return signature, constants, aligned


def main_loop(printed: str) -> Loop:
    """Return the loop that reads most from memory, out of `cuobjdump -sass`."""
    code = [(int(m[1], 16), m[2], m[3]) for m in LINE.finditer(printed)]
    loops: list[list[tuple[int, str, str]]] = []
    for address, mnemonic, rest in code:
        target = re.search(r"0x([0-9a-f]+)", rest)
        if mnemonic.startswith("BRA") and target and int(target[1], 16) < address:
            loops.append([line for line in code if int(target[1], 16) <= line[0] <= address])
    if not loops:
        raise ValueError("the kernel has no loop")
    body = max(loops, key=lambda body: sum(_asked(mnemonic) for _, mnemonic, _ in body))
    names = [mnemonic for _, mnemonic, _ in body]
    return Loop(
        len(body),
        Counter(name.partition(".")[0] for name in names),
        sum(name.startswith("LDS") and ".128" in name for name in names),
        sum(map(_asked, names)),
        _ahead(body),
    )


def _asked(mnemonic: str) -> int:
    """Return the bytes that a warp's load asks for; looks at the block table do not count."""
    if not mnemonic.startswith("LDG"):
        return 0
    size = next((n for part, n in ((".128", 16), (".64", 8), (".U16", 2)) if part in mnemonic), 0)
    return 32 * size


def _ahead(body: Sequence[tuple[int, str, str]]) -> int:
    """Return the bytes asked for before the first instruction that needs any of them."""
    asked = 0
    loaded: set[str] = set()
    for _, mnemonic, rest in body:
        registers = re.findall(r"\bR(\d+)", rest)
        if loaded & set(registers):
            return asked
        if size := _asked(mnemonic):
            asked += size
            loaded |= {str(int(registers[0]) + n) for n in range(max(1, size // 128))}
    return asked
