"""What its chat template does not take is told in a sentence, before anything long starts."""

import json

import pytest

from common import embedded_model
from kernel.checks import chat as module
from kernel.checks.chat import chat_faults, settings_faults, variables
from kernel.checks.preflight import Preflight
from kernel.checks.tests.model_folders import model_folder
from kernel.config import Config, ConfigError, Example
from kernel.engine.tokenizer import Encoding, load_tokenizer

TURNS = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
REFUSES = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
)
DROPS = "{% for m in messages if m['role'] != 'system' %}{{ m['content'] }}{% endfor %}"
MERGES = "{% if messages[0]['role'] == 'system' %}[{{ messages[0]['content'] | trim }}]{% endif %}"
THINKS = TURNS + "{% if enable_thinking is defined and not enable_thinking %}<no>{% endif %}"
MARKED = (
    "{% for m in messages %}{% generation %}{{ m['content'] + style }}{% endgeneration %}"
    "{% endfor %}"
)
SETS = (
    "{% set own = 1 %}{% for m in messages %}{{ own }}{{ m['content'] }}{{ bos_token }}{% endfor %}"
)


@pytest.fixture(scope="module")
def loaded():
    return load_tokenizer(embedded_model.ensure())


@pytest.fixture
def tokenizer(loaded):
    """The embedded model's, whose template a test replaces."""
    template = loaded.chat_template
    yield loaded
    loaded.chat_template = template


@pytest.mark.parametrize(
    ("template", "settings", "sentence"),
    [
        (TURNS, {"system_prompt": "Use Python."}, ""),
        (MERGES, {"system_prompt": "  Use Python.  "}, ""),
        (None, {"system_prompt": "Use Python."}, ""),
        (REFUSES, {"system_prompt": "Use Python."}, "refuses a system prompt (No system role)"),
        (DROPS, {"system_prompt": "Use Python."}, "drops a system prompt: set system_prompt"),
        (TURNS, {"system_prompt": "x " * 9000}, "and a whole prompt may have 2048: shorten"),
        (TURNS, {"instruction": "x " * 9000}, "and a whole prompt may have 2048: shorten"),
        (DROPS, {"instruction": "Use Python."}, ""),
        (THINKS, {"chat_template_arguments": {"enable_thinking": False}}, ""),
        (THINKS, {"chat_template_arguments": {"thinking": False}}, "it knows enable_thinking."),
        (TURNS, {"chat_template_arguments": {"enable_thinking": 1}}, "it knows no arguments."),
        (SETS, {"chat_template_arguments": {"own": 1}}, "'own', which the model's chat template"),
        (TURNS, {"chat_template_arguments": {"content": ""}}, "does not know"),
        (TURNS, {"chat_template_arguments": {"tokenize": True}}, "does not know"),
        (TURNS, {"chat_template_arguments": {"chat_template": "x"}}, "does not know"),
        (TURNS, {"chat_template_arguments": {"messages": []}}, "the engine supplies"),
        (
            TURNS,
            {"chat_template_arguments": {"add_generation_prompt": False}},
            "the engine supplies",
        ),
        (MARKED, {"chat_template_arguments": {"style": 5}}, "fails with chat_template_arguments"),
    ],
)
def test_what_the_template_does_not_take_is_one_sentence(tokenizer, template, settings, sentence):
    if template is not None:
        tokenizer.chat_template = template
    faults = chat_faults(tokenizer, Config(**settings, examples=(Example("p", "s"),)))
    assert list(faults) == ([next(iter(settings))] if sentence else [])
    for fault in faults.values():
        assert sentence in fault and "\n" not in fault and fault.endswith(".")


def test_a_templates_variables_are_read_through_its_marks(tokenizer):
    tokenizer.chat_template = MARKED
    assert variables(tokenizer) == {"messages", "style"}


def test_a_model_without_a_template_takes_neither(tokenizer):
    tokenizer.chat_template = None
    for settings in ({"system_prompt": "x"}, {"chat_template_arguments": {"a": 1}}):
        assert list(chat_faults(tokenizer, Config(**settings))) == list(settings)


def test_an_argument_reaches_the_prompts_ids(tokenizer):
    tokenizer.chat_template = THINKS
    turns = [{"role": "user", "content": "What?"}]
    bare, told = (Encoding(tokenizer, a).encode_chat(turns) for a in ({}, {"enable_thinking": 0}))
    assert tokenizer.decode(told) == tokenizer.decode(bare) + "<no>"


@pytest.mark.parametrize(
    ("ids", "config", "fault"),
    [
        ((), {"vocab_size": 10}, False),
        ((9,), {"vocab_size": 10}, False),
        ((3, 10), {"vocab_size": 10}, True),
        ((10,), {}, False),
    ],
)
def test_a_stop_token_that_the_model_does_not_have_is_told(tmp_path, ids, config, fault):
    folder = model_folder(tmp_path / "m", config)
    faults = settings_faults(folder, Config(stop_token_ids=ids))
    assert bool(faults) == fault
    if fault:
        assert "has 10 tokens" in faults["stop_token_ids"]


def test_nothing_is_loaded_where_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "load_tokenizer", lambda model: pytest.fail("loaded"))
    assert settings_faults(model_folder(tmp_path / "m"), Config()) == {}


def test_a_scored_rerun_goes_on_without_what_is_not_taken(tmp_path, monkeypatch, tokenizer):
    tokenizer.chat_template = DROPS
    monkeypatch.setattr(module, "load_tokenizer", lambda model: tokenizer)
    folder = model_folder(tmp_path / "m", {"vocab_size": 10})
    config = Config(system_prompt="Use Python.", stop_token_ids=(99,), top_k=20)
    with pytest.raises(ConfigError, match=r"has 10 tokens"):
        Preflight(scored=False).check_chat(config, folder)
    scored = Preflight(scored=True)
    assert scored.check_chat(config, folder) == Config(top_k=20)
    assert len(scored.notes) == 2


@pytest.mark.parametrize("name", ["no tokenizer", "config.json torn"])
def test_a_folder_that_cannot_be_read_is_one_sentence(tmp_path, name):
    folder = model_folder(tmp_path / "m")
    config = Config(system_prompt="Use Python.")
    if name == "config.json torn":
        (folder / "config.json").write_text(json.dumps({"vocab_size": 9})[:5])
        config = Config(stop_token_ids=(1,))
    with pytest.raises(ConfigError, match="cannot be read"):
        Preflight(scored=False).check_chat(config, folder)
    scored = Preflight(scored=True)
    assert scored.check_chat(config, folder) == config and len(scored.notes) == 1
