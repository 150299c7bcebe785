"""What a program wrote, as text: bounded, decodable, harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.sandbox.output import Transcript, clean


def text(limit: int, *chunks: bytes, notes: tuple[str, ...] = ()) -> str:
    transcript = Transcript(limit)
    for chunk in chunks:
        transcript.feed(chunk)
    return transcript.text(*notes)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"", ""),
        (b"a\n\n", "a"),
        (b"  a", "  a"),
        (b"a\r\nb\rc", "a\nb\nc"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07x", "x"),
        (b"a\x00b\x07", "a\\x00b\\x07"),
        (b"```\n```python", "'''\n'''python"),
        (b"`` ` ````", "`` ` ''''"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("π ≤ 4".encode(), "π ≤ 4"),
    ],
)
def test_text(written: bytes, shown: str) -> None:
    assert text(100, written) == shown


def test_a_character_may_come_in_pieces() -> None:
    assert text(100, "π".encode()[:1], "π".encode()[1:]) == "π"


def test_head_and_tail_are_kept() -> None:
    shown = text(100, b"a" * 1000, b"b" * 1000)
    head, marker, tail = shown.split("\n")
    assert set(head) == {"a"}
    assert set(tail) == {"b"}
    assert marker == f"[... {2000 - len(head) - len(tail)} characters omitted ...]"


def test_notes_are_kept_whole() -> None:
    shown = text(60, b"a" * 1000, notes=("the note", ""))
    assert shown.endswith("\nthe note")
    assert len(shown) <= 60


@given(st.lists(st.binary(max_size=300)), st.integers(1, 400), st.text(max_size=20))
def test_any_bytes_give_bounded_text_that_encodes(
    chunks: list[bytes], limit: int, note: str
) -> None:
    shown = text(limit, *chunks, notes=(clean(note),))
    assert len(shown) <= limit
    assert "```" not in shown
    shown.encode("utf-8")


@given(st.binary(max_size=2000), st.integers(1, 50), st.integers(60, 500))
def test_pieces_make_no_difference(data: bytes, size: int, limit: int) -> None:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert text(limit, *pieces) == text(limit, data)
