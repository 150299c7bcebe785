"""Held-out texts: the package's own are whole and right, files are read, windows are cut."""

import contextlib
import functools
import io
import json
import re
from pathlib import Path

import datasets
import pytest
from transformers import AutoTokenizer

from common import embedded_model
from quantize.calibration import heldout
from quantize.calibration.heldout import HeldOut, HeldOutError, digest, own, read, windows

BLOCK = re.compile(r"```python\n(.*?)```\n```output\n(.*?)\n```", re.DOTALL)


@functools.cache
def tokenizer() -> AutoTokenizer:
    return AutoTokenizer.from_pretrained(embedded_model.ensure())


def test_own_texts_hold_some_thousand_tokens_of_each_domain() -> None:
    cut = windows(own(), tokenizer(), 1024)
    for domain in heldout.DOMAINS:
        assert sum(len(piece.ids) for piece in cut if piece.domain == domain) > 2000


@pytest.mark.parametrize("text", [t for t in own() if t.domain == "maths"])
def test_each_output_is_what_its_code_prints(text: HeldOut) -> None:
    solution = text.messages[-1][1]
    names: dict[str, object] = {}
    blocks = BLOCK.findall(solution)
    assert blocks and "\\boxed{" in solution
    for code, output in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue().rstrip() == output


def test_no_held_out_problem_is_a_calibration_problem() -> None:
    folder = Path(heldout.__file__).parent
    others = [path for path in folder.rglob("*.jsonl") if heldout.OWN not in path.parents]
    used = "\n".join(path.read_text("utf-8") for path in others)
    for text in own():
        start = json.dumps((text.text or text.messages[0][1])[:60])[1:-1]
        assert start not in used


def test_rows_of_three_forms_are_read(tmp_path: Path) -> None:
    rows = [
        {"problem": "1+1?", "solution": "2"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"text": "prose"},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)))
    found = read(path, "maths")
    assert found[0].messages == (("user", "1+1?"), ("assistant", "2"))
    assert found[1].messages[1] == ("assistant", "b")
    assert (found[2].text, found[2].messages) == ("prose", ())
    assert len(read(path, "maths", rows=2)) == 2
    assert digest(found) != digest(found[:2])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "has no rows"),
        ('{"text": "a"}\n{"answer": 1}', "line 2: a row needs"),
        ('{"text": "  "}', "line 1"),
        ("not json", "line 1"),
        ('{"text": "a"}\n[1]', "line 2"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(HeldOutError, match=part):
        read(path, "maths")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(HeldOutError, match="does not exist"):
        read(tmp_path / "none.jsonl", "maths")


def test_windows_never_cross_texts_and_lose_nothing_but_single_tokens() -> None:
    speaker = tokenizer()
    texts = [HeldOut("general", text="one two three " * 20), HeldOut("maths", text="x")]
    cut = windows(texts, speaker, 16)
    ids = speaker(texts[0].text)["input_ids"]
    assert [i for piece in cut for i in piece.ids] == ids
    assert max(len(piece.ids) for piece in cut) == 16
    assert {piece.domain for piece in cut} == {"general"}


def test_a_limit_keeps_the_first_tokens_of_each_domain() -> None:
    speaker = tokenizer()
    texts = [HeldOut(domain, text="one two three " * 20) for domain in ("maths", "general")] * 2
    cut = windows(texts, speaker, 16, 70)
    for domain in heldout.DOMAINS:
        assert sum(len(piece.ids) for piece in cut if piece.domain == domain) == 70


def test_conversations_go_through_the_template() -> None:
    speaker = tokenizer()
    text = HeldOut("maths", (("user", "1+1?"), ("assistant", "2")))
    (piece,) = windows([text], speaker, 512)
    shown = speaker.decode(piece.ids)
    assert "<|im_start|>user\n1+1?" in shown and "<|im_start|>assistant\n2" in shown


def test_the_hub_s_test_split_gives_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]
    table = datasets.Dataset.from_list([{"problem": "x", "messages": turns}] * 5)
    asked: list[object] = []

    def load(name: str, split: str) -> datasets.Dataset:
        asked.append((name, split))
        return table

    monkeypatch.setattr(datasets, "load_dataset", load)
    found = heldout.numina(rows=3)
    assert asked == [("AI-MO/NuminaMath-TIR", "test")]
    assert len(found) == 3 and found[0].messages == (("user", "1+1?"), ("assistant", "2"))


def test_a_hub_out_of_reach_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(HeldOutError, match="go online once"):
        heldout.numina()


def test_a_line_separator_in_a_text_ends_no_line(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('\ufeff{"text": "a\u2028b\x85c"}\n\n', "utf-8")
    assert [text.text for text in heldout.read(path, "general")] == ["a\u2028b\x85c"]


def test_a_broken_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "texts.jsonl"
    for row, told in ((b"5", "not a JSON object"), (b'{"text": "\xff"}', "not UTF-8")):
        path.write_bytes(b'{"text": "a"}\n' + row)
        with pytest.raises(heldout.HeldOutError, match=f"line 2: this is {told}"):
            heldout.read(path, "general")
