"""Replays the code blocks of logged transcripts in the sandbox and compares the outputs.

    python validation/replay_code.py TRACES.jsonl [...]

Each line of a file has `problem_id` and `text`; in the text stand ```python blocks, each followed
by the ```output block that was logged. Every trace gets one session, its blocks run in order.

Covers: how many blocks run, raise and reach limits, and why outputs differ from the log. Does not
cover: judging who is right: logs come from other versions of Python and its packages.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kernel.config import Config  # noqa: E402 - the repository is no installed package
from kernel.records import Execution, ExecutionStatus  # noqa: E402
from kernel.sandbox.forked_sandbox import ForkedSandbox  # noqa: E402
from kernel.sandbox.output import NOTHING_PRINTED  # noqa: E402

_BLOCK = re.compile(r"```python\n((?:(?!```python).)*?)`+\s*```output\n(.*?)```", re.S)
"""The last python fence before an output fence; models fuse and clip the fences between."""
_SYMBOLS = re.compile(r"symbols\([^)]+\)")
_ERROR = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Exit|Iteration|Interrupt))\b", re.M)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_HARNESS = re.compile(r"\n*FAIL\b.*", re.S)
"""What the logging program of some transcripts put behind a traceback."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One block of a transcript, and what its program logged."""

    session: str
    code: str
    output: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """One block with its execution and how its output compares."""

    logged: Logged
    execution: Execution
    difference: str


def read_traces(path: Path, rewrite: Callable[[str], str] = str) -> Iterator[list[Logged]]:
    """Yield the blocks of each trace of a file, in order."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            text = json.loads(line)["text"]
            name = f"{path.stem}/{number}"
            yield [Logged(name, rewrite(code), output) for code, output in _BLOCK.findall(text)]


def as_reals(code: str) -> str:
    """Rewrite a block as a program that logged some transcripts did: symbols real, sympy there."""
    code = _SYMBOLS.sub(
        lambda match: match[0] if "real" in match[0] else f"{match[0][:-1]}, real=True)", code
    )
    return f"from sympy import *\n{code}"


def replay(traces: list[list[Logged]], sandbox: ForkedSandbox) -> Iterator[Replayed]:
    """Run the traces side by side, the blocks of each in order."""
    waiting = {trace[0].session: list(trace) for trace in traces if trace}
    for blocks in waiting.values():
        sandbox.submit(blocks[0].session, blocks[0].code)
    while waiting:
        for execution in sandbox.poll(60):
            logged = waiting[execution.session].pop(0)
            yield Replayed(logged, execution, compare(logged.output, execution))
            if rest := waiting[execution.session]:
                sandbox.submit(rest[0].session, rest[0].code)
            else:
                del waiting[execution.session]
                sandbox.close_session(execution.session)


def compare(logged: str, execution: Execution) -> str:
    """Say how an execution's output differs from the logged one; nothing if it does not."""
    theirs, ours = _HARNESS.sub("", logged).strip(), execution.output.strip()
    if execution.status not in (ExecutionStatus.OK, ExecutionStatus.RAISED):
        return f"stopped here: {execution.status.value}"
    if theirs == ours or (not theirs and ours == NOTHING_PRINTED):
        return ""
    their_error, our_error = _error(theirs), _error(ours)
    if their_error or our_error:
        return _compare_errors(their_error, our_error)
    if theirs.split() == ours.split():
        return "white space"
    if _numbers(theirs) == _numbers(ours) and _numbers(ours):
        return "the same numbers, written differently"
    if sorted(theirs) == sorted(ours):
        return "the same characters in another order (sets, dictionaries)"
    if ours == NOTHING_PRINTED:
        return "logged output, none here"
    return "no output logged, some here" if not theirs else "other output"


def _error(output: str) -> str:
    found = _ERROR.findall(output)
    return found[-1] if found else ""


def _compare_errors(theirs: str, ours: str) -> str:
    if theirs == ours:
        return "the same exception, told differently"
    if not ours:
        return f"{theirs} logged, runs here"
    return f"runs in the log, {ours} here" if not theirs else f"{theirs} logged, {ours} here"


def _numbers(output: str) -> list[float]:
    return [round(float(number), 9) for number in _NUMBER.findall(output)]


def report(path: Path, results: list[Replayed]) -> None:
    """Print the figures of one file."""
    blocks = len(results)
    statuses = Counter(result.execution.status.value for result in results)
    differences = Counter(result.difference for result in results if result.difference)
    same = blocks - sum(differences.values())
    print(f"{path.name}: {blocks} blocks, {same} ({same / blocks:.1%}) with the logged output")
    for title, counts in (("status", statuses), ("difference", differences)):
        for name, count in counts.most_common():
            print(f"  {title:<11}{count:>5}  {name}")


def main() -> int:
    """Replay the files named on the command line."""
    parser = argparse.ArgumentParser(description="Replay logged code blocks in the sandbox.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0, help="limit of a block")
    parser.add_argument("--workers", type=int, default=3, help="blocks at once")
    parser.add_argument("--show", type=int, default=0, help="print so many blocks that differ")
    parser.add_argument("--as-reals", action="store_true", help="rewrite blocks, see `as_reals`")
    arguments = parser.parse_args()
    config = Config(code_seconds=arguments.seconds, code_workers=arguments.workers)
    with ForkedSandbox(config) as sandbox:
        for path in arguments.files:
            if not path.is_file():
                print(f"{path} is not there: name a JSONL file of transcripts.", file=sys.stderr)
                return 2
            results: list[Replayed] = []
            rewrite = as_reals if arguments.as_reals else str
            for result in replay(list(read_traces(path, rewrite)), sandbox):
                results.append(result)
                if len(results) % 100 == 0:
                    print(f"{path.name}: {len(results)} blocks run", file=sys.stderr, flush=True)
            report(path, results)
            _show([result for result in results if result.difference][: arguments.show])
    return 0


def _show(results: list[Replayed]) -> None:
    for result in results:
        rule = f"--- {result.logged.session}: {result.difference}"
        parts = (rule, result.logged.code, "--- logged", result.logged.output)
        print("\n".join((*parts, "--- here", result.execution.output)))


if __name__ == "__main__":
    sys.exit(main())
