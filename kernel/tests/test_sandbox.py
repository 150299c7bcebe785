"""The sandbox end to end: what a block gives back, state, and sessions."""

from collections.abc import Iterator

import pytest

from kernel.config import Config
from kernel.records import Execution, ExecutionStatus
from kernel.sandbox import ForkedSandbox

SECONDS = 2.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ForkedSandbox]:
    with ForkedSandbox(Config(code_seconds=SECONDS, code_memory_mib=512)) as sandbox:
        yield sandbox


def run(sandbox: ForkedSandbox, session: str, code: str) -> Execution:
    sandbox.submit(session, code)
    finished = sandbox.poll(120)
    assert [done.session for done in finished] == [session]
    return finished[0]


def test_state_lives_across_blocks(sandbox: ForkedSandbox) -> None:
    run(sandbox, "state", "x = 20\ndef double(n): return 2 * n")
    assert run(sandbox, "state", "double(x) + 2").output == "42"


def test_closed_session_starts_afresh(sandbox: ForkedSandbox) -> None:
    run(sandbox, "closed", "x = 1")
    sandbox.close_session("closed")
    assert "NameError" in run(sandbox, "closed", "x").output


def test_soft_time_limit_keeps_output_and_state(sandbox: ForkedSandbox) -> None:
    done = run(sandbox, "slow", "x = 7\nprint('before')\nwhile True: pass")
    assert done.status is ExecutionStatus.TIMED_OUT
    assert done.output.startswith("before\n")
    assert done.output.endswith("longer than 2 seconds.")
    assert run(sandbox, "slow", "x").output == "7"
