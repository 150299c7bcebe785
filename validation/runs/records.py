"""A recorded run: the kernel's trace events of one file, put together by problem and candidate.

Above 300 lines: one format with its records, its reader and what the reader refuses.

Covers: files of `make validate` (every event carries its seed), of `make dry-run` and of the
notebook (one seed, no truths); torn lines, attempts that were interrupted and started again. A
problem counts once its `solution` is there. What no interrupted run would leave (a value that is
not an event, a field of the wrong type) is refused with its line. Does not cover: other programs'
transcripts (`transcripts`), or what the votes amount to (`scoring`).

The format, one JSON object a line, `event` and `time` (seconds since the epoch) in each:
`run` (settings, model, and for validation set and seeds), then for each seed and problem `problem`
(text, truth), `completion`, `execution` and `stopped` for the candidates, `solution`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from common.files import FileError, Line, json_lines
from kernel.config import Config, ConfigError
from kernel.records import ExecutionStatus, Finish, StopReason


class RunError(FileError):
    """A run that cannot be read; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A code block with its execution."""

    code: str
    status: ExecutionStatus
    output: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """One generation, and the execution that followed it, if any."""

    text: str
    finish: Finish
    tokens: int
    time: float = 0.0
    """When the generation was done, in seconds since the problem's start."""
    ran: BlockRecord | None = None


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate as recorded."""

    index: int
    rounds: tuple[Round, ...] = ()
    stop: StopReason | None = None
    answer: int | None = None
    """Its vote at the time."""
    time: float = 0.0
    """When it stopped, in seconds since the problem's start."""

    @property
    def tokens(self) -> int:
        """Tokens generated in all rounds."""
        return sum(r.tokens for r in self.rounds)


@dataclass(frozen=True, slots=True)
class SolveRecord:
    """One problem solved with one seed."""

    problem: str
    seed: int
    text: str
    truth: int | None
    """As published; None where the run did not know it."""
    answer: int
    ended: StopReason | None
    seconds: float
    candidates: tuple[CandidateRecord, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """All of a run file."""

    path: Path
    settings: Mapping[str, Any]
    """The settings as the run wrote them."""
    about: Mapping[str, Any]
    """The whole `run` event: set, model and the like."""
    solved: tuple[SolveRecord, ...]
    torn: int = 0
    """Lines that are not complete JSON objects."""
    unfinished: int = 0
    """Attempts without a solution: cut off, or begun again."""

    @property
    def config(self) -> Config:
        """The settings by which answers were read."""
        return config_of(self.settings)

    def with_truths(self, truths: Mapping[str, int]) -> "Recording":
        """Return the run with truths from elsewhere where it knows none."""
        solved = tuple(
            replace(s, truth=truths.get(s.problem)) if s.truth is None else s for s in self.solved
        )
        return replace(self, solved=solved)


_NOTHING = type(None)
_OF_CANDIDATE: dict[str, tuple[type, ...]] = {"candidate": (int,), "round": (int,)}
FIELDS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "run": {"settings": (dict,)},
    "problem": {"text": (str,), "truth": (int, _NOTHING)},
    "completion": {**_OF_CANDIDATE, "text": (str,), "finish": (str,), "tokens": (int,)},
    "execution": {
        **_OF_CANDIDATE,
        "code": (str,),
        "status": (str,),
        "output": (str,),
        "seconds": (int, float),
    },
    "stopped": {"candidate": (int,), "reason": (str,), "answer": (int, _NOTHING)},
    "solution": {"answer": (int,), "ended": (str, _NOTHING), "seconds": (int, float)},
}
"""Of each event that is read, its own fields and the JSON types that they may have."""
_NAMES: Mapping[str, type[Finish] | type[ExecutionStatus] | type[StopReason]] = {
    "finish": Finish,
    "status": ExecutionStatus,
    "reason": StopReason,
    "ended": StopReason,
}
"""Fields that hold one of a few words."""


_FROM_NOUGHT = ("candidate", "round", "tokens", "seconds")
MOST = 2**53
"""No count, time or seed of a run comes near it; beyond, tables and floats cannot hold it."""


def _is_written(name: str, value: Any) -> bool:
    """Tell whether a value that has its field's type is one that a run could have written."""
    if name in _FROM_NOUGHT:
        return 0 <= value < MOST
    if name in ("time", "seed") and value is not None:
        return -MOST < value < MOST
    return True


def _check(event: Mapping[str, Any], place: str) -> None:
    """Refuse an event that is read but has not the form of one.

    Raises:
        RunError: with the line and the field.
    """
    kind = event["event"]
    wanted = dict(FIELDS.get(kind, {}))
    if wanted:
        wanted["time"] = (int, float)
    if kind in FIELDS and kind != "run":
        wanted |= {"problem": (str,), "seed": (int, _NOTHING)}
    for name, kinds in wanted.items():
        value = event.get(name)
        if type(value) not in kinds or not _is_written(name, value):
            shown = repr(value)[:40] if name in event else "missing"
            raise RunError(f"{place}: the {name} of this {kind} is {shown}: no run writes that.")
        if name in _NAMES and value is not None and value not in list(_NAMES[name]):
            raise RunError(f"{place}: the {name} of this {kind} is {value[:40]!r}, an unknown one.")
    if kind == "run":
        try:
            config_of(event["settings"])
        except ConfigError as error:
            raise RunError(f"{place}: {error}") from None


