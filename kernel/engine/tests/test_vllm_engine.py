"""The engine: ids that match the text, and a process that is restarted whatever ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernel.config import Config
from kernel.engine import vllm_engine as engine_module
from kernel.engine.profile import LADDER, lowered
from kernel.engine.tokenizer import matching_ids
from kernel.engine.vllm_engine import VllmEngine
from kernel.records import Finish, Request
from kernel.sandbox.tests.tools import is_running

FAKE = Path(__file__).parent / "fake_vllm"


class CharTokenizer:
    """One token a character, code point + 10; 2 is the end of a turn; 3 is the token "output\n"."""

    added_tokens_decoder = {2: SimpleNamespace(content="<|end|>", special=True)}  # noqa: RUF012

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        return [ord(c) + 10 for c in text]

    def decode(self, token_ids, *, skip_special_tokens):
        assert skip_special_tokens
        return "".join(
            {2: "", 3: "output\n"}.get(i) or ("" if i == 2 else chr(i - 10)) for i in token_ids
        )

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        assert not tokenize and add_generation_prompt
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in conversation)


TOKENIZER = CharTokenizer()


def ids(text):
    return TOKENIZER.encode(text, add_special_tokens=False)


@pytest.mark.parametrize(
    ("text", "given_ids", "expected"),
    [
        ("abc", ids("abc"), ids("abc")),
        ("abc", [*ids("abc"), 2], ids("abc")),
        ("", [2], []),
        ("", [], []),
        ("ab```output", [*ids("ab```"), 3], ids("ab```output")),
        ("ab```output\n", [*ids("ab```"), 3], [*ids("ab```"), 3]),
        ("other text", ids("abc"), ids("other text")),
    ],
)
def test_ids_decode_to_the_text_and_keep_the_engines_own(text, given_ids, expected):
    assert matching_ids(text, given_ids, TOKENIZER) == tuple(expected)


def test_each_restart_asks_for_less():
    arguments = {"max_num_seqs": 48, "max_model_len": 4096}
    tries = [lowered(arguments, step) for step in LADDER[1:]]
    assert [t["max_num_seqs"] for t in tries] == [24, 12, 6]
    assert [t["max_model_len"] for t in tries] == [3072, 2048, 2048]
    assert [t["enforce_eager"] for t in tries] == [False, True, True]
    shares = [0.92, *(t["gpu_memory_utilization"] for t in tries)]
    assert shares == sorted(shares, reverse=True) and len(set(shares)) == 4
    assert lowered({"max_num_seqs": 1, "max_model_len": 64}, LADDER[2])["max_num_seqs"] == 1


@pytest.mark.parametrize(
    ("longest", "context"), [(0, 2048), (1792, 2048), (3000, 3256), (4090, 4096)]
)
def test_a_shorter_context_still_takes_every_text_that_waits(longest, context):
    arguments = {"max_num_seqs": 48, "max_model_len": 4096}
    assert lowered(arguments, LADDER[2], longest)["max_model_len"] == context


def request(name, max_tokens=100, prompt="What?"):
    return Request(name, tuple(ids(prompt)), max_tokens, 0.8, 1.0, ("```output",), 0)


class Started:
    """A VllmEngine on the fake vLLM, and what it reported."""

    def __init__(self, engine, plan, reports):
        self.engine, self.plan, self.reports = engine, plan, reports

    def starts(self):
        return [json.loads(line) for line in Path(f"{self.plan}.starts").read_text().splitlines()]

    def collect(self, count, seconds=60):
        """Poll until `count` completions are there."""
        done, end = [], time.monotonic() + seconds
        while len(done) < count:
            assert time.monotonic() < end, f"only {len(done)} of {count}: {self.reports}"
            done += self.engine.poll()
        return {completion.request_id: completion for completion in done}

    def until(self, condition, seconds=60):
        """Poll until `condition`; there must be no completion meanwhile."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.reports
            assert self.engine.poll() == []


@pytest.fixture
def start(tmp_path, monkeypatch):
    started = []

    def make(*plan, text="So \\boxed{5}.", **settings):
        path = tmp_path / "plan"
        path.write_text("\n".join(plan))
        monkeypatch.setenv("FAKE_VLLM_PLAN", str(path))
        monkeypatch.setenv("FAKE_VLLM_TEXT", text)
        monkeypatch.setenv("PYTHONPATH", str(FAKE))
        monkeypatch.setattr(engine_module, "load_tokenizer", lambda model: TOKENIZER)
        config = replace(Config(candidates=8, max_context=1000), **settings)
        reports = []
        engine = VllmEngine(tmp_path, config, tmp_path / "engine.log", reports.append)
        started.append(engine)
        return Started(engine, path, reports)

    yield make
    for engine in started:
        engine.close()


def test_requests_made_before_the_model_is_loaded_are_served(start):
    started = start("ok")
    for i in range(3):
        started.engine.submit(request(f"r{i}"))
    done = started.collect(3)
    assert {c.text for c in done.values()} == {"So \\boxed{5}."}
    assert {c.finish for c in done.values()} == {Finish.END}
    assert done["r0"].token_ids == tuple(ids("So \\boxed{5}."))
    assert done["r0"].generated_tokens == len("So \\boxed{5}.") + 1


def test_a_stop_string_and_a_token_limit_are_told_apart(start):
    started = start("ok", text="ab```output and more")
    started.engine.submit(request("stop"))
    started.engine.submit(request("length", max_tokens=3))
    done = started.collect(2)
    assert (done["stop"].text, done["stop"].finish) == ("ab```output", Finish.STOP)
    assert (done["length"].text, done["length"].finish) == ("ab`", Finish.LENGTH)


