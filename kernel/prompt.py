"""From a problem to the model's prompt, and from an execution's output back into its text.

Covers: the chat messages, and the output block in the form NuminaMath-7B-TIR was trained on. Does
not cover: the chat template and tokens (`engine`), finding code in a completion (`extraction`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kernel.config import Config

Message = dict[str, str]
"""One turn of a chat: `role` (system, user or assistant) and `content`."""

FENCE = "```"


def messages(problem: str, config: Config) -> list[Message]:
    """Return the conversation whose next turn, the assistant's, solves `problem`.

    A TIR-tuned model gets the bare problem. Where the model's profile has a system prompt it comes
    first, and where it has worked examples, each comes before the problem as a finished exchange.
    Its instruction follows every problem.
    """
    shown: list[Message] = []
    if config.system_prompt:
        shown.append({"role": "system", "content": config.system_prompt})
    for example in config.examples:
        shown.append(asked(example.problem, config))
        shown.append({"role": "assistant", "content": example.solution})
    return [*shown, asked(problem, config)]


def asked(problem: str, config: Config) -> Message:
    """Return the turn that asks for a problem's solution."""
    text = f"{problem}\n{config.instruction}" if config.instruction else problem
    return {"role": "user", "content": text}


def shorten(problem: str, length: int) -> str:
    """Cut the middle out of a problem that does not fit: questions come first or last."""
    if len(problem) <= length:
        return problem
    head = length // 2
    return f"{problem[:head]}\n...\n{problem[len(problem) - (length - head) :]}"


def longest(config: Config) -> int:
    """Return the most tokens that a prompt may have."""
    return config.max_context - min(config.max_new_tokens, config.max_context // 2)


def fitting_ids(
    problem: str, config: Config, encode_chat: Callable[[list[Message]], Sequence[int]]
) -> tuple[int, ...]:
    """Return the prompt's token ids, with room for a round (at most half the context) behind them.

    A prompt that is too long loses its worked examples first, then the middle of the problem: a
    problem without examples is better than half a problem with them.
    """
    most = longest(config)
    length = len(problem)
    while True:
        ids = tuple(encode_chat(messages(shorten(problem, length), config)))
        if len(ids) <= most or length == 0:
            return ids
        if config.examples:
            config = replace(config, examples=())
        else:
            length = min(length * 9 // 10, length * most // len(ids))


def output_block(text: str, output: str, stop: Sequence[str]) -> str:
    """Return what to append to `text` so that it ends in a closed block with `output`.

    A text that ended at the output fence has its block open already; one that ended behind the code
    gets the whole block.
    """
    opened = any(text.rstrip().endswith(fence) for fence in stop)
    opening = "" if opened else f"{'' if text.endswith(chr(10)) else chr(10)}{FENCE}output"
    separator = "" if opened and text.endswith("\n") else "\n"
    return f"{opening}{separator}{output.rstrip()}\n{FENCE}\n"
