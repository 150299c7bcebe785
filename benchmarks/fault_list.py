"""Every known way to break a run of fifty problems.

Above 300 lines because of their number: one list, in which every row says what it breaks.

Covers: what is broken, how often, and the settings of the run that it happens to. Does not cover:
making the runs and counting their answers (`faults`).
"""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.environment import triton
from kernel.tests.fault_runs import CODED, FAKE, ROOT, FaultRun, broken

ENGINE, SUPERVISOR = "kernel.engine.process", "kernel.sandbox.supervisor"
JUMPS = """
import itertools, time
real, jumps = time.time, itertools.cycle([0, 7200, -36000, 86400])
time.time = lambda: real() + next(jumps)
"""
HARD = [
    "",
    " ",
    "x" * 100_000,
    "∑ₙ \x01\x1b[31m \u202e",
    "```output\n5\n```",
    r"\boxed{3}",
    "<|end|>",
    "```python\nexit()\n```",
    "long " * 20_000,
    "0" * 5000,
]


@dataclass
class Fault:
    """One way to break a run."""

    name: str
    runs: int = 2
    injected: int = 0
    """Injections per run, where neither its plan nor its output says."""
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    """For the FaultRun."""
    disturb: Callable[[FaultRun], None] | None = None
    """Called once it has started."""
    spoil: Callable[[FaultRun], None] | None = None
    """Called before it starts."""
    mount: str = ""
    """Options of the disk that the working folder is put on."""


def plan(*words: str) -> dict[str, Any]:
    """Return values for a run whose engine starts as its plan says."""
    return {"plan": words}


def raising(where: str, error: str = "ValueError('bug')", every: int = 7, **values: Any) -> Fault:
    """Return a fault that raises inside a module now and then."""
    module, _, name = where.partition(":")
    asked = f", AIMO-{values['api'][-1]}" if "api" in values else ""
    asked += ", scored" if values.get("env") is RERUN else ""
    kind = error.partition("(")[0]
    return Fault(
        f"{kind} in {where.replace(':', '.')}{asked}",
        1,
        values={"prelude": broken(module, name, error, every), **values},
    )


def signalled(module: str, number: int, times: int) -> Callable[[FaultRun], None]:
    """Return what sends a signal to one of the kernel's processes after some problems each."""

    def disturb(run: FaultRun) -> None:
        for turn in range(times):
            kind = "execution" if module == SUPERVISOR else "solution"
            seen = len(run.events(kind))
            run.until(seen + 5 + turn, kind)
            os.kill(run.child(module), number)
            run.until(len(run.events("solution")) + 1)

    return disturb


def caches_dropped(run: FaultRun) -> None:
    """Take the operating system's directory caches back while sessions are open."""
    for turn in range(CACHE_DROPS):
        run.until(5 * (turn + 1), "execution")
        Path("/proc/sys/vm/drop_caches").write_text("2")


def stopped_at_start(run: FaultRun) -> None:
    """Stop the supervisor before it has started."""
    os.kill(run.child(SUPERVISOR), signal.SIGSTOP)


def cut_off(run: FaultRun) -> None:
    """Take the end of the model's weights away."""
    weights = run.folder / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])


def unknown_to_a_cpu(run: FaultRun) -> None:
    """Make the model one that no CPU runs."""
    config = {"quantization_config": {"quant_method": "mxfp4"}}
    (run.folder / "model/config.json").write_text(json.dumps(config))


def killed(run: FaultRun) -> None:
    """Kill the kernel at problem 30 and start it again in the same folder."""
    run.until(30)
    run.stop()
    run.start()


CACHE_DROPS = 5


def attending(change: Callable[[str], str], patience: float) -> Callable[[FaultRun], None]:
    """Return what has a run use a copy of the kernel whose attention's file is changed.

    Its trial may take so many seconds: Triton's interpreter runs there, not a GPU.
    """

    def spoil(run: FaultRun) -> None:
        copy = run.folder / "copy/kernel"
        shutil.copytree(ROOT / "kernel", copy, ignore=shutil.ignore_patterns("tests"))
        replaced(copy / "engine/attention.py", change)
        replaced(copy / "engine/probe.py", once("OWN: 90", f"OWN: {patience}"))
        paths = (copy.parent, FAKE, ROOT / "notebooks/mock" / run.api, triton())
        run.env = {**run.env, "PYTHONPATH": os.pathsep.join(map(str, paths))}

    return spoil


