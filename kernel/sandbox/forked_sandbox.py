"""Runs the code that models write, in limited and forked sessions outside the kernel's process.

Covers: the kernel's side. Blocks go to a supervisor process and executions come back, without ever
blocking: a supervisor that dies or hangs is replaced, and its open sessions report CRASHED. Does
not cover: how sessions are run and isolated, which is up to the other modules of this folder.

What is covered, each with its test in `tests/` (this list is why the module is above 300 lines):
- wall time, in Python, in C, against ignored signals and swallowed exceptions
  (`test_soft_time_limit_keeps_output_and_state`, `test_what_does_not_stop_is_killed`);
- CPU time of threads (`test_cpu_time_of_threads_is_limited`);
- memory, shared memory and memfd (`test_memory`, `test_shared_memory_is_bounded`);
- processes, threads (`test_no_process_is_started`, `test_threads`), even without a filter against
  them (`test_escaped_processes_are_killed_without_a_filter`);
- output (`test_output`), files (`test_files`, `test_many_large_files`, `test_many_small_files`),
  however deep, nameless or mapped (`test_room_is_bounded`), wherever a session may write
  (`test_files_elsewhere_count_and_go_without_landlock`), and all of them removed
  (`test_every_tree_is_removed`); a full disk takes only the files
  (`test_a_full_disk_takes_only_the_files`);
- links and foreign folders under the names of its own
  (`test_a_link_at_a_dead_sandboxs_name_is_left_alone`);
- sessions that keep breaking limits (`test_offenders_are_refused_in_the_end`);
- exits, crashes and broken interpreters (`test_exit`);
- a session's own patches, hooks and soft limits (`test_a_module_without_its_contents`,
  `test_the_next_block_is_as_ever`); what cannot be undone ends the session with a message
  (`test_a_hard_limit_lowered_ends_the_session`, `test_an_interpreter_beyond_mending_is_told_of`);
- pools of threads, which outlast a block (`test_threads_are_allowed_across_blocks`), and pools of
  processes, which are refused with a message (`test_processes_are_refused_in_words`);
- signals to, and any hold over, other processes (`test_no_signal_reaches_others`,
  `test_no_way_out`);
- invalid names and addresses, where the supervisor reads them
  (`test_names_that_are_no_text_end_no_session`, `test_addresses_that_are_none_end_no_session`);
- a forged status or output boundary (`test_status_cannot_be_forged`,
  `test_closed_descriptors_do_not_end_the_session`, `test_nothing_runs_between_two_blocks`);
- changes to files outside (`test_files_outside_cannot_be_changed`), also without Landlock
  (`test_files_are_safe_without_landlock`); a session's own folder takes files in every mix of
  layers (`test_the_own_folder_takes_files_in_every_mix`), through the supervisor where nothing else
  protects other files (`test_the_broker_writes_inside`, `test_the_broker_writes_nothing_outside`);
- the network (`test_no_network`) and secrets of other processes (`test_secrets_are_out_of_reach`);
- one session's effect on another (`test_sessions_do_not_touch_one_another`): messages
  (`test_no_message_gets_out`), leases, watches and other holds (`test_no_hold_over_others`), locks
  (`test_a_lock_holds_nobody_up`), queued signals
  (`test_signals_queued_for_itself_leave_room_for_others`);
- directory caches that the operating system takes back (`test_open_sessions_go_on`);
- death and hanging of the supervisor (`test_death_crashes_what_ran_and_spares_what_waited`,
  `test_hang`, `test_hang_while_it_starts`), death of the kernel's process
  (`test_everything_dies_with_the_kernels_process`);
- anything left behind (`test_a_thousand_sessions_leave_nothing`).

What is not covered:
- a block that lies about itself: it may print anything and, by reaching into the interpreter, end
  itself early; its session is then frozen (`test_a_block_that_ends_itself_early_is_frozen`);
- reading files that everybody may read, where there is no Landlock, and those of its own user,
  where sessions have none of their own either (`test_what_the_machine_refuses_is_reported`);
- reading anything in /proc, including the session's own entries, where there is Landlock: no rule
  there would last (`test_no_rule_hangs_on_an_inode_of_proc`);
- where the machine offers neither filter, nor Landlock, nor another user, only limits and process
  groups are left; `report` says so (`test_what_the_machine_refuses_is_reported`);
- faults of the operating system, and what can be learnt from timing: there is no test.
"""

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kernel.child import Message
from kernel.config import Config
from kernel.records import Execution, ExecutionStatus
from kernel.sandbox.cleanup import new_root
from kernel.sandbox.disk import remove_tree
from kernel.sandbox.link import Link, StartLimit
from kernel.sandbox.output import GONE, LOST, NOT_STARTED, REFUSED, SUPERVISOR_LOST
from kernel.sandbox.wire import WALL_FACTOR, Block, BlockEnd, Limits, Start

