"""What a block printed, followed by a sentence where a limit ended it, as text for the model.

Covers: one line for each way a block can end other than by itself; bounded memory however much is
written; keeping head and tail and marking the cut; decoding any bytes; making terminal escapes and
control characters harmless; keeping a fence that the program prints from closing the output block.
Does not cover: telling the program's own text from the traceback that the interpreter in the
session added to it (both come through the same pipe).
"""

import codecs
import re
import signal

from kernel.records import ExecutionStatus

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""ECMA-48 control sequences, operating-system commands and two-character escapes."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_FENCE = re.compile(r"`{3,}")

NOTHING_PRINTED = "[no output: use print() to see a value]"
GONE = "The session was ended: its variables, functions and imports are gone."
LOST = "Note: the session was started anew; what earlier blocks defined and imported is gone."
STRAYS = "Threads that were still running were stopped, and the session with them."
MACHINE_SHORT = "All sessions together took too much memory, this one most."
DISK_SHORT = "All sessions together filled the disk, this one most."
NOT_STARTED = "SandboxError: the code could not be run, for a reason that is not its own."
SUPERVISOR_LOST = "SandboxError: the process that ran the code was lost before the code ended."
FORGED = "SandboxError: the code wrote where only the sandbox may write, and was killed."
BROKEN = "SandboxError: the code changed the interpreter so that no further block could run."
LIMITED = "The code lowered a limit of its own process for good, and so ended its session."
REFUSED = "SandboxError: not run, because earlier blocks broke the limits too often."


class Transcript:
    """Collects the bytes of one block.

    Args:
        limit: Most characters of the text; the same number is kept of head and of tail.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = ""
        self._tail = ""
        self._dropped = 0
        self.bytes = 0
        """Written so far."""

    def feed(self, data: bytes) -> None:
        """Take what the program wrote next."""
        self.bytes += len(data)
        self._keep(self._decoder.decode(data))

    def text(self, *notes: str) -> str:
        """Return the whole text, at most `limit` characters, `notes` (one a line) at its end.

        The notes are never cut unless they alone are longer than the limit.
        """
        self._keep(self._decoder.decode(b"", final=True))
        ending = "\n".join(note for note in notes if note)
        head, tail = clean(self._head), clean(self._tail).rstrip()
        if not self._dropped:
            head, tail = (head + tail).rstrip(), ""
        room = max(0, self._limit - len(ending) - 1) if ending else self._limit
        body = _cut(head, tail, self._dropped, room)
        return "\n".join(part for part in (body, ending) if part)[: self._limit]

    def _keep(self, text: str) -> None:
        """Fill the head first; of the rest keep the last characters."""
        room = self._limit - len(self._head)
        self._head += text[:room]
        tail = self._tail + text[room:]
        over = max(0, len(tail) - self._limit)
        self._dropped += over
        self._tail = tail[over:]


def clean(text: str) -> str:
    """Return `text` with terminal escapes removed, controls written out, and fences disarmed.

    A carriage return ends a line, as it would start one anew on a terminal. A fence keeps its
    length, so that cutting afterwards needs no second look.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub(lambda match: _written_out(match[0]), text)
    return _FENCE.sub(lambda match: "'" * len(match[0]), text)


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _cut(head: str, tail: str, dropped: int, room: int) -> str:
    """Join head and tail within `room` characters, with the number of those left out between."""
    if not dropped and len(head) + len(tail) <= room:
        return head + tail
    marker = f"\n[... {dropped + len(head) + len(tail)} characters omitted ...]\n"
    keep = room - len(marker)
    if keep < 2:
        return head[:room]
    first, last = (keep + 1) // 2, keep // 2
    body = head + tail
    omitted = dropped + len(body) - first - last
    return f"{head[:first]}\n[... {omitted} characters omitted ...]\n{body[-last:]}"


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
    """Say how a process ended that was not asked to, from its `waitpid` status as exit code."""
    if status >= 0:
        return f"SystemExit: the code ended the interpreter with status {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (most likely out of memory)" if name == "SIGKILL" else ""
    hint = " (too deep a recursion, or a fault in a C library)" if name == "SIGSEGV" else hint
    return f"Crash: the interpreter was killed by {name}{hint}."
