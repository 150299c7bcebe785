"""What a run writes down, and what an earlier run in the same folder has left behind.

Covers: a folder that can be written, the trace's events for the run as a whole from `ready` to
`end`, `summary.json`, and answers kept from a run that was killed. Does not cover: the events of
one problem's candidates (`sc_tir`), the answers themselves (`submission`).

Every method may fail where files or consoles do; a problem's row is kept before anything is
written, so that the answer given and the row agree.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import traceback
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kernel import voting
from kernel.config import CLOCK, Config
from kernel.deadline import Deadline
from kernel.protocols import Engine, Sandbox
from kernel.records import AnswerSource, Problem, Solution
from kernel.trace import Trace

PROBE_BYTES = 65_536
"""A folder without room for this much is as good as full: one problem's trace is larger."""
WHERE_SET = (
    *("top_k", "min_p", "repetition_penalty", "max_total_tokens"),
    *("stop_token_ids", "system_prompt", "instruction", "chat_template_arguments"),
)
"""Settings that most runs leave alone: their traces stay as short, and as they always were."""
REPEATED = "repeated"
"""The source of an answer that an earlier run in the same folder gave."""


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings as JSON values, worked examples by number only.

    Those of `WHERE_SET` are there only where they differ from the defaults.
    """
    values = {**asdict(config), "examples": len(config.examples)}
    default = Config()
    for name in WHERE_SET:
        if getattr(config, name) == getattr(default, name):
            del values[name]
    return values


def row_of(solution: Solution) -> dict[str, Any]:
    """Return what is reported about a solution, as JSON values."""
    return {
        "problem": solution.problem_id,
        "answer": solution.answer,
        "source": solution.source,
        "ended": solution.ended,
        "votes": solution.votes,
        "candidates": len(solution.candidates),
        "tally": solution.tally,
        "tokens": solution.generated_tokens,
        "seconds": round(solution.seconds, 2),
        "alarm": voting.alarm(voting.heard(solution.candidates)),
    }


@dataclass
class Report:
    """Writes down one run."""

    config: Config
    engine: Engine
    sandbox: Sandbox
    deadline: Deadline
    trace: Trace
    start: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is known of the run from its start."""
    asked: int = 0
    """Problems asked so far."""
    rows: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    """The problems answered, by their number, as in the summary."""
    totalled: int = -1
    """Problems counted in the totals written last."""
    told: bool = False
    """Whether the line for post-mortems is written."""

    def loading(self, seconds: float) -> None:
        """Report that the model has been loading for so many seconds."""
        self.trace.write("loading", seconds=round(seconds))

    def ready(self, ended: bool = False) -> None:
        """Write, once it is all known, the line with everything that a post-mortem needs."""
        if not self.told and (ended or "layers" in self.sandbox.report):
            self.told = True
            engine, sandbox = self.engine.facts, self.sandbox.report
            self.trace.write("ready", **{**self.start, "engine": engine, "sandbox": sandbox})

    def begun(self, problem: Problem, share: float) -> None:
        """Report that a problem has begun, with its share of the time in seconds."""
        self.trace.write(
            "problem",
            problem=problem.id,
            number=self.asked,
            of=self.config.problems,
            share=round(share, 1),
            text=problem.text,
        )

    def repeated(self, problem: Problem, answer: int) -> None:
        """Report an answer from an earlier run; it has no votes in this one."""
        row: dict[str, Any] = {"problem": problem.id, "answer": answer, "source": REPEATED}
        row |= {"ended": None, "votes": 0, "candidates": 0, "tally": {}, "tokens": 0, "seconds": 0}
        row["alarm"] = None
        self.rows[self.asked] = row
        self.trace.write("repeated", problem=problem.id, answer=answer)
        self._write_summary()

    def failed(self, problem: Problem, error: BaseException) -> None:
        """Report an error in a problem."""
        text = "".join(traceback.format_exception(error))
        self.trace.write("error", problem=problem.id, error=text)

    def solved(self, solution: Solution, key: str) -> None:
        """Write a solution to the trace, and the summary so far to its file.

        Args:
            solution: replaces one that was told of the same problem before an error.
            key: what a restarted run must find the same to give the answer again.
        """
        row = self.rows[self.asked] = row_of(solution)
        number, of, left = self.asked, self.config.problems, self._left()
        self.trace.write("solution", **row, key=key, number=number, of=of, left=left)
        self._write_summary()
        if self.asked == self.config.problems:
            self._total()

    @contextlib.contextmanager
    def summed_up(self) -> Generator[None]:
        """Write the totals at the end, whatever ends the run."""
        try:
            yield
        finally:
            # The answers are out by then: nothing may fail the notebook any more.
            with contextlib.suppress(Exception):
                self.ready(ended=True)
                self._total()

    def no_vote(self) -> str:
        """Return why none of the answers is a vote, "" where one is or an earlier run gave one."""
        if any(row["source"] in (AnswerSource.VOTE, REPEATED) for row in self.rows.values()):
            return ""
        reason = "no candidate gave one" if self.engine.facts else "the engine never got ready"
        return (
            f"No problem was answered by vote: {reason}. The submission file holds fallback answers"
            " only: see engine.log and trace.jsonl before you submit."
        )

    def _left(self) -> int:
        """Return the seconds left before the reserve."""
        return round(self.deadline.remaining() - self.config.reserve_seconds)

    def _write_summary(self) -> None:
        """Write the summary: after each problem, since `serve` need not return (AIMO-2, -3)."""
        convention = {"modulus": self.config.modulus, "max_answer": self.config.max_answer}
        rows = list(self.rows.values())
        write_json(self.config.work / "summary.json", {**convention, "problems": rows})

    def _total(self) -> None:
        """Write the totals, once for each number of problems."""
        if self.totalled == len(self.rows):
            return
        self.totalled = len(self.rows)
        rows = self.rows.values()
        self.trace.write(
            "end",
            problems=len(rows),
            sources=Counter(str(row["source"]) for row in rows),
            tokens=sum(row["tokens"] for row in rows),
            alarms=sum(row["alarm"] is not None for row in rows),
            restarts=self.engine.restarts,
            supervisors=self.sandbox.report.get("supervisors"),
            seconds=round(self.deadline.elapsed(), 1),
            left=self._left(),
            lost_lines=self.trace.lost,
        )


