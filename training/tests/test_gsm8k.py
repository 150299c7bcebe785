from pathlib import Path

import pytest

from training.gsm8k import fetched, problems


def test_the_final_number_is_the_answer() -> None:
    rows = [{"question": "How many?", "answer": "First <<1+2=3>>3.\nThen more.\n#### 1,234"}]
    assert problems(rows) == [{"id": "gsm8k-0", "problem": "How many?", "answer": 1234}]


def test_a_file_that_is_there_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "gsm8k.jsonl"
    path.write_text("{}\n", "utf-8")
    assert fetched(path) == path


def test_without_network_the_set_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    assert fetched(tmp_path / "gsm8k.jsonl") is None
    assert "is left out" in capsys.readouterr().out
