"""The stand-ins for AIMO-2 and -3 in the hidden rerun: the gateway in a process of its own.

Covers: who writes where, a server that raises, dies or never comes, ports and settings. Does not
cover: our own adapter (`kernel/tests/test_competition.py`).
"""

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from notebooks.mock import scorer
from notebooks.mock.tests.standing import (
    IDS,
    MOCK,
    MODULES,
    PROBLEMS,
    Rerun,
    Stand,
    both,
    free_port,
    hidden_rerun,
    listing,
    seven,
)

SERVER = """
import os, sys
import polars as pl
from {module} import AIMO{n}InferenceServer

def predict(ids, problems):
    {body}
    return pl.DataFrame({{"id": ids, "answer": [7]}})

AIMO{n}InferenceServer(predict).serve()
print("served")
"""


def _rerun(api: str, tmp_path: Path, body: str = "pass") -> Rerun:
    """Run a server whose `predict` does `body`, and the gateway, each in its own folder."""
    (tmp_path / "test.csv").write_text(PROBLEMS)
    environment = os.environ | {
        "PYTHONPATH": str(MOCK / api),
        "MOCK_INPUT": str(tmp_path / "test.csv"),
        "MOCK_START_SECONDS": "60",
        "MOCK_HANG_SECONDS": "0.5",
    }
    folders = tmp_path / "server", tmp_path / "gateway"
    for folder in folders:
        folder.mkdir()
    script = SERVER.format(module=MODULES[api], n=api[-1], body=body)
    return hidden_rerun(api, [sys.executable, "-c", script], folders, environment)


@both
def test_the_gateway_writes_in_its_own_folder_and_the_server_nothing(api: str, tmp_path: Path):
    server, gateway = _rerun(api, tmp_path)
    assert gateway.returncode == 0, gateway.stderr
    assert (server.returncode, server.stdout) == (0, "served\n"), server.stderr
    assert listing(tmp_path / "server") == []
    assert listing(tmp_path / "gateway") == ["submission.parquet"]
    # Also shows that the truth in the file was no third argument.
    assert scorer.faults(tmp_path / "gateway" / "submission.parquet", IDS, 999) == []


def test_an_exception_in_the_rerun_leaves_no_submission(tmp_path: Path):
    server, gateway = _rerun("aimo3", tmp_path, "raise ZeroDivisionError('by nothing')")
    assert gateway.returncode == 1
    assert "no submission" in gateway.stderr and "by nothing" in gateway.stderr
    assert server.returncode == 0
    assert listing(tmp_path / "gateway") == []


def test_a_server_that_dies_is_reported(tmp_path: Path):
    server, gateway = _rerun("aimo2", tmp_path, "os._exit(9)")
    assert server.returncode == 9
    assert gateway.returncode == 1 and "server is gone" in gateway.stderr
    assert listing(tmp_path / "gateway") == []


def test_an_interrupt_ends_a_server_that_nobody_asks(tmp_path: Path):
    port = free_port()
    script = SERVER.format(module=MODULES["aimo2"], n=2, body="pass")
    environment = os.environ | {"PYTHONPATH": str(MOCK / "aimo2"), "MOCK_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    ) as server:
        try:
            while server.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=60) == -signal.SIGINT
        finally:
            server.kill()


def test_a_server_that_never_serves_fails_the_run(
    stand: Stand,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    stand("aimo2")
    gateway = importlib.import_module("kaggle_evaluation.aimo_2_gateway")
    monkeypatch.setenv("MOCK_PORT", str(free_port()))
    monkeypatch.setenv("MOCK_START_SECONDS", "0.5")
    assert gateway.main(gateway.RULES) == 1
    assert "was not there within 0.5 s" in capsys.readouterr().err
    assert listing() == []


def test_fifteen_minutes_are_given_to_reach_serve(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MOCK_START_SECONDS", raising=False)
    server = stand("aimo2").AIMO2InferenceServer(seven)
    assert (server._settings.start_seconds, server._settings.port) == (15 * 60, 50051)


def test_two_servers_do_not_share_a_port(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as taken:
        # As gRPC's default has it, which would let a second server take half of the calls.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("MOCK_PORT", str(taken.getsockname()[1]))
        with pytest.raises(RuntimeError, match="bind"):
            stand("aimo2").AIMO2InferenceServer(seven).serve()


def test_a_missing_problem_file_is_one_clear_sentence(
    stand: Stand,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    stand("aimo3")
    gateway = importlib.import_module("kaggle_evaluation.aimo_3_gateway")
    monkeypatch.setenv("MOCK_PORT", str(free_port()))
    monkeypatch.setenv("MOCK_INPUT", str(tmp_path / "none"))
    assert gateway.main(gateway.RULES) == 1
    assert "set MOCK_INPUT to a problem file" in capsys.readouterr().err