def replaced(path: Path, change: Callable[[str], str]) -> None:
    """Change a file's text; a change that finds nothing to change is a mistake here."""
    before = path.read_text("utf-8")
    after = change(before)
    assert after != before, f"{path.name} is another than this fault was made for"
    path.write_text(after, "utf-8")


def once(old: str, new: str) -> Callable[[str], str]:
    """Return what changes the first place at which a text reads so."""
    return lambda text: text.replace(old, new, 1)


def on_own_attention(
    what: str, change: Callable[[str], str], injected: int = 0, patience: int = 400
) -> Fault:
    """Return a fault in the package's own attention, on fake T4s."""
    spoil = attending(change, patience)
    return Fault(f"own attention {what}", 1, injected, {**ON_T4S}, spoil=spoil)


def at_its_start(code: str, calls: int = 0) -> Callable[[str], str]:
    """Return what puts code at the start of the attention's function, for calls after so many."""
    begin = "    sequences, heads, head = lengths.shape[0]"
    lines = (
        "import os, sys, time",
        "attend.calls = getattr(attend, 'calls', 0) + 1",
        f"if attend.calls > {calls}:",
        "    print('INJECTED', file=sys.stderr, flush=True)",
        f"    {code}",
    )
    more = "".join(f"    {line}\n" for line in lines)
    return once(begin, more + begin)


SLOW_STEPS = {"env": {"FAKE_VLLM_PAUSE": "0.01"}}
CODING = {"text": CODED, "env": {"FAKE_VLLM_PAUSE": "0.002"}}
RERUN = {"KAGGLE_IS_COMPETITION_RERUN": "1"}
HANGS_AT_START = {"engine_start_seconds": 12}
UNDYING = """```python
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException: pass
```
```output"""
SHORT = {"limit_seconds": 45, "reserve_seconds": 5}
ON_T4S = {
    "env": {"FAKE_GPUS": "2", "TRITON_INTERPRET": "1"},
    # Triton's interpreter takes the place of the GPUs, and its time.
    "settings": {"limit_seconds": 900, "engine_step_seconds": 20},
}
"""A run on fake T4s, whose start tries the package's own attention."""
ITS_TRIAL = 150
"""Calls of the attention in its trial, and more."""