def test_an_aborted_request_never_comes_back(start):
    started = start("ok")
    started.until(lambda: started.engine.ready)
    for name in ("a", "b"):
        started.engine.submit(request(name))
    started.engine.abort(["a"])
    assert set(started.collect(1)) == {"b"}
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert started.engine.poll() == []


def test_a_prompt_beyond_the_context_fails_alone(start):
    started = start("ok")
    started.engine.submit(request("long", prompt="x" * 1000))
    started.engine.submit(request("short"))
    done = started.collect(2)
    assert (done["long"].finish, done["short"].finish) == (Finish.FAILED, Finish.END)


FAULTS = [
    *("fail-start", "kill-start", "hang-start", "memory-start"),
    *("fail-step", "kill-step", "hang-step", "memory-step"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_engine_comes_back_with_smaller_settings_and_the_requests(start, fault):
    # Importing torch is within the start; a hang needs a limit to be noticed at all.
    limits = {
        "engine_start_seconds": 20 if fault == "hang-start" else 120,
        "engine_step_seconds": 5 if fault == "hang-step" else 60,
    }
    started = start(fault, "ok", **limits)
    for i in range(8):
        started.engine.submit(request(f"r{i}"))
    done = started.collect(8, seconds=120)
    assert {c.text for c in done.values()} == {"So \\boxed{5}."}
    assert [s["max_num_seqs"] for s in started.starts()] == [8, 4]
    assert any("Restarting" in report for report in started.reports)


@pytest.mark.parametrize("fault", FAULTS)
def test_two_successive_restarts_may_fail_too(start, fault):
    # Broken in the middle of its work, then at each of two restarts, whole at the third.
    # A limit is short only where a hang needs one: a crowded machine is slow to say anything.
    limits = {
        "engine_start_seconds": 20 if fault == "hang-start" else 120,
        "engine_step_seconds": 5 if fault == "hang-step" else 60,
    }
    started = start("kill-step", fault, fault, "ok", **limits)
    for i in range(8):
        started.engine.submit(request(f"r{i}"))
    done = started.collect(8, seconds=150)
    assert {c.finish for c in done.values()} == {Finish.END}
    assert [s["max_num_seqs"] for s in started.starts()] == [8, 4, 2, 1]
    assert [s["max_model_len"] for s in started.starts()] == [1000, 750, 500, 500]
    assert started.engine.restarts == 3


def test_an_engine_that_does_not_come_back_fails_its_requests(start):
    started = start("fail-start", "fail-step", "kill-start", "memory-step")
    started.engine.submit(request("r"))
    assert started.collect(1, seconds=120)["r"].finish is Finish.FAILED
    assert started.engine.lost
    started.engine.submit(request("later"))
    assert started.collect(1)["later"].finish is Finish.FAILED
    assert any("lost" in report for report in started.reports)


def test_a_kill_from_outside_is_survived(start):
    started = start("ok", "ok", text="x" * 50)
    started.until(lambda: started.engine.ready)
    os.kill(started.engine._process.pid, signal.SIGKILL)
    started.engine.submit(request("r"))
    assert started.collect(1)["r"].finish is Finish.END


def test_a_full_pipe_to_a_hung_engine_blocks_nobody(start):
    started = start("hang-step", "ok", engine_step_seconds=3)
    started.until(lambda: started.engine.ready)
    for i in range(300):
        started.engine.submit(request(f"r{i}", prompt="x" * 900, max_tokens=1))
    assert len(started.collect(300)) == 300


def test_a_text_too_long_for_the_shorter_context_fails_alone(start):
    started = start("ok", "ok", max_context=1000)
    started.until(lambda: started.engine.ready)
    os.kill(started.engine._process.pid, signal.SIGKILL)
    started.until(lambda: started.engine.restarts == 1)
    for name, length in (("long", 800), ("short", 700)):
        started.engine.submit(request(name, prompt="x" * length))
    done = started.collect(2)
    assert [s["max_model_len"] for s in started.starts()] == [1000, 750]
    assert (done["long"].finish, done["short"].finish) == (Finish.FAILED, Finish.END)


def test_a_log_that_cannot_be_written_costs_the_log_only(start, tmp_path):
    (tmp_path / "engine.log").mkdir()
    started = start("ok")
    started.engine.submit(request("r"))
    assert started.collect(1)["r"].finish is Finish.END


def test_special_tokens_in_a_problem_are_ordinary_text(start):
    engine = start("ok").engine
    message = [{"role": "user", "content": "a<|end|>b"}]
    assert engine.encode_chat(message) == ids("<user>a< |end|>b")
    assert engine.encode("<|end|>") == ids("< |end|>")


def test_closing_ends_the_process(start):
    started = start("ok")
    started.until(lambda: started.engine.ready)
    pid = started.engine._process.pid
    started.engine.close()
    assert not is_running(pid)


def test_the_process_dies_with_the_kernel(tmp_path):
    script = (
        "import sys, time; from pathlib import Path\n"
        "from kernel.engine.vllm_engine import VllmEngine; from kernel.config import Config\n"
        "e = VllmEngine(Path(sys.argv[1]), Config(), Path(sys.argv[1]) / 'log', print)\n"
        "while not e.ready: e.poll()\n"
        "print(e._process.pid, flush=True); time.sleep(1000)"
    )
    (tmp_path / "plan").write_text("ok")
    env = {**os.environ, "FAKE_VLLM_PLAN": str(tmp_path / "plan"), "PYTHONPATH": str(FAKE)}
    kernel = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, env=env, text=True
    )
    line = kernel.stdout.readline()
    pid = int(line if line.strip().isdigit() else kernel.stdout.readline())
    kernel.kill()
    kernel.wait()
    end = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < end, "the engine process outlived the kernel"
        time.sleep(0.05)
