"""Checks that a model's chat template accepts the system prompt and arguments of the settings.

Covers: a template that refuses a system turn or drops it, an argument that it does not know or that
breaks it, a system prompt and an instruction that leave no room for a problem, and stop tokens that
the model does not have. Does not cover: whether the model does what it is told.

The tokenizer is loaded only if one of these settings is used, since loading takes seconds.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernel import prompt
from kernel.config import Config
from kernel.engine.model import read_config
from kernel.engine.tokenizer import Encoding, Tokenizer, load_tokenizer

OURS = ("messages", "add_generation_prompt")
"""Variables of every template that the engine sets."""
MARKS = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")
"""Marks for training that transformers adds to the template language."""


def settings_faults(model: Path, config: Config) -> dict[str, str]:
    """Return what is wrong, a sentence, by the setting that would have to go; {} for nothing.

    Raises:
        Exception: the tokenizer cannot be loaded.
    """
    faults = stop_token_faults(model, config)
    if config.system_prompt or config.instruction or config.chat_template_arguments:
        faults |= chat_faults(load_tokenizer(model), config)
    return faults


def stop_token_faults(model: Path, config: Config) -> dict[str, str]:
    """Return a sentence where a stop token lies beyond the model's vocabulary."""
    if not config.stop_token_ids:
        return {}
    size, largest = read_config(model).get("vocab_size"), max(config.stop_token_ids)
    if not isinstance(size, int) or largest < size:
        return {}
    return {
        "stop_token_ids": f"stop_token_ids has {largest}, but {model} has {size} tokens: take the "
        "ids from its tokenizer.json."
    }


def chat_faults(tokenizer: Tokenizer, config: Config) -> dict[str, str]:
    """Return which of system prompt and arguments the chat template does not accept."""
    if fault := argument_fault(tokenizer, config.chat_template_arguments):
        return {"chat_template_arguments": fault}
    if config.system_prompt and (fault := system_fault(tokenizer, config)):
        return {"system_prompt": fault}
    return length_fault(tokenizer, config)


def argument_fault(tokenizer: Tokenizer, arguments: Mapping[str, Any]) -> str:
    """Return why the template cannot be given these arguments, "" where it can."""
    if not arguments:
        return ""
    if ours := sorted(set(arguments) & {*OURS}):
        return f"chat_template_arguments has {ours[0]!r}, which the engine supplies: remove it."
    known = variables(tokenizer)
    if known is not None and (unknown := sorted(set(arguments) - known)):
        others = ", ".join(sorted(known - {*OURS}))
        return (
            f"chat_template_arguments has {unknown[0]!r}, which the model's chat template does not "
            f"know: it knows {others or 'no arguments'}."
        )
    turns = [{"role": "user", "content": "What is 1 + 1?"}]
    if isinstance(shown := rendered(tokenizer, turns, arguments), Exception):
        return f"the model's chat template fails with chat_template_arguments: {_first(shown)}."
    return ""


def system_fault(tokenizer: Tokenizer, config: Config) -> str:
    """Return why the template cannot be given the system prompt, "" where it can."""
    # Two of them tell a template that drops the turn from one that writes it in another form.
    given = [config.system_prompt, f"Other words, {config.system_prompt}"]
    both = [
        rendered(
            tokenizer,
            prompt.messages("What is 1 + 1?", replace(config, system_prompt=text, examples=())),
            config.chat_template_arguments,
        )
        for text in given
    ]
    if refused := next((shown for shown in both if isinstance(shown, Exception)), None):
        return (
            f"the model's chat template refuses a system prompt ({_first(refused)}): set "
            'system_prompt to "".'
        )
    if both[0] == both[1]:
        return 'the model\'s chat template drops a system prompt: set system_prompt to "".'
    return ""


def length_fault(tokenizer: Tokenizer, config: Config) -> dict[str, str]:
    """Return a sentence where the rest of the prompt leaves no room for a problem."""
    told = {name: getattr(config, name) for name in ("system_prompt", "instruction")}
    longest = max(told, key=lambda name: len(told[name]))
    if not told[longest]:
        return {}
    encode = Encoding(tokenizer, config.chat_template_arguments).encode_chat
    used = len(encode(prompt.messages("", replace(config, examples=()))))
    if used < (most := prompt.longest(config)):
        return {}
    return {
        longest: f"{longest} alone takes {used} tokens, and a whole prompt may have {most}: "
        "shorten it, or raise max_context."
    }


def rendered(
    tokenizer: Tokenizer, turns: list[prompt.Message], arguments: Mapping[str, Any]
) -> str | Exception:
    """Return the conversation in the template, or the error that it raised.

    A template raises whatever its author chose.
    """
    options = {"tokenize": False, "add_generation_prompt": True, **arguments}
    try:
        return tokenizer.apply_chat_template(turns, **options)
    except Exception as error:
        return error


def variables(tokenizer: Any) -> set[str] | None:
    """Return the variables that the chat template reads from outside, None where there is none."""
    if not getattr(tokenizer, "chat_template", None):
        return None
    # By name, as transformers: both come with vLLM, without types.
    jinja: Any = importlib.import_module("jinja2")
    meta: Any = importlib.import_module("jinja2.meta")
    environment = jinja.Environment(extensions=["jinja2.ext.loopcontrols"])
    template = MARKS.sub("", tokenizer.get_chat_template())
    found: set[str] = meta.find_undeclared_variables(environment.parse(template))
    return found - {"raise_exception", "strftime_now", *environment.globals}


def _first(error: Exception) -> str:
    """Return an error's first line, without its full stop."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")