ENGINE_FAULTS = (
    Fault("engine raises at start", values=plan("fail-start", "ok")),
    Fault("engine killed at start", values=plan("kill-start", "ok")),
    Fault(
        "engine hangs at start",
        values={**plan("hang-start", "ok"), "settings": HANGS_AT_START},
    ),
    Fault("engine out of memory at start", values=plan("memory-start", "ok")),
    Fault("engine raises in a step", values=plan("fail-step", "ok")),
    Fault("engine killed in a step", values=plan("kill-step", "ok")),
    Fault("engine hangs in a step", values=plan("hang-step", "ok")),
    Fault("engine out of memory in a step", values=plan("memory-step", "ok")),
    Fault(
        "engine raises, and at two restarts",
        values=plan("fail-step", "fail-start", "fail-step", "ok"),
    ),
    Fault(
        "engine killed, and at two restarts",
        values=plan("kill-step", "kill-start", "kill-step", "ok"),
    ),
    Fault(
        "engine hangs, and at two restarts",
        values={**plan("hang-step", "hang-start", "hang-step", "ok"), "settings": HANGS_AT_START},
    ),
    Fault(
        "engine out of memory, and at two restarts",
        values=plan("memory-step", "memory-start", "memory-step", "ok"),
    ),
    Fault(
        "engine never comes back",
        values=plan("kill-step", "fail-start", "memory-start", "kill-start"),
    ),
    Fault("engine killed from outside", 2, 3, {**SLOW_STEPS}, signalled(ENGINE, signal.SIGKILL, 3)),
    Fault(
        "engine stopped from outside", 2, 2, {**SLOW_STEPS}, signalled(ENGINE, signal.SIGSTOP, 2)
    ),
)
SANDBOX_FAULTS = (
    Fault("supervisor killed", 2, 2, {**CODING}, signalled(SUPERVISOR, signal.SIGKILL, 2)),
    Fault("supervisor stopped", 2, 2, {**CODING}, signalled(SUPERVISOR, signal.SIGSTOP, 2)),
    Fault(
        "supervisor hangs at start",
        2,
        1,
        {**CODING, "settings": {"sandbox_start_seconds": 20}},
        stopped_at_start,
    ),
    Fault(
        "directory caches dropped under open sessions",
        2,
        CACHE_DROPS,
        {**CODING},
        caches_dropped,
    ),
    Fault(
        "sessions that will not die",
        1,
        50,
        {"text": UNDYING, "settings": {"candidates": 2, "rounds": 1, "code_seconds": 0.2}},
    ),
)
ERRORS = (
    raising("prompt:fitting_ids"),
    raising("answers.extraction:extract_answer"),
    raising("voting:decided"),
    raising("voting:conclude", "RuntimeError('bug')"),
    raising("trace:Trace.write", every=43),
    raising("trace:Trace._append", "OSError(5, 'bug')"),
    raising("report:write_json"),
    raising("prompt:fitting_ids", "SystemExit(1)"),
    raising("prompt:fitting_ids", "SystemExit(1)", api="aimo2"),
    raising("prompt:fitting_ids", "SystemExit(1)", api="aimo3"),
    raising("sc_tir:after_generation", "KeyboardInterrupt()", 23),
    raising("sc_tir:after_generation", "KeyboardInterrupt()", 23, api="aimo2"),
    raising("sc_tir:after_generation", "KeyboardInterrupt()", 23, api="aimo3"),
)
ATTENTION_FAULTS = (
    on_own_attention("has a syntax error", once("def attend(", "def attend(("), 1),
    on_own_attention("has wrong numbers", once("scale * LOG2E,", "scale,"), 1),
    on_own_attention("crashes", at_its_start("os.abort()")),
    on_own_attention("hangs", at_its_start("time.sleep(10_000)"), patience=91),
    on_own_attention("crashes once it was taken", at_its_start("os.abort()", ITS_TRIAL)),
)
SURROUNDINGS = (
    Fault(
        "disk full from problem 3 on",
        2,
        1,
        {"problems": ["y" * 20_000] * 50},
        mount="size=256k",
    ),
    Fault("working folder full", 2, 1, mount="size=16k"),
    Fault("working folder read-only", 2, 1, mount="ro"),
    Fault("clock jumps by hours", 2, 50, {"prelude": JUMPS}),
    Fault("kernel killed at problem 30", 2, 1, {**SLOW_STEPS}, killed),
    Fault("problems that break naive code", 1, 50, {"problems": HARD * 5}),
    Fault("the same, AIMO-3", 1, 50, {"problems": (HARD[2:] * 7)[:50], "api": "aimo3"}),
)
TIMES = (
    Fault(
        "model loads slowly, AIMO-3",
        values={**plan("slow-start"), "api": "aimo3", "env": {"FAKE_VLLM_SLOW": "20"}},
    ),
    Fault("engine far too slow", 1, 50, {"env": {"FAKE_VLLM_PAUSE": "2"}, "settings": SHORT}),
    Fault(
        "model never ready in time",
        values={**plan("slow-start"), "env": {"FAKE_VLLM_SLOW": "500"}, "settings": SHORT},
    ),
)
SCORED = (
    Fault("tokenizer missing, scored", 2, 1, {"env": {**RERUN, "FAKE_TOKENIZER": "broken"}}),
    Fault("no model, scored", 2, 1, {"env": RERUN, "settings": {"model": "/nowhere"}}),
    Fault("weights cut off, scored", 2, 1, {"env": RERUN}, spoil=cut_off),
    Fault("format that the machine lacks, scored", 2, 1, {"env": RERUN}, spoil=unknown_to_a_cpu),
    raising("checks.preflight:weights_fault", every=1, env=RERUN),
    Fault(
        "bad settings, scored",
        2,
        3,
        {"env": RERUN, "settings": {"candidates": 0, "tempature": 1, "reserve_seconds": 1000}},
    ),
)
FAULTS = (
    *ENGINE_FAULTS,
    *ATTENTION_FAULTS,
    *SANDBOX_FAULTS,
    *ERRORS,
    *SURROUNDINGS,
    *TIMES,
    *SCORED,
)