def config_of(settings: Mapping[str, Any]) -> Config:
    """Return the settings by which answers were read; worked examples are not recorded.

    Raises:
        ConfigError: they cannot be a run's.
    """
    known = {f.name for f in fields(Config)} - {"examples", "inputs", "work", "model"}
    return Config().updated({k: v for k, v in settings.items() if k in known})


@dataclass
class _Open:
    """An attempt whose events are still coming in."""

    start: float
    text: str
    truth: int | None
    candidates: dict[int, CandidateRecord] = field(default_factory=dict[int, CandidateRecord])

    def take(self, event: Mapping[str, Any]) -> None:
        index = event["candidate"]
        known = self.candidates.get(index, CandidateRecord(index))
        self.candidates[index] = _extended(known, event, event["time"] - self.start)


def _extended(known: CandidateRecord, event: Mapping[str, Any], time: float) -> CandidateRecord:
    match event["event"]:
        case "completion" | "execution" if event["round"] != len(known.rounds):
            raise ValueError("a line between this one and the last is torn")
        case "completion":
            made = Round(event["text"], Finish(event["finish"]), event["tokens"], time)
            return replace(known, rounds=(*known.rounds, made))
        case "execution":
            status = ExecutionStatus(event["status"])
            ran = BlockRecord(event["code"], status, event["output"], event["seconds"])
            return replace(known, rounds=(*known.rounds[:-1], replace(known.rounds[-1], ran=ran)))
        case _:
            stop = StopReason(event["reason"])
            return replace(known, stop=stop, answer=event["answer"], time=time)


@dataclass
class _Reader:
    """Puts events together; if a problem appears twice, its last solution counts."""

    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    opened: dict[tuple[int, str], _Open] = field(default_factory=dict[tuple[int, str], _Open])
    solved: dict[tuple[int, str], SolveRecord] = field(
        default_factory=dict[tuple[int, str], SolveRecord]
    )
    cut_off: int = 0

    def take(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "run":
            self.about = event
        if kind not in ("problem", "completion", "execution", "stopped", "solution"):
            return
        seed = event.get("seed")
        if seed is None:
            seed = self.about.get("settings", {}).get("seed", 0)
        key = (seed, event["problem"])
        if kind == "problem":
            self.cut_off += key in self.opened
            self.opened[key] = _Open(event["time"], event["text"], event.get("truth"))
        elif key not in self.opened:
            return  # the line that opened it is torn: what follows belongs to nothing
        elif kind == "solution":
            self.solved[key] = _closed(key, self.opened.pop(key), event)
        else:
            self.opened[key].take(event)


def _closed(key: tuple[int, str], opened: _Open, event: Mapping[str, Any]) -> SolveRecord:
    seed, problem = key
    return SolveRecord(
        problem,
        seed,
        opened.text,
        opened.truth,
        event["answer"],
        None if event["ended"] is None else StopReason(event["ended"]),
        event["seconds"],
        tuple(opened.candidates[index] for index in sorted(opened.candidates)),
    )


def check_there(path: Path) -> None:
    """Refuse a path that names no file.

    Raises:
        RunError: no path was given, or there is no such file.
    """
    if path == Path():
        raise RunError("Which run? Set RUN to a run's JSONL, such as runs/dry-run/trace.jsonl.")
    if not path.is_file():
        raise RunError(f"{path} is not a file: give the path of a run's JSONL.")


def read_run(path: Path) -> Recording:
    """Return the run in a file of trace events; counts torn lines instead of failing on them.

    Raises:
        RunError: there is no such file, it holds no run, or a line is none of a run.
    """
    check_there(path)
    reader, torn, seen = _Reader(), 0, False
    for line in json_lines(path):
        if line.torn:
            torn += 1
            continue
        event = _event(line, seen, path)
        seen = True
        try:
            reader.take(event)
        except (LookupError, ValueError):
            torn += 1  # it follows upon a line that is torn
    if not reader.about:
        raise RunError(f"{path} holds no run: its lines are not events of a trace.")
    return Recording(
        path,
        reader.about["settings"],
        reader.about,
        tuple(reader.solved.values()),
        torn,
        reader.cut_off + len(reader.opened),
    )


def _event(line: Line, seen: bool, path: Path) -> Mapping[str, Any]:
    """Return a line's event.

    Raises:
        RunError: it holds none; `seen` tells whether a line before it did.
    """
    if line.fault:
        raise RunError(f"{line.place}: {line.fault}.")
    if line.row is None or not isinstance(line.row.get("event"), str):
        if seen:
            raise RunError(f"{line.place}: this is not an event, unlike the lines before it.")
        number = line.place.rpartition(" ")[2]
        raise RunError(f"{path} holds no run: line {number} is not an event of a trace.")
    _check(line.row, line.place)
    return line.row
