"""Validation with the embedded model: behind a real vLLM server, and in the local engine."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from common import embedded_model
from validation.runs.records import read_run

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240


@pytest.fixture
def server(tmp_path):
    """A server's address; it is ended with its children."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # As the local engine is set up on a CPU: chunked prefill and seeds do not go together there.
    line = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1"]
    line += ["--port", str(port), "--model", str(embedded_model.ensure()), "--enforce-eager"]
    line += ["--max-model-len", "2048", "--max-num-batched-tokens", "2048"]
    line += ["--no-enable-chunked-prefill", "--dtype", "bfloat16", "--served-model-name", "small"]
    env = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(line, env=env, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, tmp_path / "server.log")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process, url, log):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(1)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_embedded_model_behind_a_server_solves_with_code(server, tmp_path):
    out = tmp_path / "run.jsonl"
    line = [sys.executable, "-m", "validation.validate", "--set", "common/problems.csv"]
    line += ["--problems", "2", "--seeds", "1", "--candidates", "4", "--engine-url", server]
    done = subprocess.run(
        [*line, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "serves small" in done.stdout
    run = read_run(out)
    assert [solved.problem for solved in run.solved] == ["sum", "product"]
    rounds = [r for solved in run.solved for c in solved.candidates for r in c.rounds]
    assert len(rounds) > 8 and all(r.tokens > 0 for r in rounds)
    # The stop string is kept, the code behind it was run, and its output was read on.
    assert any(r.ran and r.text.endswith("```output") for r in rounds)
    assert any(c.answer is not None for solved in run.solved for c in solved.candidates)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_local_engine_solves_and_a_second_run_repeats_nothing(tmp_path):
    out = tmp_path / "run.jsonl"
    line = [sys.executable, "-m", "validation.validate", "--set", "common/problems.csv"]
    line += ["--problems", "1", "--seeds", "1", "--candidates", "2", "--out", str(out)]
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 300}
    done = subprocess.run(line, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    (solved,) = read_run(out).solved
    assert solved.problem == "sum" and all(c.rounds and c.stop for c in solved.candidates)
    written = out.stat().st_size
    again = subprocess.run(line, **options)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 solves, 1 done before" in again.stdout
    assert "Loading" not in again.stdout and len(read_run(out).solved) == 1
    # Only the line that says that a run began again.
    assert out.stat().st_size < written + 5000
