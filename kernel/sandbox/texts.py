"""The sentences that a limit puts behind a block's output, for the model to act on.

Covers: one line for each way a block can end other than by itself. Does not cover: the program's
own output and traceback (`sandbox/output`, `sandbox/source`).
"""

import signal

from kernel.records import ExecutionStatus

GONE = "The session was ended: its variables, functions and imports are gone."
LOST = "Note: the session was started anew; what earlier blocks defined and imported is gone."
STRAYS = "Threads that were still running were stopped, and the session with them."
MACHINE_SHORT = "All sessions together took too much memory, this one most."
NOT_STARTED = "SandboxError: the code could not be run, for a reason that is not its own."
SUPERVISOR_LOST = "SandboxError: the process that ran the code was lost before the code ended."
FORGED = "SandboxError: the code wrote where only the sandbox may write, and was killed."
REFUSED = "SandboxError: not run, because earlier blocks broke the limits too often."


def limit_text(status: ExecutionStatus, seconds: float, memory_mib: int) -> str:
    """Say which limit was reached, and what it is."""
    return {
        ExecutionStatus.TIMED_OUT: f"TimeoutError: the code ran longer than {seconds:g} seconds.",
        ExecutionStatus.CPU_LIMIT: "TimeoutError: the code used too much CPU time.",
        ExecutionStatus.MEMORY_LIMIT: f"MemoryError: the code may use at most {memory_mib} MiB.",
        ExecutionStatus.PROCESS_LIMIT: "Processes may not be started here, and few threads.",
        ExecutionStatus.OUTPUT_LIMIT: "OutputError: the code printed too much and was stopped.",
        ExecutionStatus.FILE_LIMIT: "The code may not write large files or keep many open.",
    }.get(status, "")


def exit_text(status: int) -> str:
    """Say how a process ended that nobody had asked to, from its `waitpid` status as exit code."""
    if status >= 0:
        return f"SystemExit: the code ended the interpreter with status {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (most likely out of memory)" if name == "SIGKILL" else ""
    hint = " (too deep a recursion, or a fault in a C library)" if name == "SIGSEGV" else hint
    return f"Crash: the interpreter was killed by {name}{hint}."
