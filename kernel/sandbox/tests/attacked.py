"""A sandbox to be attacked, and the check that nothing but the session notices."""

import os
from collections.abc import Iterator

import pytest

from kernel.sandbox.forked_sandbox import ForkedSandbox
from kernel.sandbox.tests.tools import (
    OK,
    config,
    run,
    supervisor_of,
)

SECRET = "a-key-that-must-not-be-read"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedSandbox]:
    work = tmp_path_factory.mktemp("work")
    (work / "submission.csv").write_text("id,answer\n")
    os.environ["SANDBOX_TEST_TOKEN"] = SECRET
    with ForkedSandbox(config(work=str(work))) as sandbox:
        yield sandbox
    del os.environ["SANDBOX_TEST_TOKEN"]


@pytest.fixture
def session(sandbox: ForkedSandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.node.name
    sandbox.close_session(request.node.name)


@pytest.fixture(autouse=True)
def supervisor_lives(sandbox: ForkedSandbox) -> Iterator[None]:
    """Whatever is attacked, neither this process nor the supervisor may notice."""
    assert run(sandbox, "witness", "x = 1").status is OK
    before = supervisor_of(sandbox)
    yield
    assert run(sandbox, "witness", "x").output == "1"
    assert supervisor_of(sandbox) == before