def writable_folder(wanted: Path) -> tuple[Path, str]:
    """Return the folder if it takes files, else a temporary one, and why ("" if wanted).

    Where not even that is found the wanted folder comes back: every writer bears a failure.
    """
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        _probe(wanted)
    except OSError as error:
        reason = f"cannot write to {wanted.absolute()} ({error.strerror})"
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="aimo-")), reason
        return wanted, f"{reason}, nor to any temporary folder"
    return wanted, ""


def _probe(folder: Path) -> None:
    """Raise OSError unless the folder takes a file of some size."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=".probe-")
    try:
        with os.fdopen(handle, "wb") as probe:
            probe.write(os.urandom(PROBE_BYTES))
    finally:
        Path(name).unlink(missing_ok=True)


def answer_key(problem: Problem, config: Config) -> str:
    """Return what an earlier run's answer must agree in to be given again."""
    text = f"{problem.id}\n{problem.text}\n{config.seed} {config.modulus} {config.max_answer}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def answers_in(trace: Path, config: Config) -> dict[str, int]:
    """Return the answers, by `answer_key`, in the trace of a run that was killed in this folder."""
    answers: dict[str, int] = {}
    lines: list[bytes] = []
    with contextlib.suppress(OSError):
        lines = trace.read_bytes().splitlines()
    for line in lines:
        # A line may be torn or not ours; only lines that say "solution" are worth parsing.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if b'"solution"' in line and (event := json.loads(line))["event"] == "solution":
                answers[str(event["key"])] = int(event["answer"])
    return {key: answer for key, answer in answers.items() if 0 <= answer <= config.max_answer}


def drawn_seed(trace: Path) -> int | None:
    """Return the seed that a run drew which was killed in this folder, None where none was.

    Its answers were given with that seed. A run that came to its end is another one.
    """
    seed: int | None = None
    lines: list[bytes] = []
    with contextlib.suppress(OSError):
        lines = trace.read_bytes().splitlines()
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if not line.startswith((b'{"event": "run"', b'{"event": "end"')):
                continue
            event = json.loads(line)
            drawn = event["event"] == "run" and event.get("seed_from") == CLOCK
            seed = int(event["seed"]) if drawn else None
    return seed


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all; a full disk costs the file, not the run."""
    scratch = path.with_name(f"{path.name}.part")
    try:
        scratch.write_text(json.dumps(value, indent=1), "utf-8")
        scratch.replace(path)
    except OSError as error:
        print(f"Cannot write {path} ({error.strerror}). The run goes on.", flush=True)
