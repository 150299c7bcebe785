"""docs/config.md: every profile shown there is a whole one that a run starts with."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from common import embedded_model
from kernel import prompt
from kernel.checks.chat import chat_faults
from kernel.checks.preflight import Preflight
from kernel.checks.tests.model_folders import model_folder
from kernel.competition import Convention
from kernel.config import Config
from kernel.engine.tokenizer import Encoding, load_tokenizer
from kernel.report import settings_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/config.md").read_text("utf-8")
SHOWN = re.compile(
    r"^### ([^\n]+)\n\n```json\n(.+?)^```\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL
)
PROFILES = {name: (json.loads(text), below) for name, text, below in SHOWN.findall(PAGE)}
AIMO_1 = Convention(1000, 999, 9 * 3600)


def settled(folder, values):
    return Preflight(scored=False).settle(Config(), model_folder(folder, profile=values), AIMO_1)


def test_the_four_models_are_there():
    assert [name.partition(" (")[0] for name in PROFILES] == [
        "NuminaMath-7B-TIR",
        "Qwen2.5-Math-7B-Instruct",
        "DeepSeekMath-7B-RL",
        "The embedded model",
    ]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_loaded_and_every_value_has_its_source(tmp_path, name):
    values, below = PROFILES[name]
    config = settled(tmp_path / "m", values)
    for setting, value in values.items():
        there = getattr(config, setting)
        if setting == "examples":
            there = [{"problem": e.problem, "solution": e.solution} for e in there]
        assert (list(there) if isinstance(there, tuple) else there) == value
    rows = re.findall(r"^\| (.*?) \|", below, re.MULTILINE)
    sourced = {setting for row in rows for setting in re.findall("`(.+?)`", row)}
    assert sourced == set(values)


CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' }}"
    "{{ m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
DEEPSEEK = (
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ 'User: ' + m['content'] + '\\n\\n' }}"
    "{% elif m['role'] == 'system' %}{{ m['content'] + '\\n\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
TOLD = (
    "Please integrate natural language reasoning with programs to solve the problem above, and put "
    "your final answer within \\boxed{}."
)


@pytest.mark.parametrize(
    ("name", "template", "expected"),
    [
        (
            "Qwen2.5-Math-7B-Instruct",
            CHATML,
            f"<|im_start|>system\n{TOLD}<|im_end|>\n<|im_start|>user\nWhat?<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        ("DeepSeekMath-7B-RL", DEEPSEEK, f"User: What?\n{TOLD}\n\nAssistant:"),
    ],
)
def test_a_model_is_told_what_its_authors_tell_it(name, template, expected):
    tokenizer = load_tokenizer(embedded_model.ensure())
    tokenizer.chat_template = template
    config = Config().updated(PROFILES[name][0])
    assert chat_faults(tokenizer, config) == {}
    ids = prompt.fitting_ids("What?", config, Encoding(tokenizer).encode_chat)
    assert tokenizer.decode(ids) == expected


def test_numinamaths_profile_is_the_defaults(tmp_path):
    values, _ = PROFILES["NuminaMath-7B-TIR"]
    assert settings_of(settled(tmp_path / "m", values)) == settings_of(Config())


def test_the_embedded_models_profile_is_its_own():
    values, _ = PROFILES["The embedded model (SmolLM2-135M-Instruct)"]
    assert values == json.loads(embedded_model.PROFILE.read_text("utf-8"))


def test_every_setting_is_in_the_table_and_has_a_meaning():
    named = re.findall(r"^\| `(\w+)` \| `.*?` \| \S.* \|$", PAGE, re.M)
    assert named == [field.name for field in fields(Config)]
