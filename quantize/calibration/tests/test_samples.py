import json

import pytest
from transformers import AutoTokenizer

from common import embedded_model
from kernel import prompt
from kernel.answers import extraction
from kernel.config import Config
from kernel.sandbox.forked_sandbox import ForkedSandbox
from quantize.calibration import heldout, make, samples
from quantize.calibration.samples import as_kernel_writes, gather
from quantize.source.check import InputError


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(embedded_model.ensure())


@pytest.fixture(scope="module")
def own_rows():
    return list(samples.from_file(make.CONVERSATIONS))


def write(path, *rows):
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return str(path)


ROW = {
    "problem": "What is $1 + 1$?",
    "solution": "```python\nprint(1+1)\n```\n```output\n2\n```\nIt is $\\boxed{2}$.",
}


def test_the_own_set_is_256_different_conversations(own_rows):
    assert len({row.problem for row in own_rows}) == len(own_rows) == 256


def test_every_conversation_boxes_what_its_code_printed_last(own_rows):
    for row in own_rows:
        before, _, ending = row.solution.rpartition("\n```\n")
        assert extraction.extract_answer(ending) == extraction.printed_integer(before), row.place


def test_the_own_set_is_what_its_generator_makes():
    kept = make.CONVERSATIONS.read_text("utf-8").splitlines()
    with ForkedSandbox(Config()) as sandbox:
        # One of each sort: the numbers of the first templates.
        for number in range(8):
            assert json.dumps(make.conversation(number, sandbox)) == kept[number]


def test_no_held_out_problem_is_among_the_own_set(own_rows):
    asked = {text.messages[0][1] for text in heldout.own() if text.messages}
    assert asked and not asked & {row.problem for row in own_rows}


def test_the_seed_decides(tokenizer):
    first, same, other = (gather("own", tokenizer, 12, seed) for seed in (0, 0, 1))
    assert first == same
    assert first.record()["rows"] != other.record()["rows"]
    assert first.record()["sha256"] != other.record()["sha256"]


def test_more_rows_begin_with_the_fewer(tokenizer):
    few, many = gather("own", tokenizer, 5, 0), gather("own", tokenizer, 9, 0)
    assert many.rows[:5] == few.rows


def test_the_models_own_template_is_used(tokenizer, tmp_path):
    found = gather(write(tmp_path / "one.jsonl", ROW), tokenizer, 4, 0)
    text = tokenizer.decode(found.ids[0])
    assert "<|im_start|>user\nWhat is $1 + 1$?<|im_end|>" in text
    assert "<|im_start|>assistant\n```python" in text


def test_output_blocks_are_the_kernels():
    # What the kernel has when the model stopped at the fence, and what it appends.
    text = "We add.\n```python\nprint(1)\n```\n```output"
    written = text + prompt.output_block(text, "1", Config().stop) + "Done."
    for given in (
        written,
        "We add.\n```python\nprint(1)\n```\n\n```output\n1\n\n```\nDone.",
        "We add.\n```python\nprint(1)\n```\n```output\n1\n```\n\nDone.",
    ):
        assert as_kernel_writes(given).replace("\n\nDone", "\nDone") == written


def test_a_long_output_is_cut_as_the_sandbox_cuts_it():
    solution = f"```python\nprint(9)\n```\n```output\n{'9' * 5000}\n```\nSo."
    assert as_kernel_writes(solution).count("9") == Config().max_output_chars + 1


def test_messages_are_read_too(tokenizer, tmp_path):
    turns = [
        {"role": "user", "content": ROW["problem"]},
        {"role": "assistant", "content": ROW["solution"]},
    ]
    plain = gather(write(tmp_path / "a.jsonl", ROW), tokenizer, 1, 0)
    chat = gather(write(tmp_path / "b.jsonl", {"messages": turns}), tokenizer, 1, 0)
    assert plain.ids == chat.ids


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "holds no conversation"),
        ([ROW, {"problem": "", "solution": "x"}], "line 2: the problem is empty"),
        ([ROW, {"problem": "x", "solution": "  "}], "line 2: the solution is empty"),
        ([ROW, "", {"problem": "x"}], "line 3: the solution is empty"),
        (["[1]"], "line 1: this is not a JSON object"),
        (["{"], "line 1: this is not JSON"),
        ([ROW, {"problem": "x", "solution": "y " * 9000}], r"line 2: the conversation has \d+ to"),
        ([ROW, {"problem": "x", "solution": 7}], "line 2: the solution is empty"),
        ([{"messages": [1, 2]}], "line 1: the problem is empty"),
    ],
)
def test_a_bad_file_is_one_sentence(tokenizer, tmp_path, rows, words):
    path = write(tmp_path / "rows.jsonl", *rows)
    with pytest.raises(InputError, match=words) as fault:
        gather(path, tokenizer, 1, 0)
    assert "\n" not in str(fault.value)


def test_a_missing_file_is_told(tokenizer, tmp_path):
    with pytest.raises(InputError, match="is not a file"):
        gather(str(tmp_path / "none.jsonl"), tokenizer, 1, 0)


def test_the_hub_out_of_reach_is_told(tokenizer, monkeypatch):
    import datasets

    def unreachable(*args, **options):
        raise ConnectionError("no route to the hub\nand more")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(InputError, match=r"no route to the hub\): name a local JSONL file"):
        gather(samples.HUB, tokenizer, 1, 0)


def test_of_the_hubs_rows_those_that_fit_are_taken(tokenizer, monkeypatch):
    import datasets

    rows = [{"problem": f"p{n}", "solution": "word " * (9000 if n % 2 else 30)} for n in range(20)]
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **options: rows)
    found = gather(samples.HUB, tokenizer, 6, 3)
    assert len(found.rows) == 6
    assert all(int(row.problem[1:]) % 2 == 0 for row in found.rows)


def test_the_record_names_every_row(tokenizer, tmp_path):
    found = gather("own", tokenizer, 7, 0)
    record = found.record()
    assert record["conversations"] == 7 == len(set(record["rows"]))
    assert record["tokens"] == sum(map(len, found.ids))
    found.write(tmp_path / "ids.jsonl")
    lines = (tmp_path / "ids.jsonl").read_text().splitlines()
    assert [tuple(json.loads(line)["ids"]) for line in lines] == list(found.ids)