_OFFENCES = 3
"""Blocks of a session that may break a limit; after that, its blocks are refused."""
_OFFENDING = frozenset(ExecutionStatus) - {
    ExecutionStatus.OK,
    ExecutionStatus.RAISED,
    ExecutionStatus.REFUSED,
}
_FAILED_STARTS = 3
"""After this many supervisors in a row that did not get ready, blocks fail without waiting."""
_RETRY_SECONDS = 30.0
"""Between starts after that."""
_CLOSE_SECONDS = 10.0
_OVERDUE_SECONDS = 30.0
"""After the latest moment at which the supervisor should have killed a block."""


@dataclass(slots=True)
class _Session:
    key: int
    """Never used again, so nothing late can be taken for a later session of the same name."""
    offences: int = 0
    """Blocks that broke a limit; what the sandbox itself or the machine fails is none."""
    live: bool = False
    """It holds the state of a block that has run."""
    lost: bool = False
    """State is gone that the model has not been told about."""


@dataclass(slots=True)
class _Pending:
    block: Block
    session: _Session
    started: float | None = None
    """When the supervisor was seen to have begun it, by the monotonic clock."""


class ForkedSandbox:
    """The sandbox: sessions forked from a warm process. Not for use from several threads at once.

    Args:
        config: `code_*`, `sandbox_*`, `max_output_chars` and `seed` are used.
        without: Layers of isolation to do without, by the names in the report: shows what the
            others hold by themselves.
    """

    def __init__(self, config: Config, without: Iterable[str] = ()) -> None:
        self.config = config
        self._without = sorted(without)
        self.folder = new_root()
        """Temporary files of the sandbox, removed when it is closed."""
        self._sessions: dict[str, _Session] = {}
        self._pending: dict[int, _Pending] = {}
        self._finished: list[Execution] = []
        self._numbers = itertools.count(1)
        self._start_limit = StartLimit(config.sandbox_start_seconds)
        self._failed_starts = 0
        self._retry_at = 0.0
        self._buried: list[Link] = []
        self.report: dict[str, Any] = {"supervisors": 0, "failed_blocks": 0}
        """What the machine gave and refused, and what was lost, for the trace.

        Failed blocks are those that the sandbox or the machine failed: no fault of the code.
        """
        self._link: Link | None = self._new_link()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def supervisor(self) -> int | None:
        """The process id of the supervisor, while there is one."""
        return self._link.pid if self._link else None

    def submit(self, session: str, code: str) -> None:
        """Queue a block; the first one opens the session."""
        state = self._sessions.setdefault(session, _Session(next(self._numbers)))
        if state.offences >= _OFFENCES:
            self._finish(session, ExecutionStatus.REFUSED, REFUSED, 0.0)
            return
        number = next(self._numbers)
        self._pending[number] = pending = _Pending(Block(number, state.key, session, code), state)
        if self._link:
            self._send(self._link, pending)

    def poll(self, timeout: float = 0.0) -> list[Execution]:
        """Return what has ended, after at most `timeout` seconds of waiting for the first.

        Less is waited when nothing is unfinished.
        """
        end = time.monotonic() + timeout
        while True:
            self._advance(0.0 if self._finished else max(0.0, end - time.monotonic()))
            if self._finished or not self._pending or time.monotonic() >= end:
                finished, self._finished = self._finished, []
                return finished

    def close_session(self, session: str) -> None:
        """Kill a session; an unfinished block is dropped and no execution comes back for it."""
        state = self._sessions.pop(session, None)
        if state is None:
            return
        self._pending = {n: p for n, p in self._pending.items() if p.session is not state}
        self._finished = [done for done in self._finished if done.session != session]
        if self._link:
            self._link.send("close", state.key)

    def close(self) -> None:
        """End every session and the supervisor, and remove the temporary folder."""
        link, self._link = self._link, None
        for old in [*self._buried, *([link] if link else [])]:
            old.end(_CLOSE_SECONDS)
        self._buried = []
        self._sessions, self._pending, self._finished = {}, {}, []
        remove_tree(self.folder)

    def _advance(self, timeout: float) -> None:
        """Take in what the supervisor has to say, and replace it when it is no longer of use."""
        if self._buried:
            self._buried = [old for old in self._buried if not old.is_gone()]
        if self._link is None:
            self._retry(timeout)
            return
        # Short waits, because a supervisor that hangs says nothing that would end a long one.
        for message in self._link.receive(min(timeout, 0.5), bool(self._pending)):
            self._on_message(message)
        if reason := self._link.lost() or self._overdue():
            self._replace(self._link, reason)

    def _overdue(self) -> str:
        """Return a reason to replace a supervisor that lets a block run on and on."""
        latest = time.monotonic() - WALL_FACTOR * self.config.code_seconds - _OVERDUE_SECONDS
        late = any(p.started is not None and p.started < latest for p in self._pending.values())
        return "the supervisor did not end a block in time" if late else ""

    def _on_message(self, message: Message) -> None:
        kind, value = message
        if kind == "ready":
            self._failed_starts = 0
            self.report.update(value)
        elif kind == "started":
            self._on_start(value)
        else:
            self._on_end(value)

    def _on_start(self, start: Start) -> None:
        if pending := self._pending.get(start.id):  # else of a session closed meanwhile
            pending.started = time.monotonic()
            if start.fresh and pending.session.live:
                pending.session.lost = True  # it died between two blocks

    def _on_end(self, end: BlockEnd) -> None:
        pending = self._pending.pop(end.id, None)
        if pending is None:
            return
        state = pending.session
        text = f"{LOST}\n{end.output}" if state.lost else end.output
        state.live, state.lost = end.alive, False
        if end.faultless:
            self.report["failed_blocks"] += 1
        elif end.status in _OFFENDING:
            state.offences += 1
        self._finish(pending.block.name, end.status, text, end.seconds)

    def _finish(self, name: str, status: ExecutionStatus, output: str, seconds: float) -> None:
        self._finished.append(Execution(name, status, output, seconds))

    def _send(self, link: Link, pending: _Pending) -> None:
        link.send("run", pending.block)

    def _replace(self, link: Link, reason: str) -> None:
        """Replace a supervisor: what it had begun has crashed, the rest goes to a new one."""
        link.kill()
        self._buried.append(link)
        self.report.setdefault("lost", []).append(reason)
        self._failed_starts += not link.ready
        self._link = None
        touched = [p for p in self._pending.values() if p.started is not None or p.session.live]
        self._crash(touched, SUPERVISOR_LOST)
        for state in self._sessions.values():
            state.lost, state.live = state.live, False
        if self._failed_starts < _FAILED_STARTS:
            self._start()
        else:
            self._crash(list(self._pending.values()), NOT_STARTED)
            self._retry_at = time.monotonic() + _RETRY_SECONDS

    def _crash(self, blocks: list[_Pending], text: str) -> None:
        keys = {id(pending) for pending in blocks}
        self._pending = {n: p for n, p in self._pending.items() if id(p) not in keys}
        for pending in blocks:
            pending.session.live = False
            self.report["failed_blocks"] += 1
            self._finish(pending.block.name, ExecutionStatus.CRASHED, f"{text}\n{GONE}", 0.0)

    def _retry(self, timeout: float) -> None:
        """Give up blocks at once while no supervisor starts, and try one now and then."""
        self._crash(list(self._pending.values()), NOT_STARTED)
        if time.monotonic() >= self._retry_at:
            self._start()

    def _start(self) -> None:
        self._link = link = self._new_link()
        for pending in self._pending.values():
            self._send(link, pending)

    def _new_link(self) -> Link:
        config = self.config
        self.report["supervisors"] += 1
        limits = Limits(
            config.code_seconds, config.code_memory_mib, config.max_output_chars, config.seed
        )
        name = str(self.report["supervisors"])
        settings = {
            "limits": limits,
            "workers": config.code_workers,
            "folder": self.folder / name,
            "without": self._without,
            "protected": [str(Path(p).absolute()) for p in (".", config.work, config.inputs)],
        }
        return Link(settings, self.folder / f"{name}.log", self._start_limit)
