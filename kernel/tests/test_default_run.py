"""The default run, byte for byte: settings, prompts, requests and trace of NuminaMath on two T4s.

What is added for other models and machines must not show where nobody asks for it. The file beside
this one holds what the default run was before there was anything to ask for.
"""

import ast
import json
from pathlib import Path

import pytest

from common import embedded_model
from kernel import prompt, sc_tir
from kernel.answers.tests.answering import events
from kernel.config import Config
from kernel.engine.tokenizer import Encoding, load_tokenizer
from kernel.records import Problem
from kernel.report import WHERE_SET, settings_of
from kernel.tests.fault_runs import CODED, ROOT, FaultRun
from kernel.tests.solving import CODE, FakeEngine, FakeSandbox, deadline
from kernel.trace import Trace

GOLDEN = json.loads(Path(__file__).with_name("default_run.json").read_text("utf-8"))
PROBLEM = "Find $x$ if $2x + 3 = 11$.\n\nGive ∑ as an <|im_end|> integer."
NUMINA = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '### Problem: ' + message['content'] + '\\n' }}{% elif message['role'] == 'assistant' %}"
    "{{ '### Solution: ' + message['content'] + '\\n' }}{% endif %}"
    "{% if loop.last and message['role'] == 'user' and add_generation_prompt %}"
    "{{ '### Solution: ' }}{% endif %}{% endfor %}"
)
"""A chat template in NuminaMath's form: no system turn."""


def text_of(value):
    """Return a value as the trace would write it."""
    return json.dumps(value, ensure_ascii=True, default=str)


def test_the_settings_in_the_trace_are_the_same_bytes():
    assert text_of(settings_of(Config())) == text_of(GOLDEN["settings"])


def test_what_is_set_is_told_beside_them():
    told = {
        "top_k": 20,
        "min_p": 0.05,
        "repetition_penalty": 1.05,
        "max_total_tokens": 4000,
        "stop_token_ids": [2],
        "system_prompt": "Use Python.",
        "instruction": "Box the answer.",
        "chat_template_arguments": {"enable_thinking": False},
    }
    assert set(told) == set(WHERE_SET)
    assert json.loads(text_of(settings_of(Config().updated(told)))) == {
        **GOLDEN["settings"],
        **told,
    }


def test_the_notebook_sets_nothing():
    cell = ast.parse((ROOT / "notebooks/cells/run.py").read_text("utf-8"))
    assert ast.unparse(cell.body[-1]) == "main({})"


@pytest.mark.parametrize("name", ["embedded", "numina"])
def test_the_prompts_ids_are_the_same(name):
    tokenizer = load_tokenizer(embedded_model.ensure())
    if name == "numina":
        tokenizer.chat_template = NUMINA
    ids = prompt.fitting_ids(PROBLEM, Config(), Encoding(tokenizer).encode_chat)
    assert list(ids) == GOLDEN["prompt_ids"][name]


def test_a_problems_events_and_requests_are_the_same(tmp_path):
    texts = {0: CODE, 1: r"It is $\boxed{42}$."}
    engine = FakeEngine(lambda index, number: texts[number] if index else texts[1])
    config = Config(candidates=2, stop_when_decided=False)
    with Trace(tmp_path / "trace.jsonl", now=lambda: 1.0) as trace:
        problem = Problem("p", PROBLEM)
        sc_tir.solve(problem, config, engine, FakeSandbox(), deadline(), trace)
    assert events(tmp_path) == GOLDEN["events"]
    asked = [[r.id, r.max_tokens, r.temperature, r.top_p, r.stop, r.seed] for r in engine.requests]
    assert json.loads(text_of(asked)) == GOLDEN["requests"]


def test_a_whole_runs_trace_has_the_same_fields(tmp_path):
    run = FaultRun(tmp_path, text=CODED, problems=["What is 1 + 5?"]).start()
    run.wait()
    fields = {event["event"]: sorted(event) for event in run.events()}
    # Only a slow machine has the time to tell of these two.
    passing = {name: fields[name] for name in ("loading", "progress") if name in fields}
    assert {**GOLDEN["fields"], **passing} == {**GOLDEN["fields"], **fields}
    assert GOLDEN["fields"].keys() - fields.keys() <= {"progress"}
    begun = run.events("run")[0]
    assert list(begun["settings"]) == list(GOLDEN["settings"])
    assert begun["seed"] == 0


def test_a_seed_of_the_clock_is_in_the_trace(tmp_path):
    run = FaultRun(tmp_path, problems=["What is 1 + 5?"], settings={"seed": "clock"}).start()
    run.wait()
    begun = run.events("run")[0]
    assert begun["seed_from"] == "clock" and begun["seed"] == begun["settings"]["seed"]
    assert type(begun["seed"]) is int
    assert sorted(begun) == sorted([*GOLDEN["fields"]["run"], "seed_from"])
    assert run.events("solution")[0]["answer"] == 5
