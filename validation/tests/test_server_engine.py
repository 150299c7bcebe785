"""The engine over HTTP, against a server that breaks on command."""

import contextlib
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from kernel.engine.process import Server
from kernel.records import Completion, Finish, Request
from validation.server_engine import ServerEngine, ServerError
from validation.tests.fake_server import Characters, FakeServer


def request(name="p/0/0", seed=5):
    return Request(name, (72, 105), 50, 0.8, 0.9, ("```output",), seed)


@contextlib.contextmanager
def opened(reply, pauses=(0.01, 0.01), **options):
    server = FakeServer(reply)
    engine = ServerEngine(server.url, Characters(), 8, pauses=pauses, **options)
    try:
        yield server, engine
    finally:
        engine.close()
        server.close()


def wait(engine, count=1, seconds=20):
    found, end = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += engine.poll()
    return found


def ids(text):
    return tuple(map(ord, text))


@pytest.mark.parametrize(
    ("reply", "completion"),
    [
        ("Hello", Completion("p/0/0", "Hello", ids("Hello"), Finish.END, 7)),
        (
            ("a ```output", {"stop_reason": "```output"}),
            Completion("p/0/0", "a ```output", ids("a ```output"), Finish.STOP, 7),
        ),
        (
            ("a ", {"stop_reason": "```output"}),
            Completion("p/0/0", "a ```output", ids("a ```output"), Finish.STOP, 7),
        ),
        (("a", {"finish_reason": "length"}), Completion("p/0/0", "a", (97,), Finish.LENGTH, 7)),
        (
            ("ab", {"token_ids": [97, 98, 0], "stop_reason": 0}),
            Completion("p/0/0", "ab", (97, 98), Finish.END, 7),
        ),
        (400, Completion("p/0/0", "", (), Finish.FAILED, 0)),
    ],
)
def test_answers_become_completions(reply, completion):
    with opened(lambda body: reply) as (_, engine):
        engine.submit(request())
        assert wait(engine) == [completion]


def test_the_server_is_asked_what_the_request_says(monkeypatch):
    monkeypatch.setenv("ENGINE_KEY", "k")
    with opened(lambda body: "x") as (server, engine):
        engine.submit(request(seed=9))
        wait(engine)
        (body,) = server.bodies
    assert body["prompt"] == [72, 105]
    assert (body["seed"], body["max_tokens"], body["stop"]) == (9, 50, ["```output"])
    assert body["include_stop_str_in_output"] is True
    assert (body["model"], body["path"], body["key"]) == ("m", "/v1/completions", "Bearer k")


SAMPLING = {"top_k": 20, "min_p": 0.05, "repetition_penalty": 1.05, "stop_token_ids": (7, 9)}


@pytest.mark.parametrize("given", [SAMPLING, {}])
def test_both_engines_ask_for_the_same_sampling(monkeypatch, given):
    """What a server is not told it takes from the model's generation_config.json."""
    asked = []
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(SamplingParams=dict))
    monkeypatch.setitem(sys.modules, "vllm.inputs", SimpleNamespace(TokensPrompt=dict))
    local = SimpleNamespace(add_request=lambda name, prompt, params: asked.append(params))
    Server(local, None)._submit(replace(request(), **given))
    with opened(lambda body: "x") as (server, engine):
        engine.submit(replace(request(), **given))
        wait(engine)
        (body,) = server.bodies
    assert {name: body[name] for name in asked[0]} == asked[0]
    assert {name: asked[0][name] for name in given} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in given.items()
    }


def test_a_token_that_ends_the_turn_is_no_stop_string():
    reply = ("ab", {"token_ids": [97, 98, 0], "stop_reason": 151645})
    with opened(lambda body: reply) as (_, engine):
        engine.submit(replace(request(), stop_token_ids=(151645,)))
        assert wait(engine)[0].finish is Finish.END


def test_the_chat_template_gets_its_arguments():
    class Thinking(Characters):
        def apply_chat_template(self, turns, **options):
            assert options.pop("thinking") is False
            return super().apply_chat_template(turns, **options)

    server = FakeServer(lambda body: "x")
    with contextlib.closing(
        ServerEngine(server.url, Thinking(), 1, template={"thinking": False})
    ) as engine:
        assert engine.encode_chat([{"role": "user", "content": "a"}]) == [97]
    server.close()


def test_a_stumble_is_tried_again():
    replies = iter([503, 429, "fine"])
    with opened(lambda body: next(replies)) as (server, engine):
        engine.submit(request())
        assert [c.text for c in wait(engine)] == ["fine"]
        assert len(server.bodies) == 3


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (404, 1), (401, 1)])
def test_a_server_that_refuses_is_given_up(status, tries):
    with opened(lambda body: status) as (server, engine):
        engine.submit(request())
        with pytest.raises(ServerError, match=rf"can no longer be used \(status {status}"):
            wait(engine)
        assert len(server.bodies) == tries


def test_a_server_that_goes_away_is_given_up_and_one_that_comes_back_is_not():
    server = FakeServer(lambda body: "x")
    port = server.http.server_port
    engine = ServerEngine(server.url, Characters(), 8, pauses=(0.2,) * 50)
    server.close()
    engine.submit(request())
    time.sleep(0.5)
    back = FakeServer(lambda body: "back", port=port)
    assert [c.text for c in wait(engine)] == ["back"]
    back.close()
    engine._pauses = (0.01,)
    engine.submit(request("p/1/0"))
    with pytest.raises(ServerError, match="can no longer be used"):
        wait(engine)
    engine.close()


def test_all_requests_are_in_flight_at_once_and_aborted_ones_never_come_back():
    together, go = threading.Barrier(4, timeout=20), threading.Event()

    def reply(body):
        if body["seed"] == 9:
            go.wait(20)
            return "late"
        together.wait()
        return str(body["seed"])

    with opened(reply) as (_, engine):
        for n in range(4):
            engine.submit(request(f"p/{n}/0", seed=n))
        engine.submit(request("slow", seed=9))
        assert {c.text for c in wait(engine, 4)} == {"0", "1", "2", "3"}
        engine.abort(["slow", "unknown"])
        go.set()
        assert wait(engine, 1, seconds=0.5) == []


@pytest.mark.parametrize(
    ("models", "wanted", "sentence"),
    [((), "", "lists no models"), (("a", "b"), "", "name one"), (("a",), "b", "serves a, not b")],
)
def test_the_wrong_model_is_named_at_once(models, wanted, sentence):
    server = FakeServer(lambda body: "x", models)
    with pytest.raises(ServerError, match=sentence):
        ServerEngine(server.url, Characters(), 1, wanted)
    server.close()


@pytest.mark.parametrize("url", ["", "ftp://x", "127.0.0.1:9"])
def test_no_server_is_one_sentence(url):
    with pytest.raises(ServerError, match=r"not the address of a server|does not answer"):
        ServerEngine(url, Characters(), 1)
