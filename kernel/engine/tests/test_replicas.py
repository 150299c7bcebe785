import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernel.config import Config, ConfigError
from kernel.engine import vllm_engine as engine_module
from kernel.engine.replicas import ReplicatedEngine, start_engine
from kernel.records import Completion, Finish, Request

FAKE = Path(__file__).parent / "fake_vllm"


class FakeEngine:
    """Completes on command."""

    def __init__(self, ready=True):
        self.ready, self.lost, self.restarts, self.generated_tokens = ready, False, 1, 10
        self.facts = {"vllm": "0"} if ready else {}
        self.held, self.aborted, self.closed = {}, [], False

    def submit(self, request):
        self.held[request.id] = request

    def abort(self, ids):
        self.aborted += ids
        for i in ids:
            self.held.pop(i, None)

    def poll(self):
        ended = Finish.FAILED if self.lost else Finish.END
        done = [Completion(i, "", (), ended, 0) for i in self.held]
        self.held.clear()
        return done

    def encode(self, text):
        return [1]

    def encode_chat(self, messages):
        return [2]

    def close(self):
        self.closed = True


def request(name):
    return Request(name, (75, 76), 100, 0.8, 1.0, (), 0)


@pytest.fixture
def three():
    engines = [FakeEngine(), FakeEngine(), FakeEngine()]
    return ReplicatedEngine(engines), engines


def test_candidates_are_spread_and_stay_where_their_text_is(three):
    engine, engines = three
    for candidate in range(6):
        engine.submit(request(f"p/{candidate}/0"))
    homes = {i.split("/")[1]: n for n, e in enumerate(engines) for i in e.held}
    assert [len(e.held) for e in engines] == [2, 2, 2]
    assert len(engine.poll()) == 6
    for candidate in reversed(range(6)):
        engine.submit(request(f"p/{candidate}/1"))
    assert {i.split("/")[1]: n for n, e in enumerate(engines) for i in e.held} == homes


def test_what_a_lost_engine_leaves_goes_to_the_others(three):
    engine, engines = three
    for candidate in range(6):
        engine.submit(request(f"p/{candidate}/0"))
    engines[1].lost = True
    done = []
    while len(done) < 6:
        done += engine.poll()
    assert {c.finish for c in done} == {Finish.END}
    assert len({c.request_id for c in done}) == 6
    engine.submit(request("p/9/0"))
    engine.submit(request("p/1/1"))
    assert not engines[1].held
    assert not engine.lost


def test_requests_fail_once_all_are_lost(three):
    engine, engines = three
    for one in engines:
        one.lost = True
    assert engine.lost
    engine.submit(request("p/0/0"))
    assert [c.finish for c in engine.poll()] == [Finish.FAILED]


def test_aborted_requests_do_not_come_out(three):
    engine, engines = three
    for candidate in range(3):
        engine.submit(request(f"p/{candidate}/0"))
    held = [dict(e.held) for e in engines]
    engine.abort(["p/0/0", "p/2/0", "unknown"])
    assert [c.request_id for c in engine.poll()] == ["p/1/0"]
    for one in engines:  # one that was on its way all the same
        one.held = {i: r for i, r in held[engines.index(one)].items() if i != "p/1/0"}
    assert engine.poll() == []


def test_it_answers_for_all_of_them(three):
    engine, engines = three
    assert (engine.restarts, engine.generated_tokens) == (3, 30)
    assert engine.facts == {"vllm": "0", "replicas": 3}
    assert (engine.encode("x"), engine.encode_chat([])) == ([1], [2])
    loading = ReplicatedEngine([FakeEngine(ready=False), FakeEngine(ready=False)])
    assert (loading.ready, loading.facts) == (False, {})
    engine.close()
    assert all(one.closed for one in engines)


class CharTokenizer:
    """One token a character."""

    added_tokens_decoder = {2: SimpleNamespace(content="<|end|>", special=True)}  # noqa: RUF012

    def encode(self, text, *, add_special_tokens):
        return [ord(c) + 10 for c in text]

    def decode(self, token_ids, *, skip_special_tokens):
        return "".join("" if i == 2 else chr(i - 10) for i in token_ids)


def test_two_processes_work_side_by_side_each_with_its_gpu(tmp_path, monkeypatch):
    plan = tmp_path / "plan"
    plan.write_text("ok\nok")
    monkeypatch.setenv("FAKE_VLLM_PLAN", str(plan))
    monkeypatch.setenv("FAKE_VLLM_TEXT", "So \\boxed{5}.")
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setattr(engine_module, "load_tokenizer", lambda model: CharTokenizer())
    config = Config(candidates=8, max_context=1000, engine_replicas=2)
    engine = start_engine(tmp_path, config, tmp_path / "engine.log", lambda text: None)
    try:
        pids = [one._process.popen.pid for one in engine._engines]
        seen = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in pids]
        for number, environment in enumerate(seen):
            assert f"CUDA_VISIBLE_DEVICES={number}".encode() in environment
        for candidate in range(8):
            engine.submit(request(f"p/{candidate}/0"))
        done, end = [], time.monotonic() + 120
        while len(done) < 8 and time.monotonic() < end:
            done += engine.poll()
        assert {c.text for c in done} == {"So \\boxed{5}."}
        assert len({c.request_id for c in done}) == 8
    finally:
        engine.close()
    starts = Path(f"{plan}.starts").read_text().splitlines()
    assert len(starts) == 2
    assert all("restart" not in json.loads(line) for line in starts)
    assert (tmp_path / "engine-0.log").exists()
    assert (tmp_path / "engine-1.log").exists()


def test_one_engine_is_the_plain_one(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        "kernel.engine.replicas.VllmEngine", lambda *parts, **more: made.append(more) or "plain"
    )
    assert start_engine(tmp_path, Config(), tmp_path / "log", print) == "plain"
    assert made == [{}]


def test_a_replica_that_cannot_start_leaves_none_behind(tmp_path, monkeypatch):
    engines = []

    def start(*parts, gpu):
        if gpu == 1:
            raise RuntimeError("no tokenizer")
        engines.append(FakeEngine())
        return engines[0]

    monkeypatch.setattr("kernel.engine.replicas.VllmEngine", start)
    with pytest.raises(RuntimeError, match="no tokenizer"):
        start_engine(tmp_path, Config(engine_replicas=2), tmp_path / "log", print)
    assert engines[0].closed


def test_no_engine_at_all_is_no_setting():
    with pytest.raises(ConfigError, match="engine_replicas"):
        Config(engine_replicas=0)
