"""Files are whole or not there; each faulty line is named."""

import gzip
import json
import os
import stat
from pathlib import Path

import pytest

from common import files
from common.files import (
    FileError,
    json_lines,
    read_json_lines,
    whole,
    whole_folder,
    write_json,
    write_json_lines,
    write_text,
)

LINE = '{"id": "a"}'


def values(path):
    return [line.value for line in read_json_lines(path)]


def test_write_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "new folder/[a].json"
    write_text(path, "old")
    write_json(path, {"é": "\ud800"})
    assert json.loads(path.read_text("utf-8")) == {"é": "\ud800"}
    assert [p.name for p in path.parent.iterdir()] == ["[a].json"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_interrupted_write_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.png"
    path.write_text("old")
    with pytest.raises(FileError if error is OSError else error), whole(path) as scratch:
        assert scratch.suffix == ".png"
        scratch.write_text("half")
        raise error
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_write_goes_through_links(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real/file.txt")
    write_text(link, "a")
    assert link.is_symlink()
    assert (tmp_path / "real/file.txt").read_text() == "a"


def test_write_leaves_pipes_in_place(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "a")
    assert os.read(reader, 9) == b"a"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("place", ["", "file/under.txt", "n" * 300])
def test_what_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be written"):
        write_text(tmp_path / place, "a")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "text",
    [LINE, f"\ufeff{LINE}\r\n", f"{LINE}\n\n \n", f"\n{LINE}"],
    ids=["bare", "dos", "b", "c"],
)
def test_blank_lines_and_marks_are_no_rows(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_bytes(text.encode())
    assert values(path) == [{"id": "a"}]


def test_only_a_line_feed_ends_a_line(tmp_path):
    row = {"id": "a\u2028b\u2029c\x85d\x0be"}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert values(path) == [row]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl"])
def test_compressed_by_what_it_is_not_by_its_name(tmp_path, name):
    for data in (gzip.compress(LINE.encode()), LINE.encode()):
        (tmp_path / name).write_bytes(data)
        assert values(tmp_path / name) == [{"id": "a"}]


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (b"5", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b'{"id": ', "not JSON"),
        (LINE.encode() * 2, "not JSON"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_faulty_line_is_named(tmp_path, second, fault):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE.encode() + b"\n" + second + b"\n" + LINE.encode())
    with pytest.raises(FileError, match=rf"a\.jsonl, line 2: this is {fault}"):
        values(path)
    assert [line.value for line in json_lines(path)][::2] == [{"id": "a"}] * 2


@pytest.mark.parametrize("kept", [5, 200, -5])
def test_cut_archive_is_named_with_its_line(tmp_path, kept):
    path = tmp_path / "a.gz"
    rows = "".join(json.dumps({"id": os.urandom(40).hex()}) + "\n" for _ in range(9))
    path.write_bytes(gzip.compress(rows.encode())[:kept])
    where = "" if kept == 5 else r", after line \d"
    with pytest.raises(FileError, match=rf"a\.gz{where}: the compressed data is corrupt"):
        values(path)


@pytest.mark.parametrize("name", ["", "missing.jsonl"])
def test_what_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(FileError, match="cannot be read"):
        values(tmp_path / name)


def test_a_folder_is_replaced_whole_or_stays(tmp_path):
    folder = tmp_path / "made"
    (tmp_path / ".made.part").mkdir()
    (tmp_path / ".made.part" / "of a killed writer").touch()
    with whole_folder(folder) as scratch:
        (scratch / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), whole_folder(folder) as scratch:
        (scratch / "b").write_text("2")
        raise ZeroDivisionError
    assert [path.name for path in folder.iterdir()] == ["a"]
    with whole_folder(folder) as scratch:
        (scratch / "b").write_text("2")
    assert [path.name for path in folder.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [folder]


def test_json_lines_are_read_as_they_were_written(tmp_path):
    path, rows = tmp_path / "a.jsonl", [{"text": "one\u2028line, \ud800"}, {"n": 2}]
    write_json_lines(path, rows)
    assert values(path) == rows


def test_what_can_be_written_is_let_pass_and_nothing_is_made(tmp_path):
    (tmp_path / "old").write_text("x")
    files.check_writable(tmp_path / "old")
    files.check_writable(tmp_path / "new/folders/file.json")
    files.check_writable(Path("/dev/null"))
    files.check_folder(tmp_path)
    files.check_folder(tmp_path / "new/folders")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("check", "path", "reason"),
    [
        (files.check_writable, "file/below", "Not a directory ({}/file)"),
        (files.check_writable, "file/below/deep", "Not a directory ({}/file)"),
        (files.check_writable, "folder", "Is a directory"),
        (files.check_writable, "link/below", "Not a directory ({}/file)"),
        (files.check_writable, "a" * 300 + "/x", "File name too long"),
        (files.check_folder, "file", "Not a directory"),
        (files.check_folder, "file/below", "Not a directory ({}/file)"),
        (files.check_folder, "folder/" + "a" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path, check, path, reason):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(files.FileError) as refused:
        check(tmp_path / path)
    said = str(refused.value)
    assert said.startswith(f"{tmp_path / path} cannot be written: ")
    assert reason.format(tmp_path) in said and said.endswith(".")


def test_a_folder_that_takes_no_files_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for check in (files.check_folder, files.check_writable):
        with pytest.raises(FileError, match=r"new cannot be written: Permission denied \(.*\)\."):
            check(tmp_path / "new")
