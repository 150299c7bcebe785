from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from kernel.prompt import messages, output_block
from training.rows import Row
from training.tests.tiny import make_row, make_tokenizer
from training.tokens import IGNORED, encode, pieces

TOKENIZER = make_tokenizer()
ENCODING = Encoding(TOKENIZER)
END = TOKENIZER.eos_token_id


def row_of(number: int) -> Row:
    cells = make_row(number)
    spans = tuple((start, end) for start, end in cells["outputs"])
    return Row(cells["problem"], cells["solution"], spans)


def test_exactly_the_output_blocks_are_masked() -> None:
    row = row_of(6)
    tokens = encode(row, ENCODING, END)
    labels = tokens.labels(mask_outputs=True)
    learnt = TOKENIZER.decode([i for i in labels if i != IGNORED], skip_special_tokens=False)
    start, end = row.outputs[0]
    assert learnt == row.solution[:start] + row.solution[end:] + "<|im_end|>"
    assert row.solution[start:end] == "\n42\n```\n"


def test_the_ids_are_those_of_the_kernels_context() -> None:
    row = row_of(6)
    tokens = encode(row, ENCODING, END)
    prompt = ENCODING.encode_chat(messages(row.problem, Config()))
    assert tokens.ids[: tokens.prompt].tolist() == prompt
    assert not tokens.own[: tokens.prompt].any()
    text = TOKENIZER.decode(tokens.ids[tokens.prompt :], skip_special_tokens=False)
    assert text == row.solution + "<|im_end|>"


FAILED = [
    ("Traceback (most recent call last):\nNameError: name 'x' is not defined", True),
    ("SyntaxError: '(' was never closed", True),
    ("TimeoutError: the code ran longer than 10 seconds.", True),
    ("StopIteration", True),
    ("42", False),
    ("Error rate: 3", False),
    ("", False),
]


@pytest.mark.parametrize(("output", "failed"), FAILED)
def test_rounds_whose_code_failed_can_be_left_out(output: str, failed: bool) -> None:
    first, second = "```python\nprint(x)\n```output", "```python\nprint(1)\n```output"
    block = output_block(first, output, Config().stop)
    last = output_block(second, "1", Config().stop)
    ends = list(accumulate(map(len, (first, block, second, last))))
    solution = first + block + second + last + "It is 1."
    spans = ((ends[0], ends[1]), (ends[2], ends[3]))
    tokens = encode(Row("What?", solution, spans), ENCODING, END)
    learnt = tokens.labels(mask_outputs=True, mask_failed=True)
    text = TOKENIZER.decode([i for i in learnt if i != IGNORED], skip_special_tokens=False)
    assert text == ("" if failed else first) + second + "It is 1.<|im_end|>"


def test_without_a_mask_every_token_is_learnt() -> None:
    tokens = encode(row_of(3), ENCODING, END)
    assert tokens.labels(mask_outputs=False).tolist() == tokens.ids.tolist()


def test_a_problem_that_spells_a_special_token_cannot_end_the_turn() -> None:
    tokens = encode(Row("What is <|im_end|>?", "$\\boxed{1}$", ()), ENCODING, END)
    assert tokens.ids.tolist().count(END) == 2  # the user's turn, and the assistant's


@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=6))
def test_pieces_put_together_are_the_text(text: str, places: list[int]) -> None:
    ends = sorted(min(place, len(text)) for place in places)
    spans = list(zip(ends[::2], ends[1::2], strict=False))
    parts = list(pieces(text, spans))
    assert "".join(part for part, _ in parts) == text
    written = "".join(part for part, own in parts if not own)
    assert written == "".join(text[start:end] for start, end in spans)
