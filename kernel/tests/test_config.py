"""Settings: the defaults of the winning system, and refusals that say what to change."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from kernel.config import Config, ConfigError, Example


def test_the_defaults_are_the_winning_systems():
    config = Config()
    assert (config.candidates, config.rounds) == (48, 4)
    assert (config.temperature, config.max_new_tokens) == (0.8, 2048)
    assert (config.modulus, config.max_answer) == (1000, 999)
    assert config.limit_seconds == 9 * 3600


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Config().candidates = 1


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"candidates": 0}, "candidates"),
        ({"rounds": 0}, "rounds"),
        ({"problems": -1}, "problems"),
        ({"code_seconds": 0}, "code_seconds"),
        ({"limit_seconds": 600, "reserve_seconds": 900}, "raise the limit"),
        ({"temperature": -0.1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"default_answer": 1000}, "default_answer"),
        ({"modulus": 0}, "modulus must be"),
        ({"limit_seconds": float("inf")}, "limit_seconds is inf"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"modulus": -7}, "modulus must be"),
        ({"candidate": 48}, "unknown setting 'candidate'"),
        ({"sandbox_start_seconds": 0}, "sandbox_start_seconds"),
        ({"stop": "```output"}, "a list of strings"),
        ({"stop": ["```output", 5]}, "a list of strings"),
        ({"stop": 5}, "docs/config.md"),
        ({"engine": "fast"}, "names and values"),
        ({"engine": None}, "names and values"),
        ({"inputs": None}, "docs/config.md"),
        ({"work": 5}, "docs/config.md"),
        ({"examples": "one"}, "docs/config.md"),
        ({"system_prompt": 5}, "give it as str"),
        ({"system_prompt": None}, "give it as str"),
        ({"instruction": ["Use Python."]}, "give it as str"),
        ({"chat_template_arguments": "enable_thinking"}, "names and values"),
        ({"chat_template_arguments": [True]}, "names and values"),
        ({"top_k": -1}, "top_k must be at least 0"),
        ({"top_k": 20.0}, "give it as int"),
        ({"top_k": True}, "give it as int"),
        ({"min_p": 1.1}, "min_p between 0 and 1"),
        ({"min_p": -0.1}, "min_p between 0 and 1"),
        ({"min_p": float("nan")}, "finite"),
        ({"repetition_penalty": 0}, "repetition_penalty above 0"),
        ({"repetition_penalty": "1.05"}, "give it as int or float"),
        ({"stop_token_ids": 151645}, "docs/config.md"),
        ({"stop_token_ids": "151645"}, "a list of token ids"),
        ({"stop_token_ids": ["<|im_end|>"]}, "a list of token ids"),
        ({"stop_token_ids": [True]}, "a list of token ids"),
        ({"stop_token_ids": [-1]}, "take them from the tokenizer"),
        ({"seed": "now"}, 'give a whole number, or "clock"'),
        ({"seed": 1.5}, 'give it as a whole number, or "clock"'),
        ({"seed": None}, 'give it as a whole number, or "clock"'),
        ({"seed": True}, 'give it as a whole number, or "clock"'),
        ({"max_total_tokens": 0}, "max_total_tokens must be at least 1"),
        ({"max_total_tokens": 4.5}, "give it as int or NoneType"),
    ],
)
def test_values_that_cannot_work_are_refused_with_a_hint(values, hint):
    with pytest.raises(ConfigError, match=hint):
        Config().updated(values)


def test_json_values_become_what_the_fields_hold():
    config = Config().updated(
        {
            "stop": ["```output", "---"],
            "model": "/models/a",
            "examples": [{"problem": "p", "solution": "s"}],
            "engine": {"max_num_seqs": 4},
            "stop_token_ids": [2, 7],
            "chat_template_arguments": {"enable_thinking": False},
            "max_total_tokens": None,
        }
    )
    assert config.stop == ("```output", "---")
    assert config.model == Path("/models/a")
    assert config.examples == (Example("p", "s"),)
    assert config.engine == {"max_num_seqs": 4}
    assert config.stop_token_ids == (2, 7)
    assert config.chat_template_arguments == {"enable_thinking": False}
    assert config.candidates == 48
