"""The supervisor dies, hangs, or does not start; and the sandbox goes on, under load too."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from kernel.records import Execution, ExecutionStatus
from kernel.sandbox import link
from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.link import StartLimit
from kernel.sandbox.tests.tools import (
    OK,
    PATIENCE,
    config,
    descendants,
    is_running,
    run,
    supervisor_of,
    wait_until,
)

CRASHED = ExecutionStatus.CRASHED


@pytest.fixture
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(config()) as sandbox:
        yield sandbox


def collect(sandbox: ForkedSandbox, count: int) -> list[Execution]:
    """Return `count` executions, in the order of their coming."""
    done: list[Execution] = []
    end = time.monotonic() + PATIENCE
    while len(done) < count and time.monotonic() < end:
        done += sandbox.poll(1.0)
    assert len(done) == count
    return done


def test_nothing_waits_for_the_supervisor_to_start() -> None:
    start = time.monotonic()
    with ForkedSandbox(config()) as sandbox:
        sandbox.submit("early", "1 + 1")
        first = sandbox.poll(0)
        submitted = time.monotonic() - start
        assert first == []
        assert collect(sandbox, 1)[0].output == "2"
    assert submitted < time.monotonic() - start


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_death_crashes_what_ran_and_spares_what_waited(
    sandbox: ForkedSandbox, number: signal.Signals
) -> None:
    run(sandbox, "idle", "x = 1")
    for n in range(3):
        sandbox.submit(f"running {n}", "import time\ntime.sleep(0.9)\n1")
    sandbox.submit("waiting", "1 + 1")
    sandbox.submit("idle", "x")
    wait_until(lambda: len(descendants(supervisor_of(sandbox))) >= 4)
    sandbox.poll(0)
    os.kill(supervisor_of(sandbox), number)
    done = {execution.session: execution for execution in collect(sandbox, 5)}
    assert done["waiting"].output == "2"
    assert done["idle"].status is CRASHED
    for execution in done.values():
        if execution.status is CRASHED:
            assert "gone" in execution.output
    assert sum(execution.status is CRASHED for execution in done.values()) >= 2
    assert run(sandbox, "running 0", "2").output == "2"


def test_an_idle_session_that_is_lost_is_told_of(sandbox: ForkedSandbox) -> None:
    run(sandbox, "idle", "x = 1")
    os.kill(supervisor_of(sandbox), signal.SIGKILL)
    assert wait_until(lambda: sandbox.poll(0) == [] and sandbox.report["supervisors"] == 2)
    done = run(sandbox, "idle", "2 + 2")
    assert done.status is OK
    assert "gone" in done.output
    assert done.output.endswith("4")
    assert run(sandbox, "idle", "3").output == "3"


def test_an_idle_session_that_is_killed_is_told_of(sandbox: ForkedSandbox) -> None:
    run(sandbox, "idle", "x = 1")
    (session,) = descendants(supervisor_of(sandbox))
    os.kill(session, signal.SIGKILL)
    assert wait_until(lambda: not descendants(supervisor_of(sandbox)))
    done = run(sandbox, "idle", "2 + 2")
    assert "gone" in done.output
    assert done.output.endswith("4")


def test_death_while_it_starts() -> None:
    with ForkedSandbox(config()) as sandbox:
        sandbox.submit("early", "1 + 1")
        os.kill(supervisor_of(sandbox), signal.SIGKILL)
        assert collect(sandbox, 1)[0].output == "2"
        assert sandbox.report["supervisors"] == 2


def test_hang(sandbox: ForkedSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_HANG_SECONDS", 1.0)
    run(sandbox, "idle", "x = 1")
    hung = supervisor_of(sandbox)
    os.kill(hung, signal.SIGSTOP)
    sandbox.submit("idle", "x")
    start = time.monotonic()
    sandbox.poll(0)
    assert time.monotonic() - start < 1.0
    assert collect(sandbox, 1)[0].status is CRASHED
    assert run(sandbox, "idle", "1").output == "1"
    assert supervisor_of(sandbox) != hung
    assert not is_running(hung)


def test_hang_while_it_starts() -> None:
    with ForkedSandbox(config(sandbox_start_seconds=25)) as sandbox:
        hung = supervisor_of(sandbox)
        os.kill(hung, signal.SIGSTOP)
        sandbox.submit("a", "1 + 1")
        assert collect(sandbox, 1)[0].output == "2"
        assert supervisor_of(sandbox) != hung
        assert not is_running(hung)
        assert sandbox.report["lost"] == ["the supervisor did not start within 25 seconds"]


def test_a_later_start_may_take_no_more_than_five_times_the_slowest_so_far() -> None:
    limit = StartLimit(90.0)
    assert limit.seconds == 90.0
    limit.took(2.0)
    assert limit.seconds == 20.0
    limit.took(7.0)
    limit.took(1.0)
    assert limit.seconds == 35.0
    limit.took(70.0)
    assert limit.seconds == 90.0


def test_a_pause_of_the_kernel_is_no_hang(
    sandbox: ForkedSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(link, "_HANG_SECONDS", 0.5)
    run(sandbox, "a", "1")
    sandbox.submit("a", "import time\ntime.sleep(0.6)\n1")
    time.sleep(0.2)
    sandbox.poll(0)
    time.sleep(1.5)
    assert collect(sandbox, 1)[0].output == "1"
    assert sandbox.report["supervisors"] == 1


def test_a_supervisor_that_cannot_start_gives_blocks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "SUPERVISOR", "no_such_module")
    with ForkedSandbox(config()) as sandbox:
        sandbox.submit("a", "1")
        done = collect(sandbox, 1)[0]
        assert done.status is CRASHED
        assert "could not be run" in done.output
        assert "no_such_module" in sandbox.report["lost"][0]
        sandbox.submit("b", "1")
        assert collect(sandbox, 1)[0].status is CRASHED


def test_state_survives_hundreds_of_times_under_load() -> None:
    """Short traces, more at once than there are workers, beside processes that take the CPUs."""
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        with ForkedSandbox(config()) as sandbox:
            steps = {f"trace {n}": 0 for n in range(300)}
            for name in steps:
                sandbox.submit(name, f"x = {name[6:]}\nprint(x)")
            wrong: list[Execution] = []
            while steps:
                finished = sandbox.poll(PATIENCE)
                assert finished
                for done in finished:
                    steps[done.session] += 1
                    if done.output != str(int(done.session[6:]) + steps[done.session] - 1):
                        wrong.append(done)
                    if steps[done.session] == 4:
                        sandbox.close_session(done.session)
                        del steps[done.session]
                    else:
                        sandbox.submit(done.session, "x += 1\nx")
            assert wrong == []
    finally:
        for process in load:
            process.kill()
            process.wait()


def test_soft_stop_keeps_state_many_times() -> None:
    with ForkedSandbox(config(code_seconds=0.15)) as sandbox:
        for n in range(60):
            name = str(n)
            run(sandbox, name, "x = 5")
            assert run(sandbox, name, "while True: pass").status is ExecutionStatus.TIMED_OUT
            assert run(sandbox, name, "x").output == "5"
            sandbox.close_session(name)
