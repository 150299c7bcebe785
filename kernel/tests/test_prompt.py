"""Prompts: messages, fitting into the context, and output blocks."""

import pytest

from kernel.config import Config, Example
from kernel.prompt import fitting_ids, longest, messages, output_block, shorten

STOP = ("```output",)
EXAMPLE = Example("What is 1 + 1?", "It is $\\boxed{2}$.")


def encode(turns):
    """A tokenizer of one token a character."""
    return [ord(c) for turn in turns for c in turn["content"]]


def test_a_trained_model_gets_the_bare_problem():
    assert messages("What is $x$?", Config()) == [{"role": "user", "content": "What is $x$?"}]


def test_worked_examples_stand_before_the_problem():
    turns = messages("What is $x$?", Config(examples=(EXAMPLE, EXAMPLE)))
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2 + ["user"]
    assert turns[1]["content"] == EXAMPLE.solution
    assert turns[-1]["content"] == "What is $x$?"


def test_a_system_prompt_stands_before_examples_and_problem():
    turns = messages("What is $x$?", Config(system_prompt="Use Python.", examples=(EXAMPLE,)))
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user"]
    assert turns[0]["content"] == "Use Python."


def test_an_instruction_stands_behind_every_problem():
    turns = messages("What is $x$?", Config(instruction="Use Python.", examples=(EXAMPLE,)))
    assert [turn["content"] for turn in turns] == [
        "What is 1 + 1?\nUse Python.",
        EXAMPLE.solution,
        "What is $x$?\nUse Python.",
    ]


def test_a_long_prompt_keeps_system_prompt_and_instruction():
    told = {"system_prompt": "SYS", "instruction": "DO"}
    config = Config(**told, examples=(EXAMPLE,), max_context=100, max_new_tokens=60)
    kept = "".join(map(chr, fitting_ids("x" * 400 + "?", config, encode)))
    assert kept.startswith("SYSx") and kept.endswith("x?\nDO") and len(kept) <= 50


@pytest.mark.parametrize(
    ("text", "output", "block"),
    [
        ("```python\nprint(5)\n```\n```output", "5", "\n5\n```\n"),
        ("```python\nprint(5)\n```\n```output\n", "5\n", "5\n```\n"),
        ("```python\nprint(5)\n```", "5", "\n```output\n5\n```\n"),
        ("```python\nprint(5)\n```\n", "5", "```output\n5\n```\n"),
        ("```python\nprint(5)\n```output", "a\nb\n\n", "\na\nb\n```\n"),
    ],
)
def test_output_block_closes_what_the_text_left_open(text, output, block):
    assert output_block(text, output, STOP) == block


@pytest.mark.parametrize("length", [0, 1, 2, 10, 99])
def test_shorten_keeps_both_ends(length):
    text = "a" * 50 + "b" * 50
    short = shorten(text, length)
    assert short.count("a") + short.count("b") == length
    assert short.startswith("a" * (length // 2))
    assert short.endswith("b" * (length - length // 2))


def test_shorten_leaves_what_fits():
    assert shorten("abc", 3) == "abc"


def test_a_prompt_that_fits_is_kept_whole():
    config = Config(examples=(EXAMPLE,), max_context=400, max_new_tokens=100)
    assert list(fitting_ids("Find $x$.", config, encode)) == encode(messages("Find $x$.", config))


def test_a_long_prompt_loses_its_examples_first():
    config = Config(examples=(EXAMPLE,), max_context=100, max_new_tokens=60)
    problem = "x" * 40
    assert list(fitting_ids(problem, config, encode)) == [ord("x")] * 40


@pytest.mark.parametrize("size", [5_000, 100_000])
def test_a_problem_over_the_context_leaves_room_for_a_round(size):
    config = Config(examples=(EXAMPLE,), max_context=400, max_new_tokens=100)
    ids = fitting_ids("Given: " + "x" * size + " What is x?", config, encode)
    text = "".join(map(chr, ids))
    assert 100 < len(ids) <= 300
    assert text.startswith("Given: ")
    assert text.endswith("What is x?")


def test_new_tokens_above_half_the_context_still_leave_the_prompt_half():
    config = Config(max_context=100, max_new_tokens=4096)
    assert len(fitting_ids("x" * 50, config, encode)) == 50


def test_a_problem_that_is_cut_keeps_most_of_what_fits():
    config = Config(max_context=400, max_new_tokens=100)
    cut = fitting_ids("x" * 310, config, encode)
    assert 250 <= len(cut) <= 300


def test_a_template_over_the_context_ends_with_an_empty_problem():
    config = Config(max_context=100, max_new_tokens=50)
    asked = []

    def encode_long(turns):
        asked.append(turns[-1]["content"])
        return [0] * 80

    assert len(fitting_ids("x" * 10, config, encode_long)) == 80
    assert asked[-1] == shorten("x" * 10, 0)


def test_a_problem_a_little_too_long_loses_a_tenth():
    config = Config(max_context=200, max_new_tokens=100)
    assert len(fitting_ids("x" * 104, config, encode)) == len(shorten("x" * 104, 93)) == 98


@pytest.mark.parametrize(("context", "new", "most"), [(400, 100, 300), (101, 99, 51), (99, 20, 79)])
def test_the_longest_prompt_leaves_a_round_or_half_the_context(context, new, most):
    assert longest(Config(max_context=context, max_new_tokens=new)) == most
    assert isinstance(longest(Config(max_context=context, max_new_tokens=new)), int)
