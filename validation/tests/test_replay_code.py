"""The replay of logged code blocks: reading, comparing, and a stretch of real transcripts."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from kernel.config import Config
from kernel.records import Execution, ExecutionStatus
from kernel.sandbox.forked_sandbox import ForkedSandbox

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("AIMO_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def replay_code() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay_code", ROOT / "validation/replay_code.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    importlib.sys.modules["replay_code"] = module
    spec.loader.exec_module(module)
    return module


def test_blocks_are_read_in_order(replay_code: ModuleType, tmp_path: Path) -> None:
    text = (
        "```python\nnot run\n```\nso:\n```python\nx = 1\nx\n``````output\n1\n```\n"
        "```python\nx + 1\n```\n```output\n2\n```\n```python\nnever run\n```"
    )
    path = tmp_path / "traces.jsonl"
    path.write_text(json.dumps({"problem_id": "a", "text": text}) + "\n")
    (trace,) = replay_code.read_traces(path)
    assert [(block.code, block.output) for block in trace] == [
        ("x = 1\nx\n", "1\n"),
        ("x + 1\n", "2\n"),
    ]


@pytest.mark.parametrize(
    ("logged", "output", "difference"),
    [
        ("5\n", "5", ""),
        ("", "[no output: use print() to see a value]", ""),
        ("5.0", "5", "the same numbers, written differently"),
        ("{1, 2}", "{2, 1}", "the same characters in another order (sets, dictionaries)"),
        ("ValueError: x", "Traceback\nValueError: y", "the same exception, told differently"),
        ("5", "NameError: x", "runs in the log, NameError here"),
        ("NameError: x", "5", "NameError logged, runs here"),
        ("5", "6", "other output"),
    ],
)
def test_compare(replay_code: ModuleType, logged: str, output: str, difference: str) -> None:
    execution = Execution("a", ExecutionStatus.OK, output, 0.0)
    assert replay_code.compare(logged, execution) == difference


def test_real_transcripts_give_what_was_logged(replay_code: ModuleType) -> None:
    path = SHARED / "tora_gsm8k_traces.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    traces = list(replay_code.read_traces(path))[:120]
    with ForkedSandbox(Config()) as sandbox:
        results = list(replay_code.replay(traces, sandbox))
    assert len(results) == 120
    differing = [result for result in results if result.difference]
    assert len(differing) <= 1
