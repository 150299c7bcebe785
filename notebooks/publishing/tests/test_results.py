"""What a commit run says of itself, read from whole, torn and missing files."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from notebooks.publishing import results
from notebooks.publishing.results import Results


def left(folder: Path, sources: list[str], *events: dict[str, Any]) -> Path:
    summary = {"problems": [{"source": source} for source in sources]}
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "trace.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return folder


READY = {
    "event": "ready",
    "engine": {"attention": "FLASHINFER", "profile": ["Two T4s.", "The attention is probed."]},
}


def test_a_whole_run_is_read(tmp_path: Path) -> None:
    end = {"event": "end", "restarts": 2, "left": 5400}
    left(tmp_path, ["vote", "vote", "printed", "default"], READY, end)
    expected = Results(2, 2, 2, "FLASHINFER: The attention is probed.", 5400)
    assert results.read(tmp_path) == expected


def test_the_last_of_a_restarted_run_counts(tmp_path: Path) -> None:
    ends = [{"event": "end", "restarts": n, "left": n} for n in (0, 3)]
    found = results.read(left(tmp_path, ["vote"], *ends))
    assert (found.restarts, found.seconds_left) == (3, 3)


def test_what_is_missing_or_torn_is_not_known(tmp_path: Path) -> None:
    assert results.read(tmp_path) == Results()
    left(tmp_path, ["vote"])
    (tmp_path / "trace.jsonl").write_bytes(b'{"event": "end", "rest')
    assert results.read(tmp_path) == Results(1, 0)
    for broken in ("[]", "{", '{"problems": [1]}', '{"problems": null}'):
        (tmp_path / "summary.json").write_text(broken)
        assert results.read(tmp_path) == Results()


def test_the_table_says_what_is_not_known(tmp_path: Path) -> None:
    console = Console(width=60, record=True)
    console.print(Results(votes=0).table())
    words = " ".join(console.export_text().replace("\u2502", " ").split())
    assert "answered by vote 0" in words and "attention not known" in words
